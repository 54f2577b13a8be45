"""How a quantity of each unit is shown from SQL, beside a customer's own value; `features.words` has the units."""

from collections.abc import Iterable

from features.words import CURRENCY_WORDS, unit

LINE_FEED = "chr(10)"
"""SQL of what stands before, between and after the names of a list; no name holds one."""
NAMES_SHOWN = 3
"""Of a list as a customer's own value."""
NO_NAMES = "empty"


def shown_sql(number_sql: str, name: str, currency: str = "") -> str:
    """Return SQL that writes a customer's own value, e.g. `66.4 %`.

    Parameters
    ----------
    number_sql : str
        SQL of a DOUBLE, or of a VARCHAR when the unit is text.
    name : str
        The unit.
    currency : str
        ISO code; empty when not known.
    """
    row = unit(name)
    if name == "names":
        some = _names_sql(f"string_split(trim({number_sql}, {LINE_FEED}), {LINE_FEED})")
        return f"(CASE WHEN {number_sql} = '' THEN {quoted(NO_NAMES)} ELSE {some} END)"
    if name == "date":
        return f"strftime(DATE '1970-01-01' + CAST({number_sql} AS INTEGER), '%-d %B %Y')"
    if row.dimension == "text":
        return f"('“' || {number_sql} || '”')"
    scaled = number_sql if row.factor == 1 else f"{number_sql} * {row.factor}"
    whole = f"format('{{:,.0f}}', {scaled})"
    broken = f"format('{{:,.{row.decimals}f}}', {scaled})"
    # Most values are small whole numbers, which a cast writes six times as fast.
    digits = (
        f"CASE WHEN {scaled} <> round({scaled}) THEN {broken} "
        f"WHEN {scaled} BETWEEN -999 AND 999 THEN CAST(CAST({scaled} AS BIGINT) AS VARCHAR) ELSE {whole} END"
    )
    before, after = row.written.format(n="\n", currency=CURRENCY_WORDS.get(currency, currency)).split("\n")
    many = f"{quoted(before)} || {digits} || {quoted(after)}" if before or after else digits
    return f"(CASE WHEN {number_sql} = 1 THEN {quoted(row.one)} ELSE {many} END)" if row.one else f"({many})"


def names_shown(text: str) -> str:
    """Return the first names of a list that stands between line feeds, and how many more there are."""
    if not text:
        return NO_NAMES
    names = text.strip("\n").split("\n")
    more = len(names) - NAMES_SHOWN
    return ", ".join(f"“{name}”" for name in names[:NAMES_SHOWN]) + (
        f" and {more:,} more" if more > 0 else ""
    )


def _names_sql(names: str) -> str:
    """Return SQL that says the same of a list of texts."""
    first = f"'“' || array_to_string(list_slice({names}, 1, {NAMES_SHOWN}), '”, “') || '”'"
    more = f"len({names}) - {NAMES_SHOWN}"
    return f"({first} || CASE WHEN {more} > 0 THEN format(' and {{:,}} more', {more}) ELSE '' END)"


def named(column: str) -> str:
    """Return a column's name as SQL; that of a measured column holds whatever texts a condition names."""
    doubled = column.replace('"', '""')
    return f'"{doubled}"'


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def among(column: str, texts: Iterable[str]) -> str:
    """Return SQL of the condition that a column is one of some texts."""
    return f"{column} IN ({', '.join(map(quoted, texts))})"
