"""Why a customer has his scores: the strongest contributions, by subject and in words, with his own values."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
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
from models.rows import Rows, Snapshot
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


class Reason(NamedTuple):
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


@cache
def term_subject(term: str) -> Subject:
    """Return what an addend is about: of a tree's input what its feature is about."""
    return _OF_TERMS.get(term) or subject_of(term)


def explain(
    release: Release,
    snapshot: Snapshot,
    on_day: int | None = None,
    most: int = MOST_REASONS,
) -> list[dict[str, Reasons]]:
    """Return the reasons of each customer's scores, by the score's name.

    Parameters
    ----------
    release : Release
    snapshot : (n, k) DataFrame or Rows
        NEEDED and `release.predictors.inputs`, those of them that are features.
    on_day : int or None
        Local day number of the snapshot's cutoff; None is the day that the release is as of.
    most : int
        Reasons a score.
    """
    rows = Rows.of(snapshot)
    if not len(rows):  # of whom LightGBM cannot be asked
        return []
    predictors, usual = release.predictors, release.manifest.usual_customer
    found = list(contributions(predictors.next_order, predictors.worth, usual, rows, on_day).values())
    strongest = _Strongest.of(found, most)
    words = _Words(release, rows, on_day)
    told: list[dict[str, Reasons]] = [{} for _ in range(len(rows))]
    for place, each in enumerate(found):
        for row, reasons in enumerate(_reasons_of(each, strongest, place, words)):
            told[row][each.score.name] = reasons
    return told


def explain_together(
    release: Release, snapshot: Snapshot, on_day: int | None = None, most: int = MOST_REASONS
) -> dict[str, Reasons]:
    """Return what moves the scores of some customers as a whole, by the score's name; nothing of nobody.

    That is their mean raw value and the mean of each contribution to it, so that base, contributions and rest sum to
    it as they do of one customer. Subjects are told by their titles.

    Parameters
    ----------
    release, snapshot, on_day, most
        As `explain` takes them.
    """
    rows = Rows.of(snapshot)
    if not len(rows):
        return {}
    predictors, usual = release.predictors, release.manifest.usual_customer
    found = contributions(predictors.next_order, predictors.worth, usual, rows, on_day).values()
    means = [replace(each, added=each.added.mean(axis=0, keepdims=True)) for each in found]
    strongest, words = _Strongest.of(means, most), _Titles()
    return {
        each.score.name: _reasons_of(each, strongest, place, words)[0] for place, each in enumerate(means)
    }


@dataclass(frozen=True)
class _Strongest:
    """The strongest subjects of m scores of n customers, all found at once: one customer costs little more than none.

    Parameters
    ----------
    subjects : tuple of Subject
    raw : (m, n) float
    order : (m, n, j) int
        Places of the subjects that move a score most.
    sums, effects : (m, n, j) float
        Of these subjects, in the same order.
    terms : (m, n, j) int
        Of each of them the term that adds most in the direction of its sum.
    """

    subjects: tuple[Subject, ...]
    raw: Floats
    order: NDArray[np.intp]
    sums: Floats
    effects: Floats
    terms: NDArray[np.intp]

    @classmethod
    def of(cls, found: Sequence[Contributions], most: int) -> "_Strongest":
        """Return them for scores of the same customers, whose terms are the same."""
        subjects, of_term = by_subject(found[0].terms)
        added = np.stack([each.added for each in found])
        sums = subject_sums(added, of_term, len(subjects))
        raw = np.stack([each.raw for each in found])
        effects = np.stack(
            [_effects(each, mine, of_all) for each, mine, of_all in zip(found, raw, sums, strict=True)]
        )
        terms = np.empty(sums.shape, dtype=np.intp)
        for place in range(len(subjects)):
            among = np.flatnonzero(of_term == place)
            pull = added[..., among] * np.sign(sums[..., place, None])
            terms[..., place] = among[pull.argmax(axis=-1)]
        order = np.argsort(-np.abs(sums), axis=-1, kind="stable")[..., :most]
        strongest = np.take_along_axis(sums, order, axis=-1), np.take_along_axis(effects, order, axis=-1)
        return cls(subjects, raw, order, *strongest, np.take_along_axis(terms, order, axis=-1))


