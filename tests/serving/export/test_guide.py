"""What docs/destinations.md says of answers and messages is so."""

import datetime as dt
import json
import re
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from serving.export import contacts
from serving.export.courier import Patience, checked
from serving.export.delivery import Delivered, to_webhook
from serving.export.signature import Secret, headers
from serving.export.webhook import PAGE
from tests.serving.export.receiver import courier_to, serving
from tests.serving.export.shop import Loyal

GUIDE = (Path(__file__).parents[3] / "docs" / "destinations.md").read_text(encoding="utf-8")
SENT = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
TEXT = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("name", [field.name for field in fields(Delivered)])
def test_every_part_of_the_answer_is_explained(name: str) -> None:
    assert f"`{name}`" in GUIDE


@pytest.mark.parametrize(
    "reason", [contacts.NO_ADDRESS, contacts.NO_CONSENT, contacts.NO_COUNTRY_CODE, contacts.TAKEN]
)
def test_every_reason_for_leaving_somebody_out_is_named(reason: str) -> None:
    assert f"`{reason}`" in GUIDE


def test_the_patience_told_is_the_patience_had() -> None:
    patience = Patience()
    pauses = [patience.first_pause_s * 2**number for number in range(patience.tries - 1)]
    assert max(pauses) <= patience.longest_pause_s
    told = f"{', '.join(f'{each:g}' for each in pauses[:-1])} and {pauses[-1]:g} s"
    assert f"tried again after {told}" in GUIDE
    assert f"says nothing for {patience.timeout_s:g} s" in GUIDE
    assert f"has not answered after {patience.longest_try_s:g} s" in GUIDE
    assert patience.longest_asked_s == 5 * 60
    assert "`Retry-After` of up to five minutes" in GUIDE
    assert f"up to {PAGE} customers is one POST" in GUIDE


def test_the_message_shown_has_the_shape_of_one_sent(shop: Loyal) -> None:
    def shape(value: Any) -> Any:  # noqa: ANN401 - JSON has no type of its own
        if isinstance(value, dict):
            return {name: shape(each) for name, each in value.items()}
        return [shape(each) for each in value[:1]] if isinstance(value, list) else None

    shop.run(0, "ann")
    with serving() as receiver:
        for day, member in enumerate(("ann", "bob")):
            shop.run(day, member)
            to_webhook(shop.asked(delta=True), checked(receiver.url), courier_to(receiver.url))
    assert shape(json.loads(block("json"))) == shape(json.loads(receiver.received[1].body))


@pytest.mark.parametrize(
    ("body", "later_s", "genuine"),
    [(b"{}", 0, "yes"), (b"{} ", 0, "no"), (b"{}", 301, "no"), (b"{}", -301, "no")],
)
def test_the_code_shown_tells_a_genuine_message_from_others(body: bytes, later_s: int, genuine: str) -> None:
    shown: dict[str, Any] = {}
    exec(block("python"), shown)  # noqa: S102 - the guide's own lines
    shown["time"] = SimpleNamespace(time=lambda: SENT.timestamp() + later_s)
    signed = headers(Secret.read(TEXT), "msg_1", SENT, b"{}")
    assert shown["is_from_regulars"](signed, body, TEXT) is (genuine == "yes")
