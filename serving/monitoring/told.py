"""What GET /v1/model and its card tell, as frozen pydantic models for the API's description."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from models.checked import Checked
from models.deployments import Deployment
from serving.monitoring.drift import Drift


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Gate(_Frozen):
    """How far the release may be trusted by what was checked before it was served."""

    honesty: str
    reasons: list[str]


class Lift(_Frozen):
    """Which share of all who ordered is among the likeliest customers, a share of all."""

    customers: float
    ordered: float | None


class Judged(Checked):
    """Predictions beside what came: of a run at work, or of a backtest before the release was made."""

    kind: str
    lift: list[Lift]


class Moved(Drift):
    """A feature or score that drifted, and what it is."""

    means: str


class Compared(_Frozen):
    """How many were compared, and those that drifted by more than luck explains."""

    compared: int
    moved: list[Moved]


class DriftTold(_Frozen):
    """Drift against training."""

    trained_as_of: date
    features: Compared
    scores: Compared


class Peer(_Frozen):
    """A method on the newest backtest; null where it has no answer."""

    method: str
    auc: float | None
    brier: float | None
    calibration_error: float | None
    integrated_brier: float | None
    orders_rmse: float | None
    normalised_gini: float | None
    top_10_share: float | None
    orders_total_ratio: float | None
    value_total_ratio: float | None


METRICS = tuple(name for name in Peer.model_fields if name != "method")
"""Told of every method, in this order."""


class ModelAnswer(_Frozen):
    """How far the numbers may be trusted."""

    release: str
    as_of: datetime
    data_through: datetime | None
    trust: str
    says: list[str]
    gate: Gate
    judged: list[Judged]
    peers: list[Peer]
    drift: DriftTold | None
    history: list[Deployment]
    served: str | None
    has_card: bool


class CardBlock(_Frozen):
    """A part of the card: a heading, a paragraph, a list or a table; what it is not made of is left out."""

    kind: Literal["heading", "text", "list", "table"] = Field(description="Which of them.")
    level: int = Field(1, description="Of a heading: 1 is the card's title.")
    text: str = Field("", description="Of a heading.")
    lines: list[str] = Field([], description="Of a paragraph or list.")
    head: list[str] = Field([], description="Of a table: its columns.")
    rows: list[list[str]] = Field([], description="Of a table.")


class CardAnswer(_Frozen):
    """What training wrote down about the release that scored the run."""

    release: str
    as_of: datetime
    data_through: datetime | None
    markdown: str | None = Field(description="The card; null of a release that was trained elsewhere.")
    blocks: list[CardBlock] = Field(description="The same in parts, without marks.")
