"""What the service answers from: the deployed release and the published run, swapped by one reference.

A new release or run is opened aside and tried; when it is broken it is refused, and what was served goes on
being served. Nothing here raises at start: BentoML restarts a service whose start fails, without end.
"""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from ledger.errors import InputError
from ledger.home import Home
from ledger.sqlite import UnusableFileError
from models.deployments import Deployment, refusal
from models.release import Release, load_deployed, load_release
from segments.segment import Segment
from serving.arrived import Arrived, Rescored
from serving.errors import Problem, ProblemError
from serving.scorer import Scorer
from serving.store import PublishedRun
from serving.tried import open_scorer

POLL_SECONDS = 2.0
FOLLOWED_LIVE = 500
"""Customers whose posted rows move them in lists of members before the next run; more, and the oldest wait for it."""
STARTING = "the service is starting"

T = TypeVar("T")
logger = logging.getLogger(__name__)


@dataclass
class Watched(Generic[T]):
    """One thing opened from the home, again whenever its pointer file changes.

    Parameters
    ----------
    what : str
        For messages: release, run.
    pointer : Path
    open : callable
        Opens what the pointer names; raises InputError when it cannot be served.
    remedy : str
        What to do when it cannot be opened for a reason that `open` does not tell.
    beside : Path, optional
        Another file, possibly none yet, whose change is a change too.
    """

    what: str
    pointer: Path
    open: Callable[[], T]
    remedy: str
    beside: Path | None = None
    current: T | None = field(default=None, init=False)
    refused: str | None = field(default=STARTING, init=False)
    _seen: bytes | None = field(default=None, init=False)

    def refresh(self) -> None:
        """Open anew when the pointer has changed, or when nothing is open yet."""
        seen = self._fingerprint()
        if seen == self._seen and self.current is not None:
            return
        try:
            opened = self.open()
        except UnusableFileError as error:
            self._refuse(error.told)
            seen = None  # it may be locked, and open though nothing changes
        except InputError as error:
            self._refuse(str(error))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with a new one, the old one is kept
            kind = type(error).__name__
            self._refuse(f"what {self.pointer} names cannot be opened ({kind}); {self.remedy}")
        else:
            self.current, self.refused = opened, None
        self._seen = seen

    def _refuse(self, reason: str) -> None:
        if reason != self.refused:
            logger.warning(
                "%s refused%s: %s", self.what, ", the one before is kept" if self.current else "", reason
            )
        self.refused = reason

    def _fingerprint(self) -> bytes | None:
        try:
            seen = hashlib.sha256(self.pointer.read_bytes())
        except OSError:
            return None
        with suppress(OSError):
            seen.update(b"" if self.beside is None else self.beside.read_bytes())
        return seen.digest()


@dataclass(frozen=True)
class Opened:
    """What is watched in one home."""

    home: Home
    scorer: Watched[Scorer]
    run: Watched[PublishedRun]
    promotion: Watched[Deployment | None]
    arrived: Arrived


