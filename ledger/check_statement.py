"""The SQL of a check: texts trimmed, cells read, rules applied, then what one row of a file says of another.

It is kept in few and narrow steps: for one posted history most of the time goes into DuckDB planning it. The first
steps look at one row at a time and stream; the last ones compare rows, and an import gives them only those rows whose
key comes more than once.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from ledger import quoting
from ledger.schema import INSTANT_TYPE, SQL_TYPES, Column, Table
from ledger.shop import Shop

RAW = "raw_rows"
DERIVED_DIGITS = 24  # 96 bits: two of a billion rows meet with a chance of 1 in 10^11
ABSENT, BETWEEN = "chr(30)", "chr(31)"  # control characters, which no text that was accepted holds


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
    steps, last, reason, line_id = _settling(table, "line_id" in given, place)
    stored = _stored(table, given, shop, line_id)
    return (
        f"WITH {', '.join([*_reading(table, given, shop), *steps])} "
        f"SELECT line, known_given, {reason} AS reason, {stored} FROM {last} ORDER BY line"
    )


@lru_cache(maxsize=64)
def statement_of_each(table: Table, given: tuple[str, ...], shop: Shop) -> str:
    """Return SQL over the view `raw_rows` that is all of `statement` where no two rows have one key.

    Parameters
    ----------
    table, given, shop
        As in `statement`.

    Returns
    -------
    str
        A SELECT of the same columns and `key`, a hash of each row's key; rows are in the order given.
    """
    line_id = _line_id(table, "1")
    return (
        f"WITH {', '.join(_reading(table, given, shop))} SELECT line, known_given, reason, "
        f"{_stored(table, given, shop, line_id)}, {key_hash(table, line_id)} AS key FROM rows"
    )


def rows_read(table: Table, given: tuple[str, ...], shop: Shop, *, refused: bool = False) -> str:
    """Return SQL over the view `raw_rows` that reads each row by itself.

    Parameters
    ----------
    table, given, shop
        As in `statement`.
    refused : bool
        Whether the view has a text `refused`, the reason why its reader refuses a row.

    Returns
    -------
    str
        A SELECT of line, the columns given, known_at, known_given, reason, `said` (a hash of what the row says beside
        its key and known_at) and `key` (a hash of its key, as if it were the first without a line_id).
    """
    steps = _reading(table, given, shop, refused=refused)
    columns = ("line", *_names(_carried(table, given)), "known_given", "reason", "said")
    key = key_hash(table, _line_id(table, "1"))
    return f"WITH {', '.join(steps)} SELECT {', '.join(columns)}, {key} AS key FROM rows"


def rows_settled(table: Table, given: tuple[str, ...], rows: str, place: str) -> str:
    """Return SQL over rows of `rows_read` whose keys come more than once, all of such a key among them.

    Parameters
    ----------
    table, given, place
        As in `statement`.
    rows : str
        A relation.

    Returns
    -------
    str
        A SELECT of the same columns, now with line_id, key and the reason of each row that says what another said.
    """
    steps, last, reason, line_id = _settling(table, "line_id" in given, place)
    lined = f", {line_id} AS line_id" if table.lines_within else ""
    told = f"told AS (SELECT * REPLACE ({reason} AS reason{lined}) FROM {last})"
    columns = ("line", *_names(_carried(table, given)), "known_given", "reason", "said")
    return (
        f"WITH rows AS (FROM {rows}), {', '.join([*steps, told])} "
        f"SELECT {', '.join(columns)}, {key_hash(table)} AS key FROM told"
    )


def rows_stored(table: Table, given: tuple[str, ...], shop: Shop, rows: str) -> str:
    """Return SQL giving accepted rows of `rows_read` or `rows_settled` all stored columns, beside what they have."""
    missing = [column for column in table.columns if column.name not in _names(_carried(table, given))]
    more = "".join(f", {_value_stored(table, column, shop)} AS {column.name}" for column in missing)
    lined = f" REPLACE ({_line_id(table, '1')} AS line_id)" if table.lines_within else ""
    return f"SELECT *{lined}{more} FROM {rows} WHERE reason IS NULL"


def key_hash(table: Table, line_id: str = "line_id") -> str:
    """Return SQL of a 64-bit hash of a row's key; `line_id` is the SQL of that column, where the key has it."""
    return f"hash({', '.join(line_id if name == 'line_id' else name for name in table.key)})"


