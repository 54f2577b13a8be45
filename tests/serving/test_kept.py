import gzip
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from serving import customers
from serving.kept import Kept, KeptAnswers, packed
from tests.serving.client import Client, served
from tests.serving.shop import Shop


@pytest.fixture
def ask(own_shop: Shop) -> Iterator[Client]:
    yield from served(str(own_shop.home.path))


def body(number: int) -> Kept:
    return Kept(b"x" * number, compressed=False)


def test_what_was_asked_for_last_is_kept_and_the_rest_forgotten() -> None:
    kept = KeptAnswers(most_bytes=10)
    for key in ("a", "b"):
        assert kept.find("run", key) is None
        kept.keep("run", key, body(4))
    assert kept.find("run", "a") == body(4)
    kept.keep("run", "c", body(4))
    assert [kept.find("run", key) for key in ("a", "b", "c")] == [body(4), None, body(4)]


def test_nothing_of_another_run_is_told_or_kept() -> None:
    kept = KeptAnswers()
    kept.find("old", "a")
    kept.keep("old", "a", body(1))
    assert kept.find("new", "a") is None
    kept.keep("old", "a", body(1))  # it was being told while the run changed
    assert kept.find("new", "a") is None


def test_a_body_is_compressed_where_it_is_worth_while() -> None:
    assert packed(b"small", compress=True) == Kept(b"small", compressed=False)
    large = packed(b"large" * 1_000, compress=True)
    assert (large.compressed, gzip.decompress(large.body)) == (True, b"large" * 1_000)


def test_nothing_of_another_home_is_told_though_its_run_is_called_the_same(
    own_shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(own_shop.home.path, elsewhere)
    stored = customers.customers
    for ask in served(str(own_shop.home.path)):
        assert ask("GET", "/v1/customers/c000").status_code == 200

    def of_elsewhere(*given: Any) -> dict[str, Any]:  # noqa: ANN401 - as they come
        return {name: answer | {"confidence": "told anew"} for name, answer in stored(*given).items()}

    monkeypatch.setattr(customers, "customers", of_elsewhere)

    for ask in served(str(elsewhere)):
        assert ask("GET", "/v1/customers/c000").json()["confidence"] == "told anew"


def test_an_answer_is_made_once_and_anew_once_something_is_posted(
    ask: Client, own_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    stored = customers.customers

    def counted(run: object, ids: list[str], *rest: object) -> object:
        made.extend(ids)
        return stored(run, ids, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(customers, "customers", counted)
    first = ask("GET", "/v1/customers/c000")
    again = ask("GET", "/v1/customers/c000")
    assert (again.content, made) == (first.content, ["c000"])
    plain = ask("GET", "/v1/customers/c000", headers={"accept-encoding": "identity"})
    assert plain.json() == first.json()
    assert ("content-encoding" in plain.headers, first.headers["content-encoding"]) == (False, "gzip")
    scores = ask("GET", "/v1/customers/c000?include=replenishment").json()
    assert (scores["scores"], scores["reasons"]) == (first.json()["scores"], None)

    at = own_shop.summary.facts.as_of + timedelta(hours=1)
    line = {"customer_id": "c000", "order_id": "new", "ordered_at": at.isoformat(), "net_amount": "10"}
    assert ask("POST", "/v1/orders", json={"orders": [line]}).status_code == 200
    assert ask("GET", "/v1/customers/c000").json()["as_of"] > first.json()["as_of"]
