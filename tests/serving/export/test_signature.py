import base64
import datetime as dt

import pytest

from ledger.errors import InputError
from serving.export.signature import Secret, headers, is_signed

# The worked example that the libraries of Standard Webhooks publish; its key is shorter than the specification asks.
EXAMPLE = Secret(base64.b64decode("plJ3nmyCDGBKInavdOK15jsl"))
SENT = dt.datetime.fromtimestamp(1731705121, dt.UTC)
BODY = b'{"event_type":"ping","data":{"success":true}}'
SIGNED = {
    "webhook-id": "msg_loFOjxBNrRLzqYUf",
    "webhook-timestamp": "1731705121",
    "webhook-signature": "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=",
}


def test_the_published_example_is_signed_as_published() -> None:
    assert headers(EXAMPLE, "msg_loFOjxBNrRLzqYUf", SENT, BODY) == SIGNED


def test_a_signed_message_is_known_as_such() -> None:
    assert is_signed(EXAMPLE, SIGNED, BODY, SENT)
    both = SIGNED | {"webhook-signature": f"v1,b3RoZXI= {SIGNED['webhook-signature']}"}
    assert is_signed(EXAMPLE, both, BODY, SENT)  # while a secret is changed, two sign


@pytest.mark.parametrize(
    ("changed", "body", "later_s"),
    [
        ({}, BODY + b" ", 0),
        ({"webhook-id": "msg_other"}, BODY, 0),
        ({"webhook-timestamp": "1731705122"}, BODY, 0),
        ({"webhook-timestamp": "yesterday"}, BODY, 0),
        ({"webhook-timestamp": ""}, BODY, 0),
        ({"webhook-signature": ""}, BODY, 0),
        ({"webhook-signature": "v2,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="}, BODY, 0),
        ({"webhook-signature": "é"}, BODY, 0),
        ({}, BODY, 301),
        ({}, BODY, -301),
    ],
)
def test_what_was_changed_or_is_played_again_later_is_not(
    changed: dict[str, str], body: bytes, later_s: int
) -> None:
    assert not is_signed(EXAMPLE, SIGNED | changed, body, SENT + dt.timedelta(seconds=later_s))


def test_another_secret_signs_otherwise() -> None:
    assert not is_signed(Secret(b"another"), SIGNED, BODY, SENT)


def test_a_message_without_headers_is_not_signed() -> None:
    assert not is_signed(EXAMPLE, {}, BODY, SENT)


def test_a_secret_is_read_with_and_without_its_mark() -> None:
    text = base64.b64encode(bytes(range(32))).decode()
    assert Secret.read(f"whsec_{text}") == Secret.read(text) == Secret(bytes(range(32)))


@pytest.mark.parametrize("text", ["", "whsec_", "whsec_c2hvcnQ=", "correct horse battery staple", "whsec_é"])
def test_what_is_no_secret_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(InputError, match="REGULARS_WEBHOOK_SECRET") as told:
        Secret.read(text)
    assert "staple" not in str(told.value)
    assert "c2hvcnQ" not in str(told.value)


def test_a_secret_does_not_show_itself() -> None:
    assert repr(Secret(b"hidden")) == "Secret()"
