"""What a command prints: answers as text or JSON on stdout, the progress of the work on stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Any

import typer

Progress = Callable[[str, float], None]
"""Called by long work with the step's name and how much of it is done, 0 to 1."""

Row = Mapping[str, Any]

LARGE = 1000
"""From here on a number's decimals say nothing: it is shown without them."""


@contextmanager
def progress() -> Iterator[Progress]:
    """Show steps as bars with the time left on a terminal, as one plain line a step elsewhere."""
    if sys.stderr.isatty():
        with _bars() as report:
            yield report
    else:
        yield _lines()


@contextmanager
def _bars() -> Iterator[Progress]:
    from rich import progress as bars  # noqa: PLC0415 - not needed for `--help`
    from rich.console import Console  # noqa: PLC0415

    columns = (
        bars.TextColumn("{task.description}"),
        bars.BarColumn(),
        bars.TaskProgressColumn(),
        bars.TimeElapsedColumn(),
        bars.TextColumn("left"),
        bars.TimeRemainingColumn(),
    )
    with bars.Progress(*columns, console=Console(stderr=True)) as shown:
        running: list[bars.TaskID] = []
        before = 1.0

        def report(step: str, done: float) -> None:
            nonlocal before
            # A share that falls is the next stage's: what ran is done.
            if done < before:
                finish(step)
                running.append(shown.add_task(step, total=1.0))
            before = done
            shown.update(running[-1], description=step, completed=done)

        def finish(_: str = "") -> None:
            for task in running[-1:]:
                shown.update(task, completed=1.0)

        yield report
        finish()


def _lines() -> Progress:
    seen: set[str] = set()

    def report(step: str, done: float) -> None:  # noqa: ARG001 - a log has no use for the share done
        if step not in seen:
            seen.add(step)
            typer.echo(f"{step} ...", err=True)

    return report


def answer(value: Row | Sequence[Row], *, as_json: bool) -> None:
    """Print what a command found, as JSON or as text: one thing's facts, or several things as a table."""
    if as_json:
        show_json(value)
    elif isinstance(value, Mapping):
        show_record(value)
    else:
        show(value)


def show(rows: Sequence[Row], *, title: str = "") -> None:
    """
    Print rows as a table: drawn on a terminal, plain aligned text elsewhere.

    Parameters
    ----------
    rows : sequence of mapping
        One a line; the first row's keys are the columns.
    title : str
        Printed above.
    """
    if title:
        typer.echo(title)
    if not rows:
        typer.echo("(nothing)")
        return
    names = list(rows[0])
    cells = [[text(row.get(name)) for name in names] for row in rows]
    right = [any(_is_number(row.get(name)) for row in rows) for name in names]
    if sys.stdout.isatty():
        _draw(names, cells, right)
    else:
        _align(names, cells, right)


def show_record(record: Row, *, indent: str = "") -> None:
    """Print one thing's facts, a line each; facts within facts are indented, lists of them are tables."""
    for name, value in record.items():
        label = f"{indent}{name.replace('_', ' ')}:"
        if isinstance(value, Mapping):
            typer.echo(label)
            show_record(value, indent=indent + "  ")
        elif isinstance(value, (list, tuple)) and value and isinstance(value[0], Mapping):
            typer.echo(label)
            show(value)
        else:
            typer.echo(f"{label} {text(value)}")


def show_lines(lines: Sequence[str]) -> None:
    """Print sentences, a line each."""
    for line in lines:
        typer.echo(line)


def show_json(value: object) -> None:
    """Print one JSON document; instants and dates in ISO 8601, numbers unrounded, no NaN."""
    typer.echo(json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False))


def text(value: object) -> str:
    """Return a value as a reader wants it: thousands apart, few digits, a dash for unknown."""
    if value is None or value != value:  # noqa: PLR0124 - NaN alone differs from itself
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= LARGE else f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(text(item) for item in value)
    return str(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON has no type of its own
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, float) and not (abs(value) < float("inf")):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _draw(names: list[str], cells: list[list[str]], right: list[bool]) -> None:
    from rich.console import Console  # noqa: PLC0415 - not needed for `--help`
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table()
    for name, to_the_right in zip(names, right, strict=True):
        table.add_column(name, justify="right" if to_the_right else "left")
    for row in cells:
        # Text, not markup: a title with brackets is printed as it is.
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def _align(names: list[str], cells: list[list[str]], right: list[bool]) -> None:
    widths = [max(len(row[i]) for row in [names, *cells]) for i in range(len(names))]
    for row in [names, *cells]:
        padded = [
            cell.rjust(width) if to_the_right else cell.ljust(width)
            for cell, width, to_the_right in zip(row, widths, right, strict=True)
        ]
        typer.echo("  ".join(padded).rstrip())
