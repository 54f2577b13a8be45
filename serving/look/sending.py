"""Sending a segment on: its members as a file to keep, or the lists that advertising and mail platforms take."""

import base64
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ledger.errors import InputError
from serving.answers import Answer, segment_facts, stamp
from serving.errors import Problem, ProblemError, shown
from serving.export import delivery
from serving.export.destination import Destination
from serving.export.members import published
from serving.export.shipped import DESTINATIONS
from serving.look.files import download
from serving.look.page import Asked, Download

DELIVERED_AT_MOST: Final = 50_000
"""Members; longer lists are written by the command, which waits as long as it takes."""
LISTS: Final = {each.name: each for each in DESTINATIONS if each.audience is not None}


def members_csv(asked: Asked) -> Download:
    """Return a segment's members as CSV."""
    return _members(asked, "csv")


def members_parquet(asked: Asked) -> Download:
    """Return a segment's members as Parquet."""
    return _members(asked, "parquet")


def _members(asked: Asked, ending: str) -> Download:
    name = segment_facts(asked.run, asked.given["name"]).name
    members = published(asked.run, name)
    if not members.num_rows:
        raise ProblemError(Problem("bad-request", "nobody is in this segment", "name"))
    return download(members, f"{name}-{_day(asked)}.{ending}")


def deliver(asked: Asked) -> Answer:
    """
    Return the lists of whom to add to a platform's audience and whom to remove; it is written down that they were.

    Raises
    ------
    ProblemError
        When there is no such segment or platform, or the segment is too large for an answer; names the field.
    """
    facts = segment_facts(asked.run, asked.given["name"])
    destination = _destination(asked.sent.get("to"))
    if facts.size > DELIVERED_AT_MOST:
        detail = f"it has more than {DELIVERED_AT_MOST:,} members; use the command regulars export segment"
        raise ProblemError(Problem("bad-request", detail, "name"))
    wanted = delivery.Request(asked.run.home, facts.name, asked.now or datetime.now(UTC))
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory) / f"{facts.name}-{destination.name}.csv"
        try:
            delivered = delivery.to_files(wanted, destination, out)
        except InputError as error:
            raise ProblemError(Problem("bad-request", "nobody was ever in this segment", "name")) from error
        files = [(delivered.added, out), (delivered.removed, delivery.removes_path(out))]
        return {
            **stamp(asked.run),
            "to": destination.name,
            "members": delivered.members,
            "added": delivered.added,
            "removed": delivered.removed,
            "left_out": delivered.left_out,
            "files": [_file(path) for rows, path in files if rows],
        }


def _destination(name: object) -> Destination:
    if isinstance(name, str) and name in LISTS:
        return LISTS[name]
    raise ProblemError(
        Problem("bad-request", "there is no such platform", "to", ", ".join(LISTS), shown(name))
    )


def _file(path: Path) -> dict[str, str]:
    return {"name": path.name, "base64": base64.b64encode(path.read_bytes()).decode("ascii")}


def _day(asked: Asked) -> str:
    return asked.run.facts.as_of.date().isoformat()
