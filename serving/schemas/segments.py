"""Segments: what they are, who is in them, who came and went."""

from datetime import datetime

from pydantic import ConfigDict, Field

from serving.schemas.fields import Frozen, Stamped


class SegmentSummary(Frozen):
    """A segment: what it is, how many are in it and what they are worth."""

    name: str
    title: str
    group: str = Field(description="predicted, history or lifecycle.")
    sentence: str
    description: str
    advice: str
    expression: str
    size: int
    share: float
    value: float = Field(description="Sum of clv_365d over the members, in the shop's currency.")
    version: int = Field(description="Of its definition.")
    entered: int = Field(description="Members that the latest run added.")
    left: int = Field(description="Members that it removed.")
    warning: str | None = Field(description="Said when its size jumps beyond its own past.")


class SegmentsAnswer(Stamped):
    """All segments of the latest run."""

    warnings: list[str] = Field(description="Segments that jump, and orders that stopped arriving.")

    customers: int = Field(description="Those with an order on record.")
    prospects: int = Field(description="People known by name who never ordered; not among the customers.")
    currency: str
    segments: list[SegmentSummary]


class TrendPoint(Frozen):
    """A segment in one run."""

    as_of: datetime
    release: str
    version: int | None
    size: int
    value: float
    entered: int
    left: int


class SegmentAnswer(SegmentSummary, Stamped):
    """One segment of the latest run, and of those before it, oldest first."""

    trend: list[TrendPoint]
    changes_token: str = Field(description="To be given as `since` to hear of changes after this run.")

    currency: str


class Member(Frozen):
    """One member of a segment."""

    customer_id: str
    confidence: str | None = Field(description="Null of a past day.")
    since: datetime
    reasons: list[str]
    scores: dict[str, float | None] = Field(description="None of a past day.")


class LiveCounts(Frozen):
    """How many customers posted orders and events have moved in and out since the run."""

    entered: int
    left: int


class MembersAnswer(Stamped):
    """One page of a segment's members this second, by customer id; `next_cursor` is null on the last page.

    Whom posted orders or events have moved since the run is listed, or is not, as he stands now.
    """

    name: str
    size: int | None = Field(description="Null of a past day.")
    members: list[Member]
    next_cursor: str | None
    live: LiveCounts | None = Field(description="In `size` and `members` already. Null of a past day.")


class Change(Frozen):
    """Somebody who entered or left a segment."""

    at: datetime = Field(description="Cutoff of the run.")
    kind: str = Field(description="entered or left.")
    customer_id: str
    cause: str = Field(
        description="condition: one came to hold or ceased to; limits: the store's numbers in it moved; definition: "
        "it was edited; started or ended: it is followed since now, or no more; new or gone: the customer is."
    )
    changed: list[str] = Field(description="The conditions that changed, with the customer's own values.")
    reasons: list[str] = Field(description="Why he is a member, or was.")
    version: int | None = Field(description="Of the segment's definition.")


class LiveChange(Frozen):
    """Somebody whom a posted order or event has moved since the run."""

    at: datetime = Field(description="When what was posted happened.")
    kind: str = Field(description="entered or left.")
    customer_id: str
    reasons: list[str] = Field(description="Why he is a member, or was.")


class ChangesAnswer(Stamped):
    """A segment's changes after a token, in one order for ever; each comes once, and asking again gives the same."""

    name: str
    changes: list[Change]
    next: str = Field(description="The token to give as `since` next time.")
    more: bool = Field(description="Whether there are more already.")
    live: list[LiveChange] = Field(
        description="Who was moved since the last run; no token counts them, and the changes tell them after the next."
    )

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "release": "2018-01-01-3f2a",
                "as_of": "2018-01-01T05:00:00Z",
                "data_through": "2017-12-31T22:10:00Z",
                "name": "likely_to_churn",
                "changes": [
                    {
                        "at": "2018-01-01T05:00:00Z",
                        "kind": "left",
                        "customer_id": "c-1041",
                        "cause": "condition",
                        "changed": ["predicted chance of leaving within 90 days is 21 % (at most 66 %)"],
                        "reasons": ["predicted chance of leaving within 90 days is 71 % (over 66 %)"],
                        "version": 1,
                    }
                ],
                "next": "9a1b22c3-48211",
                "more": False,
                "live": [],
            }
        },
    )


class Move(Frozen):
    """How many customers moved from one group to another; null is not known then, or no longer."""

    before: str | None
    after: str | None
    customers: int


class MigrationAnswer(Stamped):
    """Who moved from which group of a partition to which."""

    of: str
    groups: list[str]
    moves: list[Move]
