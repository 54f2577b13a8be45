"""What suppressions are told by, as known before the cutoff: a temporary table each, filled in the order of `STEPS`.

**Substitutes or separate needs.** Another product of the same category, bought since, fills the need when for this
customer the two are substitutes: he never took both on one day, and of the days on which he bought from that category
less than half brought two or more of its products (the store's share counts as `STORE_DAYS` days of his own). Who
takes milk and cream on one day needs both. A product and the one that replaces it (`swap_for`) are always substitutes.
"""

from typing import Final

from ledger.staging import Step

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
