import base64
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.errors import InputError
from serving.access import scope_of
from serving.keys import Keyring, create, listed, revoke
from serving.look.registry import PAGES
from serving.pages import problem_page
from tests.serving.test_guard import ask, echo, guarded, kind_of

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
CUSTOMER = "/v1/customers/c-1"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.db"


def bearer(key: str) -> dict[str, str]:
    return {"authorization": f"Bearer {key}"}


def test_without_any_key_only_this_machine_is_answered(path: Path) -> None:
    app = guarded(echo, keys=path, hosts=frozenset({"shop.example"}))
    assert ask(app, "GET", CUSTOMER).status_code == 200
    for address in ("http://shop.example", "http://10.0.0.7"):
        refused = ask(app, "GET", f"{address}{CUSTOMER}", headers={"host": "localhost"})
        assert (refused.status_code, kind_of(refused)) == (401, "no-key")


def test_from_the_first_key_on_one_is_asked_for_and_the_challenge_says_how_to_send_it(path: Path) -> None:
    app = guarded(echo, keys=path)
    assert ask(app, "GET", CUSTOMER).status_code == 200
    _, key = create(path, "till", ["scores"], 60, AT)
    refused = ask(app, "GET", CUSTOMER)
    assert (refused.status_code, kind_of(refused)) == (401, "no-key")
    assert refused.headers.get_list("www-authenticate") == [
        "Bearer",
        'Basic realm="Regulars", charset="UTF-8"',
    ]
    assert ask(app, "GET", CUSTOMER, headers=bearer(key)).status_code == 200
    password = base64.b64encode(f"anybody:{key}".encode()).decode()
    assert ask(app, "GET", CUSTOMER, headers={"authorization": f"Basic {password}"}).status_code == 200


def test_a_key_that_is_wrong_or_revoked_opens_nothing_from_the_next_request_on(path: Path) -> None:
    app = guarded(echo, keys=path)
    made, key = create(path, "till", ["scores"], 60, AT)
    assert ask(app, "GET", CUSTOMER, headers=bearer(key)).status_code == 200
    for wrong in (
        key[:-1] + ("A" if key[-1] != "A" else "B"),
        key.upper(),
        "",
        "x",
        "regulars_00000000_" + "a" * 43,
    ):
        assert ask(app, "GET", CUSTOMER, headers=bearer(wrong)).status_code == 401
    assert ask(app, "GET", CUSTOMER, headers={"authorization": "Basic %%%"}).status_code == 401
    revoke(path, made.id, AT)
    assert ask(app, "GET", CUSTOMER, headers=bearer(key)).status_code == 401
    assert ask(app, "GET", CUSTOMER).status_code == 401
    with pytest.raises(InputError, match="no key "):
        revoke(path, made.id, AT)


@pytest.mark.parametrize(
    ("scope", "opened"),
    [
        ("scores", {CUSTOMER, "/v1/score", "/v1/segments"}),
        ("members", {"/v1/segments/lapsed/members", "/v1/replenishment", "/", "/segments/lapsed"}),
        ("segments", {"/builder/saved", "/builder/undone.json", "/segments/lapsed/deliveries"}),
        ("ledger", {"/v1/orders", "/v1/events"}),
    ],
)
def test_a_key_opens_what_its_scope_says_and_nothing_else(path: Path, scope: str, opened: set[str]) -> None:
    app = guarded(echo, keys=path)
    _, key = create(path, "one", [scope], 6_000, AT)
    _, admin = create(path, "two", ["admin"], 6_000, AT)
    every = {CUSTOMER, "/v1/score", "/v1/segments", "/v1/segments/lapsed/members", "/v1/replenishment", "/"}
    every |= {"/builder/saved", "/builder/undone.json", "/segments/lapsed/deliveries"}
    for address in every | {"/segments/lapsed", "/v1/orders", "/v1/events", "/metrics", "/v1/anything"}:
        answered = ask(app, "GET", address, headers=bearer(key))
        if address in opened:
            assert answered.status_code == 200
        elif scope != "members" or address != "/v1/anything":
            assert (answered.status_code, kind_of(answered)) == (403, "wrong-scope")
            assert answered.json()["got"] == scope
        assert ask(app, "GET", address, headers=bearer(admin)).status_code == 200


def test_no_page_changes_anything_for_a_key_that_only_reads() -> None:
    reading = {"found"}  # posts its text for it to stand in no address
    for page in PAGES:
        if page.method == "POST" and page.name not in reading:
            assert {scope_of(page.path), scope_of(page.twin)} <= {"segments", "admin"}, page.name


