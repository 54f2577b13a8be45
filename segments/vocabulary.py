"""The words of segment expressions: which columns there are, their units, and how a sentence names them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from features.words import Declared, phrase_of
from segments.text_and_dates import ATTRIBUTE
from segments.units import quoted


@dataclass(frozen=True)
class SegmentColumn:
    """A column that expressions may name.

    Parameters
    ----------
    name : str
        Column name in the frame of customers.
    unit : str
        A row of `segments.units`; any other unit is a plain number.
    phrase : str
        The column in a sentence, as its subject: "predicted chance of leaving within 90 days". For the unit
        `days_ago` it is what happened: "the last order".
    currency : str
        ISO code when the unit is money; empty when not known.
    """

    name: str
    unit: str
    phrase: str
    currency: str = ""


@dataclass(frozen=True)
class Measured(SegmentColumn):
    """A column that one SELECT measures for every customer.

    Parameters
    ----------
    source : str
        What it aggregates: a relation of `segments.known`, or a SELECT over some in brackets. "known_customers" is the
        customer himself, and then nothing is aggregated.
    aggregate : str
        SQL of the aggregate over `source`.
    empty : str
        SQL of the value of a customer without rows; NULL by default.
    recorded : tuple of str
        Events that the shop must have recorded; before it has, the value is unknown for everybody.
    told_by : str
        Which of a customer's items make an empty answer: "product_id" or "category". Of a customer whose orders name
        none, nothing is known.
    needs : tuple of str
        Kinds of data it is made of, by the names of `ledger.quality.capability`.
    done : str
        What the customer has done when it is over 0, after "has": "viewed a product in the last 7 days".
    once : str
        SQL of a condition without which nothing is known of anybody; empty when there is none.
    """

    source: str = "known_customers"
    aggregate: str = ""
    empty: str = "NULL"
    recorded: tuple[str, ...] = ()
    told_by: str = ""
    needs: tuple[str, ...] = ()
    done: str = ""
    once: str = ""

    @property
    def relations(self) -> frozenset[str]:
        """Names of the relations it reads."""
        read = set(re.findall(r"known_\w+", self.source))
        if self.recorded:
            read.add("recorded_events")
        if self.told_by:
            read |= {"known_items", "known_orders"}
        return frozenset(read | {"known_customers"})


# Computed from the grid's limits, and so known to the language whatever the features and scores.
LIFECYCLE = SegmentColumn("lifecycle", "text", "place in the lifecycle grid")

SCORES_OF_FIVE = tuple(
    SegmentColumn(f"{name}_score", "of five", f"{name} score") for name in ("recency", "frequency", "money")
)
"""By fifths of the store: 5 for its most recent, most frequent and largest buyers, 1 for the opposite."""
RFM_GROUP = SegmentColumn("rfm_group", "text", "RFM group")
VALUE_TIER = SegmentColumn("value_tier", "text", "value tier")
ORDER_TIME = SegmentColumn("usual_order_time", "text", "usual time of day of the orders")
ORDER_TIMES = ("morning", "afternoon", "evening", "night")
DERIVED = (LIFECYCLE, *SCORES_OF_FIVE, RFM_GROUP, VALUE_TIER, ORDER_TIME)

# Days are local day numbers.
TODAY = Measured("today", "date", "today", aggregate="k.today")
OF_PEOPLE = (
    Measured(
        "country", "text", "country", source="known_people", aggregate="max(country)", needs=("countries",)
    ),
    Measured("city", "text", "city", source="known_people", aggregate="max(city)", needs=("cities",)),
    Measured(
        "birth_date",
        "date",
        "the day of birth",
        source="known_people",
        aggregate="max(birth_day)",
        needs=("birth_dates",),
    ),
    Measured(
        "signed_up_on",
        "date",
        "the sign-up",
        source="known_people",
        aggregate="max(signed_up_day)",
        needs=("sign_up_dates",),
    ),
    Measured("first_order_on", "date", "the first order", source="known_orders", aggregate="min(day)"),
    Measured("last_order_on", "date", "the last order", source="known_orders", aggregate="max(day)"),
    Measured(
        "gap_days_p90",
        "days",
        "time within which nine in ten of their orders followed the one before",
        source="known_orders",
        # Rounded: between two days DuckDB multiplies and adds at once where the processor can, others after each other.
        aggregate="round(quantile_cont(gap_days, 0.9), 6)",
    ),
    Measured(
        "season_share",
        "share",
        "share of orders in the same six weeks of the year",
        source="known_seasons",
        aggregate="max(share)",
    ),
    Measured(
        "dear_item_share",
        "share",
        "share of purchases that are of the dearest tenth of the store's products",
        source="known_price_shares",
        aggregate="max(dear)",
        needs=("order_products", "quantities"),
    ),
    Measured(
        "cheap_item_share",
        "share",
        "share of purchases that are of the cheapest tenth of the store's products",
        source="known_price_shares",
        aggregate="max(cheap)",
        needs=("order_products", "quantities"),
    ),
    Measured(
        "usual_device",
        "text",
        "device used most",
        source="known_devices",
        aggregate="max(device)",
        needs=("devices",),
    ),
    TODAY,
)
"""What the shop knows of its customers besides features."""

# How a flag reads: verb, what it is of whom it is true, and of whom it is not.
FLAG_WORDS = {
    "loyalty_member": ("is", "a member of the loyalty programme", "not a member of the loyalty programme"),
    "email_consent": ("has", "agreed to e-mails", "not agreed to e-mails"),
    "sms_consent": ("has", "agreed to text messages", "not agreed to text messages"),
    "ads_consent": ("has", "agreed to advertising audiences", "not agreed to advertising audiences"),
    "has_email": ("has", "an e-mail address on record", "no e-mail address on record"),
    "has_phone": ("has", "a telephone number on record", "no telephone number on record"),
    "same_country": ("lives", "in the country of most customers", "outside the country of most customers"),
    "unsubscribed": ("has", "unsubscribed from all e-mails", "not unsubscribed from all e-mails"),
}

# Counted by a scoring run from the forecast of refills, which it alone has: a history posted for scoring has none.
REFILLS = (
    SegmentColumn("refills_due_soon", "refills", "number of refills due soon"),
    SegmentColumn("refills_due_now", "refills", "number of refills due now"),
    SegmentColumn("refills_late", "refills", "number of late refills"),
    SegmentColumn("refills_lost", "refills", "number of products they no longer buy"),
    SegmentColumn("first_refills_due", "refills", "number of products due that were bought once"),
    SegmentColumn("due_soon_items", "names", "list of refills due soon"),
    SegmentColumn("due_now_items", "names", "list of refills due now"),
    SegmentColumn("late_items", "names", "list of late refills"),
    SegmentColumn("lost_items", "names", "list of what they no longer buy"),
    SegmentColumn("reminder_value", "currency", "value at stake in the next reminder"),
)
REFILL_NAMES = frozenset(column.name for column in REFILLS)


def vocabulary(
    rows: Iterable[Declared], currency: str = "", allowed: Iterable[str] = ()
) -> dict[str, SegmentColumn]:
    """Build the vocabulary of segment expressions.

    Parameters
    ----------
    rows : iterable of Declared
        Features and scores: anything with a name, a unit and a `means`.
    currency : str
        The shop's currency as ISO code, for sentences; empty when not known.
    allowed : iterable of str
        Sensitive attributes that the owner lets segments ask for; they are columns by the call that names them.

    Returns
    -------
    dict of str to SegmentColumn
        By column name; what is derived from others, refills and what is known of people included.
    """
    named = [_column(row, currency) for row in rows if row.name != "customer_id"]
    refills = [
        replace(column, currency=currency) if column.unit == "currency" else column for column in REFILLS
    ]
    let = [attribute_column(name) for name in allowed]
    return {column.name: column for column in (*DERIVED, *refills, *OF_PEOPLE, *named, *let)}


def attribute_column(name: str) -> Measured:
    """Return the column of one attribute of the shop's own, by the call that names it."""
    return Measured(
        f"attribute({quoted(name)})",
        ATTRIBUTE.unit,
        ATTRIBUTE.says.format(name.replace("_", " ")),
        source=ATTRIBUTE.over,
        aggregate=ATTRIBUTE.sql.format(quoted(f'$."{name}"')),
    )


def _column(row: Declared, currency: str) -> SegmentColumn:
    base = row.name.removesuffix("_percentile")
    phrase, unit = phrase_of(base, row)
    if base != row.name:
        phrase, unit = f"percentile of the {phrase}", "percentile"
    return SegmentColumn(row.name, unit, phrase, currency if unit == "currency" else "")
