"""What a pair's past looks like as of a day: its gaps, its customer's visits, what else he bought of the category.

Plain arithmetic on sorted rows. Counts are taken over windows or fade, so that a number means the same in a young
store and in an old one. What these say about the next purchase is left to `models.gap_curve` and
`models.rebuy_trees`.
"""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from models.gaps import Days, Floats, Ints, Items

WINDOWS_DAYS: Final = (28, 56, 84)
RECENT_DAYS: Final = 14
YEAR_DAYS: Final = 365
HALF_LIVES_DAYS: Final = (20, 60)
MOST_AGE_DAYS: Final = 182
"""An age beyond it would say how long the store has been open, not how the pair is bought."""
MOST_COUNT: Final = 8
REBUY_DAYS: Final = 84
"""Days after the first purchase within which a buyer counts as one who rebuys."""
STRETCH_DAYS: Final = 14
_NOBODY: Final = -1


class Runs:
    """Rows that lie one after another and belong together, such as a pair's days.

    Parameters
    ----------
    keys : tuple of (n,) int
        Rows of one run are equal in all of them.
    """

    def __init__(self, *keys: Ints) -> None:
        size = len(keys[0])
        new = np.zeros(size, dtype=np.bool_)
        for key in keys:
            new[1:] |= key[1:] != key[:-1]
        new[:1] = True
        self.first = np.flatnonzero(new)
        self.last = np.append(self.first[1:], size)[: len(self.first)] - 1
        self.size = self.last - self.first + 1
        self.starts = new

    def total(self, values: npt.NDArray[Any]) -> Floats:
        """Return each run's sum of a value of its rows."""
        if not len(self.first):
            return np.zeros(0)
        return np.asarray(np.add.reduceat(values.astype(np.float64), self.first))

    def spread(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Return a value of each run for each of its rows."""
        return np.repeat(values, self.size)


def pairs_as_of(days: Days, items: Items, day: int) -> pd.DataFrame:
    """Describe every pair bought before a day.

    Parameters
    ----------
    days : Days
        Whole customers; later days are left out.
    items : Items
        Of the same level.
    day : int, local days since 1970-01-01
        Exclusive.

    Returns
    -------
    pandas.DataFrame
        One row a pair, by customer and item: their numbers, and columns of float64. NaN is what cannot be said.
    """
    past = days.before(day)
    pair = Runs(past.customer, past.item)
    age = (day - past.day).astype(np.float64)
    columns: dict[str, Floats] = {"days_bought": pair.size.astype(np.float64)}
    columns |= _counts(pair, age)
    columns |= _gaps(pair, past, age)
    columns |= _quantities(pair, past)
    numbers = {"customer": past.customer[pair.first], "item": past.item[pair.first]}
    customer = Runs(numbers["customer"])
    columns |= _visits(pair, customer, past, day)
    columns |= _habits(customer, columns, pair.total(np.where(age > WINDOWS_DAYS[0], 1.0, 0.0)))
    columns |= _category(numbers, items, columns)
    return pd.DataFrame(numbers | columns, copy=False)


def _counts(pair: Runs, age: Floats) -> dict[str, Floats]:
    """Count days bought in windows, fading, and by stretches of two weeks of which several days count once."""
    out = {f"days_bought_{length}d": pair.total(age <= length) for length in (RECENT_DAYS, *WINDOWS_DAYS)}
    out |= {f"days_faded_{life}d": pair.total(0.5 ** (age / life)) for life in HALF_LIVES_DAYS}
    # The four weeks that begin today, a year ago.
    out["days_bought_year"] = pair.total(age <= YEAR_DAYS)
    out["days_bought_year_ago"] = pair.total((age <= YEAR_DAYS) & (age > YEAR_DAYS - WINDOWS_DAYS[0]))
    stretch = np.floor((age - 1) / STRETCH_DAYS)
    another = pair.starts.copy()
    another[1:] |= stretch[1:] != stretch[:-1]
    out["stretches_share"] = pair.total(another) / (stretch[pair.first] + 1)
    out["stretches_faded"] = pair.total(another * 0.8**stretch)
    return out


def _gaps(pair: Runs, past: Days, age: Floats) -> dict[str, Floats]:
    """Return moments of the logarithms of a pair's gaps, and its last two gaps."""
    gap = np.full(len(age), np.nan)
    gap[1:] = np.diff(past.day)
    gap[pair.starts] = np.nan
    log_gap = np.log(gap)
    known = np.nan_to_num(log_gap)
    gaps = pair.size - 1.0
    sums, squares = pair.total(known), pair.total(known**2)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(gaps > 0, sums / gaps, np.nan)
        deviation = np.where(gaps > 1, np.sqrt(np.maximum(squares / gaps - mean**2, 0.0)), np.nan)
    return {
        "elapsed_days": age[pair.last],
        "age_days": np.minimum(age[pair.first], MOST_AGE_DAYS),
        "full_age_days": age[pair.first],
        "log_gap_sum": sums,
        "log_gap_squared_sum": squares,
        "log_gap_mean": mean,
        "log_gap_deviation": deviation,
        "last_gap_days": gap[pair.last],
        "gap_before_days": np.where(gaps > 1, gap[np.maximum(pair.last - 1, 0)], np.nan),
        "first_gap_days": np.where(gaps > 0, gap[np.minimum(pair.first + 1, pair.last)], np.nan),
    }


def _quantities(pair: Runs, past: Days) -> dict[str, Floats]:
    """Return how the gaps of a pair moved with the quantity that began them, and how the last one differs.

    Logarithms, measured from the mean of the pair's own gaps: that some take more than others tells nothing here.
    """
    log_quantity = np.log(np.where(past.quantity > 0, past.quantity, np.nan))
    gap = np.zeros(len(log_quantity))
    gap[:-1] = np.diff(past.day)
    ends = np.zeros(len(gap), dtype=np.bool_)
    ends[pair.last] = True
    used = np.isfinite(log_quantity) & ~ends
    log_gap = np.log(np.where(used, gap, 1.0))
    began, count = np.where(used, log_quantity, 0.0), np.maximum(pair.total(used), 1.0)
    usual, usual_gap = pair.total(began) / count, pair.total(log_gap) / count
    away = np.where(used, began - pair.spread(usual), 0.0)
    away_gap = np.where(used, log_gap - pair.spread(usual_gap), 0.0)
    log_spent = np.log(np.maximum(past.spent, 1.0))
    spent = pair.total(log_spent) / pair.size
    more = np.where(pair.total(used) > 0, log_quantity[pair.last] - usual, 0.0)
    return {
        "quantity": _medians(pair, past.quantity),
        "quantity_moved": pair.total(away**2),
        "quantity_moved_gap": pair.total(away * away_gap),
        "log_quantity_more": np.nan_to_num(more),
        "log_spend_mean": spent,
        "log_spend_more": log_spent[pair.last] - spent,
    }


def _medians(pair: Runs, values: Floats) -> Floats:
    """Return each pair's median of what is known; NaN where nothing is."""
    run = pair.spread(np.arange(len(pair.size), dtype=np.float64))
    ranked = values[np.lexsort((values, run))]  # NaN comes last within its pair
    known = pair.total(np.isfinite(values)).astype(np.int64)
    low, high = pair.first + np.maximum(known - 1, 0) // 2, pair.first + known // 2
    return np.where(known > 0, (ranked[low] + ranked[np.minimum(high, pair.last)]) / 2, np.nan)


def _visits(pair: Runs, customer: Runs, past: Days, day: int) -> dict[str, Floats]:
    """Return how the customer comes, and how many of his visits the pair was part of."""
    visit = Runs(past.visit_customer)
    number = np.arange(len(past.visit_day)) - visit.spread(visit.first)
    # A pair's day is one of his visits: its place among them is found in the sorted keys of both.
    key = past.visit_customer * 100_000 + past.visit_day
    at = number[np.searchsorted(key, past.customer * 100_000 + past.day)].astype(np.float64)
    age = (day - past.visit_day).astype(np.float64)
    gap = np.zeros(len(age))
    gap[1:] = np.diff(past.visit_day)
    log_gap = np.log(np.where(visit.starts, 1.0, gap))
    gaps = np.maximum(visit.size - 1.0, 1.0)
    mean = (visit.total(log_gap) + np.log(30.0)) / (gaps + 1)
    spread = np.sqrt(np.maximum(visit.total(log_gap**2) / gaps - (visit.total(log_gap) / gaps) ** 2, 0.0))
    his = np.searchsorted(past.visit_customer[visit.first], past.customer[pair.first])
    visits = visit.size.astype(np.float64)
    since = visits[his] - 1 - at[pair.last]
    each = np.where(pair.size > 1, (at[pair.last] - at[pair.first]) / np.maximum(pair.size - 1, 1), np.nan)
    bought = np.zeros(len(visits))
    bought[his[customer.first]] = customer.total(pair.size)
    last = age[visit.last]
    return {
        "visits": visits[his],
        "visits_28d": visit.total(age <= WINDOWS_DAYS[0])[his],
        "visits_84d": visit.total(age <= WINDOWS_DAYS[2])[his],
        "customer_age_days": np.minimum(age[visit.first], MOST_AGE_DAYS)[his],
        "customer_full_age_days": age[visit.first][his],
        "last_visit_days": last[his],
        "last_visit_relative": (np.log(last) - mean)[his],
        "log_visit_gap_mean": mean[his],
        "log_visit_gap_deviation": spread[his],
        "items_a_visit": (bought / visits)[his],
        "visits_since": since,
        "visits_a_purchase": each,
        "visits_since_relative": (since + 1) / (each + 1),
        "visits_share": pair.size / (visits[his] - at[pair.first]),
    }


def _habits(customer: Runs, columns: dict[str, Floats], known_before: Floats) -> dict[str, Floats]:
    """Return what the customer's other pairs say of him: how much he buys, and how much of it again."""
    rows = columns["days_bought"]
    out = {
        f"customer_days_{length}d": customer.spread(customer.total(columns[f"days_bought_{length}d"]))
        for length in (28, 84)
    }
    faded = columns["days_faded_60d"]
    out["faded_share"] = faded / customer.spread(customer.total(faded))
    out["customer_repeats"] = customer.spread(customer.total(rows > 1) / customer.size)
    # Of the pairs that he had bought twice four weeks ago, those bought since.
    habit = known_before >= 2  # noqa: PLR2004 - twice makes a habit
    again = habit & (columns["elapsed_days"] <= WINDOWS_DAYS[0])
    out["habit"], out["habit_kept"] = habit.astype(np.float64), again.astype(np.float64)
    return out


def _category(numbers: dict[str, Ints], items: Items, columns: dict[str, Floats]) -> dict[str, Floats]:
    """Return the pair's part in what the customer buys of the category, and when he last bought any of it.

    An item without a category stands for itself.
    """
    codes, _ = pd.factorize(items.categories)
    codes = np.where(codes == _NOBODY, len(items.names) + np.arange(len(items.names)), codes)
    category = codes[numbers["item"]] if len(codes) else numbers["item"]
    order = np.lexsort((category, numbers["customer"]))
    group = Runs(numbers["customer"][order], category[order])
    elapsed, faded = columns["elapsed_days"][order], columns["days_faded_60d"][order]
    newest = np.minimum.reduceat(elapsed, group.first) if len(order) else elapsed
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    total, latest = group.spread(group.total(faded))[back], group.spread(newest)[back]
    return {
        "category_share": columns["days_faded_60d"] / total,
        "category_elapsed_days": latest,
        "substitute_ahead_days": columns["elapsed_days"] - latest,
        "category_items": group.spread(group.size.astype(np.float64))[back],
    }
