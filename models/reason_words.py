"""Reasons in words: what a term says of a customer with his own values, and what it does to a score."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from features.catalog.shipped import CATALOG
from features.catalog.subjects import HISTORY, MONEY_SPENT, SEASON_AND_STORE, SUBJECTS, Subject, subject_of
from features.words import Declared, said_of, shown
from models.contributions import AT_LEAST_NOTHING, AT_LEAST_THE_CHANCE, LEVEL, ORDER_VALUE, PROCESS
from models.histories import Histories
from models.release import Release
from models.rows import Rows
from models.scores import Score

NO_MORE_THAN = 10.0
"""Times; beyond it a factor is told as `over 10 times`."""
LIMITS = Subject("limits", "limits that every score keeps")
_OF_TERMS = {
    PROCESS: HISTORY,
    "process_active_log_odds": HISTORY,
    "process_order_log_odds": HISTORY,
    "process_log_rate": HISTORY,
    ORDER_VALUE: MONEY_SPENT,
    "expected_order_value": MONEY_SPENT,
    LEVEL: SEASON_AND_STORE,
    AT_LEAST_THE_CHANCE: LIMITS,
    AT_LEAST_NOTHING: LIMITS,
}
_FEATURES: Mapping[str, Declared] = {feature.name: feature for feature in CATALOG}
TITLES = {subject.name: subject.title for subject in (*SUBJECTS, LIMITS)}
"""The title of every subject, by its name."""


@cache
def term_subject(term: str) -> Subject:
    """Return what an addend is about: of a tree's input what its feature is about."""
    return _OF_TERMS.get(term) or subject_of(term)


@dataclass(frozen=True)
class Effect:
    """How what moves a score is told: its words are put together once for all customers.

    Parameters
    ----------
    raises, lowers : str
        What stands before the number.
    points : bool
        Whether it is told in points of a probability; else in per cent of orders and money.
    """

    raises: str
    lowers: str
    points: bool

    @classmethod
    def of(cls, score: Score) -> "Effect":
        """Return how a score's effects are told."""
        points = score.unit == "probability"
        # `expected orders over ...` is told without an article.
        what = f"the {score.means}" if points else score.means
        return cls(f"raises {what}", f"lowers {what}", points)

    def each(self, effects: Sequence[float]) -> list[str]:
        """Say what effects do: `raises the chance of ordering within 90 days by 12.0 points`."""
        ways = [self.raises if effect > 0 else self.lowers for effect in effects]
        if self.points:
            return [
                f"{way} by {abs(effect) * 100:.1f} points" for way, effect in zip(ways, effects, strict=True)
            ]
        return [
            f"{way} to over {NO_MORE_THAN:.0f} times as much"
            if effect > NO_MORE_THAN
            else f"{way} by {_share(round(abs(effect), 3))}"
            for way, effect in zip(ways, effects, strict=True)
        ]


@cache
def _share(rounded: float) -> str:
    """Return a share to a tenth of a per cent; of a thousand customers the same come again and again."""
    return shown(rounded, "share")


class Titles:
    """What a term is about, of whomever."""

    def each(self, terms: Sequence[str], _rows: Sequence[int], _score: Score) -> list[str]:
        """Return the titles of the terms' subjects."""
        return [term_subject(term).title for term in terms]


class Words:
    """What terms say of customers, in words."""

    def __init__(self, release: Release, rows: Rows, on_day: int | None) -> None:
        self._currency = release.manifest.currency
        self._level, self._on_day = release.predictors.next_order.level, on_day
        self._rows, self._histories = rows, Histories(rows)
        self._values: dict[str, list[float]] = {}
        self._said: dict[tuple[str, int], str] = {}
        self._of_days: dict[float, str] = {}

    def each(self, terms: Sequence[str], rows: Sequence[int], score: Score) -> list[str]:
        """Return the words of a term, each of the customer in its row, about the days that a score is named after."""
        days = float(score.name.rpartition("_")[2].removesuffix("d"))
        of_level, said = self._of_level(days) if LEVEL in terms else "", self._said
        found = []
        for key in zip(terms, rows, strict=True):
            text = of_level if key[0] == LEVEL else said.get(key)
            if text is None:
                text = said[key] = self._of(*key)
            found.append(text)
        return found

    def _of(self, term: str, row: int) -> str:
        subject = term_subject(term)
        if subject is HISTORY:
            return self._of_history(row)
        if term == AT_LEAST_THE_CHANCE:
            return "no fewer orders are expected than the chance of one"
        if term == AT_LEAST_NOTHING:
            return "no value below nothing is expected"
        name = "mean_order_value" if _OF_TERMS.get(term) is MONEY_SPENT else term
        value = self._value(name, row)
        known = None if math.isnan(value) else value
        feature = _FEATURES.get(name)
        if feature is None:
            return f"{name} is {'not known' if known is None else shown(known, '')}"
        return said_of(feature, known, self._currency)

    def _value(self, name: str, row: int) -> float:
        values = self._values.get(name)
        if values is None:
            values = self._values[name] = self._rows[name].tolist()
        return values[row]

    def _of_history(self, row: int) -> str:
        orders, age = int(self._histories.orders[row]), float(self._histories.age_days[row])
        last = age - float(self._histories.recency_days[row])
        if orders == 0:
            return "no order is left of those that were made"
        if orders == 1:
            return f"one order, {shown(last, 'days_ago')} ago"
        return f"{orders:,} orders since {shown(age, 'days_ago')} ago, the last {shown(last, 'days_ago')} ago"

    def _of_level(self, days: float) -> str:
        if days not in self._of_days:
            self._of_days[days] = self._said_of_level(days)
        return self._of_days[days]

    def _said_of_level(self, days: float) -> str:
        more = self._level.business_days(self._on_day, days) / days - 1.0
        if round(abs(more), 3) == 0:
            return f"the store expects its ordinary business in the next {days:.0f} days"
        way = f"{shown(round(abs(more), 3), 'share')} {'more' if more > 0 else 'less'}"
        return f"the store expects {way} business than usual in the next {days:.0f} days"
