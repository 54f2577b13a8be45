"""The API's description: complete, true to what is answered, and answers as described to whatever is sent."""

import json
import random
import shutil
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from serving.access import scope_of
from serving.errors import MEDIA_TYPE
from serving.metrics import route_of
from serving.openapi import description, takes_posts
from tests.serving.client import Client, served
from tests.serving.shop import Shop

Described = Registry[Any]

ROOT = "urn:described"
OPERATIONS = [(path, method) for path, operations in description()["paths"].items() for method in operations]
READ = [path for path, method in OPERATIONS if method == "get"]
POSTED = [path for path, method in OPERATIONS if method == "post"]
DEEP = b'{"customers":' * 5_000
HOSTILE: tuple[Any, ...] = (
    *(None, True, -1, 0, 0.5, 10**30, -1e300, "", " ", "\u0000", "\ud800", "\u202e", "../..", "c000"),
    *(
        "2023-02-30",
        "9999-12-31",
        "0001-01-01T00:00:00+14:00",
        "x" * 5_000,
        "NaN",
        "1e999",
        [],
        {},
        [[]],
        {"": 1},
    ),
)
TEXTS = (
    "",
    "0",
    "-1",
    "1e9",
    "c000",
    "\u0000",
    "\u202e",
    "%",
    "../..",
    "x" * 300,
    "2023-06-31",
    "9999-12-31",
    "due_now",
)
BROKEN = (
    *(
        b"",
        b"{",
        b"[" * 100_000,
        DEEP,
        b'{"customers": NaN}',
        b'{"customers": -Infinity}',
        b"\xff\xfe",
        b"\x1f\x8b\x08",
    ),
    *(
        b'{"customers": 1e400}',
        b'{"orders": [], "orders": []}',
        b'"\\ud800"',
        b'{"\\ud800": 1}',
        b"9" * 5_000,
        b"null",
    ),
)


@pytest.fixture(scope="module")
def ask(own_home: str) -> Iterator[Client]:
    yield from served(own_home)


