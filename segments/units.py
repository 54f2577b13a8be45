"""How a quantity of each unit is written in a sentence, and shown from SQL beside a customer's own value."""

from dataclasses import dataclass

# Words for the currencies shops most often sell in; any other is written by its ISO code.
CURRENCY_WORDS = {
    "": "in the shop's currency",
    "AUD": "Australian dollars",
    "BRL": "Brazilian reais",
    "CAD": "Canadian dollars",
    "CHF": "Swiss francs",
    "CNY": "yuan",
    "DKK": "Danish kroner",
    "EUR": "euros",
    "GBP": "pounds",
    "INR": "rupees",
    "JPY": "yen",
    "NOK": "Norwegian kroner",
    "PLN": "zloty",
    "SEK": "Swedish kronor",
    "USD": "US dollars",
}


LINE_FEED = "chr(10)"
"""SQL of what stands before, between and after the names of a list; no name holds one."""


@dataclass(frozen=True)
class Unit:
    """One unit: what it may be compared with and how a quantity of it reads.

    Parameters
    ----------
    name : str
        As features and scores declare it; `days_ago` is days since something happened.
    dimension : str
        Two quantities of different dimension cannot be compared; an empty one goes with all.
    written : str
        Template of a quantity: `{n}` the number, `{currency}` the currency's words.
    one : str
        The quantity 1, where English has a singular for it.
    factor : int
        What the stored number is multiplied by before it is written: 100 for a share shown in per cent.
    decimals : int
        Decimals of a customer's own value.
    maximum : float or None
        The largest possible value; a higher limit in an expression is a slip.
    """

    name: str
    dimension: str = ""
    written: str = "{n}"
    one: str = ""
    factor: int = 1
    decimals: int = 2
    maximum: float | None = None


PLAIN = Unit("1")
UNITS = {
    row.name: row
    for row in (
        Unit("days", "time", "{n} days", one="1 day", decimals=1),
        Unit("days_ago", "time", "{n} days", one="1 day", decimals=0),
        Unit("currency", "money", "{n} {currency}"),
        Unit("share", "share", "{n} %", factor=100, decimals=1, maximum=1),
        Unit("probability", "share", "{n} %", factor=100, decimals=1, maximum=1),
        Unit("percentile", "rank", decimals=0, maximum=100),
        Unit("orders", "count", decimals=2),
        Unit("lines", "count", decimals=2),
        Unit("items", "count", decimals=2),
        Unit("products", "count", decimals=2),
        Unit("categories", "count", decimals=2),
        Unit("refills", "count", decimals=0),
        Unit("text", "text"),
        Unit("names", "text"),
    )
}


def unit(name: str) -> Unit:
    """Return the row of a unit; one without a row is a plain number."""
    return UNITS.get(name, PLAIN)


def written(number: float, name: str, currency: str = "", *, rounded: bool = False) -> str:
    """Write a quantity of an expression as a marketer would: `66 %`, `1 day`, `1,200 US dollars`.

    Parameters
    ----------
    number : float
        As stored: a share from 0 to 1.
    name : str
        The unit.
    currency : str
        ISO code; empty when not known.
    rounded : bool
        For computed numbers: no more decimals than a customer's own value has. What a user wrote stays as
        written.
    """
    row = unit(name)
    scaled = number * row.factor
    digits = f"{round(scaled, row.decimals) if rounded else scaled:,.10g}"
    if row.one and digits == "1":
        return row.one
    return row.written.format(n=digits, currency=CURRENCY_WORDS.get(currency, currency))


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
        return f"('“' || replace(trim({number_sql}, {LINE_FEED}), {LINE_FEED}, '”, “') || '”')"
    if row.dimension == "text":
        return f"('“' || {number_sql} || '”')"
    scaled = number_sql if row.factor == 1 else f"{number_sql} * {row.factor}"
    whole, broken = "{:,.0f}", f"{{:,.{row.decimals}f}}"
    digits = f"format('{broken}', {scaled})"
    if row.decimals:  # a whole number is shown without its zeros
        digits = (
            f"CASE WHEN {scaled} = round({scaled}) THEN format('{whole}', {scaled}) "
            f"ELSE format('{broken}', {scaled}) END"
        )
    before, after = row.written.format(n="\n", currency=CURRENCY_WORDS.get(currency, currency)).split("\n")
    many = f"{quoted(before)} || {digits} || {quoted(after)}" if before or after else digits
    return f"(CASE WHEN {number_sql} = 1 THEN {quoted(row.one)} ELSE {many} END)" if row.one else f"({many})"


def quoted(text: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"
