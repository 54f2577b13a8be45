"""The segments that a scoring run and the service are to assign: what ships, as the shop has edited it, and its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.errors import InputError
from ledger.home import Home
from models.release import Manifest, Release
from segments.assign import parse_all
from segments.causes import resolvable
from segments.definitions import Definitions
from segments.derived import statistics_of
from segments.segment import Segment
from serving.scorer import columns_of
from serving.segments.preview import Trial
from serving.store import PublishedRun


@dataclass(frozen=True)
class InForce:
    """What is to be assigned.

    Parameters
    ----------
    release : Release
        With the numbers of the store that the shop's own segments need beside its own.
    segments : tuple of Segment
    aside : dict of str to str
        Segments that cannot be assigned, by name, and why.
    """

    release: Release
    segments: tuple[Segment, ...]
    aside: dict[str, str]


def in_force(home: Home, release: Release, library: Sequence[Segment]) -> InForce:
    """
    Return what is to be assigned with a release.

    A number of the store that a release does not hold, as for a segment written after its training, is taken once over
    the run that is published and stays the same for as long as the release is in use.

    Parameters
    ----------
    home : Home
    release : Release
    library : sequence of Segment
        What ships.
    """
    definitions = Definitions(home.definitions)
    followed = definitions.followed(library)
    numbers = definitions.numbers(release.id)
    aside: dict[str, str] = {}
    for segment in followed:
        try:
            numbers |= _lacking(home, release, segment, followed, numbers)
        except InputError as error:
            aside[segment.name] = str(error)
    thresholds = {**numbers, **release.manifest.thresholds}
    manifest = release.manifest.model_copy(update={"thresholds": thresholds})
    return InForce(replace(release, manifest=manifest), _left(manifest, followed, aside), aside)


def _left(manifest: Manifest, followed: Sequence[Segment], aside: dict[str, str]) -> tuple[Segment, ...]:
    """Return what is not set aside, and set aside whatever names something that is."""
    columns = columns_of(manifest)
    while True:
        left = tuple(each for each in followed if each.name not in aside)
        before = len(aside)
        for segment in left:
            try:
                parse_all([segment], columns, left)
            except InputError as error:
                aside[segment.name] = str(error)
        if len(aside) == before:
            return left


def _lacking(
    home: Home, release: Release, segment: Segment, others: Sequence[Segment], numbers: dict[str, float]
) -> dict[str, float]:
    """Take the numbers that an own segment needs and nobody has, and keep them."""
    manifest = release.manifest
    columns = columns_of(manifest)
    expression = parse_all([segment], columns, others)[segment.name]
    known = {**manifest.thresholds, **manifest.lifecycle_limits, **numbers}
    if resolvable(expression, known):
        return {}
    found = Trial.of(PublishedRun.open(home), segment.expression, others, segment.name).numbers
    needed = {
        key
        for each in statistics_of(expression)
        if each.column
        for key in (each.key, f"{each.column.name}:known")
    }
    added = {key: found[key] for key in needed & found.keys() if key not in known}
    Definitions(home.definitions).keep_numbers(release.id, added)
    if not resolvable(expression, {**known, **added}):
        raise InputError("its numbers of the store are not known yet; run `regulars score`, then again")
    return added
