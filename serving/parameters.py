"""What may be given in the addresses of the API: path and query parameters as OpenAPI describes them."""

from typing import Any

from models.gaps import LEVELS
from serving.reminders.states import STATES
from serving.segments.editing import PARTITIONS

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
