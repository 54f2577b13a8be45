from collections.abc import Iterator

import pytest

from tests.serving.client import Client, served


@pytest.fixture(scope="module")
def ask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    yield from served(str(tmp_path_factory.mktemp("empty")))


def test_the_process_is_up_and_says_what_is_missing(ask: Client) -> None:
    assert ask("GET", "/livez").status_code == 200
    ready = ask("GET", "/readyz")
    assert (ready.status_code, ready.headers["content-type"]) == (503, "application/problem+json")
    assert ready.json()["detail"].endswith("run `regulars train` first")


@pytest.mark.parametrize("path", ["/v1/segments", "/v1/segments/x/members", "/v1/customers/a"])
def test_every_read_says_what_is_missing(ask: Client, path: str) -> None:
    response = ask("GET", path)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.json()["detail"] == "nothing has been scored yet; run `regulars score`"


def test_scoring_and_the_page_say_what_is_missing(ask: Client) -> None:
    line = {"order_id": "1", "ordered_at": "2023-05-01", "net_amount": 20}
    posted = ask("POST", "/v1/score", json={"customers": {"customer_id": "a", "orders": [line]}})
    assert (posted.status_code, posted.json()["type"]) == (503, "urn:regulars:problem:not-ready")
    assert posted.headers["retry-after"] == "1"
    page = ask("GET", "/")
    assert page.status_code == 503
    assert "Nothing has been scored yet; run `regulars score`." in page.text
