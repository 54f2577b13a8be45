"""Grids: everybody in one picture, by lifecycle and by RFM, and who moved between the cells since the run before."""

from typing import Any, Final

from segments.partitions import ORDER_COUNTS
from serving.answers import Answer, stamp
from serving.errors import Problem, ProblemError, shown
from serving.look.page import Asked
from serving.look.segments import runs
from serving.segments import answers
from serving.segments.editing import PARTITIONS, partition
from serving.store import PublishedRun

STAGES: Final = ("active", "at_risk", "churned")
LEVELS: Final = 9


def answer(asked: Asked) -> Answer:
    """Return the cells of a grid with size and value; raises ProblemError when there is no such grid."""
    run, of = asked.run, _grid(asked)
    return {
        **stamp(run),
        "of": of,
        "grids": list(PARTITIONS),
        "lifecycle": lifecycle(run),
        "cells": _cells(run, of),
        "runs": runs(run),
    }


def moves(asked: Asked) -> Answer:
    """Return who moved between the cells of a grid since the run before; raises ProblemError as `answer`."""
    run, of = asked.run, _grid(asked)
    told = answers.migration(run, {**asked.given, "of": of})
    return {**stamp(run), "of": of, **_movement(run, told)}


def _grid(asked: Asked) -> str:
    of = asked.given.get("of", "lifecycle")
    if of not in PARTITIONS:
        raise ProblemError(
            Problem("bad-request", "there is no such grid", "of", ", ".join(PARTITIONS), shown(of))
        )
    return of


def lifecycle(run: PublishedRun) -> list[list[Answer]]:
    """Return the lifecycle grid: a row an order count, most first; in each the cells from active to lost."""
    cells = {each["name"]: each for each in _cells(run, "lifecycle")}
    names = partition("lifecycle")
    rows = [names[row * len(STAGES) : (row + 1) * len(STAGES)] for row in range(len(ORDER_COUNTS))]
    return [[cells[name] for name in row if name in cells] for row in reversed(rows)]


def _cells(run: PublishedRun, of: str) -> list[Answer]:
    found = [facts for name in partition(of) if (facts := run.segment(name)) is not None]
    most = max((facts.size for facts in found), default=0)
    return [
        {
            "name": facts.name,
            "title": facts.title,
            "description": facts.description,
            "size": facts.size,
            "share": facts.size / run.facts.people if run.facts.people else 0.0,
            "value": facts.value,
            "net": facts.entered - facts.left,
            "level": round(LEVELS * facts.size / most) if most else 0,
        }
        for facts in found
    ]


def _movement(run: PublishedRun, moves: Answer) -> dict[str, Any]:
    """Return the moves as a matrix, without who stayed where he was in its shades."""
    counts = {(each["before"], each["after"]): each["customers"] for each in moves["moves"]}
    names = [name for name in moves["groups"] if any(name in pair for pair in counts)]
    moved = max((count for (one, two), count in counts.items() if one != two), default=0)
    titles = {each.name: each.title for each in run.facts.segments}
    ends = [*names, None] if any(None in pair for pair in counts) else names

    def cell(before: str | None, after: str | None) -> dict[str, Any]:
        count = counts.get((before, after), 0)
        level = round(LEVELS * count / moved) if moved and before != after else 0
        return {"customers": count, "level": level, "stayed": before == after}

    return {
        "columns": [{"name": name, "title": titles.get(name or "", "")} for name in ends],
        "moves": [
            {
                "name": before,
                "title": titles.get(before or "", ""),
                "cells": [cell(before, after) for after in ends],
            }
            for before in ends
        ],
        "moved": sum(count for (one, two), count in counts.items() if one != two and one and two),
    }
