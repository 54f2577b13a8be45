"""Signing what is posted, by the Standard Webhooks specification, for which most languages have a library.

Three headers: `webhook-id` names the message and is the same when it is sent again, `webhook-timestamp` is when it was
sent, `webhook-signature` is `v1,` and the base64 of HMAC-SHA256 over "id.timestamp.body". A receiver that also refuses
old timestamps and ids it has seen cannot be made to take a message twice.

References
----------
Standard Webhooks, https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ledger.errors import InputError

PREFIX = "whsec_"
SHORTEST, LONGEST = 24, 64  # bytes, both by the specification
TOLERANCE_S = 300


@dataclass(frozen=True)
class Secret:
    """A key that both sides know; it shows itself nowhere.

    Parameters
    ----------
    key : bytes
    """

    key: bytes = field(repr=False)

    @classmethod
    def read(cls, text: str) -> "Secret":
        """
        Read a secret as it is written: `whsec_` and base64 of 24 to 64 random bytes.

        Raises
        ------
        InputError
            When it is not one; never repeats it.
        """
        try:
            key = base64.b64decode(text.strip().removeprefix(PREFIX), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if not SHORTEST <= len(key) <= LONGEST:
            raise InputError(
                f"the webhook's secret is not {PREFIX} and base64 of {SHORTEST} to {LONGEST} bytes; make one with "
                "`echo whsec_$(openssl rand -base64 32)`, set it as REGULARS_WEBHOOK_SECRET and give it to the receiver"
            )
        return cls(key)


def headers(secret: Secret, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers that sign a body.

    Parameters
    ----------
    secret : Secret
    message_id : str
        Without a full stop.
    at : datetime
        Aware; when it is sent.
    body : bytes
        As it is sent, to the byte.
    """
    sent = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": sent,
        "webhook-signature": f"v1,{_signed(secret, message_id, sent, body)}",
    }


def is_signed(secret: Secret, received: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """
    Whether a message was signed with a secret, less than five minutes ago; what a receiver has to check.

    Parameters
    ----------
    secret : Secret
    received : mapping of str to str
        The request's headers, names in small letters.
    body : bytes
        As it was received, before any parsing.
    now : datetime
        Aware.
    """
    sent = received.get("webhook-timestamp", "")
    if not sent.isascii() or not sent.isdigit() or abs(now.timestamp() - int(sent)) > TOLERANCE_S:
        return False
    expected = f"v1,{_signed(secret, received.get('webhook-id', ''), sent, body)}"
    offered = received.get("webhook-signature", "").split(" ")
    return any(hmac.compare_digest(expected.encode(), one.encode()) for one in offered)


def _signed(secret: Secret, message_id: str, sent: str, body: bytes) -> str:
    signed = hmac.new(secret.key, f"{message_id}.{sent}.".encode() + body, hashlib.sha256)
    return base64.b64encode(signed.digest()).decode()
