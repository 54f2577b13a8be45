"""Small ledgers in the stored schema with everything in them that has ever gone wrong in one."""

import itertools
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from hypothesis import strategies as st

from features.cutoff import EPOCH, Cutoff
from ledger.identity import MOST_CUSTOMERS
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS

Row = dict[str, Any]
ZONE = "America/New_York"
HOUR = timedelta(hours=1)
# Local midnights and odd instants; 14 March and 7 November 2021 are the days of 23 and of 25 hours.
CUTOFFS = (
    Cutoff.at_midnight(date(2021, 3, 15), ZONE),
    Cutoff.at_midnight(date(2021, 11, 7), ZONE),
    Cutoff(datetime(2021, 11, 7, 6, 30, tzinfo=UTC), ZONE),
    Cutoff(datetime(2021, 11, 8, 4, 59, 59, 999_999, tzinfo=UTC), ZONE),
)
LARGEST_MINOR = 10**14  # the largest amount an import accepts
# The cutoff itself, its neighbours, both sides of a window's edge, the long day; and then any hour.
KNOWN_HOURS = (-9999, -100, -1, 0, 1)  # of which three are before the cutoff
SPECIAL_HOURS = (0, -1, 1, -23, -24, -25, -48, -30 * 24, -31 * 24, -90 * 24, -91 * 24, -180 * 24, -365 * 24)
OLD_HOURS = (-275 * 24, -276 * 24, -366 * 24, -455 * 24, -456 * 24, -730 * 24, -731 * 24)
RECENT_HOURS = tuple(range(-24 * 4, 25, 4))  # so that carts and orders fall on one day or the next
EVENT_CHOICE = (
    *("Product Viewed", "Product List Viewed", "Products Searched", "Product List Filtered", "Product Added"),
    *(
        "Cart Viewed",
        "Checkout Started",
        "Checkout Step Viewed",
        "Checkout Step Completed",
        "Payment Info Entered",
    ),
    *("Order Completed", "Email Delivered", "Email Delivered", "Email Opened", "Email Link Clicked"),
    *("Email Bounced", "Unsubscribed", "Signed In", "Order Refunded", "a name of the shop's own"),
)
# The cutoffs' days, their neighbours and a leap day.
BIRTH_DATES = (
    *(None, date(1980, 3, 14), date(1980, 3, 15), date(1980, 3, 16), date(1980, 11, 6), date(1980, 11, 7)),
    *(date(1980, 11, 8), date(1992, 2, 29), date(1992, 12, 31), date(1993, 1, 1)),
)
AMOUNTS = st.one_of(
    st.sampled_from((0, 0, 0, 1, 99, LARGEST_MINOR, LARGEST_MINOR - 1)), st.integers(0, 30_000)
)


@dataclass(frozen=True)
class Given:
    """One example: a ledger and a cutoff."""

    orders: list[Row]
    products: list[Row]
    identities: list[Row]
    cutoff: Cutoff
    events: list[Row] = field(default_factory=list)
    customers: list[Row] = field(default_factory=list)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """Return a connection with the ledger's views, in a zone that no answer may depend on."""
        connection = duckdb.connect()
        connection.execute("set timezone = 'Pacific/Auckland'")
        for table, rows in (
            (ORDERS, self.orders),
            (PRODUCTS, self.products),
            (IDENTITIES, self.identities),
            (EVENTS, self.events),
            (CUSTOMERS, self.customers),
        ):
            connection.register(f"ledger_{table.name}", pa.Table.from_pylist(rows, table.arrow_schema))
        return connection


def placed(row: Row) -> Row:
    """Return a row with the local facts that follow from `ordered_at`."""
    local = row["ordered_at"].astimezone(ZoneInfo(ZONE))
    return row | {
        "order_day": (local.date() - EPOCH).days,
        "order_hour": local.hour,
        "order_isoweekday": local.isoweekday(),
    }


def instants(cutoff: Cutoff) -> st.SearchStrategy[datetime]:
    hours = st.one_of(
        st.sampled_from(SPECIAL_HOURS), st.sampled_from(OLD_HOURS), st.integers(-400 * 24, 20 * 24)
    )
    return hours.map(lambda number: cutoff.at + number * HOUR)


