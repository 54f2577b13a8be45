"""The API's description (OpenAPI 3.1), generated from the schemas that check requests and shape answers."""

import re
import tomllib
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from serving import webhooks, written
from serving.access import scope_of
from serving.cohorts.told import CohortsAnswer
from serving.described import describe, examples
from serving.keys import SCOPES
from serving.monitoring.answers import MonitoringAnswer
from serving.monitoring.told import CardAnswer, ModelAnswer
from serving.parameters import (
    CUSTOMER,
    DEMAND_OF,
    FILTERS,
    INCLUDE,
    MEMBERS_ON,
    MOVED,
    NAME,
    PAGING,
    SINCE,
    TEXT,
)
from serving.responses import REF, header_components, ref, responses
from serving.schemas import customers, preview, refills, scores, segments, service

# path, method, summary, answer, parameters, problems
READS: tuple[tuple[str, str, type[BaseModel], list[dict[str, Any]], tuple[str, ...]], ...] = (
    ("/v1/segments", "All segments with sentence, size and value", segments.SegmentsAnswer, [], ()),
    ("/v1/segments/{name}", "One segment", segments.SegmentAnswer, [NAME], ("unknown-segment",)),
    (
        "/v1/segments/{name}/members",
        "A segment's members, by stable cursor",
        segments.MembersAnswer,
        [NAME, *PAGING, MEMBERS_ON],
        ("unknown-segment", "bad-cursor"),
    ),
    (
        "/v1/segments/{name}/changes",
        "Who entered and left a segment since a token, and which condition it was; each change once",
        segments.ChangesAnswer,
        [NAME, SINCE, PAGING[1]],
        ("unknown-segment", "bad-token"),
    ),
    (
        "/v1/migration",
        "How many customers moved between the groups of a partition",
        segments.MigrationAnswer,
        MOVED,
        ("bad-request",),
    ),
    (
        "/v1/customers/{customer_id}",
        "Scores, segments and refills of one customer",
        customers.CustomerAnswer,
        [CUSTOMER, INCLUDE],
        ("bad-request", "unknown-customer", "too-new-customer", "erased-customer"),
    ),
    (
        "/v1/replenishment",
        "Who is due for what, when, how much and how sure, and who must not be reminded; by stable cursor",
        refills.RefillsAnswer,
        [*FILTERS, *PAGING],
        ("bad-cursor",),
    ),
    (
        "/v1/replenishment/demand",
        "Pieces of a product or category expected to be bought on each of the next 30 days",
        refills.DemandAnswer,
        DEMAND_OF,
        ("bad-request", "unknown-product"),
    ),
    (
        "/v1/model",
        "How far the numbers may be trusted: predicted beside what came, peers, drift, releases",
        ModelAnswer,
        [],
        (),
    ),
    ("/v1/model/card", "The model card that training wrote about the release", CardAnswer, [], ()),
    (
        "/v1/monitoring",
        "What `regulars monitor` found last: drift, replay, outcomes of past runs",
        MonitoringAnswer,
        [],
        (),
    ),
    (
        "/v1/cohorts",
        "Customers by month of first order, first product and channel: who came back, what they spent",
        CohortsAnswer,
        [],
        (),
    ),
    ("/readyz", "Whether the service can answer, and from what", service.Readiness, [], ()),
)
PREVIEW_PROBLEMS = ("bad-request", "too-large", "wrong-media-type", "invalid-expression", "unknown-segment")
# path, summary, request
WRITES: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("/v1/orders", "Order lines into the ledger; told of their customers at once", written.OrdersRequest),
    ("/v1/events", "Events into the ledger; told of their customers at once", written.EventsRequest),
)
WEBHOOK_PROBLEMS = (
    *("bad-request", "wrong-signature", "webhook-off", "too-large", "wrong-media-type", "invalid-rows"),
)
WRITING_PROBLEMS = ("bad-request", "too-large", "wrong-media-type", "invalid-rows")
LOOKUP_PROBLEMS = ("bad-request", "too-large", "wrong-media-type")
SCORING_PROBLEMS = ("bad-request", "too-large", "wrong-media-type", "invalid-history")

SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "A key of `regulars keys create`; it needs the scope named, or admin. "
        "Scopes: " + "; ".join(f"{name}: {means}" for name, means in SCOPES.items()) + ".",
    },
    "password": {"type": "http", "scheme": "basic", "description": "The key as the password, for browsers."},
}


