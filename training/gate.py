"""The gate: a candidate is served only where it beats the simple rules on this store's own past, calibrated.

It reads the backtests' tables and leads and answers with reasons; the same numbers can be judged again by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.release import GateVerdict, Manifest
from training.evaluate import CHAMPION, OURS, Comparison
from training.metrics import METRIC, Metric
from training.peers.shipped import PEERS

RIVALS = tuple(peer.name for peer in PEERS if peer.rule)
"""What is simple enough to be served instead; the other peers are compared in reports, and are no rules."""
ACCURACY = ("auc", "brier", "integrated_brier")
"""No rule may be ahead of the candidate in any of these by more than the noise, and the candidate must be ahead of
every rule by more than the noise in one: what is only level with a simple rule does not replace it."""
NOISE_ERRORS = 2.0
"""A lead of fewer standard errors is none: one in 40 would be that large by luck."""
TOTALS_WITHIN = 1.25
CALIBRATED_WITHIN = 0.1
MINIMUM_TEST_ORDERS = 50
"""With fewer customers ordering in the test windows, luck decides who wins."""


@dataclass(frozen=True)
class Bound:
    """How far from perfect a candidate may be.

    Parameters
    ----------
    metric : str
    within : float
        A candidate this close passes; one further off passes only where every rule is further off still.
    """

    metric: str
    within: float


BOUNDS = (
    Bound("orders_total_ratio", float(np.log(TOTALS_WITHIN))),
    Bound("value_total_ratio", float(np.log(TOTALS_WITHIN))),
    Bound("calibration_error", CALIBRATED_WITHIN),
)


@dataclass(frozen=True)
class Standing:
    """How a candidate stands against one rival in one metric, on the windows that both answered for.

    Parameters
    ----------
    metric : Metric
    rival : str
    lead : float
        Mean over the windows; negative where the rival is ahead.
    noise : float
        What a lead must exceed to be one.
    ours, theirs : float
        Mean of the metric.
    windows : tuple of str
        ISO dates.
    """

    metric: Metric
    rival: str
    lead: float
    noise: float
    ours: float
    theirs: float
    windows: tuple[str, ...]

    @property
    def ahead(self) -> bool:
        """Whether the candidate is better by more than the noise."""
        return self.lead > self.noise

    @property
    def behind(self) -> bool:
        """Whether the rival is better by more than the noise."""
        return self.lead < -self.noise

    def said(self, of: str) -> str:
        """Return the standing as a reason; `of` is what the rival is called."""
        word = "passes against" if self.ahead else "fails against" if self.behind else "passes as level with"
        ours, theirs = f"{self.ours:.4f}", f"{self.theirs:.4f}"
        lead = f"a lead of {self.lead:+.4f} where {self.noise:.4f} may be luck"
        return f"{self.metric.name} {ours} {word} {theirs} of {of} ({lead}; windows from {', '.join(self.windows)})"


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
    hardest = [hardest_rival(name, RIVALS, backtests) for name in ACCURACY]
    judged = [_accurate(name, standing) for name, standing in zip(ACCURACY, hardest, strict=True)]
    judged += [_bounded(bound, backtests) for bound in BOUNDS]
    if not any(standing is not None and standing.ahead for standing in hardest):
        judged.append(
            (False, "nothing shows that the model is better: no lead on the rules exceeds the noise")
        )
    passed = all(met for met, _ in judged)
    return GateVerdict(verdict="model" if passed else "rule", reasons=tuple(reason for _, reason in judged))


def hardest_rival(metric: str, rivals: Sequence[str], backtests: Sequence[Comparison]) -> Standing | None:
    """Return how the candidate stands against the rival that is hardest to beat; None where no rival answered.

    Parameters
    ----------
    metric : str
        One of ACCURACY.
    rivals : sequence of str
        A rival that is absent from a window (BG/NBD did not converge) is compared on the others.
    backtests : sequence of Comparison
    """
    found = (_standing(metric, rival, backtests) for rival in rivals)
    # One that is ahead by more than the noise is harder than one whose larger lead may be luck.
    known = (each for each in found if each is not None)
    return min(known, key=lambda each: (not each.behind, each.ahead, each.lead), default=None)


def _standing(metric: str, rival: str, backtests: Sequence[Comparison]) -> Standing | None:
    pairs = [
        (test, lead)
        for test in backtests
        for lead in test.leads
        if (lead.metric, lead.rival) == (metric, rival)
    ]
    if not pairs:
        return None
    return Standing(
        metric=METRIC[metric],
        rival=rival,
        lead=float(np.mean([lead.lead for _, lead in pairs])),
        # Mostly the same customers, window after window: more windows do not make the noise smaller.
        noise=NOISE_ERRORS * float(np.mean([lead.noise for _, lead in pairs])),
        ours=_mean([_value(test, OURS, metric) for test, _ in pairs]),
        theirs=_mean([_value(test, rival, metric) for test, _ in pairs]),
        windows=tuple(test.cutoff for test, _ in pairs),
    )


def _accurate(metric: str, hardest: Standing | None) -> tuple[bool, str]:
    if hardest is None:
        return True, f"{metric} cannot be judged: the test windows hold no contrast"
    return not hardest.behind, hardest.said(f"the rule {hardest.rival}")


def _bounded(bound: Bound, backtests: Sequence[Comparison]) -> tuple[bool, str]:
    metric = METRIC[bound.metric]
    ours = _mean([metric.distance(_value(test, OURS, metric.name)) for test in backtests])
    if np.isnan(ours):
        return True, f"{metric.name} cannot be judged: nothing was ordered in the test windows"
    off, allowed = _shown(metric, ours), _shown(metric, bound.within)
    windows = ", ".join(test.cutoff for test in backtests)
    if ours <= bound.within:
        return True, f"{metric.name} {off} passes, {allowed} is allowed (windows from {windows})"
    closer = {rival: _closer_by(metric, rival, backtests) for rival in RIVALS}
    known = {rival: by for rival, by in closer.items() if not np.isnan(by)}
    best = max(known, key=lambda rival: known[rival], default=None)
    if best is not None and known[best] < 0:
        return True, f"{metric.name} {off} passes, as every rule is further off (windows from {windows})"
    nearer = "" if best is None else f", and the rule {best} is nearer"
    return False, f"{metric.name} {off} fails, {allowed} is allowed{nearer} (windows from {windows})"


def _closer_by(metric: Metric, rival: str, backtests: Sequence[Comparison]) -> float:
    """Return by how much a rival is nearer to perfect on the windows that it answered for; NaN where on none."""
    pairs = [(_value(test, OURS, metric.name), _value(test, rival, metric.name)) for test in backtests]
    answered = [
        metric.distance(ours) - metric.distance(theirs) for ours, theirs in pairs if not np.isnan(theirs)
    ]
    return _mean(answered)


def _value(test: Comparison, method: str, metric: str) -> float:
    """Return a metric of one method; NaN where it has no row."""
    found = [float(row[metric]) for row in test.rows if row["method"] == method]
    return found[0] if found else float("nan")


def _mean(values: Sequence[float]) -> float:
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _shown(metric: Metric, distance: float) -> str:
    return f"off by {np.expm1(distance):.1%}" if metric.better == "one" else f"{distance:.4f}"


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
        Those with leads on the champion count; a champion trained on a window's outcomes has none there.

    Returns
    -------
    bool
        False where the champion is ahead by more than the noise in any metric of ACCURACY. Where the two are level,
        the newer one is promoted: it is the same recipe, and has seen more.
    str
        The reason.
    """
    found = [_standing(metric, CHAMPION, backtests) for metric in ACCURACY]
    judged = [standing for standing in found if standing is not None]
    if not judged:
        return True, "the champion has seen every test window, so newer data decides"
    for standing in judged:
        if standing.behind:
            return False, standing.said("the champion")
    ahead = [standing for standing in judged if standing.ahead]
    if ahead:
        return True, ahead[0].said("the champion")
    return True, f"newer data decides: {judged[0].said('the champion')}"