def test_a_browser_without_the_scope_is_shown_a_page_that_says_which(path: Path) -> None:
    _, key = create(path, "one", ["members"], 6_000, AT)
    app = guarded(echo, keys=path, page=problem_page)
    browser = {"accept": "text/html,application/xhtml+xml", **bearer(key)}
    shown = ask(app, "GET", "/erase/c000", headers=browser)
    assert (shown.status_code, shown.headers["content-type"]) == (403, "text/html; charset=utf-8")
    assert "scope admin" in shown.text
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert kind_of(ask(app, "GET", "/v1/orders", headers=browser)) == "wrong-scope"
    asked = ask(app, "GET", "/erase/c000", headers={"accept": "text/html"})
    assert (asked.status_code, asked.headers.get_list("www-authenticate")[0]) == (401, "Bearer")


def test_probes_and_the_description_need_no_key(path: Path) -> None:
    app = guarded(echo, keys=path)
    create(path, "till", ["scores"], 60, AT)
    for address in ("/livez", "/readyz", "/openapi.json", "/static/regulars.css"):
        assert ask(app, "GET", address).status_code == 200
    assert scope_of("//v1/customers/c") == "members"


def test_a_key_that_is_used_up_is_told_when_to_come_back(path: Path) -> None:
    now = [0.0]
    app = guarded(echo, keys=path, clock=lambda: now[0])
    _, key = create(path, "till", ["scores"], 2, AT)
    _, other = create(path, "web", ["scores"], 2, AT)
    first = ask(app, "GET", CUSTOMER, headers=bearer(key))
    assert (first.headers["ratelimit-limit"], first.headers["ratelimit-remaining"]) == ("2", "1")
    assert first.headers["ratelimit-reset"] == "30"
    ask(app, "GET", CUSTOMER, headers=bearer(key))
    refused = ask(app, "GET", CUSTOMER, headers=bearer(key))
    assert (refused.status_code, kind_of(refused), refused.headers["retry-after"]) == (
        429,
        "rate-limited",
        "30",
    )
    assert refused.headers["ratelimit-remaining"] == "0"
    assert ask(app, "GET", CUSTOMER, headers=bearer(other)).status_code == 200
    now[0] = 30.0
    assert ask(app, "GET", CUSTOMER, headers=bearer(key)).status_code == 200


def test_what_is_stored_is_no_key_and_only_the_owner_of_the_home_may_read_it(path: Path) -> None:
    made, key = create(path, "till", ["scores", "ledger"], 60, AT)
    secret = key.rpartition("_")[2] if key.count("_") == 2 else key.split("_", 2)[2]
    for file in path.parent.glob("keys.db*"):
        assert secret.encode() not in file.read_bytes()
    assert path.stat().st_mode & 0o077 == 0
    with sqlite3.connect(path) as connection:
        ((stored,),) = connection.execute("SELECT hash FROM keys").fetchall()
    assert len(stored) == 32
    assert listed(path) == (made,)


@pytest.mark.parametrize(
    ("name", "scopes", "per_minute", "told"),
    [
        (" ", ["scores"], 1, "name is 1 to 100"),
        ("a", [], 1, "name a scope"),
        ("a", ["all"], 1, "unknown scope 'all'"),
        ("a", ["scores"], 0, "--per-minute"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused(
    path: Path, name: str, scopes: list[str], per_minute: int, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        create(path, name, scopes, per_minute, AT)
    assert not path.exists()


def test_pages_of_other_sites_may_not_write(path: Path) -> None:
    app = guarded(echo, keys=path)
    own = {"origin": "http://localhost:3000", "sec-fetch-site": "same-origin"}
    assert ask(app, "POST", "/v1/orders", json={}, headers=own).status_code == 200
    others = ({"origin": "http://evil.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"})
    for headers in others:
        refused = ask(app, "POST", "/v1/orders", json={}, headers=headers)
        assert (refused.status_code, kind_of(refused)) == (403, "cross-site")
    assert ask(app, "GET", CUSTOMER, headers={"sec-fetch-site": "cross-site"}).status_code == 200


def test_a_keyring_without_a_file_has_no_key(path: Path) -> None:
    ring = Keyring(lambda: path)
    assert not ring.any()
    assert ring.find("regulars_00000000_" + "a" * 43) is None
    _, key = create(path, "till", ["scores"], 60, AT)
    assert ring.find(key) is not None
    ring.close()
    assert ring.find(key) is not None
    ring.close()
