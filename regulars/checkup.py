"""`regulars doctor` in words: what the ledger holds, what looks wrong, and what its history is good for."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import typer

from ledger.quality.capability import Held
from ledger.quality.need import Allowance
from ledger.quality.report import Report
from ledger.quality.suspicion import Finding
from regulars.readiness import SegmentAnswer, segment_answers

WIDTH = 80
LABEL = 14
MOST_REASONS = 5
SMALL_SHARE = 0.1  # below it a share is told with a decimal


def as_json(report: Report) -> dict[str, Any]:
    """Return everything: the report, the verdict, and an answer for every segment."""
    answers = segment_answers(report)
    return report.to_json() | {"verdict": verdict(report), "segments": [asdict(each) for each in answers]}


def lines(report: Report) -> list[str]:
    """Return everything in words, at most 80 columns wide."""
    answers = segment_answers(report)
    found = f" ({len(report.findings)})" if report.findings else ""
    return [
        *(_heading(line) for line in textwrap.wrap(verdict(report), WIDTH)),
        "",
        _heading("What is there"),
        *there(report),
        "",
        _heading(f"What looks wrong{found}"),
        *suspicious(report.findings),
        "",
        _heading("Predictions"),
        *good_for(report.predictions),
        "",
        _heading("Segments"),
        *segments_told(answers, report.capabilities),
    ]


def verdict(report: Report) -> str:
    """Return what the history is good for and what the rest needs, in one sentence."""
    # Who has enough for 90 days has enough for 30.
    enough = any(each.short == "churn" and each.allowed for each in report.predictions)
    told = [each for each in report.predictions if not (enough and each.short == "churn at 30 days")]
    good = [each.short for each in told if each.allowed]
    poor = [f"{each.short} needs {each.missing}" for each in told if not each.allowed]
    poor = [text.replace("refills needs", "refills need") for text in poor]
    first = f"Good for {_listed(good)}" if good else "Too little history for models of its own; rules answer"
    return "; ".join([first, *poor])


def there(report: Report) -> list[str]:
    """Return what the ledger holds, a labelled paragraph each."""
    return [line for label, text in _there(report) for line in _labelled(label, text)]


def _there(report: Report) -> Iterator[tuple[str, str]]:
    orders, products, customers, ids, upkeep = (
        report.holds[name] for name in ("order_lines", "products", "customers", "identities", "upkeep")
    )
    span = f"{report.first_day} to {report.last_day}, {report.span_days:,} days"
    yield (
        "orders",
        (
            f"{orders['order_ids']:,} with {report.lines:,} lines on {report.orders:,} days of {report.customers:,} "
            f"customers, {span}, in {report.currency}, {report.time_zone}"
        ),
    )
    yield "coming back", _coming_back(report)
    yield "undone", _undone(orders)
    yield "known", _known(orders)
    yield (
        "products",
        (
            f"{report.products:,} ordered; {products['products']:,} described, {products['with_title']:,} with a "
            f"title, {products['with_category']:,} with a category"
        ),
    )
    yield "customers", _customers(customers)
    yield "events", _events(report.events)
    yield (
        "identities",
        f"{ids['joined']:,} ids joined to {ids['customers']:,} customers, {ids['hubs']:,} hubs left alone"
        if ids["ids"]
        else "none",
    )
    yield "refills", ", ".join(f"{number:,} {name}" for name, number in upkeep.items())
    yield "last import", _last_import(report)


def _coming_back(report: Report) -> str:
    if report.median_gap_days is None or report.p90_gap_days is None:
        return "nobody ordered on two days"
    return (
        f"{_share(report.repeat_share)} ordered again; {report.median_gap_days:,.0f} days between orders, 9 in 10 "
        f"within {report.p90_gap_days:,.0f}"
    )


def _undone(lines: Mapping[str, Any]) -> str:
    shares = {name: _share(lines[name]) for name in lines if name.endswith("_share")}
    return (
        f"refunded {shares['refunded_line_share']} of lines and {shares['refunded_money_share']} of the money; "
        f"cancelled {shares['cancelled_line_share']} and {shares['cancelled_money_share']}"
    )


def _known(lines: Mapping[str, Any]) -> str:
    return (
        f"the hour of {_share(lines['hour_coverage'])} of orders, products of "
        f"{_share(lines['orders_with_product_share'])}, discounts of {_share(lines['known_discount_share'])} of lines, "
        f"{lines['channels']:,} channels"
    )


def _customers(held: Mapping[str, int]) -> str:
    if not held["customers"]:
        return "nothing but their orders"
    return (
        f"{held['customers']:,} described; e-mail of {held['with_email']:,} ({held['may_be_emailed']:,} agreed), phone "
        f"of {held['with_phone']:,} ({held['may_be_texted']:,} agreed), "
        f"{held['may_be_advertised_to']:,} agreed to advertising"
    )


def _events(events: Sequence[Mapping[str, Any]]) -> str:
    told = [
        f"{row['events']:,} {row['event']}" if row["event"] else f"{row['events']:,} of the shop's own names"
        for row in events
    ]
    return ", ".join(told) or "none"


def _last_import(report: Report) -> str:
    when = report.last_import[:10] if report.last_import else "not known"
    if not report.rejected:
        return f"{when}; no row refused"
    reasons = [
        f"{row['rows']:,} of {row['table_name']}: {row['reason']}"
        for row in report.rejected_because[:MOST_REASONS]
    ]
    return f"{when}; {report.rejected:,} rows refused ({'; '.join(reasons)})"


def suspicious(findings: Sequence[Finding]) -> list[str]:
    """Return what looks wrong and what to do about it."""
    told = [] if findings else ["  nothing"]
    for finding in findings:
        told += _wrapped(finding.text, "  - ", "    ")
        told += _wrapped(finding.advice, "    > ", "      ")
    return told


def good_for(predictions: Sequence[Allowance]) -> list[str]:
    """Return whether each prediction is allowed, and why not."""
    return [
        line
        for each in predictions
        for line in _wrapped(
            f"{each.prediction}: " + ("yes" if each.allowed else f"no, {each.why}"), "  ", " " * 6
        )
    ]


def segments_told(answers: Sequence[SegmentAnswer], capabilities: Sequence[Held]) -> list[str]:
    """Return how many segments are ready, and which wait for what."""
    library = [each for each in answers if each.name]
    ready = [each for each in library if each.status in {"ready", "by_rules"}]
    ruled = sum(each.status == "by_rules" for each in library)
    by_rules = f", {ruled} of them by rules" if ruled else ""
    told = [f"  {len(ready)} of {len(library)} are ready{by_rules}"]
    means = {each.name: each for each in capabilities}
    for needs, titles in _by_need(each for each in library if each.status == "needs_data").items():
        bring = "; ".join(dict.fromkeys(means[need].bring for need in needs))
        told += _wrapped(f"nobody is in {_listed(titles)} yet: {bring}", "  - ", "    ")
    unshipped = [each for each in answers if each.status == "not_shipped"]
    for waiting, heading in (
        ([each for each in unshipped if not each.missing], "not in this version, though the data is there"),
        ([each for each in unshipped if each.missing], "not in this version, and waiting for data"),
    ):
        titles = [each.title + _for(each, means) for each in waiting]
        told += _wrapped(f"{heading}: {'; '.join(titles)}", "  - ", "    ") if titles else []
    return told


def _for(answer: SegmentAnswer, means: Mapping[str, Held]) -> str:
    return f" ({', '.join(means[need].means for need in answer.missing)})" if answer.missing else ""


def _by_need(answers: Iterable[SegmentAnswer]) -> dict[tuple[str, ...], list[str]]:
    grouped: dict[tuple[str, ...], list[str]] = {}
    for each in answers:
        grouped.setdefault(each.missing, []).append(each.title)
    return grouped


def _heading(text: str) -> str:
    return typer.style(text, bold=True)


def _labelled(label: str, text: str) -> list[str]:
    return _wrapped(text, f"  {label:<{LABEL}}", " " * (LABEL + 2))


def _wrapped(text: str, first: str, further: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=further)


def _listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def _share(share: float) -> str:
    if share in {0.0, 1.0} or share >= SMALL_SHARE:
        return f"{share:.0%}"
    return f"{share:.1%}"
