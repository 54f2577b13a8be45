"""Who must not be reminded of what, since when and why: one row a rule, each over what was known before the cutoff.

Where several rules hold of one row, the first in the table is told. A period that starts or ends holds from its start,
that instant included, to its end, that instant excluded: a pause that resumes at the cutoff is over.
"""

from dataclasses import dataclass
from typing import Final

import duckdb

from features.cutoff import Cutoff
from ledger import quoting
from ledger.staging import instant
from serving.reminders.grounds import STEPS
from serving.reminders.states import date_sql, days_sql


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
