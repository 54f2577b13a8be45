from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from prometheus_client.parser import text_string_to_metric_families

from segments.segment import load_library
from serving.live import Live
from serving.metrics import Metrics, of_what_is_served, route_of
from serving.store import PublishedRun
from tests.serving.client import Client, served
from tests.serving.shop import Shop

HISTORY = {"customer_id": "a", "orders": [{"order_id": "1", "ordered_at": "2023-05-01", "net_amount": 20}]}


@pytest.fixture(scope="module")
def ask(shop: Shop) -> Iterator[Client]:
    yield from served(str(shop.home.path))


def told(text: str) -> dict[tuple[str, str], float]:
    """Return every sample by its name and the values of its labels."""
    return {
        (sample.name, " ".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/v1/customers/ann", "/v1/customers/{customer_id}"),
        ("/v1/customers/ann/b", "/v1/customers/{customer_id}"),
        ("/v1/customers/lookup", "/v1/customers/lookup"),
        ("/v1/score", "/v1/score"),
        ("/v1/segments/lapsed", "/v1/segments/{name}"),
        ("/v1/segments/preview", "/v1/segments/preview"),
        ("/v1/segments/lapsed/members", "/v1/segments/{name}/members"),
        ("/v1/segments/lapsed/ann", "/v1/..."),
        ("/v1/ann", "/v1/..."),
        ("/customers/ann", "pages"),
        ("/readyz", None),
        ("/metrics", None),
        ("/static/regulars.css", None),
    ],
)
def test_a_route_holds_nothing_of_what_a_path_names(path: str, route: str | None) -> None:
    assert route_of(path) == route


def test_requests_and_scoring_are_counted_by_route_and_no_customer_is_named(ask: Client) -> None:
    before = told(ask("GET", "/metrics").text)
    assert ask("GET", "/v1/customers/c000").status_code == 200
    assert ask("GET", "/v1/customers/nobody").status_code == 404
    assert ask("POST", "/v1/score", json={"customers": HISTORY}).status_code == 200
    assert ask("POST", "/v1/score", json={"customers": [HISTORY]}).status_code == 200
    assert ask("MADEUP", "/v1/score").status_code == 405
    text = ask("GET", "/metrics").text
    after = told(text)
    counted = {
        ("regulars_requests_total", "GET /v1/customers/{customer_id} 200"): 1,
        ("regulars_requests_total", "GET /v1/customers/{customer_id} 404"): 1,
        ("regulars_requests_total", "POST /v1/score 200"): 2,
        ("regulars_requests_total", "other /v1/score 405"): 1,
        ("regulars_request_seconds_count", "POST /v1/score"): 2,
        ("regulars_score_seconds_count", "one"): 1,
        ("regulars_score_seconds_count", "several"): 1,
    }
    assert {name: after[name] - before.get(name, 0.0) for name in counted} == counted
    assert "c000" not in text
    assert "nobody" not in text


def test_what_is_served_and_how_old_it_is_are_gauges(ask: Client, shop: Shop) -> None:
    run = PublishedRun.open(shop.home)
    samples = told(ask("GET", "/metrics").text)
    assert samples["regulars_ready", ""] == 1
    assert samples["regulars_refused", ""] == 0
    assert samples["regulars_release", f"{shop.release.id} {run.name}"] == 1
    assert samples["regulars_customers", ""] == run.facts.customers
    assert run.facts.data_through is not None
    age = (datetime.now(UTC) - run.facts.data_through).total_seconds()
    assert age - 60 < samples["regulars_data_age_seconds", ""] <= age


def test_people_who_never_ordered_are_told_beside_the_customers(both: Shop) -> None:
    live = Live()
    live.open(both.home, load_library)
    samples = told(Metrics(None).text(of_what_is_served(live, datetime(2026, 1, 1, tzinfo=UTC))).decode())
    live.close()
    confidence = live.run().tables["scores"]["confidence"].to_pylist()
    assert samples["regulars_prospects", ""] == confidence.count("none") > 0
    assert samples["regulars_customers", ""] == len(confidence) - confidence.count("none")


def test_before_anything_is_served_the_gauges_say_so() -> None:
    text = Metrics(None).text(of_what_is_served(Live(), datetime(2026, 1, 1, tzinfo=UTC))).decode()
    assert told(text) == {
        ("regulars_ready", ""): 0,
        ("regulars_refused", ""): 1,
        ("regulars_release", " "): 1,
    }