@st.composite
def lines(draw: st.DrawFn, first: Row, cutoff: Cutoff) -> list[Row]:
    """Draw one line's rows: as paid, then perhaps corrected, cancelled, refunded, refund corrected."""
    product = draw(st.sampled_from((None, "p1", "p2", "p3", "p4")))
    late = draw(st.sampled_from((0, 0, 0, 1, 24, 24 * 40)))
    paid = first | {
        "known_at": first["ordered_at"] + late * HOUR,
        "product_id": product,
        "quantity_milli": draw(st.sampled_from((None, 0, 500, 1000, 3000))),
        "net_minor": draw(AMOUNTS),
        "discount_minor": draw(st.sampled_from((None, 0, 50))),
    }
    rows = [paid]
    for event in draw(
        st.lists(st.sampled_from(("correct", "move", "cancel", "refund", "refund")), max_size=3)
    ):
        known_at = max(paid["known_at"], draw(instants(cutoff)))
        change: Row = {"known_at": draw(st.sampled_from((known_at, paid["known_at"])))}
        if event == "correct":
            day_earlier = draw(st.sampled_from((timedelta(), timedelta(days=1))))
            change |= {"net_minor": draw(AMOUNTS), "ordered_at": paid["ordered_at"] - day_earlier}
        elif event == "move":
            change |= {"customer_id": draw(st.sampled_from(("a", "b", "new")))}
        elif event == "cancel":
            change |= {"status": "cancelled"}
        else:
            part = draw(st.sampled_from((paid["net_minor"], paid["net_minor"] + 1, draw(AMOUNTS))))
            # Real refunds repeat the order's facts; features may not depend on it.
            change |= {
                "status": "refunded",
                "net_minor": -max(part, 1),
                "discount_minor": draw(st.sampled_from((None, 0, 50))),
                "ordered_at": paid["ordered_at"] - draw(st.sampled_from((0, 0, 3))) * HOUR,
            }
        rows.append(paid | change)
    return [placed(row) for row in rows]


@st.composite
def ledgers(draw: st.DrawFn) -> Given:
    """Draw a ledger of a few customers and a cutoff."""
    cutoff = draw(st.sampled_from(CUTOFFS))
    orders: list[Row] = []
    for number in range(draw(st.integers(0, 12))):
        first = {
            "customer_id": draw(st.sampled_from(("a", "a", "b", "c", "visitor", "device"))),
            "order_id": f"o{number}",
            "ordered_at": draw(instants(cutoff)),
            "currency": "USD",
            "status": "paid",
            "channel": None,
        }
        for line in range(draw(st.integers(1, 3))):
            orders += draw(lines(first | {"line_id": f"#{line}"}, cutoff))
    identities = [row for rows in draw(st.lists(joins(cutoff), max_size=4)) for row in rows]
    return Given(
        draw(st.permutations(orders)),
        draw(descriptions(cutoff)),
        draw(st.permutations(identities)),
        cutoff,
        draw(st.permutations([row for rows in draw(st.lists(events(cutoff), max_size=15)) for row in rows])),
        draw(st.permutations(draw(st.lists(people(cutoff), max_size=8)))),
    )


@st.composite
def descriptions(draw: st.DrawFn, cutoff: Cutoff) -> list[Row]:
    """Draw up to four descriptions of each of three products, before, at and after the cutoff; p4 has none."""
    hours = st.lists(st.sampled_from(KNOWN_HOURS), unique=True, max_size=4)
    category = st.sampled_from(("Tea", "Tea > Green", "Pets", None))
    price = st.sampled_from((None, 0, 1, 250, LARGEST_MINOR))
    return [
        {
            "product_id": product,
            "known_at": cutoff.at + number * HOUR,
            "category": draw(category),
            "price_minor": draw(price),
        }
        for product in ("p1", "p2", "p3")
        for number in draw(hours)
    ]


