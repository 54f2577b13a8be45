"""What `regulars evaluate` and `regulars train` print of a comparison: tables narrow enough to be read."""

from collections.abc import Iterator, Sequence
from typing import Any

from regulars import terminal
from training.evaluate import Comparison, Row
from training.gate import ACCURACY, NOISE_ERRORS
from training.metrics import METRICS

HEADLINES = {
    "who": "Who orders",
    "when": "When",
    "how much": "How much",
}
OF_A_SLICE = (
    "auc",
    "brier",
    "calibration_error",
    "integrated_brier",
    "normalised_gini",
    "orders_total_ratio",
    "value_total_ratio",
)


def tables(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Return a table of each question, with the methods that answer it."""
    for about, headline in HEADLINES.items():
        names = [metric.name for metric in METRICS if metric.about == about]
        yield headline, _columns(rows, names)


def _columns(rows: Sequence[Row], names: Sequence[str]) -> list[Row]:
    """Return some of the columns, without the methods that have nothing to say in any of them."""
    picked = [{"method": row["method"], **{name: row[name] for name in names}} for row in rows]
    return [row for row in picked if any(row[name] == row[name] for name in names)]


def show_rows(rows: Sequence[Row]) -> None:
    """Print a comparison, a table a question; nothing where there was none."""
    for headline, table in tables(rows):
        if table:
            terminal.show(table, title=f"\n{headline}")


def show(found: Comparison, *, by_slice: bool) -> None:
    """Print a whole comparison; `by_slice` also among each kind of customers."""
    asked = {"as_of": found.cutoff, "horizon_days": found.horizon_days}
    terminal.show_record(asked | {"customers": found.customers, "ordered_share": found.ordered_share})
    show_rows(found.rows)
    if by_slice:
        for part in found.slices:
            title = f"\n{part.name}: {part.customers:,} customers, {part.ordered_share:.1%} ordered"
            terminal.show(_columns(part.rows, OF_A_SLICE), title=title)
    terminal.show_lines(["", *standing(found)])


def standing(found: Comparison) -> list[str]:
    """Return whom ours is ahead of, level with and behind, in the metrics whose noise is known."""
    lines = []
    for metric in ACCURACY:
        leads = [lead for lead in found.leads if lead.metric == metric]
        by_noise = [(lead.rival, lead.lead, NOISE_ERRORS * lead.noise) for lead in leads]
        ahead = [name for name, lead, noise in by_noise if lead > noise]
        behind = [name for name, lead, noise in by_noise if lead < -noise]
        level = [name for name, *_ in by_noise if name not in (*ahead, *behind)]
        if leads:
            said = [f"ahead of {len(ahead)} of {len(leads)} peers by more than the noise"]
            said += [f"level with {', '.join(level)}"] * bool(level)
            said += [f"behind {', '.join(behind)}"] * bool(behind)
            lines.append(f"{metric}: {'; '.join(said)}")
    return lines


def as_json(found: Comparison) -> dict[str, Any]:
    """Return a comparison as `--json` prints it, slices and leads always among it."""
    return {
        "as_of": found.cutoff,
        "horizon_days": found.horizon_days,
        "customers": found.customers,
        "ordered_share": found.ordered_share,
        "methods": found.rows,
        "slices": [
            {
                "name": part.name,
                "customers": part.customers,
                "ordered_share": part.ordered_share,
                "methods": part.rows,
            }
            for part in found.slices
        ],
        "leads": [
            {"metric": lead.metric, "peer": lead.rival, "lead": lead.lead, "standard_error": lead.noise}
            for lead in found.leads
        ],
    }
