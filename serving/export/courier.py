"""Posting to a receiver that may fail in every way: tried again with growing pauses, and given up with one clear line.

The receiver is named by whoever runs the command, never by a request or by data, so it may be inside the shop's own
network. It must be https unless it is this machine; its certificate is verified; redirects are not followed, for a
signed list of customers goes to the address that was meant; of its answer nothing but the status is read, however long
it is; and no text here repeats its path, which often is a secret, nor the secret, nor anything that was posted.
"""

import ipaddress
import logging
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Self

import httpx

from ledger.errors import InputError
from serving.export.signature import Secret, headers

AGENT = "regulars-webhook/1"
WORTH_ANOTHER_TRY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class Patience:
    """How long a receiver is waited for.

    Parameters
    ----------
    tries : int
        At most, of one message.
    first_pause_s, longest_pause_s : float, seconds
        Pauses double from the first to the longest.
    longest_asked_s : float, seconds
        How long a pause the receiver may ask for; whoever asks for longer is given up for now.
    timeout_s : float, seconds
        For connecting, and for each part of the answer.
    longest_try_s : float, seconds
        For one try as a whole: an answer may come byte by byte, each in time.
    """

    tries: int = 6
    first_pause_s: float = 1.0
    longest_pause_s: float = 60.0
    longest_asked_s: float = 300.0
    timeout_s: float = 15.0
    longest_try_s: float = 60.0


@dataclass(frozen=True)
class World:
    """What a courier needs of the world outside, so that a test can bring its own.

    Parameters
    ----------
    now : callable
        Returns the present instant, aware.
    sleep : callable
        Takes seconds.
    random : callable
        Returns a number from 0 to 1.
    """

    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    random: Callable[[], float]


def checked(url: str) -> httpx.URL:
    """
    Return a receiver's address.

    Raises
    ------
    InputError
        When it is not https, other than on this machine, or carries a password or a fragment.
    """
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InputError(
            "--url: not the address of a receiver; give one like https://shop.example/hook"
        ) from error
    reachable = bool(found.host) and 0 < (found.port or 443) < 2**16
    if not reachable or not (found.scheme == "https" or (found.scheme == "http" and _is_here(found))):
        raise InputError("--url: give an https address; http is taken of this machine only (127.0.0.1)")
    if found.userinfo or found.fragment:
        raise InputError("--url: leave user, password and #fragment out; the signature says who is calling")
    return found


def _is_here(url: httpx.URL) -> bool:
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return url.host == "localhost"


class Courier:
    """Posts signed messages to one receiver; a context manager that hangs up.

    A connection is kept from one message to the next where the receiver allows it and answers with a status alone. One
    that failed is not used again.

    Parameters
    ----------
    url : httpx.URL
        From `checked`.
    secret : Secret
    world : World
    patience : Patience
    """

    def __init__(self, url: httpx.URL, secret: Secret, world: World, patience: Patience = Patience()) -> None:
        self._url = url
        self._secret = secret
        self._world = world
        self._patience = patience
        self._kept: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._hang_up()

    def post(self, message_id: str, body: bytes) -> None:
        """
        Post one message until the receiver accepts it.

        Parameters
        ----------
        message_id : str
            The same for the same message, however often it is posted.
        body : bytes
            JSON.

        Raises
        ------
        InputError
            When it was not accepted; says what came instead.
        """
        pause = self._patience.first_pause_s
        for last in [False] * (self._patience.tries - 1) + [True]:
            failure = self._try(message_id, body)
            if failure is None:
                return
            if last or not failure.passing:
                tried = f" after {self._patience.tries} tries" if last else ""
                raise InputError(f"{self._url.host} did not take the delivery{tried}: {failure.told}")
            asked = failure.asked_s or 0.0
            if asked > self._patience.longest_asked_s:
                raise InputError(
                    f"{self._url.host} asks to be left alone for {asked:.0f} s; run the same command then"
                )
            self._world.sleep(max(asked, pause * (0.5 + 0.5 * self._world.random())))
            pause = min(2 * pause, self._patience.longest_pause_s)

    def _try(self, message_id: str, body: bytes) -> "_Failure | None":
        signed = headers(self._secret, message_id, self._world.now(), body)
        about = {"content-type": "application/json", "user-agent": AGENT, "idempotency-key": message_id}
        try:
            client = self._client()
            with (
                _unlogged(),
                _ended_after(self._patience.longest_try_s, client),
                client.stream("POST", self._url, content=body, headers={**about, **signed}) as answer,
            ):
                return self._judged(answer)
        except httpx.TimeoutException:
            self._hang_up()
            return _Failure(f"no answer within {self._patience.timeout_s:g} s", passing=True)
        except httpx.TransportError as error:
            self._hang_up()
            if _is_distrust(error):
                return _Failure("its certificate cannot be verified", passing=False)
            return _Failure(f"the connection failed ({type(error).__name__})", passing=True)

    def _client(self) -> httpx.Client:
        if self._kept is None or self._kept.is_closed:
            # A proxy of the environment leads outside; to this machine there is none.
            self._kept = httpx.Client(
                timeout=self._patience.timeout_s, follow_redirects=False, trust_env=not _is_here(self._url)
            )
        return self._kept

    def _hang_up(self) -> None:
        if self._kept is not None:
            self._kept.close()

    def _judged(self, answer: httpx.Response) -> "_Failure | None":
        if answer.status_code == HTTPStatus.NO_CONTENT or answer.headers.get("content-length") == "0":
            answer.read()  # nothing; else the connection would count as broken off amid an answer, and not be kept
        if answer.is_success:
            return None
        told = f"it answered {answer.status_code} {answer.reason_phrase[:40]}".rstrip()
        if answer.is_redirect:
            return _Failure(f"{told}, and redirects are not followed; give its final address", passing=False)
        passing = answer.is_server_error or answer.status_code in WORTH_ANOTHER_TRY
        return _Failure(told, passing=passing, asked_s=self._asked(answer.headers.get("retry-after", "")))

    def _asked(self, retry_after: str) -> float | None:
        """Return the pause that a receiver asks for, in seconds: it may give these or an HTTP date (RFC 9110)."""
        if retry_after.isascii() and retry_after.isdigit():
            return float(retry_after)
        try:
            when = parsedate_to_datetime(retry_after)
        except ValueError:
            return None
        aware = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (aware - self._world.now()).total_seconds())


@dataclass(frozen=True)
class _Failure:
    """What came instead of an acceptance, and whether it may pass."""

    told: str
    passing: bool
    asked_s: float | None = None


def _is_distrust(error: BaseException | None) -> bool:
    """Whether a certificate is behind an error: trying again would not change it."""
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False


@contextmanager
def _ended_after(seconds: float, client: httpx.Client) -> Iterator[None]:
    """Close a client's connections when it takes too long; whoever reads from one then gets a transport error."""
    timer = threading.Timer(seconds, client.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _unlogged() -> Iterator[None]:
    """Keep httpx from logging the address, which it does with every request."""
    logger = logging.getLogger("httpx")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before
