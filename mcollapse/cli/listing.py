"""`mcollapse list`: all that an experiment can be made of, a line each."""

import inspect
import json
import re
from typing import Any

from mcollapse.spec import METRICS, pick

SYMBOLS = {
    "sum": "Σ", "int": "∫", "sim": "~", "mu": "μ", "sigma": "σ", "lambda": "λ", "theta": "θ",
    "varepsilon": "ε", "Sigma": "Σ", "tau": "τ", "alpha": "α", "top": "T", "ge": "≥", "le": "≤",
    "cdot": "·", "to": "→",
    "dots": "…", "in": "∈", "times": "×", "pi": "π", "eta": "η", "rho": "ρ", "infty": "∞", "chi": "χ",
    "beta": "β", "propto": "∝", "approx": "≈", "mid": "|", "ll": "≪", "gamma": "γ", "delta": "δ", "bigl": "",
    "bigr": "", "Bigl": "", "Bigr": "", "mathrm": "", "text": "", "quad": " ", "det": "det ", "log": "log ",
}  # fmt: skip
"""Commands of LaTeX as a terminal shows them; others lose their backslash."""


def listed() -> dict[str, list[dict[str, str]]]:
    """Every kind of part, each with its name and its line."""
    from mcollapse import (
        decoders,
        estimators,
        families,
        metrics,
        plots,
        pools,
        processes,
        schedules,
        sources,
        theory,
    )
    from mcollapse.names import classes, reducers

    modules: dict[str, Any] = {
        "families": families, "estimators": estimators, "sources": sources, "decoders": decoders,
        "pools": pools, "schedules": schedules, "processes": processes,
    }  # fmt: skip
    parts = {kind: classes(module) for kind, module in modules.items()} | {"reducers": reducers()}
    found = {kind: [_row(name, cls) for name, cls in known.items()] for kind, known in parts.items()}
    found["metrics"] = [_row(name, getattr(metrics, name)) for name in METRICS]
    found["plots"] = [_row(name, function) for name, function in plots.KINDS.items()]
    found["laws"] = [
        {"name": law.name, "line": law.title, "kind": law.kind, "source": law.source, "domain": law.domain}
        for law in theory.LAWS
    ]
    return {kind: sorted(rows, key=lambda row: row["name"]) for kind, rows in found.items()}


def tell_list(kind: str | None, as_json: bool) -> None:
    """All kinds or one, as tables or as one JSON object."""
    found = listed()
    if kind is not None:
        aliases = {name.removesuffix("s"): name for name in found}
        aliases |= {"family": "families", "process": "processes", "sizes": "schedules"}
        chosen = pick(aliases.get(kind, kind), found, "kind of part")
        found = {chosen: found[chosen]}
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
        return
    _print(found)


def _print(found: dict[str, list[dict[str, str]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for kind, rows in found.items():
        table = Table(title=f"{kind} ({len(rows)})", title_justify="left", box=None, show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column()
        for row in rows:
            about = (
                f"{row['line']} [dim]({row['kind']}; {row['source']})[/]" if kind == "laws" else row["line"]
            )
            table.add_row(row["name"], about)
        console.print(table, highlight=False)
        console.print()


def _row(name: str, thing: Any) -> dict[str, str]:
    return {"name": name, "line": first_line(inspect.getdoc(thing) or "")}


def first_line(text: str) -> str:
    """The first sentence of a docstring, without LaTeX."""
    paragraph = " ".join(text.split("\n\n")[0].split())
    sentence = re.split(r"(?<=[.])\s+(?=[A-Z$])", paragraph)[0]
    return _plain(sentence).rstrip(".:")


def _plain(text: str) -> str:
    text = text.replace(r"\{", "⟦").replace(r"\}", "⟧").replace(r"\|", "‖").replace(r"\frac12", "½ ")
    text = re.sub(r"\\[,;!]", " ", text)
    text = re.sub(r"\\([A-Za-z]+)", lambda m: SYMBOLS.get(m[1], m[0]), text)
    text = re.sub(r"\\hat\s*\{?(\w)\}?", "\\1\u0302", re.sub(r"\\bar\s*\{?(\w)\}?", "\\1\u0304", text))
    text = re.sub(r"\\frac(\w)(\w)", r"\1/\2", text)
    for _ in range(3):  # braces within braces, from the inside
        text = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", lambda m: f"{_held(m[1])}/{_held(m[2])}", text)
        text = re.sub(r"\\sqrt\s*\{([^{}]*)\}", lambda m: f"√{_held(m[1])}", text)
        text = re.sub(r"([_^])\{([^{}]*)\}", lambda m: m[1] + _held(m[2]), text)
    text = re.sub(r"[{}$`]|\\(?=[A-Za-z])", "", text).replace("⟦", "{").replace("⟧", "}")
    return re.sub(r"\s+", " ", text).strip()


def _held(text: str) -> str:
    """In brackets, where it is more than a word."""
    return text if re.fullmatch(r"[\w*\u0302\u0304]+", text.strip()) else f"({text.strip()})"
