"""Why a customer has his scores: the strongest contributions, by subject and in words, with his own values."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from features.catalog.subjects import Subject
from models.contributions import Contributions, contributions
from models.reason_words import Effect, Titles, Words, term_subject
from models.release import Release
from models.rows import Rows, Snapshot

Floats = NDArray[np.float64]

MOST_REASONS = 4
LEAST_POINTS, LEAST_SHARE = 0.0005, 0.0005
"""A reason that would be told as 0.0 points or 0 % is none."""
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


class Reasons(NamedTuple):
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
    return _told(found, _Strongest.of(found, most), Words(release, rows, on_day))


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
    return _told(means, _Strongest.of(means, most), Titles())[0]


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


def _told(
    found: Sequence[Contributions], strongest: _Strongest, words: "Words | Titles"
) -> list[dict[str, Reasons]]:
    """Return every customer's reasons, by the score's name."""
    least = np.array([LEAST_POINTS if each.scale == "log_odds" else LEAST_SHARE for each in found])
    # All at once, by score and customer, so that a reason of many costs no more than its words.
    places, rows, ranks = np.nonzero(np.abs(strongest.effects) >= least[:, None, None])
    columns = (strongest.order, strongest.terms, strongest.sums, strongest.effects)
    subjects, terms, added, effects = (each[places, rows, ranks].tolist() for each in columns)
    customers = strongest.raw.shape[1]
    ends = np.searchsorted(places * customers + rows, np.arange(len(found) * customers + 1)).tolist()
    told: list[dict[str, Reasons]] = [{} for _ in range(customers)]
    for place, each in enumerate(found):
        bounds = ends[place * customers : (place + 1) * customers + 1]
        first, last = bounds[0], bounds[-1]
        said = words.each(
            [each.terms[term] for term in terms[first:last]], rows[first:last].tolist(), each.score
        )
        does = Effect.of(each.score).each(effects[first:last])
        texts = [f"{what}: {effect}" for what, effect in zip(said, does, strict=True)]
        names = [strongest.subjects[subject].name for subject in subjects[first:last]]
        reasons = [*map(Reason, names, texts, added[first:last], effects[first:last])]
        name, base, usual = each.score.name, each.base, float(each.value(each.base))
        of_rows = zip(told, strongest.raw[place].tolist(), bounds, bounds[1:], strict=False)
        for mine, raw, start, stop in of_rows:
            rest = raw - base - sum(added[start:stop])
            mine[name] = Reasons(
                name, each.scale, base, usual, tuple(reasons[start - first : stop - first]), rest
            )
    return told


@cache
def by_subject(terms: tuple[str, ...]) -> tuple[tuple[Subject, ...], NDArray[np.intp]]:
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
