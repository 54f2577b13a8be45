"""Writing, editing, hiding and restoring segments: what would change is seen before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import numpy as np
from pydantic import ValidationError

from ledger.errors import InputError
from ledger.home import Home
from segments.definitions import LIBRARY, Definitions, State, Version
from segments.segment import Segment, load_file, load_library
from serving.segments.preview import Difference, Preview, Trial
from serving.store import PublishedRun

PARTITIONS: Final[Mapping[str, str]] = {"lifecycle": "lifecycle", "rfm": "rfm", "value": "tiers"}
"""Groups of which every customer is in exactly one, and the file of the library that has them."""


@dataclass(frozen=True)
class Draft:
    """A version that is not saved yet.

    Parameters
    ----------
    segment : Segment
    state : "followed" or "hidden"
    after : int
        The version that it would follow; 0 for a new segment.
    by_library : bool
        Whether it is what ships, restored: it then goes on with what ships.
    preview : Preview
        What it would make.
    difference : Difference
        What it would change.
    numbers : dict of str to float
        Of the store, that it needs and the release does not hold.
    release : str
        Of the run that it was tried on.
    """

    segment: Segment
    state: State
    after: int
    by_library: bool
    preview: Preview
    difference: Difference
    numbers: dict[str, float]
    release: str


def partition(name: str) -> tuple[str, ...]:
    """Return the segments of a partition, in its order.

    Raises
    ------
    InputError
        When there is no such partition.
    """
    if name not in PARTITIONS:
        raise InputError(f"there is no partition '{name}'; there are {', '.join(PARTITIONS)}")
    return tuple(each.name for each in load_file(PARTITIONS[name]))


def followed(home: Home) -> tuple[Segment, ...]:
    """Return the segments that a condition may name."""
    return Definitions(home.definitions).followed(load_library())


def draft_new(home: Home, segment: Mapping[str, str]) -> Draft:
    """Try a new segment.

    Parameters
    ----------
    home : Home
    segment : mapping of str to str
        The fields of a `Segment`.

    Raises
    ------
    InputError
        When there is a segment of that name, a field cannot be read or the condition is refused.
    """
    made = _read(segment)
    if _known(home).get(made.name):
        raise InputError(
            f"there is a segment '{made.name}'; to change it, use `regulars segments edit {made.name}`"
        )
    return _draft(home, made, None)


def draft_edit(
    home: Home, name: str, changes: Mapping[str, str | None], *, hidden: bool | None = None
) -> Draft:
    """Try an edit.

    Parameters
    ----------
    home : Home
    name : str
    changes : mapping of str to (str or None)
        Fields of the `Segment`; None leaves one as it is.
    hidden : bool, optional
        Whether to follow it no more, or again.

    Raises
    ------
    InputError
        When there is no such segment, it is a group of a partition, or as `draft_new`.
    """
    before = _last(home, name)
    given = {field: text for field, text in changes.items() if text is not None}
    state: State = before.state if hidden is None else ("hidden" if hidden else "followed")
    return _draft(home, _read({**before.segment.model_dump(), **given}), before, state)


def draft_restored(home: Home, name: str, number: int) -> Draft:
    """Try an earlier version again.

    Raises
    ------
    InputError
        When there is no such version.
    """
    before = _last(home, name)
    found = [each for each in Definitions(home.definitions).history(name) if each.number == number]
    if not found:
        raise InputError(
            f"segment '{name}' has no version {number}; `regulars segments history {name}` lists them"
        )
    by_library = found[0].by == LIBRARY
    segment = found[0].segment
    if by_library:
        segment = next((each for each in load_library() if each.name == name), segment)
    return _draft(home, segment, before, "followed", by_library=by_library)


def save(home: Home, draft: Draft, by: str, at: datetime) -> int:
    """Save a draft and return the number of its version.

    Parameters
    ----------
    home : Home
    draft : Draft
    by : str
        Who.
    at : datetime
        When; aware.

    Raises
    ------
    InputError
        When somebody else has saved a version since the draft was made.
    """
    definitions = Definitions(home.definitions)
    after = draft.after
    if after == 0:
        shipped = [each for each in load_library() if each.name == draft.segment.name]
        # What ships becomes its version 1 now, unless a run has made it so, and whatever follows is an edit of it.
        after = min(1, definitions.note(shipped, at).get(draft.segment.name, 0))
    writer = LIBRARY if draft.by_library else by
    number = definitions.save(draft.segment, writer, at, state=draft.state, after=after)
    if draft.numbers:
        definitions.keep_numbers(draft.release, draft.numbers)
    return number


def _draft(
    home: Home,
    segment: Segment,
    before: Version | None,
    state: State = "followed",
    *,
    by_library: bool = False,
) -> Draft:
    if segment.name in {name for each in PARTITIONS for name in partition(each)}:
        raise InputError(
            f"'{segment.name}' is one of the groups that part all customers between them, and stays as it is; "
            "save a segment of another name"
        )
    run = PublishedRun.open(home)
    others = followed(home)
    trial = Trial.of(run, segment.expression, others, segment.name)
    members = np.zeros_like(trial.members)
    if before is not None and before.state == "followed":
        members = Trial.of(run, before.segment.expression, others, segment.name).members
    after = trial.members if state == "followed" else np.zeros_like(trial.members)
    return Draft(
        segment=segment,
        state=state,
        after=before.number if before else 0,
        by_library=by_library,
        preview=trial.preview(),
        difference=trial.against(members, after=after),
        numbers=trial.added,
        release=run.facts.release,
    )


def _read(fields: Mapping[str, str]) -> Segment:
    try:
        return Segment.model_validate(dict(fields))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(
            f"{first['loc'][0]} of the segment: {first['msg']}, got {first['input']!r}"
        ) from error


def _known(home: Home) -> dict[str, Version | Segment]:
    shipped: dict[str, Version | Segment] = {each.name: each for each in load_library()}
    return {**shipped, **Definitions(home.definitions).latest()}


def _last(home: Home, name: str) -> Version:
    """Return the last version of a segment; of what ships and was never used, version 0."""
    found = _known(home).get(name)
    if found is None:
        raise InputError(f"no segment '{name}'; `regulars segments list` shows which there are")
    if isinstance(found, Version):
        shipped = {each.name: each for each in load_library()}
        return replace(found, segment=shipped.get(name, found.segment)) if found.by == LIBRARY else found
    return Version(found, 0, "followed", LIBRARY, datetime.min)  # noqa: DTZ901 - never shown
