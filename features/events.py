"""What customers did besides ordering, as known at a cutoff: one row a customer and local day with an event.

Events are read under the names of `ledger.event_names`; a shop's own names count for nothing. An event is whose
customer_id it carries, else its visitor's, and a visitor is the customer he is known to be at the cutoff: an event
follows the same `identities_resolved` as an order, so a device that many people use joins nobody. What is asked of
the days is left to `features.catalog`; where the steps run, to `features.surroundings`.
"""

from ledger.event_names import EVENT_NAMES, VISITS
from ledger.staging import Step

KINDS = {
    "product_views": ("Product Viewed",),
    "product_list_views": ("Product List Viewed",),
    "searches": ("Products Searched", "Product List Filtered"),
    "cart_additions": ("Product Added",),
    "cart_views": ("Cart Viewed",),
    "checkouts": ("Checkout Started",),
    "checkout_steps": ("Checkout Step Viewed", "Checkout Step Completed", "Payment Info Entered"),
    "completions": ("Order Completed",),
    "emails_delivered": ("Email Delivered",),
    "emails_opened": ("Email Opened",),
    "emails_clicked": ("Email Link Clicked",),
    "unsubscribes": ("Unsubscribed",),
}
"""Column of counts, and the events that count there."""

RECORDED = {
    "no_product_views": KINDS["product_views"],
    "no_product_list_views": KINDS["product_list_views"],
    "no_searches": KINDS["searches"],
    "no_cart_additions": KINDS["cart_additions"],
    "no_carts": (*KINDS["cart_additions"], *KINDS["cart_views"], *KINDS["checkouts"]),
    "no_checkouts": KINDS["checkouts"],
    "no_checkout_steps": KINDS["checkout_steps"],
    "no_visits": VISITS,
    "no_emails_delivered": KINDS["emails_delivered"],
    "no_emails_opened": KINDS["emails_opened"],
    "no_emails_clicked": KINDS["emails_clicked"],
    "no_unsubscribes": KINDS["unsubscribes"],
}
"""Column of the store that is 0 from the moment on at which the shop has recorded one of these events."""


def among(events: tuple[str, ...]) -> str:
    """Return the SQL condition that a row's event is one of these."""
    listed = ", ".join(f"'{name}'" for name in events)
    return f"event in ({listed})"


_VERSIONS = "known_at, happened_at, event, who, session_id nulls first"

_COUNTS = ", ".join(
    f"count(case when {among(events)} then 1 end) as {kind}" for kind, events in KINDS.items()
)
_SUMS = ", ".join(f"cast(sum({kind}) as bigint) as {kind}" for kind in KINDS)

# As orders are collapsed: a row counts from the moment it is known until its event_id is known otherwise.
COLLAPSE = Step(
    "history_event_lines",
    f"""
with repeated as (
    select event_id from ledger_events group by event_id having count(*) > 1
),
versions as (
    select e.event, e.happened_at, e.known_at, e.event_day, e.session_id,
        coalesce(e.customer_id, e.anonymous_id) as who,
        nullif(e.known_at, e.known_at) as until_at
    from ledger_events e
    left join repeated r on e.event_id = r.event_id
    where r.event_id is null
    union all
    select event, happened_at, known_at, event_day, session_id, who,
        lead(known_at) over (partition by event_id order by {_VERSIONS}) as until_at
    from (
        select e.event_id, e.event, e.happened_at, e.known_at, e.event_day, e.session_id,
            coalesce(e.customer_id, e.anonymous_id) as who
        from ledger_events e
        join repeated r on e.event_id = r.event_id
    ) corrected
)
select
    event, who, session_id, cast(event_day as bigint) as event_day,
    greatest(known_at, happened_at) as from_at, until_at
from versions
where {among(tuple(EVENT_NAMES))}
""",
)

# One row a name: whether the shop records such a thing at all is a question to the store, not to a customer.
NAMES = Step(
    "history_event_names",
    "select event, min(from_at) as from_at from history_event_lines group by event",
)

# A visitor who is nobody's customer yet has no row, so his events are left out here, before they cost anything.
SESSIONS = Step(
    "history_event_sessions",
    f"""
select
    k.customer_id, e.event_day, e.session_id,
    {_COUNTS},
    count(case when {among(VISITS)} then 1 end) as done
from history_event_lines e
left join identities_resolved i on e.who = i.anonymous_id
join history_customers k on k.customer_id = coalesce(i.customer_id, e.who)
where e.from_at < :cutoff_at and (e.until_at is null or e.until_at >= :cutoff_at)
group by k.customer_id, e.event_day, e.session_id
""",
)

# A cart is abandoned when nothing says that it was bought: neither a paid line, whatever became of it later, nor an
# event, on the day of the cart or the day after. Of yesterday's carts the day after may have no row yet.
EVENTS = Step(
    "history_events",
    f"""
with days as (
    select customer_id, event_day,
        {_SUMS},
        cast(sum(done) as bigint) as done,
        count(case when done > 0 and session_id is not null then 1 end) as in_sessions
    from history_event_sessions
    group by customer_id, event_day
),
begun as (
    select customer_id, event_day, count(*) as sessions
    from (
        select customer_id, session_id, min(event_day) as event_day
        from history_event_sessions
        where done > 0 and session_id is not null
        group by customer_id, session_id
    ) first_days
    group by customer_id, event_day
),
carts as (
    select customer_id, event_day from days where cart_additions > 0 or cart_views > 0 or checkouts > 0
),
bought as (
    select customer_id, event_day
    from (
        select c.customer_id, c.event_day from carts c
        join history_baskets b on c.customer_id = b.customer_id and c.event_day = b.order_day
        where b.lines > 0
        union all
        select c.customer_id, c.event_day from carts c
        join history_baskets b on c.customer_id = b.customer_id and c.event_day + 1 = b.order_day
        where b.lines > 0
        union all
        select customer_id, event_day from days where completions > 0
        union all
        select customer_id, event_day - 1 from days where completions > 0
    ) orders
    group by customer_id, event_day
)
select
    d.customer_id, d.event_day, :cutoff_day - d.event_day as age_days,
    d.product_views, d.product_list_views, d.searches, d.cart_additions,
    case when c.event_day is null then 0 else 1 end as carts,
    case when c.event_day is not null and b.event_day is null then 1 else 0 end as abandoned_carts,
    d.checkouts,
    case when d.checkouts > 0 and b.event_day is null then 1 else 0 end as abandoned_checkouts,
    d.checkout_steps,
    coalesce(s.sessions, case when d.done > 0 and d.in_sessions = 0 then 1 else 0 end) as visits,
    case when d.done > 0 then 1 else 0 end as active,
    d.emails_delivered, d.emails_opened, d.emails_clicked, d.unsubscribes
from days d
left join begun s on d.customer_id = s.customer_id and d.event_day = s.event_day
left join carts c on d.customer_id = c.customer_id and d.event_day = c.event_day
left join bought b on d.customer_id = b.customer_id and d.event_day = b.event_day
""",
)

CUT = (SESSIONS, EVENTS)
