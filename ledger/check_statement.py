"""The SQL of a check: texts trimmed, cells read, rules applied, then what one row of a file says of another.

It is kept in few and narrow steps: for one posted history most of the time goes into DuckDB planning it.
"""

from collections.abc import Sequence
from functools import lru_cache

from ledger.schema import INSTANT_TYPE, SQL_TYPES, Column, Table
from ledger.shop import Shop

RAW = "raw_rows"


@lru_cache(maxsize=64)
def statement(table: Table, given: tuple[str, ...], shop: Shop, place: str) -> str:
    """Return SQL over the view `raw_rows`: line, latest (the last instant that is not in the future), and texts.

    Parameters
    ----------
    table : Table
    given : tuple of str
        Plain-format columns that the rows have.
    shop : Shop
    place : str
        What `line` counts, as told in reasons.

    Returns
    -------
    str
        A SELECT of line, known_given, reason (NULL when accepted) and the stored columns, by line.
    """
    carried = tuple(
        column for column in table.given if column.given in given or column.name in _always(table)
    )
    steps = [
        f"texts AS (SELECT line, latest, {_texts(given)} FROM {RAW})",
        f"cells AS (SELECT *, {_values(carried, given, shop)} FROM texts)",
        f"rows AS ({_ruled(table, carried, given)})",
    ]
    last, reason, line_id = "rows", "reason", "line_id"
    if table.lines_within:
        more, last, reason, line_id = _numbered(table, place)
        steps += more
    if not table.lines_within or "line_id" in given:
        more, last, reason = _unique(table, last, reason, line_id, place)
        steps += more
        line_id = "line_id"
    stored = _stored(table, carried, shop, line_id)
    return f"WITH {', '.join(steps)} SELECT line, known_given, {reason} AS reason, {stored} FROM {last} ORDER BY line"


def _always(table: Table) -> tuple[str, ...]:
    """Return the columns that later steps need also when no row gives them."""
    return (*table.key, *table.lines_within, "known_at")


def _texts(given: tuple[str, ...]) -> str:
    return ", ".join(f"nullif(trim({name}, ' \t'), '') AS {name}_text" for name in given)


def _values(carried: Sequence[Column], given: tuple[str, ...], shop: Shop) -> str:
    def value(column: Column) -> str:
        text = f"{column.given}_text"
        absent = column.default.format(currency=shop.currency) if column.default else _null(column)
        if column.given not in given or column.reads is None:
            return absent
        read = column.reads.sql.format(text=text, zone=shop.time_zone, currency=shop.currency)
        return f"CASE WHEN {text} IS NULL THEN {absent} ELSE {read} END" if column.default else read

    return ", ".join(f"{value(column)} AS {column.name}" for column in carried)


def _null(column: Column) -> str:
    return f"CAST(NULL AS {SQL_TYPES[str(column.type)]})"


def _ruled(table: Table, carried: Sequence[Column], given: tuple[str, ...]) -> str:
    """Return the step that refuses rows for what they hold, and hashes what each says beside its key."""
    names = [column.name for column in carried if column.name != "known_at"]
    said = [column.name for column in carried if column.name not in table.key]
    return (
        f"SELECT line, {', '.join(names)}, coalesce(known_at, {table.known_from}) AS known_at, "
        f"known_at IS NOT NULL AS known_given, {_refusal(table, carried, given)} AS reason, "
        f"hash({', '.join(said)}) AS said FROM cells"
    )


def _refusal(table: Table, carried: Sequence[Column], given: tuple[str, ...]) -> str:
    """Return SQL for the first thing wrong with a row, NULL when nothing is."""
    cases = []
    for column in carried:
        if column.given not in given or column.reads is None:
            continue
        text = f"{column.given}_text"
        if column.required:
            cases.append((f"{text} IS NULL", f"{column.given} is empty"))
        cases.append(
            (f"{column.name} IS NULL AND {text} IS NOT NULL", f"{column.given} {column.reads.wrong}")
        )
        if column.type == INSTANT_TYPE:
            cases.append(
                (f"{column.name} < TIMESTAMPTZ '1970-01-01 00:00:00+00'", f"{column.given} is before 1970")
            )
            cases.append((f"{column.name} > latest", f"{column.given} is in the future"))
    names = {column.name for column in carried}
    cases += [(rule.refused_when, rule.reason) for rule in table.rules if names.issuperset(rule.about)]
    told = " ".join(f"WHEN {condition} THEN {_quoted(reason)}" for condition, reason in cases)
    return f"CASE {told} END"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _numbered(table: Table, place: str) -> tuple[list[str], str, str, str]:
    """Return the steps that number lines without a line_id, and refuse exact duplicates among them.

    The hash is compared within one order only: among millions of rows two could meet by chance.
    """
    twin = "min(line) OVER (PARTITION BY order_id, status, said, reason IS NULL AND line_id IS NULL)"
    within = f"{', '.join(table.lines_within)}, unnumbered AND twin = line"
    steps = [
        f"twins AS (SELECT *, reason IS NULL AND line_id IS NULL AS unnumbered, {twin} AS twin FROM rows)",
        f"numbers AS (SELECT *, row_number() OVER (PARTITION BY {within} ORDER BY line) AS k FROM twins)",
    ]
    told = f"'duplicate of {place} ' || twin || '; give line_id to keep both'"
    reason = f"CASE WHEN unnumbered AND twin < line THEN {told} ELSE reason END"
    line_id = "CASE WHEN unnumbered THEN coalesce(product_id, '') || '#' || k ELSE line_id END"
    return steps, "numbers", reason, line_id


def _unique(table: Table, rows: str, reason: str, line_id: str, place: str) -> tuple[list[str], str, str]:
    """Return the steps that refuse a second row of the same key."""
    steps = []
    if reason != "reason":
        steps.append(f"lined AS (SELECT * REPLACE ({reason} AS reason, {line_id} AS line_id) FROM {rows})")
        rows = "lined"
    steps.append(
        "keyed AS (SELECT *, first_value(line) OVER same_key AS first_line, first_value(said) OVER same_key AS "
        f"first_said FROM {rows} "
        f"WINDOW same_key AS (PARTITION BY {', '.join(table.key)}, reason IS NULL ORDER BY line))"
    )
    conflict = (
        f"'conflicts with {place} ' || first_line || ': the same {' and '.join(table.key)}, other values'"
    )
    told = f"CASE WHEN first_said = said THEN 'duplicate of {place} ' || first_line ELSE {conflict} END"
    return steps, "keyed", f"CASE WHEN reason IS NULL AND first_line < line THEN {told} ELSE reason END"


def _stored(table: Table, carried: Sequence[Column], shop: Shop, line_id: str) -> str:
    """Return the stored columns of the last step."""
    local = f"(ordered_at AT TIME ZONE '{shop.time_zone}')"

    def stored(column: Column) -> str:
        if column.derived:
            return column.derived.format(local=local)
        if column.name == "line_id":
            return line_id
        if column in carried:
            return column.name
        return column.default.format(currency=shop.currency) if column.default else _null(column)

    return ", ".join(f"{stored(column)} AS {column.name}" for column in table.columns)
