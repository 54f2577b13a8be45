"""How features and scores are named, and their quantities written: one English for segments, reasons and pages."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Protocol

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


class Declared(Protocol):
    """What a Feature and a Score have in common."""

    @property
    def name(self) -> str:
        """Column name."""

    @property
    def unit(self) -> str:
        """Unit of the column's values."""

    @property
    def means(self) -> str:
        """Return one sentence saying what the column holds."""


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
        Unit("date", "date"),
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
    if name == "date":
        day = date(1970, 1, 1) + timedelta(days=round(number))
        return f"{day.day} {day:%B %Y}"
    row = unit(name)
    scaled = number * row.factor
    digits = f"{round(scaled, row.decimals) if rounded else scaled:,.10g}"
    if row.dimension == "money" and digits[-2:-1] == ".":
        digits += "0"
    if row.one and digits == "1":
        return row.one
    return row.written.format(n=digits, currency=CURRENCY_WORDS.get(currency, currency))


def shown(number: float, name: str, currency: str = "") -> str:
    """Show a customer's own value: `66.4 %`, `24.90 euros`, `1 day`; a whole number without its zeros.

    Parameters
    ----------
    number : float
        As stored: a share from 0 to 1.
    name : str
        The unit.
    currency : str
        ISO code; empty when not known.
    """
    row = unit(name)
    if row.one and number == 1:
        return row.one
    scaled = number * row.factor
    decimals = 0 if scaled == round(scaled) else row.decimals
    return row.written.format(n=f"{scaled:,.{decimals}f}", currency=CURRENCY_WORDS.get(currency, currency))


@dataclass(frozen=True)
class Phrase:
    """How a family of columns is named in sentences, where its `means` reads badly as a subject."""

    pattern: str
    phrase: str
    unit: str | None = None


