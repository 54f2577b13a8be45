"""The features of events, descriptions and the store in plain Python, written from what the columns mean."""

from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import Any

from features.cutoff import EPOCH, Cutoff
from tests.properties.reference_rows import Row, Value, lines_in_force, paid, ratio, valid_days, who_is_who

OF_MAIL_AND_ORDERS = {
    *("Order Updated", "Order Refunded", "Order Cancelled"),
    *("Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Email Marked as Spam"),
    "Unsubscribed",
}
VIEW, LISTED, ADDED, CHECKOUT = (
    {"Product Viewed"},
    {"Product List Viewed"},
    {"Product Added"},
    {"Checkout Started"},
)
SEARCHED = {"Products Searched", "Product List Filtered"}
CART = ADDED | CHECKOUT | {"Cart Viewed"}
STEPS = {"Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered"}
SENT, OPENED, CLICKED = {"Email Delivered"}, {"Email Opened"}, {"Email Link Clicked"}
# Of names that visitors give rise to, these are all that the generated ledgers use.
IN_THE_SHOP = VIEW | LISTED | SEARCHED | CART | STEPS | {"Order Completed", "Signed In"}
CONSENTS = ("loyalty_member", "email_consent", "sms_consent", "ads_consent")


def describe_around(
    orders: list[Row], identities: list[Row], events: list[Row], customers: list[Row], cutoff: Cutoff
) -> dict[str, dict[str, Value]]:
    """Return every known customer's features of events, descriptions and the store as of a cutoff."""
    known = [row for row in orders if row["known_at"] < cutoff.at]
    who = who_is_who(identities, cutoff.at)

    def of(identifier: str) -> str:
        return who.get(identifier, identifier)

    lines: dict[str, list[Row]] = {of(row["customer_id"]): [] for row in known}
    for row in lines_in_force(known, cutoff.at):
        lines[of(row["customer_id"])].append(row)
    done = defaultdict(list)
    for row in events_in_force(events, cutoff):
        done[of(row["customer_id"] or row["anonymous_id"])].append(row)
    people = {each: said for each, said in descriptions(customers, who, cutoff).items() if each in lines}
    ever = {row["event"] for row in events if max(row["known_at"], row["happened_at"]) < cutoff.at}
    of_store = store({each: list(valid_days(rows)) for each, rows in lines.items()}, cutoff.day)
    countries = Counter(said["country"] for said in people.values() if said["country"] is not None)
    most = min(countries, key=lambda country: (-countries[country], country), default=None)
    return {
        each: {
            **events_of(done[each], {row["order_day"] for row in paid(rows)}, ever, cutoff.day),
            **attributes_of(people.get(each), min(valid_days(rows), default=None), most, cutoff.local_date),
            **of_store,
        }
        for each, rows in sorted(lines.items())
    }


def events_in_force(events: list[Row], cutoff: Cutoff) -> list[Row]:
    """Keep the row of each event_id that was known last, when it tells of something before the cutoff."""
    latest: dict[str, Row] = {}
    for row in events:
        before = latest.get(row["event_id"])
        if row["known_at"] < cutoff.at and (before is None or later(row) > later(before)):
            latest[row["event_id"]] = row
    return [row for row in latest.values() if row["happened_at"] < cutoff.at]


def later(row: Row) -> tuple[Any, ...]:
    who = row["customer_id"] or row["anonymous_id"]
    return (row["known_at"], row["happened_at"], row["event"], who, row["session_id"] or "")


def events_of(rows: list[Row], bought: set[int], ever: set[str], today: int) -> dict[str, Value]:
    """Return one customer's features of events; `bought` are the local days with a paid line."""
    bought = bought | {row["event_day"] for row in rows if row["event"] == "Order Completed"}

    def days(names: set[str]) -> list[int]:
        return [row["event_day"] for row in rows if row["event"] in names]

    def abandoned(names: set[str]) -> list[int]:
        return [day for day in set(days(names)) if not {day, day + 1} & bought]

    def within(found: list[int], length: int) -> int:
        return sum(1 for day in found if today - day <= length)

    def counts(name: str, found: list[int], names: set[str], *lengths: int) -> dict[str, Value]:
        recorded = bool(ever & names)
        return {f"{name}_{length}d": within(found, length) if recorded else None for length in lengths}

    def since(found: list[int]) -> int | None:
        return today - max(found) if found else None

    active = list(set(days(IN_THE_SHOP)))
    sent, opened, clicked = (within(days(names), 90) for names in (SENT, OPENED, CLICKED))
    return {
        **counts("product_views", days(VIEW), VIEW, 7, 30, 90),
        **counts("product_list_views", days(LISTED), LISTED, 30, 90),
        **counts("searches", days(SEARCHED), SEARCHED, 30, 90),
        **counts("cart_additions", days(ADDED), ADDED, 7, 30, 90),
        **counts("abandoned_carts", abandoned(CART), CART, 7, 30, 90),
        **counts("checkouts", days(CHECKOUT), CHECKOUT, 30, 90),
        **counts("abandoned_checkouts", abandoned(CHECKOUT), CHECKOUT, 7, 30, 90),
        **counts("checkout_steps", days(STEPS), STEPS, 30),
        **counts("visits", visits(rows), IN_THE_SHOP, 7, 30, 90),
        **counts("active_days", active, IN_THE_SHOP, 30, 90),
        "days_since_last_product_view": since(days(VIEW)),
        "days_since_last_cart": since(days(CART)),
        "days_since_last_abandoned_cart": since(abandoned(CART)),
        "days_since_last_checkout": since(days(CHECKOUT)),
        "days_since_last_visit": since(active),
        **counts("emails_delivered", days(SENT), SENT, 7, 30, 90),
        **counts("emails_opened", days(OPENED), OPENED, 30, 90),
        **counts("emails_clicked", days(CLICKED), CLICKED, 30, 90),
        "email_opens_per_delivered_90d": ratio(opened, sent),
        "email_clicks_per_delivered_90d": ratio(clicked, sent),
        "days_since_last_email_open": since(days(OPENED)),
        "days_since_last_email_click": since(days(CLICKED)),
        "unsubscribed": int(bool(days({"Unsubscribed"}))) if "Unsubscribed" in ever else None,
    }