@pytest.fixture(scope="module")
def own_home(shop: Shop, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Copy the shop, as orders are posted to it."""
    return str(shutil.copytree(shop.home.path, tmp_path_factory.mktemp("asked") / "home"))


@pytest.fixture(scope="module")
def registry() -> Described:
    described: Described = Registry().with_resource(ROOT, DRAFT202012.create_resource(description()))
    return described


def validator(registry: Described, schema: Mapping[str, Any]) -> Draft202012Validator:
    whole = json.loads(json.dumps(schema).replace('"#/components', f'"{ROOT}#/components'))
    return Draft202012Validator(whole, registry=registry)


def operation(path: str, method: str) -> dict[str, Any]:
    return dict(description()["paths"][path][method])


def schema_of(content: Mapping[str, Any]) -> dict[str, Any]:
    return dict(next(iter(content.values()))["schema"])


def example_of(schema: Mapping[str, Any]) -> object:
    """Return the example that a schema has, of its own or where it refers to."""
    if "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema["example"]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_an_operation_has_a_summary_examples_that_fit_and_problems(
    path: str, method: str, registry: Described
) -> None:
    told = operation(path, method)
    assert told["summary"]
    schemas = [schema_of(told["responses"]["200"]["content"])]
    if method == "post":
        schemas.append(schema_of(told["requestBody"]["content"]))
    for schema in schemas:
        validator(registry, schema).validate(example_of(schema))
    problems = {status: answer for status, answer in told["responses"].items() if status >= "400"}
    assert all(list(answer["content"]) == [MEDIA_TYPE] for answer in problems.values())
    assert {"405", "429", "500", "503", "504"} <= set(problems)
    assert {"400", "413", "415"} <= set(problems) or method == "get"
    assert {"401", "403"} <= set(problems) or scope_of(path) is None
    for parameter in told.get("parameters", []):
        assert parameter["description"], parameter["name"]
    assert all("X-Request-Id" in answer["headers"] for answer in told["responses"].values())
    assert {"Retry-After", "RateLimit-Limit"} <= set(told["responses"]["429"]["headers"]) or not scope_of(
        path
    )
    assert "RateLimit-Limit" not in told["responses"]["401"]["headers"]
    named = {name for answer in told["responses"].values() for name in answer["headers"]}
    assert named <= set(description()["components"]["headers"])


def test_every_property_says_what_it_is() -> None:
    silent = [
        f"{model}.{name}"
        for model, schema in description()["components"]["schemas"].items()
        for name, about in schema.get("properties", {}).items()
        if not about.get("description")
    ]
    assert silent == []


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    schemas = description()["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)
    text = json.dumps(description())
    named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
    assert named <= set(schemas)


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_requests_are_counted_under_the_template_of_their_operation(path: str, method: str) -> None:
    asked = path.replace("{name}", "lapsed").replace("{customer_id}", "ann/b")
    assert route_of(asked) == (None if path == "/readyz" else path)
    assert takes_posts(asked) == (method == "post")


def check(answered: httpx.Response, path: str, method: str, registry: Described) -> None:
    told = operation(path, method)["responses"]
    status = str(answered.status_code)
    assert status in told, (path, status, answered.text[:200])
    assert status != "500", answered.request.content[:200]
    (media_type,) = told[status]["content"]
    assert answered.headers["content-type"].startswith(media_type)
    assert answered.headers["x-content-type-options"] == "nosniff"
    validator(registry, schema_of(told[status]["content"])).validate(answered.json())


def address(path: str, word: str) -> str:
    filled = quote(word, safe="") or "0"
    return path.replace("{name}", filled).replace("{customer_id}", filled)


@pytest.mark.parametrize("path", READ)
def test_a_read_answers_as_described_whatever_is_asked(ask: Client, path: str, registry: Described) -> None:
    chosen = random.Random(path)  # noqa: S311 - no secret
    names = [parameter["name"] for parameter in operation(path, "get").get("parameters", [])]
    for word in ("c000", "loyal_customers", *TEXTS) if "{" in path or names else ("c000",):
        where = address(path, word)
        if where.rstrip("/") != where or "/../" in where:
            continue
        query = {name: chosen.choice(TEXTS) for name in names if chosen.random() < 0.4}
        answered = ask("GET", where, params=query)
        if "{" in path and answered.status_code == 404:
            assert answered.headers["content-type"] == MEDIA_TYPE
            continue
        check(answered, path, "get", registry)


def spoilt(example: Any, chosen: random.Random) -> Any:  # noqa: ANN401 - JSON
    """Return the example with one value, somewhere in it, replaced, left out or doubled."""
    whole = json.loads(json.dumps(example))
    inner: Any = whole
    while True:
        key = chosen.choice(list(inner) if isinstance(inner, dict) else range(len(inner)))
        if not (isinstance(inner[key], dict | list) and inner[key] and chosen.random() < 0.8):
            break
        inner = inner[key]
    how = chosen.randrange(4)
    if how == 0:
        del inner[key]
    elif how == 1 and isinstance(inner, list):
        inner.append(inner[key])
    elif how == 1:
        inner["more"] = chosen.choice(HOSTILE)
    else:
        inner[key] = chosen.choice(HOSTILE)
    return whole


@pytest.mark.parametrize("path", POSTED)
def test_a_post_answers_as_described_whatever_is_sent(ask: Client, path: str, registry: Described) -> None:
    chosen = random.Random(path)  # noqa: S311 - no secret
    example = example_of(schema_of(operation(path, "post")["requestBody"]["content"]))
    bodies = [json.dumps(spoilt(example, chosen)).encode() for _ in range(30)]
    bodies += [json.dumps(value).encode() for value in HOSTILE]
    for body in (json.dumps(example).encode(), *bodies, *BROKEN):
        answered = ask("POST", path, content=body, headers={"content-type": "application/json"})
        check(answered, path, "post", registry)


@pytest.mark.parametrize("path", [path for path, _ in OPERATIONS])
def test_other_methods_and_media_types_are_problems(ask: Client, path: str) -> None:
    where = address(path, "c000")
    (own,) = (method.upper() for known, method in OPERATIONS if known == path)
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "MADEUP"} - {own}:
        if where == "/v1/customers/lookup" or (where == "/v1/segments/preview" and method == "GET"):
            continue
        answered = ask(method, where)
        assert answered.status_code == 405, method
        assert answered.headers["content-type"] == MEDIA_TYPE
        assert own in answered.headers["allow"]
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "") * (
        own == "POST"
    ):
        answered = ask("POST", where, content=b"{}", headers={"content-type": media_type})
        assert (answered.status_code, answered.headers["content-type"]) == (415, MEDIA_TYPE)