@st.composite
def joins(draw: st.DrawFn, cutoff: Cutoff) -> list[Row]:
    """Draw what is said of who is who: a merge, an un-merge, a chain, a ring, or a device that many people use."""
    first, *others = draw(st.permutations(("a", "b", "c", "new", "visitor", "device")))
    kind = draw(st.sampled_from(("merge", "unmerge", "chain", "ring", "hub")))
    said: list[tuple[str, str | None]] = [(first, others[0])]
    if kind == "unmerge":
        said += [(first, None)]
    elif kind == "chain":
        steps = [first, *(f"step {number}" for number in range(draw(st.integers(1, 40)))), others[0]]
        said = list(itertools.pairwise(steps))
    elif kind == "ring":
        members = [first, *others[: draw(st.integers(1, 4))]]
        said = [*itertools.pairwise([*members, first]), (others[-1], first)]
    elif kind == "hub":
        people = draw(st.integers(MOST_CUSTOMERS - 1, MOST_CUSTOMERS + 1))
        said = [("device", f"person {number}") for number in range(people)]
        said += [("device", "a"), ("visitor", "device")]
    # Mostly known at one instant, or else no long chain would ever be whole.
    at_once = draw(st.none() | st.sampled_from(KNOWN_HOURS))
    hours = [draw(st.sampled_from(KNOWN_HOURS)) if at_once is None else at_once for _ in said]
    return [
        {"anonymous_id": one, "customer_id": other, "known_at": cutoff.at + hour * HOUR, "how": "merged"}
        for (one, other), hour in zip(said, hours, strict=True)
    ]


@st.composite
def events(draw: st.DrawFn, cutoff: Cutoff) -> list[Row]:
    """Draw what is said of one event: as it came in, and then perhaps otherwise."""
    number = draw(st.integers(0, 10**9))
    rows = []
    known_at: datetime | None = None
    for _ in range(draw(st.sampled_from((1, 1, 1, 2, 3)))):
        happened_at = draw(
            instants(cutoff) | st.sampled_from(RECENT_HOURS).map(lambda h: cutoff.at + h * HOUR)
        )
        late = draw(st.sampled_from((0, 0, 0, 1, 24 * 40))) * HOUR
        known_at = max(happened_at + late, known_at or happened_at)
        local = happened_at.astimezone(ZoneInfo(ZONE))
        customer = draw(st.sampled_from(("a", "a", "b", "c", None, None)))
        visitors = ("visitor", "device", "new", "a")
        row = {
            "event": draw(st.sampled_from(EVENT_CHOICE)),
            "event_id": f"e{number}",
            "happened_at": happened_at,
            "known_at": known_at,
            "customer_id": customer,
            "anonymous_id": draw(st.sampled_from(visitors if customer is None else (None, *visitors))),
            "session_id": draw(st.sampled_from((None, "s1", "s2", "s3"))),
            "event_day": (local.date() - EPOCH).days,
            "event_hour": local.hour,
            "event_isoweekday": local.isoweekday(),
        }
        rows.append(row)
    return rows


@st.composite
def people(draw: st.DrawFn, cutoff: Cutoff) -> Row:
    """Draw one description of a customer, or of a visitor who left his address."""
    known = st.sampled_from((None, True, False))
    return {
        "customer_id": draw(st.sampled_from(("a", "b", "c", "new", "visitor", "device"))),
        "known_at": cutoff.at + draw(st.sampled_from(KNOWN_HOURS)) * HOUR,
        "signed_up_day": draw(st.none() | st.integers(cutoff.day - 500, cutoff.day)),
        "email": draw(st.sampled_from((None, "a@example.com", "b@example.com"))),
        "phone": draw(st.sampled_from((None, "+4930123456"))),
        "country": draw(st.sampled_from((None, "DE", "FR", "US"))),
        "birth_date": draw(st.sampled_from(BIRTH_DATES) | st.dates(date(1901, 1, 1), date(2021, 1, 1))),
        "loyalty_member": draw(known),
        "email_consent": draw(known),
        "sms_consent": draw(known),
        "ads_consent": draw(known),
    }
