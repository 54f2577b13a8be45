import asyncio
import functools
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from ledger.errors import InputError
from models.deployments import promote, rollback
from models.release import Release
from serving import live
from serving.service import LIVE
from tests.serving.client import Client, served
from tests.serving.shop import CUTOFF, Shop, make_release

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HISTORY = {"customer_id": "a", "orders": [{"order_id": "1", "ordered_at": "2023-05-01", "net_amount": 20}]}
REQUESTS_AT_MOST = 2_000


def anything(_: Release) -> None:
    """Accept whatever loads."""


@pytest.fixture
def ask(own_shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.01)
    yield from served(str(own_shop.home.path))


def test_releases_change_while_requests_are_answered_and_none_of_them_fails(
    ask: Client, own_shop: Shop
) -> None:
    first = own_shop.release.id
    second = make_release(own_shop.home, CUTOFF, seed=2)

    async def under_load() -> list[httpx.Response]:
        answers: list[httpx.Response] = []

        async def until(release: str) -> None:
            while len(answers) < REQUESTS_AT_MOST:
                posted = ask.request("POST", "/v1/score", json={"as_of": "2023-06-27", "customers": HISTORY})
                read = ask.request("GET", "/v1/customers/c000")
                answers.extend(await asyncio.gather(posted, read))
                if answers[-2].json().get("release") == release:
                    return

        await until(second)
        who: dict[str, Any] = {"by": "ann", "at": AT, "accept": anything}
        for release, change in (
            (first, functools.partial(promote, own_shop.home, first, **who)),
            (second, functools.partial(rollback, own_shop.home, **who)),
        ):
            waiting = [asyncio.create_task(until(release)) for _ in range(2)]
            await asyncio.to_thread(change)
            await asyncio.gather(*waiting)
        return answers

    answers = ask.run(under_load())
    assert {answer.status_code for answer in answers} == {200}
    scored = [answer.json()["release"] for answer in answers if "results" in answer.json()]
    assert set(scored) == {first, second}
    assert scored[-1] == second


def test_a_promotion_that_is_refused_is_told_by_readyz_and_the_service_goes_on(
    ask: Client, own_shop: Shop
) -> None:
    home, good = own_shop.home, own_shop.release.id
    newer = make_release(home, CUTOFF, seed=2)
    promote(home, good, by="ann", at=AT, accept=anything)
    (home.releases / newer / "reference.json").write_text("{}")
    with pytest.raises(InputError):
        promote(home, newer, by="ann", at=AT, accept=anything)
    LIVE.refresh()
    told = ask("GET", "/readyz").json()
    assert (told["status"], told["release"]) == ("ready", good)
    assert told["refused"].startswith(f"promote of {newer} by ann at 2026-03-01 12:00 UTC: ")
    assert told["refused"].endswith("reference.json is missing or was altered; train again")
