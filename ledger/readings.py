"""How the text of one cell becomes a typed value: one row a kind, in SQL, so that files and requests are read alike."""

from collections.abc import Callable
from dataclasses import dataclass

from ledger import contacts
from ledger.event_names import EVENT_NAMES
from ledger.json_objects import LENGTH as OBJECT_LENGTH
from ledger.json_objects import object_sql

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
_DAY = r"\d{4}-\d{2}-\d{2}([ T]00:00(:00(\.0+)?)?)?"  # a Parquet file may hold it as an instant
_WHOLE = r"0*[1-9]\d{0,5}(\.0*)?"

# ISO 3166-1, and XK, which shops and customs use for Kosovo.
COUNTRIES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS "
    "BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE "
    "EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM "
    "HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC "
    "LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA "
    "NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW "
    "SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO "
    "TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS XK YE YT ZA ZM ZW"
)


@dataclass(frozen=True)
class Reading:
    """One kind of cell.

    Parameters
    ----------
    kind : str
        What the documentation calls it.
    sql : str
        DuckDB expression of `{text}` (trimmed, never empty) giving the value, or NULL when the text is not of this
        kind. `{zone}` and `{currency}` are the shop's.
    wrong : str
        What is said of a text that gives no value, after the column's name.
    means : str
        What the documentation says a file must hold.
    contact : bool
        Whether the text is an e-mail address or telephone number, which nothing but the customers table may keep.
    """

    kind: str
    sql: str
    wrong: str
    means: str
    contact: bool = False


def _in_template(pattern: str) -> str:
    """Return a regular expression as it stands in a text that `str.format` will fill."""
    return pattern.replace("{", "{{").replace("}", "}}")


def _of_text(build: Callable[[str], str]) -> str:
    """Return SQL built of a cell's text as it stands in a template."""
    return _in_template(build("its_text")).replace("its_text", "{text}")


def _plain_text(length: int, otherwise: Callable[[str], str]) -> str:
    """Return SQL of a text without control characters; `otherwise` makes SQL of one in which an @ stands.

    Almost every text is printable ASCII without an @, which one expression finds out.
    """
    rare = (
        f"CASE WHEN length({{text}}) <= {length} AND NOT regexp_matches({{text}}, '[[:cntrl:]]') "
        f"THEN {_of_text(otherwise)} END"
    )
    ordinary = f"strlen({{text}}) <= {length} AND regexp_full_match({{text}}, '[ -?A-~]+')"
    return f"CASE WHEN {ordinary} THEN {{text}} ELSE {rare} END"


def _id_without_address(text: str) -> str:
    """Return SQL of an id; one with an e-mail address in it becomes digits that tell it from every other."""
    digits = f"left(sha256({text}), {contacts.PSEUDONYM_DIGITS})"
    return f"CASE WHEN {contacts.may_hold_address_sql(text)} THEN 'e-' || {digits} ELSE {text} END"


def _customer(text: str) -> str:
    return f"coalesce({contacts.pseudonym_sql(text)}, {_id_without_address(text)})"


def _whole_number(decimals: int) -> str:
    """Return SQL that reads a decimal number exactly and rounds it half even to a whole number of 10^-decimals.

    18 decimals are kept while reading, so every double's shortest text is rounded once, not twice. Almost every text
    has no digit to round away and is read in a fifth of the time.
    """
    held = f"DECIMAL({WHOLE_DIGITS + decimals}, {decimals})"
    looks_right = (
        f"length({{text}}) <= {NUMBER_LENGTH} AND regexp_full_match({{text}}, '{_in_template(_NUMBER)}')"
    )
    rounded = f"TRY_CAST(round_even(TRY_CAST({{text}} AS DECIMAL(38, 18)), {decimals}) AS {held})"
    exact = _in_template(rf"-?\d+(\.\d{{1,{decimals}}})?")
    return (
        f"CAST(CASE WHEN strlen({{text}}) <= {WHOLE_DIGITS} AND regexp_full_match({{text}}, '{exact}') "
        f"THEN TRY_CAST({{text}} AS {held}) WHEN {looks_right} THEN {rounded} END * {10**decimals} AS BIGINT)"
    )


def _event() -> str:
    """Return SQL that spells an event's name as the specification does where only case and joints differ."""
    keys = ", ".join(f"'{name.replace(' ', '').lower()}'" for name in EVENT_NAMES)
    names = ", ".join(f"'{name}'" for name in EVENT_NAMES)
    key = "translate(lower({text}), ' _-', '')"
    return f"coalesce([{names}][list_position([{keys}], {key})], {NAME.sql})"


def _instant() -> str:
    """Return SQL that reads an instant; a plain cast to TIMESTAMP would drop a written offset without a word.

    A text that is what its TIMESTAMP is written as needs no pattern, which takes longer on long texts than the casts.
    """
    local = "TRY_CAST({text} AS TIMESTAMP)"
    read = f"{local} AT TIME ZONE '{{zone}}'"
    return (
        f"CASE WHEN strlen({{text}}) = 19 AND CAST({local} AS VARCHAR) = {{text}} THEN {read} "
        f"WHEN regexp_full_match({{text}}, '{_in_template(_NAIVE)}') THEN {read} "
        f"WHEN regexp_full_match({{text}}, '{_in_template(_AWARE)}') THEN TRY_CAST({{text}} AS TIMESTAMPTZ) END"
    )