@cache
def description() -> dict[str, Any]:
    """Return the OpenAPI document."""
    models: list[type[BaseModel]] = [
        scores.ScoreRequest,
        scores.ScoreAnswer,
        customers.LookupRequest,
        customers.LookupAnswer,
        preview.PreviewRequest,
        preview.PreviewAnswer,
        service.ProblemDocument,
        written.WriteAnswer,
        written.WebhookAnswer,
        *(write[2] for write in WRITES),
        *(read[2] for read in READS),
    ]
    described: list[tuple[type[BaseModel], JsonSchemaMode]] = [(model, "validation") for model in models]
    _, defined = models_json_schema(described, ref_template=REF)
    describe(defined["$defs"])
    for model, example in examples().items():
        defined["$defs"][model]["example"] = example
    paths: dict[str, Any] = {path: {"post": operation()} for path, operation in POSTS.items()}
    for path, summary, request in WRITES:
        paths[path] = {"post": _writing(summary, request)}
    for path, summary, answer, parameters, problems in READS:
        operation = {
            "summary": summary,
            "parameters": parameters,
            "responses": responses(answer, problems, keyed=scope_of(path) is not None),
        }
        paths[path] = {"get": operation}
    for path, operations in paths.items():
        if (scope := scope_of(path)) is not None:
            for operation in operations.values():
                # An empty choice: without any key in the home, this machine alone is answered.
                operation["security"] = [{"key": [scope]}, {"password": [scope]}, {}]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Regulars",
            "version": _version(),
            "description": "Predictive segments from purchases.",
        },
        "paths": paths,
        "components": {
            "schemas": defined["$defs"],
            "headers": header_components(),
            "securitySchemes": SECURITY,
        },
    }


def _scoring() -> dict[str, Any]:
    return {
        "summary": "Scores, segments and reasons for posted histories",
        "description": "One refused history does not fail the others of a list: its result is an error.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(scores.ScoreRequest)}},
        },
        "responses": responses(scores.ScoreAnswer, SCORING_PROBLEMS, keyed=True),
    }


def _looking_up() -> dict[str, Any]:
    return {
        "summary": "The same as /v1/customers/{customer_id} for up to 1,000 customers, or 100 with `include`",
        "description": "Each is answered for himself: an id of which there is nothing to tell has an error as its "
        "result, which says whether it is unknown, too new or erased.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(customers.LookupRequest)}},
        },
        "responses": responses(customers.LookupAnswer, LOOKUP_PROBLEMS, keyed=True),
    }


def _hearing_of_orders() -> dict[str, Any]:
    headers = {
        "X-Shopify-Hmac-Sha256": "HMAC-SHA256 of the body under the secret that is set, in base64.",
        "X-Shopify-Topic": f"{', '.join(webhooks.TOPICS)}.",
        "X-Shopify-Webhook-Id": "The delivery's id; one that was taken before changes nothing.",
    }
    order = {
        "type": "object",
        "description": "An order of Shopify's Admin REST API.",
        "example": webhooks.EXAMPLE,
    }
    return {
        "summary": "Shopify's order webhooks: orders, cancellations and refunds into the ledger",
        "description": "Believed for its signature; no key is asked for. What was taken before, and an older state of "
        "an order, change nothing.",
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": TEXT, "description": means}
            for name, means in headers.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": {"schema": order}}},
        "responses": responses(written.WebhookAnswer, WEBHOOK_PROBLEMS, keyed=False),
    }


def _previewing() -> dict[str, Any]:
    return {
        "summary": "Count, value, sample and overlap of a condition before it is saved",
        "description": "With `edit_of`, also who would enter and leave that segment. Nothing is saved.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(preview.PreviewRequest)}},
        },
        "responses": responses(preview.PreviewAnswer, PREVIEW_PROBLEMS, keyed=True),
    }


def _writing(summary: str, request: type[BaseModel]) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": "All rows are taken or none. The same row sent again changes nothing; other values under the "
        "same id are a correction. When it is answered, the rows are on the disk.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": ref(request)}}},
        "responses": responses(written.WriteAnswer, WRITING_PROBLEMS, keyed=True),
    }


POSTS: Final[dict[str, Callable[[], dict[str, Any]]]] = {
    "/v1/score": _scoring,
    "/v1/customers/lookup": _looking_up,
    "/v1/webhooks/shopify": _hearing_of_orders,
    "/v1/segments/preview": _previewing,
}
METHODS: Final[dict[str, str]] = {
    **dict.fromkeys((*POSTS, *(path for path, *_ in WRITES)), "POST"),
    **dict.fromkeys((path for path, *_ in READS), "GET"),
}
"""Of each address, as a template."""
# An id may hold slashes, a name none.
_TEMPLATES: Final = tuple(
    (route, re.compile(route.replace("{customer_id}", ".+").replace("{name}", "[^/]+"), re.DOTALL))
    for route in METHODS
    if "{" in route
)


def route_of(path: str) -> str | None:
    """Return the template of the operation that a path asks for, in which nobody's id is; None of other paths."""
    if path in METHODS:
        return path
    return next((route for route, pattern in _TEMPLATES if pattern.fullmatch(path)), None)


def takes_posts(path: str) -> bool:
    """Return whether something may be posted to a path; of what is not described here, that is not known: True."""
    return METHODS.get(route_of(path) or "", "POST") == "POST"


def _version() -> str:
    """Return the version of this code: inside a bento the packages are files beside their project's, not installed."""
    project = Path(__file__).parents[1] / "pyproject.toml"
    if project.exists():
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])
    return version("regulars")
