"""Who must not be reminded of what, since when and why: one row a rule, each over what was known before the cutoff.

Where several rules hold of one row, the first in the table is told. A period that starts or ends holds from its start,
that instant included, to its end, that instant excluded: a pause that resumes at the cutoff is over.

**Substitutes or separate needs.** Another product of the same category, bought since, fills the need when for this
customer the two are substitutes: he never took both on one day, and of the days on which he bought from that category
less than half brought two or more of its products (the store's share counts as `STORE_DAYS` days of his own). Who
takes milk and cream on one day needs both. A product and the one that replaces it (`swap_for`) are always substitutes.
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from features.cutoff import Cutoff
from ledger import quoting
from ledger.staging import Step, instant
from serving.reminders.states import date_sql, days_sql

STORE_DAYS: Final = 2
"""Weight of the store's share of days with several products of a category, beside a customer's own days."""
MOST_SWAPS: Final = 5
"""How often a replacement that is itself replaced is followed."""

# The row known last says how a product, a subscription, a pause is. At one instant the content decides: how rows lie on
# the disk must not matter.
PRODUCTS = Step(
    "reminder_products",
    """
with known as (
    select
        *,
        row_number() over (
            partition by product_id
            order by known_at desc, discontinued desc nulls last, in_stock nulls last, swap_for nulls last, title
        ) as turn,
        max(case when discontinued then null else known_at end) over (partition by product_id) as last_sold_at,
        max(case when in_stock is false then null else known_at end) over (partition by product_id) as last_stock_at
    from ledger_products
    where known_at < :cutoff_at
)
select
    product_id, any_value(title) filter (where turn = 1) as title,
    any_value(category) filter (where turn = 1) as category,
    any_value(swap_for) filter (where turn = 1) as swap_for,
    coalesce(bool_or(discontinued) filter (where turn = 1), false) as discontinued,
    coalesce(bool_or(in_stock is false) filter (where turn = 1), false) as out_of_stock,
    coalesce(bool_or(replenishable is false) filter (where turn = 1), false) as not_used_up,
    min(known_at) filter (where turn = 1) as known_at,
    min(known_at) filter (where discontinued and (last_sold_at is null or known_at > last_sold_at)) as gone_at,
    min(known_at) filter (where in_stock is false and (last_stock_at is null or known_at > last_stock_at)) as out_at
from known
group by product_id
""",
)

# What to offer in place of a product no longer sold: the first that is sold on the way of its replacements.
SWAPS = Step(
    "reminder_swaps",
    f"""
with recursive way as (
    select product_id, swap_for as offered, 1 as hops
    from reminder_products where discontinued and swap_for is not null
    union all
    select w.product_id, p.swap_for, w.hops + 1
    from way w join reminder_products p on w.offered = p.product_id
    where p.discontinued and p.swap_for is not null and w.hops < {MOST_SWAPS}
)
select w.product_id, min_by(w.offered, w.hops) as offered
from way w
left join reminder_products p on w.offered = p.product_id
where coalesce(not p.discontinued and not p.out_of_stock, true)
group by w.product_id
""",
)

# Categories of which nothing is left to sell; what leads to a replacement is sold in another form.
EMPTY = Step(
    "reminder_empty_categories",
    """
select p.category, bool_and(p.discontinued) as gone,
    max(case when p.discontinued then p.gone_at else p.out_at end) as at
from reminder_products p left join reminder_swaps s on p.product_id = s.product_id
where p.category is not null
group by p.category
having bool_and((p.discontinued or p.out_of_stock) and s.product_id is null)
""",
)

_WHO = "left join identities_resolved i on k.customer_id = i.anonymous_id"

SUBSCRIBED = Step(
    "reminder_subscribed",
    f"""
with known as (
    select *, row_number() over (
        partition by subscription_id
        order by known_at desc, started_at desc, ended_at nulls last, customer_id, product_id
    ) as turn
    from ledger_subscriptions
    where known_at < :cutoff_at
)
select coalesce(i.customer_id, k.customer_id) as customer_id, k.product_id, min(k.started_at) as at,
    min(k.every_days) as every_days
