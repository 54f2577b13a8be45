"""The model card of a release: what it predicts, of what it is made, how well it did, and where not to trust it.

To say something more in it, add a row to SECTIONS.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from models.reason_words import TITLES
from models.release import Release
from models.scores import VALUE_HORIZON_DAYS, rests_on, scores_for
from training.evaluate import Comparison, Row
from training.gate import MINIMUM_TEST_ORDERS
from training.importance import MOST_CUSTOMERS, Importance
from training.metrics import METRIC, METRICS, groups
from training.peers.shipped import PEERS
from training.slices import SLICES

INPUTS_SHOWN = 3
SHOWN = (
    "auc",
    "brier",
    "integrated_brier",
    "calibration_error",
    "orders_rmse",
    "normalised_gini",
    "top_10_share",
    "orders_total_ratio",
    "value_total_ratio",
)


@dataclass(frozen=True)
class Trained:
    """What a card is written of.

    Parameters
    ----------
    release : Release
    backtests : sequence of Comparison
        Newest first; none when history is too short.
    promoted : bool
    reasons : tuple of str
        Why it was promoted or not.
    importance : sequence of Importance
    """

    release: Release
    backtests: Sequence[Comparison]
    promoted: bool
    reasons: tuple[str, ...]
    importance: Sequence[Importance] = ()


def card(trained: Trained) -> str:
    """Return the card as Markdown."""
    parts = [f"# Model card of release {trained.release.id}\n"]
    for title, section in SECTIONS:
        lines = section(trained)
        if lines:
            parts.append("\n".join([f"## {title}\n", *lines, ""]))
    return "\n".join(parts)


def summary(trained: Trained) -> str:
    """Return the card in short as Markdown: the gate, and the newest window beside the peers."""
    lines = _gate(trained)
    if trained.backtests:
        lines += ["", *_window(trained.backtests[0])]
    return "\n".join([*lines, "", "The whole card is `model_card.md` among the artifacts."])


def _window(test: Comparison) -> list[str]:
    return [
        f"### As of {test.cutoff}, the {test.horizon_days} days after it\n",
        f"{test.customers:,} customers, {test.ordered_share:.1%} of them ordered.\n",
        *_table(("method", *SHOWN), [_cells(row, "method", SHOWN) for row in test.rows]),
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(str(cell) for cell in line) + " |" for line in lines]


def _number(value: float) -> str:
    return "-" if value != value else f"{value:.4g}"  # noqa: PLR0124 - NaN alone differs from itself


def _predicts(trained: Trained) -> list[str]:
    days = trained.release.manifest.horizon_days
    trees = trained.release.predictors.next_order.correction is not None
    intro = "For each customer, from what was known before a day: one row of these.\n"
    rows = [
        (f"`{score.name}`", score.unit, score.means, rests_on(score, days, trees=trees))
        for score in scores_for(days)
    ]
    return [intro, *_table(("score", "unit", "says", "rests on"), rows)]


def _data(trained: Trained) -> list[str]:
    manifest = trained.release.manifest
    rows = (
        ("as of", f"{manifest.as_of} ({manifest.time_zone}): nothing known later was used"),
        ("last order", manifest.data_through),
        ("customers", f"{manifest.customers:,}"),
        ("currency", manifest.currency),
        ("data fingerprint", f"`{manifest.data_fingerprint}`"),
        ("feature fingerprint", f"`{manifest.feature_fingerprint}`, {len(manifest.feature_names)} features"),
    )
    return _table(("what", "is"), rows)


def _made(trained: Trained) -> list[str]:
    predictors, manifest = trained.release.predictors, trained.release.manifest
    process = predictors.next_order.process.model_dump()
    kind = process.pop("kind")
    parameters = ", ".join(
        f"{name} = {_number(value) if isinstance(value, float) else value}" for name, value in process.items()
    )
    trees = (
        "LightGBM trees correct its log-odds of an order, its order counts and the value of an order."
        if predictors.next_order.correction
        else "No trees: see the gate below."
    )
    return [
        f"- Purchase process `{kind}` ({parameters}).",
        f"- The store's level: {predictors.next_order.level.says}.",
        f"- {trees}",
        f"- Value of an order: `{predictors.worth.order_value.basis}`.",
        f"- Seed {manifest.seed}, horizon {manifest.horizon_days} days; the same data and seed give the same release.",
        "- " + ", ".join(f"{name} {number}" for name, number in manifest.versions.items()),
    ]


def _beside_peers(trained: Trained) -> list[str]:
    if not trained.backtests:
        return ["Not known: the history is too short to predict a past window and check it."]
    lines = []
    for test in trained.backtests:
        lines += [*_window(test), ""]
    legend = [f"- `{peer.name}`: {peer.means}" for peer in PEERS if peer.every_run]
    return [*lines, *legend, "", *(f"- {name}: {METRIC[name].means}" for name in SHOWN)]


def _cells(row: Row, first: str, metrics: Sequence[str]) -> list[object]:
    return [row[first], *(_number(float(row[name])) for name in metrics)]


def _by_kind(trained: Trained) -> list[str]:
    rows = [
        [test.cutoff, part.name, f"{part.customers:,}", *_cells(part.rows[0], "method", SHOWN)[1:]]
        for test in trained.backtests
        for part in test.slices
    ]
    if not rows:
        return []
    legend = [f"- {part.name}: {part.means}" for part in SLICES]
    return [*_table(("as of", "customers who", "count", *SHOWN), rows), "", *legend]


def _calibration(trained: Trained) -> list[str]:
    lines: list[list[object]] = []
    for test in trained.backtests:
        ordered = test.happened.orders > 0
        for number, group in enumerate(groups(test.ours.p_order), start=1):
            said, came = float(test.ours.p_order[group].mean()), float(ordered[group].mean())
            lines.append([test.cutoff, number, f"{len(group):,}", f"{said:.1%}", f"{came:.1%}"])
    if not lines:
        return []
    covered = [metric for metric in METRICS if metric.better == "covered"]
    intervals = [
        [test.cutoff, *(_number(float(test.rows[0][metric.name])) for metric in covered)]
        for test in trained.backtests
    ]
    return [
        *_table(("as of", "group, lowest first", "customers", "predicted", "ordered"), lines),
        "",
        *_table(("as of", *(metric.name for metric in covered)), intervals),
        "",
        *(f"- {metric.name}: {metric.means}" for metric in covered),
    ]


def _moves(trained: Trained) -> list[str]:
    """Return a table a score; MLflow's importance.json has all scores and inputs."""
    lines: list[str] = []
    for score in (f"p_order_{trained.release.manifest.horizon_days}d", f"clv_{VALUE_HORIZON_DAYS}d"):
        mine = [row for row in trained.importance if row.score == score]
        strongest: dict[str, list[str]] = {}
        for row in mine:
            if row.term is not None:
                strongest.setdefault(row.subject, []).append(f"`{row.term}` {row.mean_absolute:.3f}")
        rows = [
            (
                TITLES[row.subject],
                f"{row.mean_absolute:.3f}",
                ", ".join(strongest[row.subject][:INPUTS_SHOWN]),
            )
            for row in mine
            if row.term is None
        ]
        if rows:
            lines += [f"### `{score}`\n", *_table(("subject", "moves it by", "most by"), rows), ""]
    if not lines:
        return []
    legend = (
        f"The mean absolute contribution over {min(MOST_CUSTOMERS, trained.release.manifest.customers):,} customers, "
        "drawn by the seed: to the log-odds of an order, and to the logarithm of the spend."
    )
    return [legend + "\n", *lines[:-1]]