NAME = Reading(
    kind="id",
    sql=_plain_text(NAME_LENGTH, _id_without_address),
    wrong=f"is longer than {NAME_LENGTH} characters or holds a control character",
    means=f"text, 1 to {NAME_LENGTH} characters; with an e-mail address in it, digits made from it instead",
)
CUSTOMER = Reading(
    kind="customer",
    sql=_plain_text(NAME_LENGTH, _customer),
    wrong=NAME.wrong,
    means=f"text, 1 to {NAME_LENGTH} characters; an e-mail address becomes a pseudonym, the same in every table",
)
TEXT = Reading(
    kind="text",
    sql=_plain_text(TEXT_LENGTH, contacts.masked_sql),
    wrong=f"is longer than {TEXT_LENGTH} characters or holds a control character",
    means=f"text, at most {TEXT_LENGTH} characters; e-mail addresses in it are withheld",
)
CATEGORY = Reading(
    kind="category",
    sql=rf"regexp_replace({TEXT.sql}, '\s*>\s*', ' > ', 'g')",
    wrong=TEXT.wrong,
    means="path from wide to narrow, levels joined by ` > `",
)
EVENT = Reading(
    kind="event",
    sql=_event(),
    wrong=NAME.wrong,
    means="`Product Viewed`, `product_viewed`, ...: a name of the list below in any case, or another text",
)
HOW = Reading(
    kind="how",
    sql=f"lower({NAME.sql})",
    wrong=NAME.wrong,
    means="`identified`, `merged`, `unmerged`, `imported` or another text, kept in small letters",
)
EMAIL = Reading(
    kind="e-mail",
    sql=f"CASE WHEN length({{text}}) <= {NAME_LENGTH} THEN {_of_text(contacts.email_in_sql)} END",
    wrong="is not an e-mail address like ann@example.com; leave it empty when there is none",
    means="e-mail address; kept in small letters",
    contact=True,
)
PHONE = Reading(
    kind="phone",
    sql=f"CASE WHEN length({{text}}) <= {NUMBER_LENGTH} THEN {_of_text(contacts.normal_phone_sql)} END",
    wrong="is not a telephone number of 6 to 15 digits like +49 30 123456; leave it empty when there is none",
    means="telephone number of 6 to 15 digits, from abroad with + or 00; blanks and `-./()` are left out",
    contact=True,
)
COUNTRY = Reading(
    kind="country",
    sql=f"CASE WHEN strlen({{text}}) = 2 AND contains(' {COUNTRIES} ', ' ' || upper({{text}}) || ' ') "
    "THEN upper({text}) END",
    wrong="is not an ISO 3166 code of two letters like DE or GB",
    means="ISO 3166 code of two letters, such as `DE`",
)
DATE = Reading(
    kind="day",
    sql=f"CASE WHEN regexp_full_match({{text}}, '{_in_template(_DAY)}') THEN TRY_CAST(left({{text}}, 10) AS DATE) END",
    wrong="is not a day like 1980-01-31",
    means="day like `1980-01-31`",
)
WHOLE = Reading(
    kind="whole number",
    sql=f"CASE WHEN regexp_full_match({{text}}, '{_in_template(_WHOLE)}') "
    "THEN CAST(split_part({text}, '.', 1) AS INTEGER) END",
    wrong="is not a whole number from 1 to 999999",
    means="whole number like `30`",
)
JSON_OBJECT = Reading(
    kind="object",
    sql=_of_text(object_sql),
    wrong=f"is not a JSON object of at most {OBJECT_LENGTH:,} characters, with plain values under names like email "
    "and phone",
    means='JSON object like `{"colour": "red"}`, at most '
    f"{OBJECT_LENGTH:,} characters; e-mail addresses and telephone numbers are withheld",
)
INSTANT = Reading(
    kind="instant",
    sql=_instant(),
    wrong="is not a date or time like 2024-01-31, 2024-01-31 18:05:00 or 2024-01-31T18:05:00+01:00",
    means="`2024-01-31`, `2024-01-31 18:05:00` (the shop's local time) or `2024-01-31T18:05:00+01:00`; since 1970",
)
MONEY = Reading(
    kind="money",
    sql=_whole_number(2),
    wrong="is not a number like 12.50 (a point, no currency sign, no thousands mark, below 1e12)",
    means="number like `12.50`; rounded half even to hundredths",
)
QUANTITY = Reading(
    kind="quantity",
    sql=_whole_number(3),
    wrong="is not a number like 2 or 0.75 (a point, no unit, below 1e12)",
    means="number like `2` or `0.75`; rounded half even to thousandths",
)
STATUS = Reading(
    kind="status",
    sql="CASE WHEN lower({text}) IN ('paid', 'cancelled', 'refunded') THEN lower({text}) END",
    wrong="is not one of paid, cancelled, refunded",
    means="`paid`, `cancelled` or `refunded`",
)
CURRENCY = Reading(
    kind="currency",
    sql="CASE WHEN upper({text}) = '{currency}' THEN '{currency}' END",
    wrong="is not the shop's currency; a ledger holds one currency",
    means="ISO 4217 code, the same on every row",
)
FLAG = Reading(
    kind="flag",
    sql="CASE WHEN lower({text}) IN ('true', 't', 'yes', 'y', '1') THEN true "
    "WHEN lower({text}) IN ('false', 'f', 'no', 'n', '0') THEN false END",
    wrong="is not true or false",
    means="`true` or `false`",
)
