"""Tables of numbers in CSV files, as a user's spreadsheet or program has written them."""

import csv
import dataclasses
import difflib
import math
import pathlib
from collections.abc import Sequence

import numpy as np

DELIMITERS = ",;\t|"


@dataclasses.dataclass(frozen=True)
class Table:
    """Named columns of cells; cells are read as numbers when they are asked for."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    """Where in the file each row ends, for messages."""

    def numbers(self, columns: Sequence[str]) -> np.ndarray:
        """These columns, `[row, column]`, in float64.

        Raises:
            ValueError: there is no such column, or a cell in one holds no finite number.
        """
        twice = {column for column in columns if list(columns).count(column) > 1}
        if twice:
            raise ValueError(f"column {sorted(twice)[0]!r} is asked for twice")
        places = [self._place(column) for column in columns]
        return np.array(
            [
                [self._number(row[k], self.columns[k], line) for k in places]
                for row, line in zip(self.rows, self.lines, strict=True)
            ]
        )

    def _place(self, column: str) -> int:
        if column in self.columns:
            return self.columns.index(column)
        close = difflib.get_close_matches(column, self.columns, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"it has {', '.join(self.columns)}"
        raise ValueError(f"{self.name} has no column {column!r}; {hint}")

    def _number(self, cell: str, column: str, line: int) -> float:
        where = f"{self.name}, line {line}, column {column!r}"
        if not cell.strip():
            raise ValueError(f"{where} is empty: drop or fill missing values first")
        try:
            value = float(cell)
        except ValueError:
            hint = ": write decimals with a point" if cell.count(",") == 1 else ""
            raise ValueError(f"{where} is no number but {cell.strip()!r}{hint}") from None
        if not math.isfinite(value):
            raise ValueError(f"{where} is {cell.strip()}: drop or fill missing values first")
        return value


def read_table(path: str | pathlib.Path) -> Table:
    """A CSV file in UTF-8 whose first row names the columns, parted by commas, semicolons, tabs or bars.

    Raises:
        ValueError: there is no such file, or it is no such table; the message says in which line.
    """
    file = pathlib.Path(path)
    if not file.is_file():
        raise ValueError(f"there is no CSV file at {file}")
    try:
        text = file.read_text(encoding="utf-8-sig")  # spreadsheets write a mark before the first letter
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is not UTF-8 text ({error}): save it as CSV in UTF-8") from error
    lines = text.splitlines()
    first = next((line for line in lines if line.strip()), None)
    if first is None:
        raise ValueError(f"{file} is empty: it needs a row of names and rows of numbers")
    reader = csv.reader(lines, delimiter=max(DELIMITERS, key=first.count), strict=True)
    try:
        found = [(tuple(row), reader.line_num) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise ValueError(f"{file}, line {reader.line_num} is not CSV: {error}") from error
    (names, _), *rows = found
    columns = tuple(name.strip() for name in names)
    _check(file, columns, rows)
    return Table(file.name, columns, tuple(row for row, _ in rows), tuple(line for _, line in rows))


def _check(file: pathlib.Path, columns: tuple[str, ...], rows: list[tuple[tuple[str, ...], int]]) -> None:
    if all(_is_number(name) for name in columns):
        raise ValueError(
            f"the first row of {file.name} holds numbers ({', '.join(columns[:3])}): it must name the columns"
        )
    twice = [name for name in columns if columns.count(name) > 1]
    if twice:
        raise ValueError(f"{file.name} has two columns {twice[0]!r}: rename one")
    if not rows:
        raise ValueError(f"{file.name} has names of columns and no rows of numbers")
    for row, line in rows:
        if len(row) != len(columns):
            raise ValueError(
                f"{file.name}, line {line} has {len(row)} cells, and there are {len(columns)} columns"
            )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
