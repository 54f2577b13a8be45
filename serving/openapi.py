"""The API's description (OpenAPI 3.1), generated from the schemas that check requests and shape answers."""

import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from models.gaps import LEVELS
from serving import schemas, webhooks, written
from serving.access import scope_of
from serving.cohorts.told import CohortsAnswer
from serving.described import describe, examples
from serving.errors import KINDS, MEDIA_TYPE
from serving.keys import SCOPES
from serving.monitoring.answers import MonitoringAnswer
from serving.monitoring.told import CardAnswer, ModelAnswer
from serving.reminders.states import STATES
from serving.segments.editing import PARTITIONS

REF = "#/components/schemas/{model}"
NAME = {
    "name": "name",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "A segment's name.",
    "example": "loyal_customers",
}
CUSTOMER = {
    "name": "customer_id",
    "in": "path",
    "required": True,
    "schema": {"type": "string"},
    "description": "Id of a customer, as imported; a slash in it as %2F.",
    "example": "c-1041",
}
PAGING = [
    {
        "name": "cursor",
        "in": "query",
        "schema": {"type": "string"},
        "description": "next_cursor of the page before.",
    },
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
        "description": "How many at most.",
    },
]


def _query(name: str, means: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": means, "example": example}


TEXT = {"type": "string"}
DAY = {"type": "string", "format": "date"}
DEMAND_OF = [
    _query("product", "A product's id.", TEXT, "beans-1kg"),
    _query("category", "A category's path; instead of product.", TEXT, "Coffee > Beans"),
]
FILTERS = [
    _query("customer", "Of this customer.", TEXT, "c-1047"),
    _query("product", "Of this product, or where it is offered in place of another.", TEXT, "beans-1kg"),
    _query("category", "Of this category or one beneath it.", TEXT, "Coffee"),
    _query("level", "Of products or of categories.", {"type": "string", "enum": list(LEVELS)}, "product"),
    _query("state", f"Any of these, comma-separated: {', '.join(STATES)}.", TEXT, "due_now,late"),
    _query(
        "suppressed",
        "true: only what must not be reminded; false: only what may.",
        {"type": "boolean"},
        "false",
    ),
    _query("due_from", "The median date of the next purchase is this day or later.", DAY, "2018-01-01"),
    _query("due_to", "The median date of the next purchase is this day or earlier.", DAY, "2018-01-14"),
]

INCLUDE = _query(
    "include",
    "Parts that take longest, by comma: reasons, replenishment; all of them when left out, none when empty.",
    TEXT,
    "reasons",
)
MEMBERS_ON = _query(
    "as_of", "Who was a member on this local day, as the last run by then said.", DAY, "2018-01-01"
)
SINCE = _query("since", "`next` of an earlier answer, or a segment's changes_token.", TEXT, "9a1b22c3-48211")
MOVED = [
    _query("of", "A partition.", {"type": "string", "enum": list(PARTITIONS)}, "lifecycle")
    | {"required": True},
    _query("from", "Where they were on this local day; by default in the run before.", DAY, "2017-12-01"),
    _query("to", "Where they were on this one; by default in the latest run.", DAY, "2018-01-01"),
]

# path, method, summary, answer, parameters, problems
READS: tuple[tuple[str, str, type[BaseModel], list[dict[str, Any]], tuple[str, ...]], ...] = (
    ("/v1/segments", "All segments with sentence, size and value", schemas.SegmentsAnswer, [], ()),
    ("/v1/segments/{name}", "One segment", schemas.SegmentAnswer, [NAME], ("unknown-segment",)),
    (
        "/v1/segments/{name}/members",
        "A segment's members, by stable cursor",
        schemas.MembersAnswer,
        [NAME, *PAGING, MEMBERS_ON],
        ("unknown-segment", "bad-cursor"),
    ),
    (
        "/v1/segments/{name}/changes",
        "Who entered and left a segment since a token, and which condition it was; each change once",
        schemas.ChangesAnswer,
        [NAME, SINCE, PAGING[1]],
        ("unknown-segment", "bad-token"),
    ),
    (
        "/v1/migration",
        "How many customers moved between the groups of a partition",
        schemas.MigrationAnswer,
        MOVED,
        ("bad-request",),
    ),
    (
        "/v1/customers/{customer_id}",
        "Scores, segments and refills of one customer",
        schemas.CustomerAnswer,
        [CUSTOMER, INCLUDE],
        ("bad-request", "unknown-customer", "too-new-customer", "erased-customer"),
    ),
    (
        "/v1/replenishment",
        "Who is due for what, when, how much and how sure, and who must not be reminded; by stable cursor",
        schemas.RefillsAnswer,
        [*FILTERS, *PAGING],
        ("bad-cursor",),
    ),
    (
        "/v1/replenishment/demand",
        "Pieces of a product or category expected to be bought on each of the next 30 days",
        schemas.DemandAnswer,
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
    ("/readyz", "Whether the service can answer, and from what", schemas.Readiness, [], ()),
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
ANY_PROBLEMS = (
    "no-key",
    "wrong-scope",
    "wrong-method",
    "bad-host",
    "too-many",
    "rate-limited",
    "failed",
    "not-ready",
    "too-slow",
)


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
        schemas.ScoreRequest,
        schemas.ScoreAnswer,
        schemas.LookupRequest,
        schemas.LookupAnswer,
        schemas.PreviewRequest,
        schemas.PreviewAnswer,
        schemas.ProblemDocument,
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
        operation = {"summary": summary, "parameters": parameters, "responses": _responses(answer, problems)}
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
        "components": {"schemas": defined["$defs"], "securitySchemes": SECURITY},
    }


def _scoring() -> dict[str, Any]:
    return {
        "summary": "Scores, segments and reasons for posted histories",
        "description": "One refused history does not fail the others of a list: its result is an error.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(schemas.ScoreRequest)}},
        },
        "responses": _responses(schemas.ScoreAnswer, SCORING_PROBLEMS),
    }


def _looking_up() -> dict[str, Any]:
    return {
        "summary": "The same as /v1/customers/{customer_id} for up to 1,000 customers, or 100 with `include`",
        "description": "Each is answered for himself: an id of which there is nothing to tell has an error as its "
        "result, which says whether it is unknown, too new or erased.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(schemas.LookupRequest)}},
        },
        "responses": _responses(schemas.LookupAnswer, LOOKUP_PROBLEMS),
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
        "responses": _responses(written.WebhookAnswer, WEBHOOK_PROBLEMS),
    }


