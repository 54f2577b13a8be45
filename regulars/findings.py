"""What was done and learnt, in sentences: values in, lines of text out."""

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:  # `regulars import` should not wait for what trains and serves
    from ledger.importers.report import ImportReport
    from ledger.quality.report import Report
    from models.release import Manifest
    from serving.facts import RunFacts
    from training.train import TrainSummary

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£"}
MILLION, THOUSAND = 1_000_000, 1000
MOST_WANTED = 5
METHODS = {
    "regulars": "regulars",
    "bg_nbd_gamma_gamma": "BG/NBD and Gamma-Gamma",
    "rfm": "RFM scores",
    "hiatus": "days since the last order",
    "last_window": "the same as in the window before",
}
"""The methods of a backtest that a reader of the demo is shown, in words; `regulars evaluate` prints all."""


def money(amount: float, currency: str) -> str:
    """Return an amount as it is said: a few digits, with the currency."""
    symbol = SYMBOLS.get(currency, f"{currency} ")
    if abs(amount) >= MILLION:
        return f"{symbol}{amount / MILLION:,.2f} million"
    return f"{symbol}{amount:,.0f}" if abs(amount) >= THOUSAND else f"{symbol}{amount:,.2f}"


def imported(report: "ImportReport") -> list[str]:
    """Return what an import did, and why rows were refused."""
    if report.read and report.read == report.unchanged:
        return [f"{report.table}: all {report.read:,} rows were there already, nothing was added"]
    done = [
        f"{count:,} {what}"
        for count, what in (
            (report.added, "added"),
            (report.unchanged, "there already"),
            (report.corrected, "corrected"),
            (report.rejected, "refused"),
        )
        if count or what == "added"
    ]
    refused = [
        f"  refused {reason.rows:,}: {reason.text} (first in {reason.file_name}, {reason.place} {reason.line})"
        for reason in report.reasons
    ]
    notes = [f"  {note}" for note in report.notes]
    return [f"{report.table}: {report.read:,} rows read, {', '.join(done)}", *refused, *notes]


def shop(title: str, report: "Report") -> list[str]:
    """Return who bought, when and how often."""
    span = f"from {report.first_day} to {report.last_day}"
    returned = f"{report.repeat_share:.0%} of them came back at least once"
    return [title, f"  {report.customers:,} customers placed {report.orders:,} orders {span}; {returned}."]


def leaving(facts: "RunFacts", scores: pa.Table) -> list[str]:
    """Return who is likely to leave and what is at stake."""
    next_90_days = pc.sum(scores["expected_value_90d"]).as_py() or 0.0
    by_name = {segment.name: segment for segment in facts.segments}
    likely, start = by_name.get("likely_to_churn"), by_name.get("at_risk_high_value")
    share = facts.likely_to_leave / facts.customers if facts.customers else 0.0
    spent = money(facts.money_at_stake, facts.currency)
    expected = money(likely.value if likely else 0.0, facts.currency)
    leaving = f"{facts.likely_to_leave:,} of {facts.customers:,} customers ({share:.0%}) are likely to leave"
    total = f"All customers together are expected to spend {money(next_90_days, facts.currency)}"
    lines = [
        f"What comes next, as of {facts.as_of:%Y-%m-%d}",
        f"  {leaving}: at most a 1 in 3 chance of an order within 90 days.",
        f"  At stake: the {spent} they spent in the last 365 days; in the next, {expected} is expected.",
        f"  {total} in the next 90 days.",
    ]
    if start is not None and start.size:
        lines.append(f"  Start with the {start.size:,} in '{start.title}': {start.description}")
    return lines


