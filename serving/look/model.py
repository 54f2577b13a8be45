"""Model: how far the release's numbers may be trusted, in words first and numbers second."""

from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from features.catalog.shipped import CATALOG
from ledger.errors import InputError
from models import deployments
from models.checked import Checked
from models.release import Release
from models.scores import SCORES
from serving.answers import Answer, stamp
from serving.look.charts import Chart, Draws, Series
from serving.look.page import Asked
from serving.look.texts import say
from serving.monitoring import words
from serving.monitoring.answers import NOTHING_YET, found
from serving.monitoring.drift import Drift
from serving.monitoring.report import Report
from serving.monitoring.told import METRICS
from serving.store import PublishedRun

CHANGES_SHOWN: Final = 20


def answer(asked: Asked) -> Answer:
    """Return what is known of the release that scored the run: judged, beside its peers, drifted, promoted."""
    run = asked.run
    release, report = asked.live.release_of(run), found(run)
    return {
        **stamp(run),
        "trust": (report and words.honest(report)) or run.facts.honesty,
        "says": [NOTHING_YET] if report is None else words.short(report),
        "gate": {"honesty": run.facts.honesty, "reasons": run.facts.checks},
        "judged": _judged(release, report),
        "peers": _peers(release),
        "drift": None if report is None else _drift(report),
        "history": _history(run),
        "served": asked.live.state()["release"],
        "has_card": (run.home.cards / f"{run.facts.release}.md").is_file(),
    }


def _judged(release: Release | None, report: Report | None) -> list[Answer]:
    """Return what was predicted beside what came: of runs at work, then of backtests before the release was made."""
    at_work = () if report is None else report.happened
    tested = () if release is None else release.seen.backtests
    kinds: Sequence[tuple[str, tuple[Checked, ...]]] = (("run", at_work), ("backtest", tested))
    return [
        {"kind": kind, **each.model_dump(mode="json"), "lift": lift(each)}
        for kind, some in kinds
        for each in some
    ]


def lift(past: Checked) -> list[Answer]:
    """Return which share of all who ordered are among the likeliest tenth, two tenths and so on."""
    best_first = past.groups[::-1]
    came = list(accumulate(each.ordered * each.customers for each in best_first))
    asked = list(accumulate(each.customers for each in best_first))
    return [
        {"customers": count / past.customers, "ordered": hits / past.ordered if past.ordered else None}
        for count, hits in zip(asked, came, strict=True)
    ]


def _peers(release: Release | None) -> list[Answer]:
    """Return every method that was asked the same on the newest backtest, ours first."""
    told: dict[str, dict[str, float | None]] = {}
    for name, value in ({} if release is None else release.manifest.metrics).items():
        method, _, metric = name.partition(".")
        if metric in METRICS:
            told.setdefault(method, dict.fromkeys(METRICS))[metric] = value
    return [{"method": method, **metrics} for method, metrics in told.items()]


def _drift(report: Report) -> Answer:
    return {
        "trained_as_of": report.trained_as_of.isoformat(),
        "features": _moved(report.features),
        "scores": _moved(report.scores),
    }


def _moved(found_in: Sequence[Drift]) -> Answer:
    moved = [each.model_dump() | {"means": means(each.name)} for each in found_in if each.level != "none"]
    return {"compared": len(found_in), "moved": moved}


def means(name: str) -> str:
    """Return what a feature or score is, in a phrase."""
    said = next((each.means for each in (*CATALOG, *SCORES) if each.name == name), name.replace("_", " "))
    return f"{said[:1].upper()}{said[1:].rstrip('.')}"


def _history(run: PublishedRun) -> list[Answer]:
    """Return who made which release the one in force, the newest first; nothing where the log is damaged."""
    try:
        log = deployments.listed(run.home)
    except InputError:
        return []
    return [each.model_dump(mode="json") for each in reversed(log[-CHANGES_SHOWN:])]


def charts(told: Answer) -> dict[str, Chart]:
    """Return calibration and lift of what was judged last; nothing where nothing could be judged."""
    if not told["judged"]:
        return {}
    past = told["judged"][0]
    groups = past["groups"]
    places = [str(number) for number in range(1, len(groups) + 1)]

    def series(label: str, name: str, draws: Draws) -> Series:
        return Series(label, [each[name] for each in groups], draws, "share")

    return {
        "calibration": Chart(
            say("model.calibration"),
            places,
            [
                series(say("model.predicted"), "p_order", "line"),
                series(say("model.low"), "low", "low"),
                series(say("model.high"), "high", "high"),
                series(say("model.came"), "ordered", "dots"),
            ],
            say("model.group"),
            kind="name",
            summary=say("model.calibration_note", days=past["horizon_days"]),
        ),
        "lift": Chart(
            say("model.lift"),
            [0.0, *(100 * point["customers"] for point in past["lift"])],
            [
                Series(
                    say("model.found"), [0.0, *(point["ordered"] for point in past["lift"])], "area", "share"
                ),
                Series(
                    say("model.chance"),
                    [0.0, *(point["customers"] for point in past["lift"])],
                    "line",
                    "share",
                ),
            ],
            say("model.likeliest"),
            kind="number",
            summary=say("model.lift_note"),
        ),
    }
