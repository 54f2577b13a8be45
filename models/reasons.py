"""Why a customer has his scores: the strongest contributions, by subject and in words, with his own values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.catalog.shipped import CATALOG
from features.catalog.subjects import HISTORY, MONEY_SPENT, SEASON_AND_STORE, SUBJECTS, Subject, subject_of
from features.words import Declared, said_of, shown
from models.contributions import (
    AT_LEAST_NOTHING,
    AT_LEAST_THE_CHANCE,
    LEVEL,
    ORDER_VALUE,
    PROCESS,
    Contributions,
    contributions,
)
from models.histories import Histories
from models.release import Release
from models.scores import Score

Floats = NDArray[np.float64]

MOST_REASONS = 4
LEAST_POINTS, LEAST_SHARE = 0.0005, 0.0005
"""A reason that would be told as 0.0 points or 0 % is none."""
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
NEEDED = ("orders", "days_first_to_last_order", "days_since_first_order", "mean_order_value")
"""Features that processes read, beside the inputs of trees."""


@dataclass(frozen=True)
class Reason:
    """One subject's contribution to one score of one customer.

    Parameters
    ----------
    subject : str
    text : str
        What is so, with the customer's own values, and what it does to the score.
    contribution : float
        On the raw scale.
    effect : float
        The score less what it would be without this contribution: a difference of probabilities, or the part by which
        orders or money are higher (negative: lower) for it.
    """

    subject: str
    text: str
    contribution: float
    effect: float


@dataclass(frozen=True)
class Reasons:
    """Why one customer has one score; base, contributions and rest sum to the score's raw value.

    Parameters
    ----------
    score : str
    scale : str
        `log_odds` of a probability, `log` of orders and money.
    base : float
        The raw score of the store's usual customer.
    usual : float
        The score that this is.
    reasons : tuple of Reason
        The strongest first.
    rest : float
        All other contributions together.
    """

    score: str
    scale: str
    base: float
    usual: float
    reasons: tuple[Reason, ...]
    rest: float


TITLES = {subject.name: subject.title for subject in (*SUBJECTS, LIMITS)}
"""The title of every subject, by its name."""


def term_subject(term: str) -> Subject:
    """Return what an addend is about: of a tree's input what its feature is about."""
    return _OF_TERMS.get(term) or subject_of(term)


def explain(
    release: Release,
    snapshot: pd.DataFrame,
    on_day: int | None = None,
    most: int = MOST_REASONS,
) -> list[dict[str, Reasons]]:
    """Return the reasons of each customer's scores, by the score's name.

    Parameters
    ----------
    release : Release
    snapshot : (n, k) DataFrame
        NEEDED and `release.predictors.inputs`, those of them that are features.
    on_day : int or None
        Local day number of the snapshot's cutoff; None is the day that the release is as of.
    most : int
        Reasons a score.
    """
    if snapshot.empty:  # of whom LightGBM cannot be asked
        return []
    predictors = release.predictors
    found = contributions(
        predictors.next_order, predictors.worth, release.manifest.usual_customer, snapshot, on_day
    )
    words = _Words(release, snapshot, on_day)
    told: list[dict[str, Reasons]] = [{} for _ in range(len(snapshot))]
    for name, each in found.items():
        for row, reasons in enumerate(_reasons_of(each, words, most)):
            told[row][name] = reasons
    return told


def _reasons_of(found: Contributions, words: "_Words", most: int) -> list[Reasons]:
    """Return every customer's reasons of one score."""
    subjects, of_term = by_subject(found.terms)
    sums = subject_sums(found.added, of_term, len(subjects))
    raw = found.raw
    value, without = found.value(raw)[:, None], found.value(raw[:, None] - sums)
    effects = value - without if found.scale == "log_odds" else np.expm1(sums)
    least = LEAST_POINTS if found.scale == "log_odds" else LEAST_SHARE
    told = []
    for row, (mine, effect) in enumerate(zip(sums, effects, strict=True)):
        strongest = [
            place for place in np.argsort(-np.abs(mine), kind="stable")[:most] if abs(effect[place]) >= least
        ]
        reasons = []
        for place in strongest:
            term = _strongest_term(found, row, of_term == place, mine[place])
            text = f"{words.of(term, row, found.score)}: {does(found.score, float(effect[place]))}"
            reasons.append(Reason(subjects[place].name, text, float(mine[place]), float(effect[place])))
        rest = float(raw[row]) - found.base - sum(reason.contribution for reason in reasons)
        usual = float(found.value(found.base))
        told.append(Reasons(found.score.name, found.scale, found.base, usual, tuple(reasons), rest))
    return told


