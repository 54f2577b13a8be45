"""Customers of the shop, one by one or many at once."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from serving.schemas.fields import CustomerId, Frozen, Stamped
from serving.schemas.refills import Refill, Reminder
from serving.schemas.scores import RefusedCustomer, ScoredCustomer, ScoreLabel

IDS_A_REQUEST = 1_000
IDS_IN_FULL = 100


class StoredCustomer(ScoredCustomer, Stamped):
    """One customer as of the latest run, or as of the day of what was posted of him since."""

    merged_id: str | None = Field(
        description="The id that was asked for, where a merge made it this customer's; otherwise null."
    )
    replenishment: list[Refill] | None = Field(
        description="What is likeliest bought again within 14 days: up to 10 products and 10 categories, the likeliest "
        "first. /v1/replenishment?customer= has them all. Null where it was not asked for."
    )
    replenishment_total: int | None = Field(
        description="Refills that there are of this customer; null where they were not asked for."
    )
    reminder: Reminder | None


class CustomerAnswer(StoredCustomer):
    """One customer, and what his scores are."""

    labels: dict[str, ScoreLabel] = Field(description="By score.")


Part = Literal["reasons", "replenishment"]


class LookupRequest(Frozen):
    """Customers to look up: up to 1,000, or 100 with `include`."""

    customer_ids: Annotated[list[CustomerId], Field(min_length=1, max_length=IDS_A_REQUEST)]
    include: list[Part] = Field(
        default=[],
        description="What takes longest and is left out otherwise: reasons, of scores and of segments; replenishment.",
    )

    model_config = ConfigDict(
        json_schema_extra={"example": {"customer_ids": ["c-1", "c-1041"], "include": ["reasons"]}},
    )


class LookupAnswer(Stamped):
    """Results in the order of the request; each says of itself as of when, and by which release."""

    labels: dict[str, ScoreLabel] = Field(description="By score.")
    results: list[StoredCustomer | RefusedCustomer]
