"""`--profile DIR`: JAX's trace of a run."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator


@contextlib.contextmanager
def profiled(directory: pathlib.Path | None) -> Iterator[None]:
    """Write JAX's trace of what runs inside it below `directory`; nothing where there is none."""
    if directory is None:
        yield
        return
    import jax

    before = set(traces(directory))
    with jax.profiler.trace(str(directory)):
        yield
    if set(traces(directory)) <= before:
        raise OSError(f"JAX's profiler has left no trace in {directory}; the results are safe")


def traces(directory: pathlib.Path) -> list[pathlib.Path]:
    """The traces below a directory, in the form that ui.perfetto.dev and chrome://tracing open."""
    return sorted(directory.glob("plugins/profile/*/*.trace.json.gz"))


def check_profile(directory: pathlib.Path | None) -> None:
    """Refuse what is no directory and cannot become one, before anything runs."""
    if directory is None:
        return
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise ValueError(
            f"--profile writes into a directory, and {directory} is none that can be written "
            f"({error.strerror or error}): name another"
        ) from error