def visits(rows: list[Row]) -> list[int]:
    """Return the day of each visit: a session's first, and every day in the shop on which no event has a session."""
    inside = [row for row in rows if row["event"] in IN_THE_SHOP]
    first: dict[str, int] = {}
    for row in inside:
        if row["session_id"] is not None:
            first[row["session_id"]] = min(row["event_day"], first.get(row["session_id"], row["event_day"]))
    with_session = {row["event_day"] for row in inside if row["session_id"] is not None}
    return [*first.values(), *({row["event_day"] for row in inside} - with_session)]


def descriptions(customers: list[Row], who: dict[str, str], cutoff: Cutoff) -> dict[str, Row]:
    """Return the last description of each customer under any of his ids, with the first of his sign-ups."""
    of_id: dict[str, list[Row]] = defaultdict(list)
    for row in customers:
        if row["known_at"] < cutoff.at:
            of_id[row["customer_id"]].append(row)
    of_customer: dict[str, list[Row]] = defaultdict(list)
    for identifier, rows in of_id.items():
        of_customer[who.get(identifier, identifier)].append(known_last(rows))
    return {
        each: known_last(rows)
        | {
            "signed_up_day": min(
                (r["signed_up_day"] for r in rows if r["signed_up_day"] is not None), default=None
            )
        }
        for each, rows in of_customer.items()
    }


def known_last(rows: list[Row]) -> Row:
    """Return the row known last; at one instant the one that says least, the unknown being less than anything."""
    latest = max(row["known_at"] for row in rows)
    return min((row for row in rows if row["known_at"] == latest), key=content)


def content(row: Row) -> tuple[Any, ...]:
    told = ("signed_up_day", "country", "birth_date", *CONSENTS)
    unknown_first = [
        (row[name] is not None, row[name]) if row[name] is not None else (False,) for name in told
    ]
    return (*unknown_first, row["email"] is not None, row["phone"] is not None)


def attributes_of(
    said: Row | None, first_order: int | None, most: str | None, today: date
) -> dict[str, Value]:
    """Return one customer's features of his description; None when the shop never described him."""
    if said is None:
        return dict.fromkeys(
            (
                *("days_since_sign_up", "days_sign_up_to_first_order", "loyalty_member", "email_consent"),
                *("sms_consent", "ads_consent", "has_email", "has_phone", "same_country", "age_years"),
                "days_to_next_birthday",
            )
        )
    signed_up, born = said["signed_up_day"], said["birth_date"]
    in_most = None if said["country"] is None else int(said["country"] == most)
    return {
        "days_since_sign_up": None if signed_up is None else (today - EPOCH).days - signed_up,
        "days_sign_up_to_first_order": None
        if signed_up is None or first_order is None
        else first_order - signed_up,
        **{name: None if said[name] is None else int(said[name]) for name in CONSENTS},
        "has_email": int(said["email"] is not None),
        "has_phone": int(said["phone"] is not None),
        "same_country": in_most,
        "age_years": None
        if born is None
        else today.year - born.year - int(birthday(born, today.year) > today),
        "days_to_next_birthday": None if born is None else until_birthday(born, today),
    }


def birthday(born: date, year: int) -> date:
    """Return the birthday in a year; that of a 29 February is 1 March in a year without one."""
    return date(year, born.month, 1) + timedelta(days=born.day - 1)


def until_birthday(born: date, today: date) -> int:
    this_year = birthday(born, today.year)
    coming = this_year if this_year >= today else birthday(born, today.year + 1)
    return (coming - today).days


def store(days: dict[str, list[int]], today: int) -> dict[str, Value]:
    """Return the store's features from every customer's days with a valid order, oldest first."""
    ages = [today - day for of_customer in days.values() for day in of_customer]

    def within(newest: int, oldest: int) -> int:
        return sum(1 for age in ages if newest <= age <= oldest)

    buyers = [each for each in days.values() if each and today - each[-1] <= 90]
    new = [each for each in buyers if today - each[0] <= 90]
    long_enough = max(ages, default=0) > 13 * 30
    year = within(1, 365)
    return {
        "store_trend_30d": ratio(within(0, 30) * 12, within(31, 390)) if long_enough else None,
        "store_season_30d": ratio(within(336, 365) * 365, year * 30) if long_enough else None,
        "store_season_90d": ratio(within(276, 365) * 365, year * 90) if long_enough else None,
        "store_new_customer_share_90d": ratio(len(new), len(buyers)),
    }
