"""The service on databases of its own that cannot be used: who may ask, what is answered, and what mends it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.sqlite import connect
from serving.keys import create, listed, revoke
from tests.ledger.damages import DAMAGES, garbage, put_back
from tests.serving.client import Client, served
from tests.serving.shop import Shop
from tests.serving.test_guard import ask, echo, guarded, kind_of
from tests.serving.test_keys import CUSTOMER, bearer
from tests.serving.test_writing import LINE, post

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
ON_READING = DAMAGES[:-1]


@pytest.mark.parametrize(("damage", "told"), ON_READING)
def test_where_the_keys_cannot_be_read_nobody_is_let_in_and_the_file_is_named(
    damage: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys.db"
    _, key = create(path, "till", ["scores"], 60, AT)
    sound = path.read_bytes()
    damage(path)
    app = guarded(echo, keys=path)
    for headers in ({}, bearer(key), bearer("regulars_00000000_" + "a" * 43)):
        refused = ask(app, "GET", CUSTOMER, headers=headers)
        assert (refused.status_code, kind_of(refused)) == (503, "unusable-file")
        assert refused.json()["detail"].startswith(f"keys.db {told}")
        assert str(tmp_path) not in refused.text
        assert refused.headers["retry-after"] == "1"
    ready = ask(app, "GET", "/readyz")
    assert (ready.status_code, kind_of(ready)) == (503, "not-ready")
    assert ready.json()["detail"].startswith(f"keys.db {told}")
    assert ask(app, "GET", "/livez").status_code == 200
    put_back(sound, path)
    assert ask(app, "GET", CUSTOMER).status_code == 401
    assert ask(app, "GET", CUSTOMER, headers=bearer(key)).status_code == 200
    assert ask(app, "GET", "/readyz").status_code == 200


@pytest.mark.parametrize(("damage", "told"), DAMAGES)
def test_keys_that_cannot_be_used_are_not_made_anew(
    damage: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    path = tmp_path / "keys.db"
    made, _ = create(path, "till", ["scores"], 60, AT)
    damage(path)
    with pytest.raises(InputError, match=f"keys.db {told}"):
        create(path, "web", ["scores"], 60, AT)
    if (damage, told) != DAMAGES[-1]:
        with pytest.raises(InputError, match=f"keys.db {told}"):
            listed(path)
        with pytest.raises(InputError, match=f"keys.db {told}"):
            revoke(path, made.id, AT)


def test_keys_that_are_taken_away_under_a_worker_leave_nobody_in_until_they_are_back(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    _, key = create(path, "till", ["scores"], 60, AT)
    app = guarded(echo, keys=path)
    assert ask(app, "GET", CUSTOMER, headers=bearer(key)).status_code == 200
    away = path.rename(tmp_path / "away.db")
    for headers in ({}, bearer(key)):
        assert kind_of(ask(app, "GET", CUSTOMER, headers=headers)) == "unusable-file"
    away.rename(path)
    assert ask(app, "GET", CUSTOMER, headers=bearer(key)).status_code == 200


def test_a_file_of_keys_in_which_none_was_written_yet_lets_nobody_in(tmp_path: Path) -> None:
    path = tmp_path / "keys.db"
    create(path, "till", ["scores"], 60, AT)
    with closing(connect(path)) as connection:
        connection.execute("DELETE FROM keys")
    assert kind_of(ask(guarded(echo, keys=path), "GET", CUSTOMER)) == "no-key"


@pytest.fixture
def service(own_shop: Shop) -> Iterator[Client]:
    yield from served(str(own_shop.home.path))


def test_what_rests_on_damaged_posts_is_refused_all_else_is_answered_and_nothing_is_lost(
    service: Client, own_shop: Shop
) -> None:
    path = own_shop.home.arrivals
    assert post(service, LINE).status_code == 200
    mine = service("GET", "/v1/customers/c000").json()
    sound = {each: each.read_bytes() for each in path.parent.glob("arrivals.db*")}
    for each in sound:
        each.unlink()
    garbage(path)
    left = path.read_bytes()
    members = "/v1/segments/active/members"
    browser = {"accept": "text/html"}
    for refused in (
        service("GET", "/v1/customers/c000"),
        service("POST", "/v1/customers/lookup", json={"customer_ids": ["c000"]}),
        service("GET", members),
        post(service, {**LINE, "order_id": "new-2"}),
        service("GET", "/customers/c000", headers=browser),
    ):
        assert refused.status_code == 503
        assert "rrivals.db is damaged; restore it from a backup" in refused.text
        assert str(path.parent) not in refused.text
    assert kind_of(service("GET", "/v1/customers/c000")) == "unusable-file"
    ready = service("GET", "/readyz")
    assert (ready.status_code, ready.json()["refused"]) == (
        200,
        "arrivals.db is damaged; restore it from a backup",
    )
    for answered in ("/v1/segments", "/v1/replenishment", "/v1/model", "/"):
        assert service("GET", answered).status_code == 200
    assert path.read_bytes() == left
    for each, content in sound.items():
        each.unlink(missing_ok=True)
        each.write_bytes(content)
    assert service("GET", "/v1/customers/c000").json() == mine
    assert service("GET", "/readyz").json()["refused"] is None
    assert post(service, LINE).json() == {"added": 0, "corrected": 0, "unchanged": 1}


def test_segments_that_cannot_be_saved_say_so_and_what_was_loaded_is_served_on(
    service: Client, own_shop: Shop
) -> None:
    path = own_shop.home.definitions
    sent = {"title": "Many orders", "description": "d", "advice": "a", "expression": "orders > 3"}
    before = service("POST", "/builder/saved.json", json=sent)
    assert before.status_code == 200, before.text
    for each in path.parent.glob("segments.db*"):
        each.unlink()
    path.mkdir()
    for refused in (
        service("POST", "/builder/saved.json", json=sent | {"title": "More orders"}),
        service("POST", "/builder/undone.json", json={"name": "many_orders", "version": "1"}),
    ):
        assert (refused.status_code, kind_of(refused)) == (503, "unusable-file")
        assert refused.json()["detail"].startswith("segments.db cannot be opened")
    assert service("GET", "/v1/customers/c000").status_code == 200