from known k {_WHO}
where k.turn = 1 and k.started_at <= :cutoff_at and (k.ended_at is null or k.ended_at > :cutoff_at)
group by coalesce(i.customer_id, k.customer_id), k.product_id
""",
)

PAUSED = Step(
    "reminder_paused",
    f"""
with known as (
    select *, row_number() over (
        partition by pause_id
        order by known_at desc, paused_at desc, resumes_at nulls last, customer_id, product_id nulls last
    ) as turn
    from ledger_pauses
    where known_at < :cutoff_at
)
select coalesce(i.customer_id, k.customer_id) as customer_id, k.product_id, min(k.paused_at) as at
from known k {_WHO}
where k.turn = 1 and k.paused_at <= :cutoff_at and (k.resumes_at is null or k.resumes_at > :cutoff_at)
group by coalesce(i.customer_id, k.customer_id), k.product_id
""",
)

# Categories of which a customer bought nothing but what he wants no reminders of, or what is not used up.
PAUSED_CATEGORIES = Step(
    "reminder_paused_categories",
    """
select b.customer_id, b.category, max(u.at) as at
from reminder_bought b
left join reminder_paused u on b.customer_id = u.customer_id and b.item = u.product_id
where b.level = 'product' and b.category is not null
    and b.customer_id in (select customer_id from reminder_paused where product_id is not null)
group by b.customer_id, b.category
having count(*) = count(u.product_id)
""",
)

KEPT_CATEGORIES = Step(
    "reminder_kept_categories",
    """
select b.customer_id, b.category, max(p.known_at) as at
from reminder_bought b left join reminder_products p on b.item = p.product_id
where b.level = 'product' and b.category in (select category from reminder_products where not_used_up)
group by b.customer_id, b.category
having bool_and(coalesce(p.not_used_up, false))
""",
)

REMINDED = Step(
    "reminder_reminded",
    f"""
with known as (
    select *, row_number() over (
        partition by reminder_id
        order by known_at desc, sent_at desc, customer_id, product_id nulls last, category nulls last
    ) as turn
    from ledger_reminders
    where known_at < :cutoff_at
)
select coalesce(i.customer_id, k.customer_id) as customer_id, k.product_id,
    coalesce(k.category, p.category) as category, max(k.sent_at) as at
from known k {_WHO}
left join reminder_product_categories p on k.product_id = p.item
where k.turn = 1 and k.sent_at < :cutoff_at
group by coalesce(i.customer_id, k.customer_id), k.product_id, coalesce(k.category, p.category)
""",
)

CATEGORIES = Step(
    "reminder_product_categories",
    "select item, min(category) as category from reminder_bought where level = 'product' group by item",
)

# Whether a customer takes one product of a category at a time: then they stand in for each other.
ONE_AT_A_TIME = Step(
    "reminder_one_at_a_time",
    f"""
