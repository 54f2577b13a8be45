"""Who may ask what: the scope that an address needs, the key that a request brings, and the answer without one."""

import base64
import binascii
import re
from collections.abc import Mapping

from serving.errors import Problem, ProblemError
from serving.keys import Key, Keyring

Headers = Mapping[bytes, bytes]

SIGNED = "/v1/webhooks/"
"""What is sent there is believed for its signature over the raw body, which is looked at before anything else is."""
OPEN = ("/livez", "/readyz", "/healthz", "/openapi.json", "/docs.json", "/static/", SIGNED)
# The first that an address begins with.
NEEDS = (
    ("/v1/orders", "ledger"),
    ("/v1/events", "ledger"),
    ("/v1/score", "scores"),
    ("/v1/customers", "scores"),
    ("/v1/replenishment", "members"),
    ("/v1/model", "scores"),
    ("/v1/monitoring", "scores"),
    ("/v1/cohorts", "scores"),
    ("/v1/segments/", "members"),
    ("/v1/segments", "scores"),
    ("/v1/", "members"),
    ("/metrics", "admin"),
    ("/erase", "admin"),
    ("/erasures", "admin"),
    ("/builder/saved", "segments"),
    ("/builder/undone", "segments"),
)
DELIVERIES = re.compile(r"/segments/[^/]*/deliveries(\.json)?")
LOOPBACK_ADDRESSES = ("127.", "::1", "localhost")
SAME_SITE = (None, b"same-origin", b"none")


def scope_of(path: str) -> str | None:
    """Return the scope that an address needs, None when anybody may ask; pages need `members`."""
    if path.startswith(OPEN):
        return None
    if DELIVERIES.fullmatch(path):
        return "segments"
    return next((scope for start, scope in NEEDS if path.startswith(start)), "members")


def admit(keys: Keyring, path: str, headers: Headers, server: str | None) -> Key | None:
    """
    Return the key of a request, None when it needs none.

    None is needed on addresses that are open to all, and while no key was ever made on a socket that only this
    machine reaches.

    Parameters
    ----------
    keys : Keyring
    path : str
    headers : mapping of bytes to bytes
        Names in lower case.
    server : str or None
        Address on which the request came in.

    Raises
    ------
    ProblemError
        Without a key in use, or when its scopes do not cover the address.
    """
    needed = scope_of(path)
    spoken = _spoken(headers)
    if needed is None or (
        spoken is None and not keys.any() and (server or "").startswith(LOOPBACK_ADDRESSES)
    ):
        return None
    key = keys.find(spoken) if spoken is not None else None
    if key is None:
        detail = "send a key in use as `Authorization: Bearer KEY`; `regulars keys create` makes one"
        raise ProblemError(Problem("no-key", detail, "Authorization", f"a key with the scope {needed}"))
    if not key.allows(needed):
        got = ", ".join(sorted(key.scopes))
        detail = (
            f"it needs the scope {needed}, which this key has not; ask whoever runs `regulars keys create`"
        )
        raise ProblemError(Problem("wrong-scope", detail, "Authorization", needed, got))
    return key


def _spoken(headers: Headers) -> str | None:
    """Return the key that was sent: as a bearer's, or as the password that a browser asks for."""
    kind, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    if kind.lower() == "bearer":
        return value.strip()
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(value, validate=True).decode("latin-1").partition(":")[2]
    except binascii.Error:
        return ""


def refuse_other_sites(method: str, headers: Headers) -> None:
    """
    Raise for a request that another site's page makes in a visitor's name.

    Parameters
    ----------
    method : str
    headers : mapping of bytes to bytes

    Raises
    ------
    ProblemError
        For any method but a read, when the browser says that it comes from elsewhere.
    """
    if method in {"GET", "HEAD"}:
        return
    origin = headers.get(b"origin")
    elsewhere = (
        origin is not None and origin.partition(b"://")[2].lower() != headers.get(b"host", b"").lower()
    )
    if elsewhere or headers.get(b"sec-fetch-site") not in SAME_SITE:
        raise ProblemError(
            Problem("cross-site", "pages of other sites may not write here", "Origin", "this site's own")
        )