class Live:
    """Holds what is served; one a process.

    It is empty until `open`, so that making one touches neither file nor environment.
    """

    def __init__(self) -> None:
        self._opened: Opened | None = None
        self._scored_by: Release | None = None
        self._cannot_load: str | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def open(self, home: Home, segments: Callable[[], Sequence[Segment]]) -> None:
        """Look at a home for the first time; never raises.

        Parameters
        ----------
        home : Home
        segments : callable
            Returns the segments to assign; called when a release is opened.
        """
        self._opened = Opened(
            home,
            Watched(
                "release",
                home.deployed,
                lambda: open_scorer(home, load_deployed(home), segments()),
                "`regulars promote` serves another one, `regulars train` makes one",
                home.definitions,
            ),
            Watched(
                "run",
                home.published_pointer,
                lambda: PublishedRun.open(home),
                "`regulars score` writes it anew",
            ),
            Watched(
                "promotion",
                home.deployments,
                lambda: refusal(home),
                "restore it from a backup or delete it",
            ),
            Arrived(home),
        )
        self.refresh()

    def refresh(self) -> None:
        """Open what has been deployed or published since."""
        if self._opened is not None:
            self._opened.scorer.refresh()
            self._opened.run.refresh()
            self._opened.promotion.refresh()
            self._keep_release_of_run(self._opened)

    def watch(self) -> None:
        """Refresh every few seconds in the background until `close`."""
        self._stop.clear()
        self._thread = threading.Thread(target=self._poll, name="regulars-live", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop refreshing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._opened is not None:
            self._opened.arrived.close()

    def _poll(self) -> None:
        while not self._stop.wait(POLL_SECONDS):
            self.refresh()

    def not_ready(self) -> str | None:
        """Return why the service cannot answer, or None when it can."""
        if self._opened is None:
            return STARTING
        for watched in (self._opened.scorer, self._opened.run):
            if watched.current is None:
                return watched.refused
        return None

    def state(self) -> dict[str, str | None]:
        """Return what is served and what was refused or cannot be read, for `/readyz`."""
        if self._opened is None:
            return {"release": None, "run": None, "refused": STARTING}
        scorer, run = self._opened.scorer.current, self._opened.run.current
        return {
            "release": scorer.release.id if scorer else None,
            "run": run.name if run else None,
            "refused": self._opened.scorer.refused
            or self._opened.run.refused
            or self._opened.promotion.refused
            or self._opened.arrived.unusable(),
        }

    def home(self) -> Home:
        """
        Return the home that is served.

        Raises
        ------
        ProblemError
            When none is opened yet.
        """
        if self._opened is None:
            raise ProblemError(Problem("not-ready", STARTING))
        return self._opened.home

    def has_news(self, run: PublishedRun, customer_id: str) -> bool:
        """Return whether anything was posted of a customer since a run."""
        return self._opened is not None and bool(self._opened.arrived.since(run, [customer_id]))

    def rescored(self, run: PublishedRun, customer_ids: Iterable[str]) -> dict[str, Rescored]:
        """Return customers of whom something was posted since a run, scored by it; none when nothing is deployed."""
        opened = self._opened
        scorer = None if opened is None else opened.scorer.current
        if opened is None or scorer is None:
            return {}
        since = opened.arrived.since(run, customer_ids)
        return opened.arrived.rescored(run, scorer, since) if since else {}

    def latest(self, run: PublishedRun) -> dict[str, Rescored]:
        """Return those of whom something was posted since a run, scored by it: the last `FOLLOWED_LIVE` of them."""
        return {} if self._opened is None else self.rescored(run, self._opened.arrived.latest(FOLLOWED_LIVE))

    def run(self) -> PublishedRun:
        """
        Return the published run; take it once a request.

        Raises
        ------
        ProblemError
            When nothing is published.
        """
        return self._current(None if self._opened is None else self._opened.run)

    def scorer(self) -> Scorer:
        """
        Return the scorer of the deployed release; take it once a request.

        Raises
        ------
        ProblemError
            When nothing is deployed.
        """
        return self._current(None if self._opened is None else self._opened.scorer)

    def release_of(self, run: PublishedRun) -> Release | None:
        """Return the release that scored a run, which tells its reasons; None when it can no longer be loaded."""
        known = self._scored_by
        return known if known is not None and known.id == run.facts.release else None

    def _keep_release_of_run(self, opened: Opened) -> None:
        """Keep the release that scored the published run, though another one be deployed by now."""
        run, scorer, known = opened.run.current, opened.scorer.current, self._scored_by
        if run is None:
            return
        wanted = run.facts.release
        if scorer is not None and scorer.release.id == wanted:
            self._scored_by = scorer.release
        elif (known is None or known.id != wanted) and wanted != self._cannot_load:
            try:
                self._scored_by = load_release(opened.home.releases / wanted)
            except (InputError, OSError) as error:
                self._cannot_load = wanted
                logger.warning("scores are told without reasons until the next run: %s", error)

    @staticmethod
    def _current(watched: Watched[T] | None) -> T:
        if watched is None or watched.current is None:
            raise ProblemError(Problem("not-ready", (watched.refused if watched else None) or STARTING))
        return watched.current
