"""How much each subject and each input moves the scores of a store: the mean of its absolute contributions.

Read on a seeded sample of the customers scored; what is kept of it is a number an input, and no customer.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.boosting import sample
from models.contributions import Contributions, contributions
from models.reasons import by_subject, subject_sums
from models.release import Release

MOST_CUSTOMERS = 2_000
"""Of whom contributions are computed; the mean of 2,000 is known to some hundredths of itself."""


@dataclass(frozen=True)
class Importance:
    """The mean absolute contribution of a subject or a term to a score.

    Parameters
    ----------
    score : str
    subject : str
    term : str or None
        Input of trees and lines, or one of `models.contributions.TERMS`; None for the whole subject.
    mean_absolute : float
        On the score's raw scale: log-odds, or a logarithm. A subject's is that of its terms' sum, in which what they
        say against each other cancels.
    """

    score: str
    subject: str
    term: str | None
    mean_absolute: float


def importance(release: Release, snapshot: pd.DataFrame, on_day: int, seed: int) -> list[Importance]:
    """Return the importances in every score, those of subjects before those of terms, the largest first.

    Parameters
    ----------
    release : Release
    snapshot : (n, k) DataFrame
        Of the customers scored.
    on_day : int
        Local day number of its cutoff.
    seed : int
        Of the sample.
    """
    rows = sample(len(snapshot), MOST_CUSTOMERS, np.random.default_rng(seed))
    if not len(rows):
        return []
    predictors = release.predictors
    usual = release.manifest.usual_customer
    found = contributions(
        predictors.next_order, predictors.worth, usual, snapshot.iloc[rows].reset_index(drop=True), on_day
    )
    return [row for each in found.values() for row in of_score(each)]


def of_score(found: Contributions) -> list[Importance]:
    """Return the importances in one score; what never moves it is left out."""
    subjects, of_term = by_subject(found.terms)
    of_subjects = np.abs(subject_sums(found.added, of_term, len(subjects))).mean(axis=0)
    of_terms = np.abs(found.added).mean(axis=0)
    score = found.score.name
    whole = [
        Importance(score, subject.name, None, float(mean))
        for subject, mean in zip(subjects, of_subjects, strict=True)
    ]
    each = [
        Importance(score, subjects[place].name, term, float(mean))
        for term, place, mean in zip(found.terms, of_term, of_terms, strict=True)
    ]
    return [
        *sorted((row for row in whole if row.mean_absolute > 0), key=lambda row: -row.mean_absolute),
        *sorted((row for row in each if row.mean_absolute > 0), key=lambda row: -row.mean_absolute),
    ]
