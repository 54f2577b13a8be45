"""The peers that ship, in the order of every table: to add one, add a row."""

from collections.abc import Iterator

from training.metrics import Prediction
from training.peers.boosting import boosting_on_processes, plain_boosting
from training.peers.case import Case, Peer
from training.peers.processes import bg_nbd, pareto_nbd, without_trees
from training.peers.rules import by_rule, hiatus, last_window, own_gap, rfm
from training.peers.waiting import by_order_count, mean_gap

PEERS: tuple[Peer, ...] = (
    Peer(
        "without_trees",
        without_trees,
        "ours without its trees: what is served where the gate refuses them",
        rule=True,
    ),
    Peer("bg_nbd_gamma_gamma", bg_nbd, "BG/NBD (fitted by `lifetimes`) and Gamma-Gamma"),
    Peer("pareto_nbd_gamma_gamma", pareto_nbd, "Pareto/NBD and Gamma-Gamma", every_run=False),
    Peer("lightgbm", plain_boosting, "LightGBM at near-default settings on the same features and rows"),
    Peer(
        "lightgbm_on_bg_nbd",
        boosting_on_processes,
        "the same with what BG/NBD and Gamma-Gamma say among its inputs",
        every_run=False,
    ),
    Peer("kaplan_meier", by_order_count, "Kaplan-Meier's curve by number of orders, given the days waited"),
    Peer("mean_gap", mean_gap, "last order plus the customer's mean gap, a date taken at its word"),
    Peer("hiatus", by_rule(hiatus), "days since the last order", rule=True),
    Peer(
        "own_gap", by_rule(own_gap), "days since the last order over the customer's own mean gap", rule=True
    ),
    Peer("rfm", by_rule(rfm), "sum of the recency, frequency and money fifths", rule=True),
    Peer("last_window", last_window, "the same as in the window before", rule=True),
)


def answers(case: Case, *, every: bool) -> Iterator[tuple[str, Prediction]]:
    """Return what each peer says that has something to say.

    Parameters
    ----------
    case : Case
    every : bool
        The slow ones too.
    """
    for peer in PEERS:
        if every or peer.every_run:
            said = peer.answer(case)
            if said is not None:
                yield peer.name, said
