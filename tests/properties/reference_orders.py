"""The features of when orders came and of what they were worth, in plain Python."""

from datetime import timedelta
from statistics import median

from features.cutoff import EPOCH
from tests.properties.reference_rows import (
    Days,
    Row,
    Value,
    gaps,
    in_currency,
    net,
    paid,
    ratio,
    slope_over_mean,
    spread,
    summed,
)

ALL_WINDOWS = (7, 14, 30, 60, 90, 180, 365)
WEDNESDAY, SATURDAY = 3, 6
MORNING_HOUR, NOON, EVENING_HOUR = 6, 12, 18
OCTOBER = 10


def within(days: Days, today: int, newest: int, oldest: int) -> Days:
    """Return the days of an age between two, both included."""
    return {day: rows for day, rows in days.items() if newest <= today - day <= oldest}


def values_of(days: Days) -> list[int]:
    """Return what each day is worth, oldest first."""
    return [net(of_day) for of_day in days.values()]


def recency(days: Days, today: int) -> dict[str, Value]:
    first, last = (min(days), max(days)) if days else (None, None)
    return {
        "days_since_last_order": None if last is None else today - last,
        "days_since_first_order": None if first is None else today - first,
        "days_first_to_last_order": None if first is None or last is None else last - first,
    }


def frequency(days: Days, today: int) -> dict[str, Value]:
    """Return how many orders and lines, and what is spent, in windows and beside one another."""

    def orders(newest: int, oldest: int) -> int:
        return len(within(days, today, newest, oldest))

    def spent(newest: int, oldest: int) -> int | None:
        return summed([*values_of(within(days, today, newest, oldest))])

    answer: dict[str, Value] = {"orders": len(days)}
    for length in ALL_WINDOWS:
        recent = within(days, today, 0, length)
        answer[f"orders_{length}d"] = len(recent)
        answer[f"spend_{length}d"] = in_currency(sum(values_of(recent)))
        answer[f"lines_{length}d"] = sum(len(paid(of_day)) for of_day in recent.values())
    for length in (30, 90, 180, 365):
        now, before = spent(0, length), spent(length + 1, 2 * length)
        change = f"{length}d_over_prior_{length}d"
        answer[f"orders_{change}"] = ratio(orders(0, length), orders(length + 1, 2 * length))
        answer[f"spend_{change}"] = None if now is None or before is None else ratio(now, before)
    for length, longer in ((30, 90), (90, 365)):
        answer[f"orders_{length}d_of_{longer}d"] = ratio(orders(0, length), orders(0, longer))
    return answer


def money(days: Days, rows: list[Row]) -> dict[str, Value]:
    values = values_of(days)
    total = sum(values)
    discounts = {day: summed([row["discount_minor"] for row in paid(rows)]) for day, rows in days.items()}
    known = {day: amount for day, amount in discounts.items() if amount is not None}
    discounted, of_known = sum(known.values()), sum(net(paid(days[day])) for day in known)
    refunded = -sum(row["net_minor"] for row in rows if row["status"] == "refunded")
    return {
        "spend": in_currency(total),
        "gross_spend": in_currency(net(paid(rows))),
        "mean_order_value": in_currency(ratio(total, len(values))),
        "median_order_value": in_currency(median(values)) if values else None,
        "last_order_value": in_currency(values[-1]) if values else None,
        "first_order_value": in_currency(values[0]) if values else None,
        "max_order_value": in_currency(max(values)) if values else None,
        "min_order_value": in_currency(min(values)) if values else None,
        "last_order_over_mean_order": ratio(values[-1] * len(values), total) if values else None,
        "order_value_spread": spread(values),
        "order_value_trend": slope_over_mean(values),
        "discounted_order_share": ratio(sum(1 for amount in known.values() if amount > 0), len(known)),
        "discount_share": ratio(discounted, discounted + of_known),
        "refunded_share": ratio(refunded, net(paid(rows))),
    }


def rhythm(days: Days, today: int) -> dict[str, Value]:
    between = gaps(days)
    since_last = today - max(days) if days else 0
    squares = sum(gap * gap for gap in between)
    regular = sum(between) * sum(between), len(between) * squares
    return {
        "mean_gap_days": ratio(sum(between), len(between)),
        "median_gap_days": float(median(between)) if between else None,
        "last_gap_days": between[-1] if between else None,
        "max_gap_days": max(between) if between else None,
        "min_gap_days": min(between) if between else None,
        "gap_spread": spread(between),
        "gap_regularity": ratio(*regular) if len(between) > 1 else None,
        "gap_trend": slope_over_mean(between),
        "days_to_second_order": between[0] if between else None,
        "days_second_to_third_order": between[1] if len(between) > 1 else None,
        "last_gap_over_mean_gap": ratio(between[-1] * len(between), sum(between)) if between else None,
        "days_since_last_over_mean_gap": ratio(since_last * len(between), sum(between)),
        "days_since_last_over_median_gap": ratio(since_last, median(between)) if between else None,
        "days_since_last_over_max_gap": ratio(since_last, max(between)) if between else None,
        **times_of(days),
    }


def times_of(days: Days) -> dict[str, Value]:
    """Return the shares of orders by weekday and by hour of the day's first order."""
    weekdays = [of_day[0]["order_isoweekday"] for of_day in days.values()]
    hours = [min(row["order_hour"] for row in paid(of_day)) for of_day in days.values()]
    mornings = [hour for hour in hours if MORNING_HOUR <= hour < NOON]
    return {
        "weekend_order_share": ratio(sum(1 for each in weekdays if each >= SATURDAY), len(days)),
        "early_week_order_share": ratio(sum(1 for each in weekdays if each <= WEDNESDAY), len(days)),
        "morning_order_share": ratio(len(mornings), len(days)),
        "afternoon_order_share": ratio(sum(1 for hour in hours if NOON <= hour < EVENING_HOUR), len(days)),
        "evening_order_share": ratio(sum(1 for hour in hours if hour >= EVENING_HOUR), len(days)),
    }


def season(days: Days, today: int) -> dict[str, Value]:
    months = [month_of(day) for day in days]
    now = month_of(today)
    beside = {(now - 2) % 12 + 1, now, now % 12 + 1}
    recent, then = within(days, today, 0, 90), within(days, today, 366, 455)
    ahead = within(days, today, 276, 365)
    here_a_year = bool(days) and today - min(days) > 365
    return {
        "orders_90d_year_ago": len(then) if here_a_year else None,
        "spend_90d_year_ago": in_currency(sum(values_of(then))) if here_a_year else None,
        "orders_next_90d_year_ago": len(ahead) if here_a_year else None,
        "spend_next_90d_year_ago": in_currency(sum(values_of(ahead))) if here_a_year else None,
        "orders_90d_over_year_ago": ratio(len(recent), len(then)),
        "spend_90d_over_year_ago": ratio(sum(values_of(recent)), sum(values_of(then))) if recent else None,
        "season_order_share": ratio(sum(1 for month in months if month in beside), len(days)),
        "fourth_quarter_order_share": ratio(sum(1 for month in months if month >= OCTOBER), len(days)),
        "cutoff_month": now,
    }


def month_of(day: int) -> int:
    return (EPOCH + timedelta(days=day)).month
