"""POST /v1/segments/preview: a condition tried on everybody."""

from pydantic import ConfigDict, Field

from serving.schemas.fields import Frozen, Stamped


class PreviewRequest(Frozen):
    """A condition to try on everybody of the latest run."""

    expression: str = Field(min_length=1, max_length=4_000, strict=True)
    sample: int = Field(5, ge=0, le=100, strict=True, description="How many of the members to name.")
    edit_of: str | None = Field(
        None,
        max_length=63,
        strict=True,
        description="A segment that it would replace: what would change is told.",
    )

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"expression": "orders >= 3 and days_since_last_order > 60", "sample": 2}
        },
    )


class SampledCustomer(Frozen):
    """One of those that a condition holds for."""

    customer_id: str
    clv_365d: float | None
    reasons: list[str]


class OverlapWith(Frozen):
    """Another segment that shares members."""

    name: str
    title: str
    both: int
    share_of_these: float = Field(description="Of those that the condition holds for.")
    share_of_those: float = Field(description="Of the other segment.")


class EditDifference(Frozen):
    """What saving the condition would change."""

    stay: int
    enter: int
    leave: int
    entering: list[SampledCustomer]
    leaving: list[SampledCustomer]
    value_before: float
    value_after: float


class PreviewAnswer(Stamped):
    """What a condition would make of the latest run's customers; nothing is saved."""

    currency: str
    sentence: str
    count: int
    share: float
    value: float
    sample: list[SampledCustomer]
    overlap: list[OverlapWith]
    difference: EditDifference | None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "release": "2018-01-01-3f2a",
                "as_of": "2018-01-01T05:00:00Z",
                "data_through": "2017-12-31T22:10:00Z",
                "currency": "USD",
                "sentence": "number of orders is at least 3 and the last order was more than 60 days ago",
                "count": 412,
                "share": 0.08,
                "value": 5120.4,
                "sample": [
                    {
                        "customer_id": "c-1041",
                        "clv_365d": 12.5,
                        "reasons": ["number of orders is 4 (at least 3)", "the last order was 71 days ago"],
                    }
                ],
                "overlap": [
                    {
                        "name": "likely_to_churn",
                        "title": "Likely to churn",
                        "both": 380,
                        "share_of_these": 0.92,
                        "share_of_those": 0.31,
                    }
                ],
                "difference": None,
            }
        },
    )