def by_subject(terms: Sequence[str]) -> tuple[tuple[Subject, ...], NDArray[np.intp]]:
    """Return the subjects that there are, and of each term the place of its own."""
    of_each = [term_subject(term) for term in terms]
    subjects = tuple(dict.fromkeys(of_each))
    return subjects, np.array([subjects.index(subject) for subject in of_each], dtype=np.intp)


def subject_sums(added: Floats, of_term: NDArray[np.intp], subjects: int) -> Floats:
    """Return (n, subjects) float, the sum of what each subject's terms add."""
    # Column by column, so that a customer alone gets to the last bit what he gets among others.
    sums = np.zeros((len(added), subjects))
    for place, column in zip(of_term, added.T, strict=True):
        sums[:, place] += column
    return sums


def _strongest_term(found: Contributions, row: int, among: NDArray[np.bool_], total: float) -> str:
    """Return the term of a subject that adds most in the direction of their sum."""
    pull = np.where(among, found.added[row] * np.sign(total), -np.inf)
    return found.terms[int(pull.argmax())]


def does(score: Score, effect: float) -> str:
    """Say what an effect does to a score: `raises the chance of ordering within 90 days by 12.0 points`."""
    way = "raises" if effect > 0 else "lowers"
    if score.unit == "probability":
        return f"{way} the {score.means} by {abs(effect) * 100:.1f} points"
    # `expected orders over ...` is told without an article.
    if effect > NO_MORE_THAN:
        return f"{way} {score.means} to over {NO_MORE_THAN:.0f} times as much"
    return f"{way} {score.means} by {shown(round(abs(effect), 3), 'share')}"


class _Words:
    """What a term says of a customer, in words."""

    def __init__(self, release: Release, snapshot: pd.DataFrame, on_day: int | None) -> None:
        self._currency = release.manifest.currency
        self._level, self._on_day = release.predictors.next_order.level, on_day
        self._snapshot, self._histories = snapshot, Histories(snapshot)
        self._said: dict[tuple[str, int], str] = {}

    def of(self, term: str, row: int, score: Score) -> str:
        """Return the words of a term."""
        if term == LEVEL:
            return self._of_level(float(score.name.rpartition("_")[2].removesuffix("d")))
        if (term, row) not in self._said:
            self._said[term, row] = self._of(term, row)
        return self._said[term, row]

    def _of(self, term: str, row: int) -> str:
        subject = _OF_TERMS.get(term)
        if subject is HISTORY or subject_of(term) is HISTORY:
            return self._of_history(row)
        if term == AT_LEAST_THE_CHANCE:
            return "no fewer orders are expected than the chance of one"
        if term == AT_LEAST_NOTHING:
            return "no value below nothing is expected"
        name = "mean_order_value" if subject is MONEY_SPENT else term
        value = self._snapshot[name].iloc[row]
        known = None if pd.isna(value) else float(value)
        feature = _FEATURES.get(name)
        if feature is None:
            return f"{name} is {'not known' if known is None else shown(known, '')}"
        return said_of(feature, known, self._currency)

    def _of_history(self, row: int) -> str:
        orders, age = int(self._histories.orders[row]), float(self._histories.age_days[row])
        last = age - float(self._histories.recency_days[row])
        if orders == 0:
            return "no order is left of those that were made"
        if orders == 1:
            return f"one order, {shown(last, 'days_ago')} ago"
        return f"{orders:,} orders since {shown(age, 'days_ago')} ago, the last {shown(last, 'days_ago')} ago"

    def _of_level(self, days: float) -> str:
        more = self._level.business_days(self._on_day, days) / days - 1.0
        if round(abs(more), 3) == 0:
            return f"the store expects its ordinary business in the next {days:.0f} days"
        way = f"{shown(round(abs(more), 3), 'share')} {'more' if more > 0 else 'less'}"
        return f"the store expects {way} business than usual in the next {days:.0f} days"
