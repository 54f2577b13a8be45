"""Segments: all of them, to be searched, narrowed to a kind and sorted."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

from segments.segment import load_file
from serving.answers import Answer
from serving.look.page import Asked
from serving.segments import answers
from serving.store import PublishedRun

OWN: Final = "own"
KINDS: Final = (OWN, "predictive", "refills", "orders", "events", "tiers", "rfm", "lifecycle")
"""What a segment is about, in the order of the page: the shop's own, then the files of the library."""
SHOWN_POINTS: Final = 30
SORTS: Final[Mapping[str, Callable[[Answer], Any]]] = {
    "size": lambda segment: -segment["size"],
    "value": lambda segment: -segment["value"],
    "change": lambda segment: -(segment["entered"] + segment["left"]),
    "title": lambda segment: segment["title"].casefold(),
}


def answer(asked: Asked) -> Answer:
    """Return the segments that are looked for: those with members by kind or in order, those without apart."""
    listed = answers.segments(asked.run, asked.now)
    sizes = sizes_by_segment(asked.run)
    told = [
        {**each, "kind": kind_of(each["name"]), "sizes": sizes.get(each["name"], [])}
        for each in listed["segments"]
    ]
    search, kind, sort = (asked.given.get(name, "") for name in ("q", "kind", "sort"))
    found = [each for each in told if _holds(each, search) and kind in {"", each["kind"]}]
    some = [each for each in found if each["size"]]
    if sort in SORTS:
        groups = [{"kind": "", "segments": sorted(some, key=SORTS[sort])}]
    else:
        groups = [{"kind": each, "segments": [one for one in some if one["kind"] == each]} for each in KINDS]
    return {
        **{name: value for name, value in listed.items() if name != "segments"},
        "search": search,
        "kind": kind,
        "sort": sort,
        "kinds": [each for each in KINDS if any(one["kind"] == each for one in told)],
        "groups": [each for each in groups if each["segments"]],
        "nobody": [each for each in found if not each["size"]],
        "largest_value": max((each["value"] for each in told), default=0.0),
        "runs": runs(asked.run),
    }


def kind_of(name: str) -> str:
    """Return what a segment is about: the file of the library that has it, or the shop's own."""
    return _kinds().get(name, OWN)


@cache
def _kinds() -> Mapping[str, str]:
    return {each.name: kind for kind in KINDS[1:] for each in load_file(kind)}


def sizes_by_segment(run: PublishedRun) -> dict[str, list[int]]:
    """Return each segment's size in the last runs, oldest first; the last as the published run has it."""
    sizes: dict[str, list[int]] = {}
    trend = run.tables["trend"]
    if "size" in trend.column_names:
        for name, size in zip(trend["segment"].to_pylist(), trend["size"].to_pylist(), strict=True):
            sizes.setdefault(name, []).append(size)
    now = {each.name: each.size for each in run.facts.segments}
    return {name: [*past[-SHOWN_POINTS:-1], now.get(name, past[-1])] for name, past in sizes.items() if past}


def runs(run: PublishedRun) -> int:
    """Return in how many runs segments have been followed so far."""
    return len(set(run.tables["trend"]["as_of"].to_pylist()))


def _holds(segment: Mapping[str, Any], search: str) -> bool:
    words = search.casefold().split()
    text = " ".join(segment[each] for each in ("title", "description", "sentence", "advice")).casefold()
    return all(word in text for word in words)