def _effects(found: Contributions, raw: Floats, sums: Floats) -> Floats:
    """Return (n, subjects) float, what each subject's sum does to a score."""
    if found.scale == "log":
        return np.asarray(np.expm1(sums))
    return found.value(raw)[:, None] - found.value(raw[:, None] - sums)


def _reasons_of(
    found: Contributions, strongest: _Strongest, place: int, words: "_Words | _Titles"
) -> list[Reasons]:
    """Return every customer's reasons of one score."""
    score, base = found.score, found.base
    usual, effect_of = float(found.value(base)), Effect.of(score)
    least = LEAST_POINTS if found.scale == "log_odds" else LEAST_SHARE
    names = [subject.name for subject in strongest.subjects]
    columns = (strongest.order, strongest.terms, strongest.sums, strongest.effects)
    of_rows = zip(strongest.raw[place].tolist(), *(each[place].tolist() for each in columns), strict=True)
    told = []
    for row, (raw, *ranked) in enumerate(of_rows):
        reasons = tuple(
            Reason(
                names[subject],
                f"{words.of(found.terms[term], row, score)}: {effect_of.said(effect)}",
                added,
                effect,
            )
            for subject, term, added, effect in zip(*ranked, strict=True)
            if abs(effect) >= least
        )
        rest = raw - base - sum(reason.contribution for reason in reasons)
        told.append(Reasons(score.name, found.scale, base, usual, reasons, rest))
    return told


def by_subject(terms: Sequence[str]) -> tuple[tuple[Subject, ...], NDArray[np.intp]]:
    """Return the subjects that there are, and of each term the place of its own."""
    of_each = [term_subject(term) for term in terms]
    subjects = tuple(dict.fromkeys(of_each))
    return subjects, np.array([subjects.index(subject) for subject in of_each], dtype=np.intp)


def subject_sums(added: Floats, of_term: NDArray[np.intp], subjects: int) -> Floats:
    """Return (..., subjects) float, the sum of what each subject's terms, (..., k) float, add."""
    # Column by column, so that a customer alone gets to the last bit what he gets among others.
    sums = np.zeros((*added.shape[:-1], subjects))
    for column, place in enumerate(of_term):
        sums[..., place] += added[..., column]
    return sums


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

    def said(self, effect: float) -> str:
        """Say what an effect does: `raises the chance of ordering within 90 days by 12.0 points`."""
        way = self.raises if effect > 0 else self.lowers
        if self.points:
            return f"{way} by {abs(effect) * 100:.1f} points"
        if effect > NO_MORE_THAN:
            return f"{way} to over {NO_MORE_THAN:.0f} times as much"
        return f"{way} by {_share(round(abs(effect), 3))}"


@cache
def _share(rounded: float) -> str:
    """Return a share to a tenth of a per cent; of a thousand customers the same come again and again."""
    return shown(rounded, "share")


class _Titles:
    """What a term is about, of whomever."""

    def of(self, term: str, _row: int, _score: Score) -> str:
        """Return the title of a term's subject."""
        return term_subject(term).title


class _Words:
    """What a term says of a customer, in words."""

    def __init__(self, release: Release, rows: Rows, on_day: int | None) -> None:
        self._currency = release.manifest.currency
        self._level, self._on_day = release.predictors.next_order.level, on_day
        self._rows, self._histories = rows, Histories(rows)
        self._values: dict[str, list[float]] = {}
        self._said: dict[tuple[str, int], str] = {}
        self._of_days: dict[float, str] = {}

    def of(self, term: str, row: int, score: Score) -> str:
        """Return the words of a term."""
        if term == LEVEL:
            return self._of_level(float(score.name.rpartition("_")[2].removesuffix("d")))
        found = self._said.get((term, row))
        if found is None:
            found = self._said[term, row] = self._of(term, row)
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