# The first match wins; {0} is what the pattern's group matched. Everything else is named by its `means`.
PHRASES = (
    Phrase(r"churn_probability_(\d+)d", "predicted chance of leaving within {0} days"),
    Phrase(r"p_order_(\d+)d", "predicted chance of ordering within {0} days"),
    Phrase(r"clv_(\d+)d", "predicted spend in the next {0} days"),
    Phrase(r"clv_(\d+)d_p(\d+)", "{1}th percentile of the predicted spend in the next {0} days"),
    Phrase(r"expected_value_(\d+)d", "predicted spend in the next {0} days"),
    Phrase(r"expected_orders_(\d+)d", "predicted number of orders in the next {0} days"),
    Phrase(r"next_order_days_p50", "predicted time to the next order"),
    Phrase(r"next_order_days_p10", "earliest likely time to the next order"),
    Phrase(r"next_order_days_p90", "latest likely time to the next order"),
    Phrase(r"days_since_(last|first)_order", "the {0} order", "days_ago"),
    Phrase(r"days_since_sign_up", "the sign-up", "days_ago"),
    Phrase(r"days_since_last_(cart|visit|checkout)", "the last {0}", "days_ago"),
    Phrase(r"days_since_last_product_view", "the last view of a product", "days_ago"),
    Phrase(r"days_since_last_abandoned_cart", "the last abandoned cart", "days_ago"),
    Phrase(r"days_since_last_email_(open|click)", "the last {0} of an e-mail", "days_ago"),
    Phrase(r"days_since_last_over_mean_gap", "time since the last order as a multiple of the usual gap"),
    Phrase(r"days_first_to_last_order", "time from the first to the last order"),
    Phrase(r"orders", "number of orders"),
    Phrase(r"orders_(\d+)d", "number of orders in the last {0} days"),
    Phrase(r"spend", "total net spend"),
    Phrase(r"spend_(\d+)d", "net spend in the last {0} days"),
    Phrase(r"lines_(\d+)d", "number of lines bought in the last {0} days"),
    Phrase(r"orders_(\d+)d_year_ago", "number of orders in the same {0} days a year earlier"),
    Phrase(r"spend_(\d+)d_year_ago", "net spend in the same {0} days a year earlier"),
    Phrase(r"orders_next_(\d+)d_year_ago", "number of orders in the coming {0} days a year earlier"),
    Phrase(r"spend_next_(\d+)d_year_ago", "net spend in the coming {0} days a year earlier"),
    Phrase(r"gross_spend", "total spend before refunds"),
    Phrase(r"mean_order_value", "average order value"),
    Phrase(r"median_order_value", "usual order value"),
    Phrase(r"(last|first)_order_value", "value of the {0} order"),
    Phrase(r"max_order_value", "value of the largest order"),
    Phrase(r"min_order_value", "value of the smallest order"),
    Phrase(r"order_value_trend", "growth of the order value from one order to the next"),
    Phrase(r"discount_share", "share of discounts in the price"),
    Phrase(r"mean_gap_days", "average time between orders"),
    Phrase(r"median_gap_days", "usual time between orders"),
    Phrase(r"last_gap_days", "time between the last two orders"),
    Phrase(r"max_gap_days", "longest time between orders"),
    Phrase(r"min_gap_days", "shortest time between orders"),
    Phrase(r"gap_regularity", "regularity of the time between orders"),
    Phrase(r"gap_trend", "growth of the time between orders from one to the next"),
    Phrase(r"days_to_second_order", "time from the first to the second order"),
    Phrase(r"days_second_to_third_order", "time from the second to the third order"),
    Phrase(r"last_gap_over_mean_gap", "last time between orders as a multiple of the usual one"),
    Phrase(r"days_since_last_over_median_gap", "time since the last order as a multiple of the median gap"),
    Phrase(r"days_since_last_over_max_gap", "time since the last order as a multiple of the longest gap"),
    Phrase(r"days_since_new_product", "the last purchase of a product new to the customer", "days_ago"),
    Phrase(r"repeat_products", "number of different products bought more than once"),
    Phrase(r"mean_piece_price", "average price of a piece"),
    Phrase(r"price_level", "price paid as a multiple of the list price"),
    Phrase(r"categories", "number of categories bought from"),
    Phrase(r"products", "number of different products bought"),
    Phrase(r"first_order_(lines|products|pieces|categories)", "number of {0} in the first order"),
    Phrase(r"first_order_discount_share", "share of the discount in the first order's price"),
    Phrase(r"first_order_(weekday|hour)", "{0} of the first order"),
    Phrase(r"season_order_share", "share of orders at this time of the year"),
    Phrase(r"cutoff_month", "month of the year"),
    Phrase(r"discounted_order_share", "share of orders with a discount"),
    Phrase(r"quantity_per_order", "average number of pieces in an order"),
    Phrase(r"(lines|products)_per_order", "average number of {0} in an order"),
    Phrase(r"order_value_spread", "spread of the order value"),
    Phrase(
        r"orders_(\d+)d_over_prior_(\d+)d",
        "number of orders in the last {0} days as a multiple of the {1} days before",
    ),
    Phrase(
        r"spend_(\d+)d_over_prior_(\d+)d",
        "net spend in the last {0} days as a multiple of the {1} days before",
    ),
    Phrase(r"refunded_share", "share of spend that was refunded"),
)


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def said_of(row: Declared, value: float | None, currency: str = "") -> str:
    """Say what a column holds of one customer: `the last order was 41 days ago`.

    Parameters
    ----------
    row : Declared
        A feature.
    value : float or None
        None when it is not known.
    currency : str
        ISO code; empty when not known.
    """
    if row.unit == "flag":
        what = row.means.partition(",")[0]
        answer = "not known" if value is None else "yes" if value else "no"
        return f"{_uncapitalised(what)}: {answer}"
    phrase, unit_name = phrase_of(row.name, row)
    if value is None:
        return f"{phrase.removeprefix('the ')} is not known"
    named = {"weekday": _WEEKDAYS, "month": _MONTHS}.get(unit_name)
    if named:
        return f"{phrase} is {named[int(value) - 1]}"
    if unit_name == "days_ago":
        return f"{phrase} was {shown(value, unit_name)} ago"
    return f"{phrase} is {shown(value, unit_name, currency)}"


def phrase_of(name: str, row: Declared) -> tuple[str, str]:
    """Return a column as the subject of a sentence, and the unit of what is said of it; `name` is without suffix."""
    found = _phrased(name)
    return (_as_subject(row.means), row.unit) if found is None else (found[0], found[1] or row.unit)


@lru_cache(maxsize=1_024)
def _phrased(name: str) -> tuple[str, str | None] | None:
    """Return a column's phrase and unit of the first family that it belongs to; reasons ask the same few for ever."""
    for known in PHRASES:
        match = re.fullmatch(known.pattern, name)
        if match:
            return known.phrase.format(*match.groups()), known.unit
    return None


def _as_subject(means: str) -> str:
    """Turn a sentence into the subject of another: no afterthought, no capital unless an acronym."""
    return _uncapitalised(means.partition(";")[0].strip().removesuffix("."))


def _uncapitalised(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]
