"""The segments that a scoring run and the service are to assign: what ships, as the shop has edited it, and its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ledger.errors import InputError
from ledger.home import Home
from models.release import Release
from segments.assign import parse_all
from segments.causes import resolvable
from segments.definitions import Definitions
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
    left = tuple(each for each in followed if each.name not in aside)
    return InForce(replace(release, manifest=manifest), left, aside)


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
    found = Trial.of(PublishedRun.open(home), segment.expression, others, segment.name).added
    added = {key: value for key, value in found.items() if key not in known}
    Definitions(home.definitions).keep_numbers(release.id, added)
    if not resolvable(expression, {**known, **added}):
        raise InputError("its numbers of the store are not known yet; run `regulars score`, then again")
    return added