def said_hash(table: Table, given: Sequence[str]) -> str:
    """Return SQL of a 64-bit hash of what a row says in the columns given, beside its key and known_at."""
    said = [column.name for column in table.given if column.given in given and column.name in table.content]
    return f"hash({', '.join(said) or '0'})"


def _reading(table: Table, given: tuple[str, ...], shop: Shop, *, refused: bool = False) -> list[str]:
    more = ", refused" if refused else ""
    return [
        f"texts AS (SELECT line, latest{more}, {_texts(given)} FROM {RAW})",
        f"cells AS (SELECT *, {_values(table, given, shop)} FROM texts)",
        f"rows AS ({_ruled(table, given, refused=refused)})",
    ]


def _carried(table: Table, given: Sequence[str]) -> tuple[Column, ...]:
    """Return the columns that a row has after reading: those given and those that later steps need."""
    needed = {*table.key, *table.lines_within, "known_at", *re.findall(r"\w+", table.known_from)}
    needed |= {name for rule in table.rules for name in rule.about}
    needed |= set(table.derived_id.of) if table.derived_id else set()
    return tuple(column for column in table.given if column.given in given or column.name in needed)


def _names(columns: Sequence[Column]) -> tuple[str, ...]:
    return tuple(column.name for column in columns)


def _texts(given: tuple[str, ...]) -> str:
    """Return SQL of the trimmed texts, NULL when nothing is left.

    Comparing first and last characters takes half the time of trimming; no blank and no tab sorts after `!`.
    """
    blank_outside = "{name} < '!' OR suffix({name}, ' ') OR suffix({name}, '\t')"
    text = f"CASE WHEN {blank_outside} THEN nullif(trim({{name}}, ' \t'), '') ELSE {{name}} END"
    return ", ".join(f"{text.format(name=name)} AS {name}_text" for name in given)


def _values(table: Table, given: tuple[str, ...], shop: Shop) -> str:
    def value(column: Column) -> str:
        text = f"{column.given}_text"
        absent = column.default.format(currency=shop.currency) if column.default else _null(column)
        if column.given not in given or column.reads is None:
            return absent
        read = column.reads.sql.format(text=text, zone=shop.time_zone, currency=shop.currency)
        return f"CASE WHEN {text} IS NULL THEN {absent} ELSE {read} END" if column.default else read

    return ", ".join(f"{value(column)} AS {column.name}" for column in _carried(table, given))


def _null(column: Column) -> str:
    return f"CAST(NULL AS {SQL_TYPES[str(column.type)]})"


def _ruled(table: Table, given: tuple[str, ...], *, refused: bool) -> str:
    """Return the step that refuses rows for what they hold, and hashes what each says beside its key."""
    derived = table.derived_id
    names = []
    for column in _carried(table, given):
        if derived and column.name == derived.column:
            said = ", ".join(f"coalesce(CAST({name} AS VARCHAR), {ABSENT})" for name in derived.of)
            digits = f"'h-' || left(md5(concat_ws({BETWEEN}, {said})), {DERIVED_DIGITS})"
            names.append(f"coalesce({column.name}, {digits}) AS {column.name}")
        elif column.name != "known_at":
            names.append(column.name)
    return (
        f"SELECT line, {', '.join(names)}, coalesce(known_at, {table.known_from}) AS known_at, "
        f"known_at IS NOT NULL AS known_given, {_refusal(table, given, refused=refused)} AS reason, "
        f"{said_hash(table, given)} AS said FROM cells"
    )


def _refusal(table: Table, given: tuple[str, ...], *, refused: bool) -> str:
    """Return SQL for the first thing wrong with a row, NULL when nothing is."""
    cases = [("refused IS NOT NULL", "refused")] if refused else []
    carried = _carried(table, given)
    for column in carried:
        if column.given not in given or column.reads is None:
            continue
        text = f"{column.given}_text"
        if column.required:
            cases.append((f"{text} IS NULL", f"'{column.given} is empty'"))
        wrong = quoting.text(f"{column.given} {column.reads.wrong}")
        cases.append((f"{column.name} IS NULL AND {text} IS NOT NULL", wrong))
        if column.type == INSTANT_TYPE:
            epoch = f"{column.name} < TIMESTAMPTZ '1970-01-01 00:00:00+00'"
            cases.append((epoch, f"'{column.given} is before 1970'"))
            if not column.may_be_future:
                cases.append((f"{column.name} > latest", f"'{column.given} is in the future'"))
    cases += [(rule.refused_when, quoting.text(rule.reason)) for rule in table.rules]
    return f"CASE {' '.join(f'WHEN {condition} THEN {reason}' for condition, reason in cases)} END"


