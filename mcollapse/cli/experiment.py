"""What `mcollapse run` was asked for: a specification, a user's text or table, or the words of a text."""

import dataclasses
import pathlib
from typing import TYPE_CHECKING, Any

from mcollapse.cli.output import say

if TYPE_CHECKING:
    from mcollapse.dry_run import Plan


@dataclasses.dataclass(frozen=True)
class Experiment:
    """The input and what the command line changes of it."""

    specification: pathlib.Path | None
    text: pathlib.Path | None
    csv: pathlib.Path | None
    columns: tuple[str, ...]
    label: str | None
    """The column of a regression's labels."""
    changes: dict[str, Any]

    def arguments(self, target: pathlib.Path, silent: bool) -> dict[str, Any]:
        """For `simulate`, and `over` for `sweep`, of a specification or a table."""
        import jax

        if self.csv is None:
            return self._specified(target)
        from mcollapse.datasets import read_table
        from mcollapse.experiments import table

        read, changes = read_table(self.csv), dict(self.changes)
        key = jax.random.key(changes.pop("seed", 0))
        found = table.arguments(read, self.columns, self.label, **changes)
        say(silent, table.told(read, self.columns, self.label, found["truth"]))
        return found | {"key": key, "store": target, "over": None}

    def plan(self, out: pathlib.Path | None) -> "Plan":
        """What the run would take."""
        from mcollapse.cli.words import plan_words
        from mcollapse.dry_run import plan

        source = self.specification or self.csv
        if source is None:
            return plan_words(self.text, self.changes)
        return plan(**self.arguments(out or pathlib.Path(f"mcollapse-{source.stem}"), silent=True))

    def _specified(self, target: pathlib.Path) -> dict[str, Any]:
        import jax

        from mcollapse.spec import Specification

        assert self.specification is not None
        spec: Any = Specification.read(self.specification).model_copy(update=self.changes)
        return {
            "process": spec.process, "truth": spec.truth, "key": jax.random.key(spec.seed),
            "generations": spec.generations, "replicates": spec.replicates, "start": spec.start,
            "record": spec.records, "chunk": spec.chunk, "draws": spec.draws, "store": target,
            "over": spec.sweep or None,
        }  # fmt: skip