def due(replenishment: pa.Table, products: pa.Table) -> list[str]:
    """Return what is due for refill within a week, most wanted first."""
    from models.replenishment import due_within_a_week  # noqa: PLC0415 - brings SciPy, which an import has no use for

    rows = due_within_a_week(replenishment)
    heading = "Due for refill this week"
    if not replenishment.num_rows:
        return [heading, "  not known: the orders name no product that anybody bought twice"]
    if not rows.num_rows:
        return [heading, "  nothing is more likely than not to be bought within seven days"]
    titles = dict(zip(products["product_id"].to_pylist(), products["title"].to_pylist(), strict=True))
    by_level = {level: rows.filter(pc.equal(rows["level"], level)) for level in ("category", "product")}
    lines = [heading]
    for level, key, plural in (("category", "category", "categories"), ("product", "product_id", "products")):
        wanted = by_level[level]
        people = pc.count_distinct(wanted["customer_id"]).as_py()
        refills = f"{wanted.num_rows:,} refill{'s' * (wanted.num_rows != 1)}"
        lines.append(f"  {plural}: {refills} by {people:,} customer{'s' * (people != 1)}; most of all")
        for name, customers in _most_wanted(wanted, key):
            lines.append(f"  {customers:>7,} x {titles.get(name) or name.split(' > ')[-1]}")
    return lines


def _most_wanted(rows: pa.Table, key: str) -> list[tuple[str, int]]:
    counted = rows.group_by(key).aggregate([("customer_id", "count_distinct")]).to_pylist()
    most = sorted(counted, key=lambda row: (-row["customer_id_count_distinct"], row[key]))
    return [(row[key], row["customer_id_count_distinct"]) for row in most[:MOST_WANTED]]


def compared(manifest: "Manifest") -> list[str]:
    """Return how the release did on the newest window it had not seen, beside the simple rules."""
    days = manifest.horizon_days
    rows = [(words, _metrics_of(method, manifest)) for method, words in METHODS.items()]
    known = [(words, found) for words, found in rows if found]
    if not known:
        return [
            "How well it does",
            "  not known: the history is too short to predict a past window and check it",
        ]
    lines = [
        f"How well it does: the last {days} days, predicted from what was known before them",
        f"  {'':<38}{'ranks right':>12}{'orders':>9}{'money':>9}",
    ]
    for words, found in known:
        cells = (found.get(name) for name in ("auc", "orders_total_ratio", "value_total_ratio"))
        ranks, orders, value = ("-" if cell is None else f"{cell:.0%}" for cell in cells)
        lines.append(f"  {words:<38}{ranks:>12}{orders:>9}{value:>9}")
    lines.append(
        "  (ranks right: how often, of one who then ordered and one who did not, the first was thought"
    )
    lines.append("  likelier. Orders, money: predicted in total, as a share of what then happened.)")
    return [*lines, *_in_force(manifest)]


def _in_force(manifest: "Manifest") -> list[str]:
    """Return whether the model of the backtest is what answers, and why not."""
    if manifest.gate.verdict == "model":
        return ["  In force: the model, as it beat the simple rules on this shop's own past."]
    passed = (" passes", "cannot be judged")
    failed = [reason for reason in manifest.gate.reasons if not any(word in reason for word in passed)]
    return [
        "  In force: the purchase process alone, without the model's correction, because",
        *(f"    {reason}" for reason in failed),
    ]


def _metrics_of(method: str, manifest: "Manifest") -> dict[str, float]:
    prefix = f"{method}."
    return {
        name.removeprefix(prefix): value
        for name, value in manifest.metrics.items()
        if name.startswith(prefix)
    }


def trained(summary: "TrainSummary") -> list[str]:
    """Return which release came of a training and whether it is served."""
    word = "is served now" if summary.promoted else f"is kept as challenger; {summary.served} is served"
    return [f"release {summary.release} {word}", *(f"  {reason}" for reason in summary.reasons)]


def where(home: str, command: str) -> list[str]:
    """Return what to do next; `command` is how this program is called."""
    own = "--time-zone Europe/Berlin --currency EUR"
    return [
        "What to do with it",
        f"  {command} segments list --home {home}",
        f"  {command} export segment likely_to_churn --home {home} --out leaving.csv",
        f"  {command} export scores --home {home} --out scores.parquet",
        f"  {command} import orders your-orders.csv {own}",
    ]