with days as (
    select customer_id, category, order_day, count(*) > 1 as several
    from reminder_days
    where level = 'product' and category is not null
    group by customer_id, category, order_day
), own as (
    select customer_id, category, count(*) as days, count(*) filter (where several) as several
    from days group by customer_id, category
), everyone as (
    select category, sum(several) / sum(days) as share from own group by category
)
select customer_id, category
from own join everyone using (category)
where (several + {STORE_DAYS} * share) / (days + {STORE_DAYS}) < 0.5
""",
)

# Bought since the pair's own last purchase and less than its interval ago.
_INSTEAD = """
with due as (
    select r.row, r.customer_id, r.item, r.category, r.last_day, r.elapsed, r.usual, s.state
    from reminder_rows r join reminder_states s using (row)
    where r.level = 'product' and s.state in ('due_soon', 'due_now', 'late')
), bought as (
    select d.row, d.customer_id, d.item, o.item as other, max(o.order_day) as day
    from due d
    join reminder_one_at_a_time a on d.customer_id = a.customer_id and d.category = a.category
    join reminder_days o on d.customer_id = o.customer_id and o.level = 'product' and d.category = o.category
        and o.item <> d.item and o.order_day > d.last_day
    where :cutoff_day - o.order_day < d.usual
    group by d.row, d.customer_id, d.item, o.item
), together as (
    select distinct b.row, b.other
    from bought b
    join reminder_days x on b.customer_id = x.customer_id and x.level = 'product' and b.item = x.item
    join reminder_days y on b.customer_id = y.customer_id and y.level = 'product' and b.other = y.item
        and x.order_day = y.order_day
), pairs as (
    select product_id, swap_for as other from reminder_products where swap_for is not null
    union
    select swap_for, product_id from reminder_products where swap_for is not null
), swapped as (
    select d.row, o.item as other, max(o.order_day) as day
    from due d
    join pairs p on d.item = p.product_id
    join reminder_days o on d.customer_id = o.customer_id and o.level = 'product' and o.item = p.other
        and o.order_day > d.last_day
    where :cutoff_day - o.order_day < d.usual
    group by d.row, o.item
), instead as (
    select row, other, day from bought anti join together using (row, other)
    union
    select row, other, day from swapped
)
select row, max(day) as day, max_by(other, (day, other)) as other from instead group by row
"""
INSTEAD = Step("reminder_instead", _INSTEAD)

STEPS: Final = (
    PRODUCTS,
    SWAPS,
    EMPTY,
    CATEGORIES,
    SUBSCRIBED,
    PAUSED,
    PAUSED_CATEGORIES,
    KEPT_CATEGORIES,
    REMINDED,
    ONE_AT_A_TIME,
    INSTEAD,
)


@dataclass(frozen=True)
class Rule:
    """One reason not to remind.

    Parameters
    ----------
    name : str
        As `suppressed_because` has it.
    means : str
        One sentence for the documentation.
    sql : str
        SELECT of row, since (a local date) and reason; what stands in braces is filled by `_words`. It may give a row
        several times: the earliest since counts.
    """

    name: str
    means: str
    sql: str


RULES: Final = (
    Rule(
        "subscribed",
        "An active subscription brings it: of the product, of what is offered in its place, or of a product of the "
        "category.",
        """
        select r.row, {local_at} as since,
            'comes by subscription since ' || {local_at_words}
            || case when u.every_days is null then '' else ', every ' || {every} end as reason
        from rows r
        join reminder_subscribed u on r.customer_id = u.customer_id
        left join reminder_product_categories c on u.product_id = c.item
        where (r.level = 'product' and u.product_id in (r.product_id, r.offer_product_id))
            or (r.level = 'category' and c.category = r.category)
        """,
    ),
    Rule(
        "paused",
        "The customer asked for no reminders, of anything, of this product or of all that he bought of the category.",
        """
        select r.row, {local_at} as since,
            case when u.product_id is null then 'asked for no reminders at all' else 'asked for none of this' end
            || ' on ' || {local_at_words} as reason
        from rows r join reminder_paused u on r.customer_id = u.customer_id
        where u.product_id is null or (r.level = 'product' and u.product_id in (r.product_id, r.offer_product_id))
        union all
        select r.row, {local_at}, 'asked for none of this on ' || {local_at_words}
        from rows r join reminder_paused_categories u on r.customer_id = u.customer_id and r.category = u.category
        where r.level = 'category'
        """,
    ),
    Rule(
        "discontinued",
        "It, or every product of the category, is no longer sold, and nothing that is sold replaces it.",
        """
        select r.row, {local_gone} as since, 'no longer sold since ' || {local_gone_words} as reason
        from rows r join reminder_products u on r.product_id = u.product_id
        where u.discontinued and r.offer_product_id is null
        union all
        select r.row, {local_at}, 'nothing of it is sold since ' || {local_at_words}
        from rows r join reminder_empty_categories u on r.category = u.category
        where r.level = 'category' and u.gone
        """,
    ),
    Rule(
        "out_of_stock",
        "There is none to sell, or nothing of the category.",
        """
        select r.row, {local_out} as since, 'out of stock since ' || {local_out_words} as reason
        from rows r join reminder_products u on r.product_id = u.product_id
        where u.out_of_stock and r.offer_product_id is null
        union all
        select r.row, {local_at}, 'all of it is out of stock since ' || {local_at_words}
        from rows r join reminder_empty_categories u on r.category = u.category
        where r.level = 'category' and not u.gone
        """,
    ),
    Rule(
        "not_used_up",
        "The shop says that it, or all that the customer bought of the category, is not used up and bought again.",
        """
        select r.row, {local_known} as since, 'not something that is used up, the shop says' as reason
        from rows r join reminder_products u on r.product_id = u.product_id
        where u.not_used_up
        union all
        select r.row, {local_at}, 'nothing bought of it is used up, the shop says'
        from rows r join reminder_kept_categories u on r.customer_id = u.customer_id and r.category = u.category
        where r.level = 'category'
        """,
    ),
    Rule(
        "restocked",
        "It was bought less than half an interval ago, or a substitute less than an interval ago.",
        """
        select r.row, date '1970-01-01' + cast(r.last_day as integer) as since,
            'bought ' || {elapsed} || ' ago, less than half of the usual ' || {usual} as reason
        from rows r where r.state in ('due_soon', 'due_now', 'late') and 2 * r.elapsed < r.usual
        union all
        select r.row, date '1970-01-01' + cast(u.day as integer),
            'bought ' || coalesce(p.title, u.other) || ' instead on ' || {other_day}
        from rows r join reminder_instead u on r.row = u.row
        left join reminder_products p on u.other = p.product_id
        """,
    ),
    Rule(
        "reminded",
        "A reminder of it, of its category or of everything was sent less than half an interval ago.",
        """
        select r.row, {local_at} as since, 'reminded on ' || {local_at_words} as reason
        from rows r join reminder_reminded u on r.customer_id = u.customer_id
        where (
            (u.product_id is null and u.category is null)
            or u.product_id in (r.product_id, r.offer_product_id)
            or (u.product_id is null and (r.category = u.category or starts_with(r.category, u.category || ' > ')))
            or (r.level = 'category' and u.product_id is not null and u.category = r.category)
        ) and 2 * ({cutoff_us} - epoch_us(u.at)) < r.usual * 86400000000
        """,
    ),
)
"""In the order in which the first that holds is told."""


def stage(connection: duckdb.DuckDBPyConnection, cutoff: Cutoff) -> None:
    """Fill the temporary tables `reminder_offers` and `reminder_suppressed`.

    The first has row and offer_product_id, what to offer in place of a product no longer sold. The second has row,
    suppressed_because, suppressed_since (local date) and suppressed_reason, one row a suppressed row.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        After `serving.reminders.states.stage`, with `identities_resolved` as of the cutoff.
    cutoff : Cutoff
    """
    for step in STEPS:
        step.fill(connection, cutoff_at=cutoff.at, cutoff_day=cutoff.day)
    connection.execute(
        """
        create or replace temp table reminder_offers as
        select r.row, s.offered as offer_product_id
        from reminder_rows r join reminder_swaps s on r.product_id = s.product_id
        """
    )
    words = _words(cutoff)
    found = " union all ".join(
        f"select {place} as place, row, since, reason from ({rule.sql.format(**words)})"
        for place, rule in enumerate(RULES)
    )
    names = " ".join(f"when {place} then '{rule.name}'" for place, rule in enumerate(RULES))
    connection.execute(
        f"""
        create or replace temp table reminder_suppressed as
        with rows as (
            select r.row, r.customer_id, r.level, r.product_id, r.category, r.last_day, r.elapsed, r.usual,
                s.state, o.offer_product_id
            from reminder_rows r join reminder_states s using (row) left join reminder_offers o using (row)
        ), found as ({found})
        select row, case min(place) {names} end as suppressed_because,
            min_by(since, (place, since, reason)) as suppressed_since,
            min_by(reason, (place, since, reason)) as suppressed_reason
        from found group by row
        """
    )


def _words(cutoff: Cutoff) -> dict[str, str]:
    """Return what the names in the rules' texts stand for."""
    zone = quoting.text(cutoff.time_zone)
    words = {
        "every": days_sql("u.every_days"),
        "elapsed": days_sql("r.elapsed"),
        "usual": days_sql("r.usual"),
        "other_day": date_sql("u.day", cutoff),
        "cutoff_us": f"epoch_us({instant(cutoff.at)})",
    }
    for name, column in (("at", "u.at"), ("gone", "u.gone_at"), ("out", "u.out_at"), ("known", "u.known_at")):
        date = f"cast({column} at time zone {zone} as date)"
        words[f"local_{name}"] = date
        words[f"local_{name}_words"] = date_sql(f"date_diff('day', date '1970-01-01', {date})", cutoff)
    return words
