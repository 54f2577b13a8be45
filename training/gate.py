"""The gate: a candidate is served only where it beats the simple rules on this store's own past, calibrated.

It reads the backtests' tables and answers with reasons; the same rows can be judged again by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.release import GateVerdict, Manifest
from training.evaluate import CHAMPION, OURS, Comparison
from training.metrics import METRICS, Metric

RIVALS = ("store_rate", "bg_nbd_gamma_gamma", "hiatus", "own_gap", "rfm", "last_window")
"""What is simple enough to be served instead; plain LightGBM is compared in reports, and is no rule."""
TOTALS_WITHIN = 1.25
CALIBRATED_WITHIN = 0.1
MINIMUM_TEST_ORDERS = 50
"""With fewer customers ordering in the test windows, luck decides who wins."""


@dataclass(frozen=True)
class Requirement:
    """One condition for promotion.

    Parameters
    ----------
    metric : str
    unless_within : float or None
        A candidate this close to perfect passes although a rival is closer; None asks it to be best.
    """

    metric: str
    unless_within: float | None = None


REQUIREMENTS = (
    Requirement("auc"),
    Requirement("brier"),
    Requirement("orders_total_ratio", unless_within=float(np.log(TOTALS_WITHIN))),
    Requirement("value_total_ratio", unless_within=float(np.log(TOTALS_WITHIN))),
    Requirement("calibration_error", unless_within=CALIBRATED_WITHIN),
)


def decide(backtests: Sequence[Comparison]) -> GateVerdict:
    """Compare a candidate with every rule on its backtests.

    Parameters
    ----------
    backtests : sequence of Comparison
        Of rolling test cutoffs; may be empty.

    Returns
    -------
    GateVerdict
        `model` when every requirement is met on the mean over the backtests, else `rule`; a reason a requirement.
    """
    if not backtests:
        return GateVerdict(
            verdict="rule",
            reasons=("history is too short for a backtest, so nothing shows that a model is better",),
        )
    orders = sum(int((test.happened.orders > 0).sum()) for test in backtests)
    if orders < MINIMUM_TEST_ORDERS:
        reason = (
            f"only {orders} customers ordered in the test windows; {MINIMUM_TEST_ORDERS} are needed to judge"
        )
        return GateVerdict(verdict="rule", reasons=(reason,))
    judged = [_judge(requirement, backtests) for requirement in REQUIREMENTS]
    passed = all(met for met, _ in judged)
    return GateVerdict(verdict="model" if passed else "rule", reasons=tuple(reason for _, reason in judged))


def _judge(requirement: Requirement, backtests: Sequence[Comparison]) -> tuple[bool, str]:
    metric = next(metric for metric in METRICS if metric.name == requirement.metric)
    ours = _mean_distance(metric, OURS, backtests)
    rivals = {name: _mean_distance(metric, name, backtests) for name in RIVALS}
    answered = {name: distance for name, distance in rivals.items() if not np.isnan(distance)}
    if np.isnan(ours) or not answered:
        return True, f"{metric.name} cannot be judged: the test windows hold no contrast"
    best = min(answered, key=lambda name: answered[name])
    close_enough = requirement.unless_within is not None and ours <= requirement.unless_within
    met = bool(ours < answered[best] or close_enough)
    windows = ", ".join(test.cutoff for test in backtests)
    shown, rival = _shown(metric, ours), _shown(metric, answered[best])
    word = "passes" if met else "fails"
    return met, f"{metric.name} {shown} {word} against {rival} of the rule {best} (windows from {windows})"


def promotion(
    candidate: Manifest, champion: Manifest | None, backtests: Sequence[Comparison]
) -> tuple[bool, tuple[str, ...]]:
    """Decide whether a release takes the place of the one that is served.

    Parameters
    ----------
    candidate : Manifest
    champion : Manifest or None
        Of the release that is served; None when there is none that could be.
    backtests : sequence of Comparison

    Returns
    -------
    bool
    tuple of str
        Why.
    """
    reasons = candidate.gate.reasons
    if champion is None:
        return True, ("no other release could be served", *reasons)
    if champion.release == candidate.release:
        return True, ("it is the release that is served already: same data, same settings, same result",)
    if candidate.as_of < champion.as_of:
        known = (
            f"the champion {champion.release} knows what came after {candidate.as_of}, and this one does not"
        )
        return False, (known, *reasons)
    if champion.gate.verdict == "model" and candidate.gate.verdict == "rule":
        return False, (f"the champion {champion.release} has passed the gate and this one did not", *reasons)
    better, reason = beats_champion(backtests)
    return better, (reason, *reasons)


def beats_champion(backtests: Sequence[Comparison]) -> tuple[bool, str]:
    """Compare a candidate with the release that is served, on the windows that neither has seen.

    Parameters
    ----------
    backtests : sequence of Comparison
        Those with a row of the champion count; a champion trained on a window's outcomes has none there.

    Returns
    -------
    bool
        False only where the champion was judged and is better.
    str
        The reason.
    """
    judged = [test for test in backtests if any(row["method"] == CHAMPION for row in test.rows)]
    if not judged:
        return True, "the champion has seen every test window, so newer data decides"
    brier = next(metric for metric in METRICS if metric.name == "brier")
    ours, champion = (_mean_distance(brier, name, judged) for name in (OURS, CHAMPION))
    word = "beats" if ours <= champion else "does not beat"
    return ours <= champion, f"brier {ours:.4f} {word} the champion's {champion:.4f}"


def _mean_distance(metric: Metric, method: str, backtests: Sequence[Comparison]) -> float:
    found = [float(row[metric.name]) for test in backtests for row in test.rows if row["method"] == method]
    # A method absent from one backtest (BG/NBD did not converge) is no rival on the others alone.
    if len(found) < len(backtests):
        return float("nan")
    return float(np.mean([metric.distance(value) for value in found]))


def _shown(metric: Metric, distance: float) -> str:
    if metric.better == "one":
        return f"off by {np.expm1(distance):.1%}"
    return f"{-distance if metric.better == 'higher' else distance:.4f}"
