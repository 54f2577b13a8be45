"""How the text of one cell becomes a typed value: one row a kind, in SQL, so that files and requests are read alike."""

from dataclasses import dataclass

NAME_LENGTH = 255
TEXT_LENGTH = 1000
NUMBER_LENGTH = (
    64  # a double's shortest text has 24 characters, a 38-digit decimal 40; longer is not a number meant
)
WHOLE_DIGITS = 12  # below 1e12: minor units, thousandths and sums of 9,000 of them fit 64 bits

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?"
_NAIVE = r"\d{4}-\d{2}-\d{2}([ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?)?"
# DuckDB takes an offset of 99 hours; the earth has 14.
_AWARE = r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"


@dataclass(frozen=True)
class Reading:
    """One kind of cell.

    Parameters
    ----------
    sql : str
        DuckDB expression of `{text}` (trimmed, never empty) giving the value, or NULL when the text is not of this
        kind. `{zone}` and `{currency}` are the shop's.
    wrong : str
        What is said of a text that gives no value, after the column's name.
    means : str
        What the documentation says a file must hold.
    """

    sql: str
    wrong: str
    means: str


def _in_template(pattern: str) -> str:
    """Return a regular expression as it stands in a text that `str.format` will fill."""
    return pattern.replace("{", "{{").replace("}", "}}")


def _plain_text(length: int) -> str:
    return f"CASE WHEN length({{text}}) <= {length} AND NOT regexp_matches({{text}}, '[[:cntrl:]]') THEN {{text}} END"


def _whole_number(decimals: int) -> str:
    """Return SQL that reads a decimal number exactly and rounds it half even to a whole number of 10^-decimals.

    18 decimals are kept while reading, so every double's shortest text is rounded once, not twice.
    """
    looks_right = (
        f"length({{text}}) <= {NUMBER_LENGTH} AND regexp_full_match({{text}}, '{_in_template(_NUMBER)}')"
    )
    rounded = f"round_even(TRY_CAST({{text}} AS DECIMAL(38, 18)), {decimals})"
    in_range = f"TRY_CAST({rounded} AS DECIMAL({WHOLE_DIGITS + decimals}, {decimals}))"
    return f"CASE WHEN {looks_right} THEN CAST({in_range} * {10**decimals} AS BIGINT) END"


def _instant() -> str:
    """Return SQL that reads an instant; a plain cast to TIMESTAMP would drop a written offset without a word."""
    return (
        f"CASE WHEN regexp_full_match({{text}}, '{_in_template(_NAIVE)}') "
        "THEN TRY_CAST({text} AS TIMESTAMP) AT TIME ZONE '{zone}' "
        f"WHEN regexp_full_match({{text}}, '{_in_template(_AWARE)}') THEN TRY_CAST({{text}} AS TIMESTAMPTZ) END"
    )


NAME = Reading(
    sql=_plain_text(NAME_LENGTH),
    wrong=f"is longer than {NAME_LENGTH} characters or holds a control character",
    means=f"text, 1 to {NAME_LENGTH} characters",
)
TEXT = Reading(
    sql=_plain_text(TEXT_LENGTH),
    wrong=f"is longer than {TEXT_LENGTH} characters or holds a control character",
    means=f"text, at most {TEXT_LENGTH} characters",
)
CATEGORY = Reading(
    sql=rf"regexp_replace({_plain_text(TEXT_LENGTH)}, '\s*>\s*', ' > ', 'g')",
    wrong=TEXT.wrong,
    means="path from wide to narrow, levels joined by ` > `",
)
INSTANT = Reading(
    sql=_instant(),
    wrong="is not a date or time like 2024-01-31, 2024-01-31 18:05:00 or 2024-01-31T18:05:00+01:00",
    means="`2024-01-31`, `2024-01-31 18:05:00` (the shop's local time) or `2024-01-31T18:05:00+01:00`; since 1970",
)
MONEY = Reading(
    sql=_whole_number(2),
    wrong="is not a number like 12.50 (a point, no currency sign, no thousands mark, below 1e12)",
    means="number like `12.50`; rounded half even to hundredths",
)
QUANTITY = Reading(
    sql=_whole_number(3),
    wrong="is not a number like 2 or 0.75 (a point, no unit, below 1e12)",
    means="number like `2` or `0.75`; rounded half even to thousandths",
)
STATUS = Reading(
    sql="CASE WHEN lower({text}) IN ('paid', 'cancelled', 'refunded') THEN lower({text}) END",
    wrong="is not one of paid, cancelled, refunded",
    means="`paid`, `cancelled` or `refunded`",
)
CURRENCY = Reading(
    sql="CASE WHEN upper({text}) = '{currency}' THEN '{currency}' END",
    wrong="is not the shop's currency; a ledger holds one currency",
    means="ISO 4217 code, the same on every row",
)
FLAG = Reading(
    sql="CASE WHEN lower({text}) IN ('true', 't', 'yes', 'y', '1') THEN true "
    "WHEN lower({text}) IN ('false', 'f', 'no', 'n', '0') THEN false END",
    wrong="is not true or false",
    means="`true` or `false`",
)
