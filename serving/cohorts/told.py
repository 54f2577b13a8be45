"""What GET /v1/cohorts tells, as frozen pydantic models for the API's description."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from serving.cohorts.found import First, Month, Second


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class MonthTold(Month):
    """A cohort with shares: who ordered in each month, and what each customer had spent by its end."""

    kept: list[float]
    levels: list[int]
    value_each: list[float]


class Age(_Frozen):
    """What a customer had spent, net, by the end of a month counted from that of the first order."""

    age: int
    customers: int
    value: float


class Payback(_Frozen):
    """After how many months a customer has spent what he cost; null when he has not yet."""

    cost: float
    months: int | None


class FirstTold(First):
    """A first product with the share that came back and what each spent; null where all are too new."""

    came_back_share: float | None
    value_each: float | None


class ChannelTold(FirstTold):
    """A channel, and what a customer costs there, when that is known."""

    cost: float | None


class CohortsAnswer(_Frozen):
    """Cohorts, as the last scoring run counted them; empty before the first."""

    release: str
    as_of: datetime
    data_through: datetime | None
    counted_as_of: date | None
    days: int
    months: list[MonthTold]
    ages: list[int]
    value_by_age: list[Age]
    payback: Payback | None
    acquisition_costs: dict[str, float]
    second: list[Second]
    milestones: list[Second]
    products: list[FirstTold]
    channels: list[ChannelTold]
