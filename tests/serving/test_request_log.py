import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from serving.openapi import description
from serving.request_log import NAME, THEIRS, Line, to_standard_output
from tests.serving.client import Client, served
from tests.serving.shop import Shop

MARK = "marked-ada"
ADDRESS = f"{MARK}@mail.test"


@pytest.fixture(scope="module")
def ask(shop: Shop) -> Iterator[Client]:
    yield from served(str(shop.home.path))


def told(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(record.getMessage()) for record in caplog.records if record.name == NAME]


def test_no_log_line_names_anybody_whatever_is_asked_of_whichever_address(
    ask: Client, caplog: pytest.LogCaptureFixture
) -> None:
    line = {"customer_id": MARK, "order_id": MARK, "ordered_at": MARK, "net_amount": ADDRESS}
    bodies: list[object] = [
        {"customers": {"customer_id": MARK, "orders": [line]}},
        {"customer_ids": [MARK, ADDRESS], "include": [MARK]},
        {"orders": [line], "events": [line], "expression": f"orders = '{ADDRESS}'"},
        ADDRESS,
    ]
    asked = 0
    with caplog.at_level(logging.DEBUG):
        for path, operations in description()["paths"].items():
            where = path.replace("{customer_id}", MARK).replace("{name}", ADDRESS)
            for method in operations:
                for body in bodies if method == "post" else [None]:
                    query = {
                        "cursor": MARK,
                        "since": ADDRESS,
                        "product": MARK,
                        "customer": ADDRESS,
                        "of": MARK,
                    }
                    ask(method.upper(), where, params=query, **({} if body is None else {"json": body}))
                    asked += 1
    ours = [record for record in caplog.records if not record.name.startswith("http")]
    lines = [record.getMessage() + str(record.exc_text) for record in ours]
    assert [each for each in lines if MARK in each] == []
    assert len(told(caplog)) == asked > 20


def test_a_line_says_route_status_time_and_sizes_under_the_id_of_the_answer(
    ask: Client, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        response = ask("GET", "/v1/customers/c000?include=", headers={"accept-encoding": "identity"})
    (line,) = told(caplog)
    assert line.pop("duration_ms") > 0
    assert line == {
        "request_id": response.headers["x-request-id"],
        "method": "GET",
        "route": "/v1/customers/{customer_id}",
        "status": 200,
        "bytes_in": 0,
        "bytes_out": len(response.content),
        "key": None,
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [("3f2a9c0d-1e5b", True), (ADDRESS, False), ("short", False), ("x" * 65, False), ("a b c d e f", False)],
)
def test_a_request_keeps_its_id_where_it_is_safe_and_problems_tell_it(
    ask: Client,
    given: str,
    kept: bool,  # noqa: FBT001 - a case's cell
) -> None:
    for path in ("/v1/customers/nobody", "/nothing"):
        response = ask("GET", path, headers={"x-request-id": given})
        assert (response.headers["x-request-id"] == given) is kept
        assert response.json()["request_id"] == response.headers["x-request-id"]
        assert response.json()["instance"] == path


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Return what a worker's standard output gets: BentoML gives one handler to the root and to the server."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.set_name(THEIRS)
    loggers = [logging.getLogger(name) for name in (None, "uvicorn.error", NAME)]
    with pytest.MonkeyPatch.context() as patch:
        for logger, handlers in zip(loggers, ([handler], [handler], []), strict=True):
            patch.setattr(logger, "handlers", handlers)
            patch.setattr(logger, "propagate", True)
        yield text


def test_a_worker_writes_every_line_of_its_log_once_and_as_json(written: io.StringIO) -> None:
    to_standard_output()
    Line("3f2a9c0d", "GET", "/livez", 200, 0.1, 0, 12, None).write()
    logging.getLogger("uvicorn.error").warning('not "HTTP"')
    logging.getLogger("serving.live").warning("release refused: %s", "damaged")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line.get("says") or line["request"]["route"] for line in lines] == [
        "/livez",
        'not "HTTP"',
        "release refused: damaged",
    ]
    assert all(line["at"].endswith("Z") for line in lines)
    assert {line["level"] for line in lines if "level" in line} == {"warning"}