def _gate(trained: Trained) -> list[str]:
    manifest = trained.release.manifest
    word = {"model": "The trees are in the release.", "rule": "The trees are not in the release."}
    served = "It is served." if trained.promoted else "It is not served; the release before it is."
    reasons = dict.fromkeys((*trained.reasons, *manifest.gate.reasons))
    return [f"{word[manifest.gate.verdict]} {served}\n", *(f"- {reason}" for reason in reasons)]


def _limits(trained: Trained) -> list[str]:
    days = trained.release.manifest.horizon_days
    limits = (
        f"Nothing beyond {days} days was checked against what happened; longer horizons are the purchase process'.",
        "`confidence` says on what an answer rests: `model`; `pooled` with under two orders; `rule` without trees.",
        f"Without a test window, or with under {MINIMUM_TEST_ORDERS} customers ordering in them, the rule answers.",
        "The noise of a lead is that between customers. A season or an event that came in no window is not in it.",
        "It says who is likely to order, not whom a message would move; what is sent changes what happens.",
    )
    return [f"- {limit}" for limit in limits]


SECTIONS: tuple[tuple[str, Callable[[Trained], list[str]]], ...] = (
    ("What it predicts", _predicts),
    ("The data", _data),
    ("How it is made", _made),
    ("How it did beside its peers", _beside_peers),
    ("By kind of customer", _by_kind),
    ("Calibration and intervals", _calibration),
    ("What moves the scores", _moves),
    ("The gate", _gate),
    ("Limits", _limits),
)
"""Title and lines of each section, in order; one without lines is left out."""
