"""Which release is served, who made it so and when: promotions, the way back, and those that were refused.

The pointer file alone decides what is served, see `models.release.deploy`; beside it lies the log of how it came so.
"""

import fcntl
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from ledger import small_files
from ledger.errors import InputError
from ledger.home import Home
from models.release import MANIFEST, Release, ReleaseError, deploy, deployed_release, load_release

Action = Literal["train", "promote", "rollback"]
LONGEST_REASON = 500


class Deployment(BaseModel):
    """One change of what is served, or one that was refused.

    Parameters
    ----------
    at : datetime
    by : str
        Who asked for it.
    action : str
        train (it won against the one before), promote or rollback.
    release : str
    before : str or None
        The release that was served until then.
    refused : str or None
        Why `before` went on being served; None when `release` took its place.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: datetime
    by: str
    action: Action
    release: str
    before: str | None
    refused: str | None = None


_LOG = TypeAdapter(tuple[Deployment, ...])


def listed(home: Home) -> tuple[Deployment, ...]:
    """Return all changes of what is served, the oldest first.

    Raises
    ------
    InputError
        When the log is damaged.
    """
    remedy = "restore it from a backup or delete it"
    return small_files.read(home.deployments, _LOG.validate_json, remedy=remedy) or ()


def releases(home: Home) -> list[str]:
    """Return the releases there are, sorted; those that are still being written are none yet."""
    return sorted(path.parent.name for path in home.releases.glob(f"[!.]*/{MANIFEST}"))


def promote(
    home: Home, release_id: str, *, by: str, at: datetime, accept: Callable[[Release], None]
) -> Deployment:
    """Serve another release.

    Parameters
    ----------
    home : Home
    release_id : str
    by : str
        Who asks.
    at : datetime
        Aware.
    accept : callable
        Tries a loaded release out; raises InputError when it must not be served.

    Returns
    -------
    Deployment

    Raises
    ------
    InputError
        When it cannot be loaded, is of other features or is not accepted. The one before stays, and the log says why.
    """
    return _change(home, "promote", release_id, by=by, at=at, accept=accept)


def rollback(home: Home, *, by: str, at: datetime, accept: Callable[[Release], None]) -> Deployment:
    """Serve the release again that was served before this one; asked again, the one before that. See `promote`.

    Raises
    ------
    InputError
        As `promote`, and when no other was served before.
    """
    earlier = before_this(home)
    if earlier is None:
        raise InputError("no other release was served before this one; `regulars promote RELEASE` takes any")
    return _change(home, "rollback", earlier, by=by, at=at, accept=accept)


def before_this(home: Home) -> str | None:
    """Return the release to which a rollback goes back, None without one."""
    stack: list[str] = []
    for one in (each for each in listed(home) if each.refused is None):
        if one.before is not None and one.before not in stack[-1:]:
            stack.append(one.before)  # deployed before there was a log, or by a process that was killed
        if one.action == "rollback" and one.release in stack:
            del stack[stack.index(one.release) + 1 :]
        elif one.release not in stack[-1:]:
            stack.append(one.release)
    served = deployed_release(home)
    return next((each for each in reversed(stack) if each != served), None)


def note_trained(home: Home, release_id: str, before: str | None, *, by: str, at: datetime) -> None:
    """Write down that training has deployed a release."""
    with _alone(home):
        _note(home, Deployment(at=at, by=by, action="train", release=release_id, before=before))


def _change(  # noqa: PLR0913 - one a thing that the log says
    home: Home, action: Action, release_id: str, *, by: str, at: datetime, accept: Callable[[Release], None]
) -> Deployment:
    with _alone(home):
        before = _served(home)
        asked = Deployment(at=at, by=by, action=action, release=release_id, before=before)
        try:
            accept(_loaded(home, release_id))
            deploy(home, release_id)
        except InputError as error:
            kept = f"; {before} goes on being served" if before else ""
            _note(home, asked.model_copy(update={"refused": str(error)[:LONGEST_REASON]}))
            raise InputError(f"not promoted: {error}{kept}") from error
        _note(home, asked)
    return asked


def _served(home: Home) -> str | None:
    """Return what is served, None as well when the file that says so is damaged: a promotion writes it anew."""
    try:
        return deployed_release(home)
    except InputError:
        return None


def _loaded(home: Home, release_id: str) -> Release:
    known = releases(home)
    if release_id not in known:
        there = ", ".join(known[-5:]) or "none"
        raise ReleaseError(f"no release '{release_id[:60]}' in {home.releases}; the newest are {there}")
    return load_release(home.releases / release_id)


def _note(home: Home, one: Deployment) -> None:
    lines: Sequence[Deployment] = (*listed(home), one)
    said = json.dumps([line.model_dump(mode="json") for line in lines], indent=1)
    small_files.put(home.deployments, said)


@contextmanager
def _alone(home: Home) -> Iterator[None]:
    """Let one promotion happen at a time; the lock goes with the process."""
    home.deployments.parent.mkdir(parents=True, exist_ok=True)
    with (home.deployments.parent / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def refusal(home: Home) -> Deployment | None:
    """Return the last change of what is served when it went through, None when there was none.

    Raises
    ------
    InputError
        When it was refused; says what, by whom, when and why.
    """
    last = next(reversed(listed(home)), None)
    if last is not None and last.refused is not None:
        when = f"{last.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
        raise InputError(f"{last.action} of {last.release} by {last.by} at {when}: {last.refused}")
    return last
