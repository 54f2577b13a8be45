"""What the shop knew of its customers at a cutoff, and what it knew of itself: descriptions and the store's context.

E-mail addresses and telephone numbers end here: of them it is kept whether there is one, nothing else. Where the steps
run is written in `features.surroundings`.
"""

from features.events import RECORDED, among
from ledger.staging import Step

# Of rows known at one instant the smallest content counts, so that what is unknown outweighs.
_LAST = """known_at desc, signed_up_day nulls first, country nulls first, birth_date nulls first,
                loyalty_member nulls first, email_consent nulls first, sms_consent nulls first,
                ads_consent nulls first, has_email, has_phone"""

# Of all ids of a customer the row known last describes him; he signed up when the first of them did.
PEOPLE = Step(
    "history_people",
    f"""
with known as (
    select customer_id as id, known_at, signed_up_day, country, birth_date,
        loyalty_member, email_consent, sms_consent, ads_consent,
        case when email is null then 0 else 1 end as has_email,
        case when phone is null then 0 else 1 end as has_phone
    from ledger_customers
    where known_at < :cutoff_at
),
versions as (
    select known.*, row_number() over (partition by id order by {_LAST}) as version from known
),
described as (
    select v.*, k.customer_id
    from versions v
    left join identities_resolved i on v.id = i.anonymous_id
    join history_customers k on k.customer_id = coalesce(i.customer_id, v.id)
    where v.version = 1
),
states as (
    select described.*,
        min(signed_up_day) over (partition by customer_id) as first_signed_up_day,
        row_number() over (partition by customer_id order by {_LAST}) as turn
    from described
)
select customer_id, cast(first_signed_up_day as bigint) as signed_up_day, country, birth_date,
    loyalty_member, email_consent, sms_consent, ads_consent, has_email, has_phone
from states
where turn = 1
""",
)

_NONE_YET = ", ".join(
    f"cast(min(case when {among(events)} then 0 end) as bigint) as {none}"
    for none, events in RECORDED.items()
)

# A month is 30 days, a year 365. The window of a year ago begins on the day that is 365 days before the cutoff.
STORE = Step(
    "history_store",
    f"""
select
    cast(:cutoff_day as bigint) as as_of_day, o.*, e.*,
    (
        select country
        from (
            select country, count(*) as customers from history_people
            where country is not null group by country
        ) counted
        order by customers desc, country limit 1
    ) as most_frequent_country
from (
    select
        max(age_days) as first_order_age_days,
        count(case when age_days <= 30 then 1 end) as orders_30d,
        count(case when age_days between 31 and 390 then 1 end) as orders_prior_360d,
        count(case when age_days between 1 and 365 then 1 end) as orders_last_year,
        count(case when age_days between 336 and 365 then 1 end) as orders_30d_a_year_ago,
        count(case when age_days between 276 and 365 then 1 end) as orders_90d_a_year_ago,
        count(case when age_days <= 90 and next_gap_days is null then 1 end) as customers_90d,
        count(case when age_days <= 90 and order_number = 1 then 1 end) as new_customers_90d
    from history_orders
) o
cross join (
    select
        {_NONE_YET}
    from history_event_names
    where from_at < :cutoff_at
) e
""",
)

# The birthday of a 29 February is 1 March in a year without one.
_TODAY = "date '1970-01-01' + cast(:cutoff_day as int)"
_DAYS_BEFORE_MONTH = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
_LEAP = "case when ({year} % 4 = 0 and {year} % 100 <> 0) or {year} % 400 = 0 then 1 else 0 end"
_BEFORE = " ".join(f"when {month} then {days}" for month, days in enumerate(_DAYS_BEFORE_MONTH, 1))
ATTRIBUTES = Step(
    "history_attributes",
    f"""
with today as (
    select cast(extract(year from {_TODAY}) as bigint) as this_year,
        cast(extract(doy from {_TODAY}) as bigint) as day_of_year
),
years as (
    select this_year, day_of_year, {_LEAP.format(year="this_year")} as leap,
        {_LEAP.format(year="(this_year + 1)")} as next_leap
    from today
),
born as (
    select p.*, y.*, cast(extract(year from p.birth_date) as bigint) as birth_year,
        case extract(month from p.birth_date) {_BEFORE} end + extract(day from p.birth_date) as birthday,
        case when extract(month from p.birth_date) > 2 then 1 else 0 end as after_february
    from history_people p cross join years y
)
select
    b.customer_id,
    :cutoff_day - b.signed_up_day as sign_up_age_days,
    o.order_day - b.signed_up_day as sign_up_to_order_days,
    cast(case when b.loyalty_member then 1 when not b.loyalty_member then 0 end as bigint) as loyalty_member,
    cast(case when b.email_consent then 1 when not b.email_consent then 0 end as bigint) as email_consent,
    cast(case when b.sms_consent then 1 when not b.sms_consent then 0 end as bigint) as sms_consent,
    cast(case when b.ads_consent then 1 when not b.ads_consent then 0 end as bigint) as ads_consent,
    cast(b.has_email as bigint) as has_email, cast(b.has_phone as bigint) as has_phone,
    cast(b.this_year - b.birth_year
        - case when b.birthday + b.after_february * b.leap > b.day_of_year then 1 else 0 end as bigint
    ) as age_years,
    cast(case when b.birthday + b.after_february * b.leap >= b.day_of_year
        then b.birthday + b.after_february * b.leap - b.day_of_year
        else b.birthday + b.after_february * b.next_leap + 365 + b.leap - b.day_of_year
    end as bigint) as days_to_birthday,
    cast(case when b.country = s.most_frequent_country then 1
        when b.country <> s.most_frequent_country then 0 end as bigint) as same_country
from born b
cross join history_store s
left join history_orders o on b.customer_id = o.customer_id and o.order_number = 1
""",
)