def _line_id(table: Table, turn: str) -> str:
    """Return SQL of a row's line_id, made of its product and turn when it gives none."""
    return (
        f"coalesce(line_id, coalesce(product_id, '') || '#' || {turn})" if table.lines_within else "line_id"
    )


def _settling(table: Table, line_id_given: bool, place: str) -> tuple[list[str], str, str, str]:  # noqa: FBT001
    """Return the steps after `rows`, the last one's name, and SQL there of the reason and of line_id."""
    steps: list[str] = []
    last, reason, line_id = "rows", "reason", "line_id"
    if table.lines_within:
        steps, last, reason, line_id = _numbered(table, place)
    if not table.lines_within or line_id_given:
        more, last, reason = _unique(table, last, reason, line_id, place)
        steps = steps + more
        line_id = "line_id"
    return steps, last, reason, line_id


def _numbered(table: Table, place: str) -> tuple[list[str], str, str, str]:
    """Return the steps that number lines without a line_id, and refuse exact duplicates among them.

    The hash is compared within one order only: among millions of rows two could meet by chance.
    """
    twin = (
        "min(line) OVER (PARTITION BY order_id, product_id, status, said, known_at, "
        "reason IS NULL AND line_id IS NULL)"
    )
    within = f"{', '.join(table.lines_within)}, unnumbered AND twin = line"
    steps = [
        f"twins AS (SELECT *, reason IS NULL AND line_id IS NULL AS unnumbered, {twin} AS twin FROM rows)",
        f"numbers AS (SELECT *, row_number() OVER (PARTITION BY {within} ORDER BY line) AS k FROM twins)",
    ]
    told = f"'duplicate of {place} ' || twin || '; give line_id to keep both'"
    reason = f"CASE WHEN unnumbered AND twin < line THEN {told} ELSE reason END"
    return steps, "numbers", reason, _line_id(table, "k")


def _unique(table: Table, rows: str, reason: str, line_id: str, place: str) -> tuple[list[str], str, str]:
    """Return the steps that refuse a second row of the same key, unless it says of itself when it was known."""
    steps = []
    if reason != "reason":
        steps.append(f"lined AS (SELECT * REPLACE ({reason} AS reason, {line_id} AS line_id) FROM {rows})")
        rows = "lined"
    version = "CASE WHEN known_given THEN known_at END"
    steps.append(
        "keyed AS (SELECT *, first_value(line) OVER same_key AS first_line, first_value(said) OVER same_key AS "
        f"first_said FROM {rows} "
        f"WINDOW same_key AS (PARTITION BY {', '.join(table.key)}, {version}, reason IS NULL ORDER BY line))"
    )
    conflict = (
        f"'conflicts with {place} ' || first_line || ': the same {' and '.join(table.key)}, other values'"
    )
    told = f"CASE WHEN first_said = said THEN 'duplicate of {place} ' || first_line ELSE {conflict} END"
    return steps, "keyed", f"CASE WHEN reason IS NULL AND first_line < line THEN {told} ELSE reason END"


def _stored(table: Table, given: tuple[str, ...], shop: Shop, line_id: str) -> str:
    """Return the stored columns of the last step."""
    carried = _names(_carried(table, given))

    def stored(column: Column) -> str:
        if column.name == "line_id":
            return line_id
        return column.name if column.name in carried else _value_stored(table, column, shop)

    return ", ".join(f"{stored(column)} AS {column.name}" for column in table.columns)


def _value_stored(table: Table, column: Column, shop: Shop) -> str:
    """Return SQL of a column that rows do not have after reading."""
    if column.derived:
        value = column.derived.format(local=f"({table.local_of} AT TIME ZONE '{shop.time_zone}')")
        return f"CAST({value} AS {SQL_TYPES[str(column.type)]})"
    return column.default.format(currency=shop.currency) if column.default else _null(column)