def _previewing() -> dict[str, Any]:
    return {
        "summary": "Count, value, sample and overlap of a condition before it is saved",
        "description": "With `edit_of`, also who would enter and leave that segment. Nothing is saved.",
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _ref(schemas.PreviewRequest)}},
        },
        "responses": _responses(schemas.PreviewAnswer, PREVIEW_PROBLEMS),
    }


def _writing(summary: str, request: type[BaseModel]) -> dict[str, Any]:
    return {
        "summary": summary,
        "description": "All rows are taken or none. The same row sent again changes nothing; other values under the "
        "same id are a correction. When it is answered, the rows are on the disk.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(request)}}},
        "responses": _responses(written.WriteAnswer, WRITING_PROBLEMS),
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


def _responses(answer: type[BaseModel], problems: tuple[str, ...]) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {"description": "The answer", "content": {"application/json": {"schema": _ref(answer)}}}
    }
    titles: dict[str, list[str]] = {}
    for kind in (*problems, *ANY_PROBLEMS):
        status, title = KINDS[kind]
        titles.setdefault(str(int(status)), []).append(title)
    for code, told in titles.items():
        content = {MEDIA_TYPE: {"schema": _ref(schemas.ProblemDocument)}}
        responses[code] = {"description": "; or: ".join(told), "content": content}
    return responses


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=model.__name__)}


def _version() -> str:
    try:
        return version("regulars")
    except PackageNotFoundError:  # inside a bento the packages are files, not an installation
        return "0"
