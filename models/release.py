"""A release: the directory that training makes and everything else reads.

JSON and LightGBM text: no pickle, no customers. It holds the predictors, the numbers that percentiles and segments
were resolved to, and a manifest that says of what data, features and versions it is. It is written once, named by
its content, and never changed.
"""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.catalog.shipped import CATALOG
from ledger import small_files
from ledger.errors import InputError
from ledger.home import Home
from models.boosting import Correction
from models.checked import NOTHING_SEEN, Seen
from models.contributions import UsualCustomer
from models.level import STEADY, Level
from models.next_order import Calibration, NextOrder
from models.percentiles import percentile
from models.predictor import Common
from models.purchase_process import OrderValue, PurchaseProcess
from models.replenishment import ReplenishmentModel
from models.rows import Rows, Snapshot
from models.scores import scores_for
from models.value_shape import ValueShape
from models.worth import OrdersAndValue

Floats = NDArray[np.float64]

MANIFEST = "manifest.json"
_PROCESS = "purchase_process.json"
_REFERENCE = "reference.json"
_REPLENISHMENT = "replenishment.json"
_LEVEL = "level.json"
_SEEN = "seen.json"
_CORRECTIONS = {"next_order": "next_order.lgb", "orders": "orders.lgb", "value": "value.lgb"}


class ReleaseError(InputError):
    """A release that must not be served: incomplete, altered, or made with other feature definitions."""


class GateVerdict(BaseModel):
    """What the gate decided about a candidate, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    verdict: Literal["model", "rule"]
    reasons: tuple[str, ...]


class Manifest(BaseModel):
    """What a release is made of; every field is documented in docs/architecture.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    release: str
    as_of: str
    data_through: str
    time_zone: str
    currency: str
    horizon_days: int
    seed: int
    customers: int
    feature_fingerprint: str
    feature_names: tuple[str, ...]
    data_fingerprint: str
    thresholds: dict[str, float]
    lifecycle_limits: dict[str, float]
    sensitive_attributes: tuple[str, ...] = ()
    usual_customer: UsualCustomer
    metrics: dict[str, float]
    gate: GateVerdict
    versions: dict[str, str]
    files: dict[str, str]


class _Process(BaseModel):
    """The parameters of purchase process and order value, as stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    process: PurchaseProcess
    order_value: OrderValue
    value_shape: ValueShape
    calibration: Calibration
    orders_common: Common
    value_common: Common


@dataclass(frozen=True)
class Predictors:
    """Everything fitted that a release stores.

    Parameters
    ----------
    next_order : NextOrder
    worth : OrdersAndValue
        Both on the same purchase process and level.
    replenishment : ReplenishmentModel
    """

    next_order: NextOrder
    worth: OrdersAndValue
    replenishment: ReplenishmentModel

    @property
    def inputs(self) -> frozenset[str]:
        """Names that the trees may read, features and others."""
        return frozenset(name for each in self._corrections for name in each.inputs)

    @property
    def used(self) -> frozenset[str]:
        """Those of the inputs that change an answer."""
        return frozenset(name for each in self._corrections for name in each.used)

    @property
    def _corrections(self) -> list[Correction]:
        worth = self.worth
        every = (self.next_order.correction, worth.orders_correction, worth.value_correction)
        return [each for each in every if each is not None]

    def score(self, snapshot: pd.DataFrame, on_day: int | None = None) -> pd.DataFrame:
        """Return customer_id, confidence and every score but the percentiles, a row each snapshot row.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
        on_day : int or None
            Local day number of its cutoff; None is the one that the predictors were fitted at.
        """
        frame = pd.DataFrame(self.columns(snapshot, on_day), index=snapshot.index)
        frame.insert(0, "customer_id", snapshot["customer_id"])
        frame.insert(1, "confidence", self.confidence(snapshot))
        return frame

    def columns(self, snapshot: Snapshot, on_day: int | None = None) -> dict[str, Floats]:
        """Return the scores of `score`, each (n,) float, by name; the arguments are the same."""
        rows = Rows.of(snapshot)
        curve = self.next_order.curve(rows, on_day)
        return self.next_order.told(curve) | self.worth.columns(rows, curve, on_day)

    def confidence(self, snapshot: Snapshot) -> list[str]:
        """Return which answer each customer gets: model, pooled or rule."""
        if self.next_order.correction is None:
            return ["rule"] * len(snapshot)
        own_rhythm = 2  # one order shows no gap, so the answer is that of customers like this one
        return [
            "model" if orders >= own_rhythm else "pooled" for orders in Rows.of(snapshot)["orders"].tolist()
        ]


@dataclass(frozen=True)
class Release:
    """A release as loaded: its manifest, and its predictors ready to score.

    Parameters
    ----------
    manifest : Manifest
    predictors : Predictors
    reference : mapping of str to list of float
        Score name to its 201 quantiles (0 to 100 % in half percents) over the customers scored in training.
    seen : Seen
        Those customers as histograms, and the backtests; nothing in a release of a version that stored none.
    """

    manifest: Manifest
    predictors: Predictors
    reference: Mapping[str, list[float]]
    seen: Seen = NOTHING_SEEN

    @property
    def id(self) -> str:
        """Name of the release."""
        return self.manifest.release

    def score(self, snapshot: pd.DataFrame, on_day: int | None = None) -> pd.DataFrame:
        """Return customer_id, confidence and all scores.

        Parameters
        ----------
        snapshot : (n, k) DataFrame
            As `features.snapshot.compute` makes it.
        on_day : int or None
            Local day number of the snapshot's cutoff, for the season; None is the day that the release is as of.

        Returns
        -------
        (n, m) DataFrame
            In the order of `models.scores.scores_for`.
        """
        frame = pd.DataFrame(self.columns(snapshot, on_day), index=snapshot.index)
        frame.insert(0, "customer_id", snapshot["customer_id"])
        frame.insert(1, "confidence", self.predictors.confidence(snapshot))
        return frame

    def columns(self, snapshot: Snapshot, on_day: int | None = None) -> dict[str, Floats]:
        """Return the scores of `score`, each (n,) float, by name; the arguments are the same."""
        found = self.predictors.columns(snapshot, on_day)
        for name, quantiles in self.reference.items():
            found[f"{name}_percentile"] = percentile(found[name], quantiles)
        return {score.name: found[score.name] for score in scores_for(self.manifest.horizon_days)}


def write_release(
    home: Home,
    predictors: Predictors,
    reference: Mapping[str, list[float]],
    facts: Mapping[str, Any],
    seen: Seen = NOTHING_SEEN,
) -> Path:
    """Write a release directory, whole or not at all, and return it.

    Parameters
    ----------
    home : Home
    predictors : Predictors
    reference : mapping
        From `reference_quantiles`.
    facts : mapping
        Every field of Manifest but `release` and `files`.
    seen : Seen

    Returns
    -------
    Path
        The directory; the same content has the same name and is written once.
    """
    home.releases.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=".writing-", dir=home.releases))
    try:
        _write_predictors(aside, predictors, reference)
        (aside / _SEEN).write_text(seen.model_dump_json(indent=1) + "\n")
        files = {path.name: _sha256(path) for path in sorted(aside.iterdir())}
        body = {**facts, "files": files}
        digest = hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()
        manifest = Manifest(release=f"{facts['as_of']}-{digest[:12]}", **body)
        (aside / MANIFEST).write_text(manifest.model_dump_json(indent=2) + "\n")
        target = home.releases / manifest.release
        if not target.exists():
            aside.chmod(0o755)
            aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return target


def _write_predictors(directory: Path, predictors: Predictors, reference: Mapping[str, list[float]]) -> None:
    worth = predictors.worth
    process = _Process(
        process=worth.process,
        order_value=worth.order_value,
        value_shape=worth.value_shape,
        calibration=predictors.next_order.calibration,
        orders_common=worth.orders_common,
        value_common=worth.value_common,
    )
    (directory / _PROCESS).write_text(process.model_dump_json(indent=2) + "\n")
    (directory / _LEVEL).write_text(worth.level.model_dump_json() + "\n")
    (directory / _REFERENCE).write_text(json.dumps(dict(reference)) + "\n")
    (directory / _REPLENISHMENT).write_text(json.dumps(predictors.replenishment.to_json_dict()) + "\n")
    corrections = {
        "next_order": predictors.next_order.correction,
        "orders": worth.orders_correction,
        "value": worth.value_correction,
    }
    for name, correction in corrections.items():
        if correction is not None:
            correction.write(directory / _CORRECTIONS[name])


def load_release(directory: Path) -> Release:
    """Load a release after checking every byte of it.

    Parameters
    ----------
    directory : Path

    Raises
    ------
    ReleaseError
        When a file is missing, unreadable or not the one that was released, or when the features have changed since.
    """
    manifest = read_manifest(directory)
    for name, expected in manifest.files.items():
        path = directory / name
        if not path.is_file() or _sha256(path) != expected:
            raise ReleaseError(f"release {manifest.release}: {name} is missing or was altered; train again")
    if manifest.feature_fingerprint != CATALOG.fingerprint:
        raise ReleaseError(
            f"release {manifest.release} was trained with other feature definitions "
            f"({manifest.feature_fingerprint[:12]}, now {CATALOG.fingerprint[:12]}); run `regulars train`"
        )
    try:
        return Release(
            manifest,
            _read_predictors(directory, manifest),
            _read_json(directory / _REFERENCE),
            Seen.model_validate_json((directory / _SEEN).read_bytes())
            if _SEEN in manifest.files
            else NOTHING_SEEN,
        )
    except (ValueError, KeyError, TypeError, OSError) as cause:
        raise ReleaseError(
            f"release {manifest.release} was written by another version of this program; run `regulars train`"
        ) from cause


def read_manifest(directory: Path) -> Manifest:
    """Return what a release says of itself, unchecked: it need not be of today's features.

    Raises
    ------
    ReleaseError
        When it cannot be read.
    """
    try:
        return Manifest.model_validate_json((directory / MANIFEST).read_bytes())
    except (OSError, ValidationError) as cause:
        raise ReleaseError(f"release {directory.name}: its manifest cannot be read; train again") from cause


def _read_predictors(directory: Path, manifest: Manifest) -> Predictors:
    stored = _Process.model_validate_json((directory / _PROCESS).read_bytes())
    level = (
        Level.model_validate_json((directory / _LEVEL).read_bytes()) if _LEVEL in manifest.files else STEADY
    )
    corrections = {
        name: Correction.read(directory / file) if file in manifest.files else None
        for name, file in _CORRECTIONS.items()
    }
    return Predictors(
        NextOrder(
            stored.process, manifest.horizon_days, corrections["next_order"], level, stored.calibration
        ),
        OrdersAndValue(
            stored.process,
            stored.order_value,
            manifest.horizon_days,
            corrections["orders"],
            corrections["value"],
            stored.value_shape,
            level,
            stored.orders_common,
            stored.value_common,
        ),
        ReplenishmentModel.from_json_dict(_read_json(directory / _REPLENISHMENT)),
    )


def _read_json(path: Path) -> Any:  # noqa: ANN401  # the caller's type checks it
    return json.loads(path.read_bytes())


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class _Pointer(BaseModel):
    """What says which release is served; a name, never a path."""

    release: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]


def deploy(home: Home, release_id: str) -> None:
    """Make a release the one that is served, by replacing one pointer file.

    Raises
    ------
    ReleaseError
        When the release cannot be loaded; the one served before stays.
    """
    load_release(home.releases / release_id)
    small_files.put(home.deployed, json.dumps({"release": release_id}) + "\n")


def deployed_release(home: Home) -> str | None:
    """Return the name of the release that is served, or None before the first.

    Raises
    ------
    InputError
        When the file that names it is damaged.
    """
    remedy = (
        "`regulars promote --list` shows the releases there are, `regulars promote RELEASE` writes it anew"
    )
    pointer = small_files.read(home.deployed, _Pointer.model_validate_json, remedy=remedy)
    return None if pointer is None else pointer.release


def load_deployed(home: Home) -> Release:
    """Return the release that is served.

    Raises
    ------
    InputError
        When there is none yet, the file that names it is damaged, or it cannot be loaded.
    """
    release_id = deployed_release(home)
    if release_id is None:
        raise ReleaseError(f"no release in {home.path} yet; run `regulars train` first")
    return load_release(home.releases / release_id)


@dataclass(frozen=True)
class _Scoring:
    """What MLflow's pyfunc flavour calls."""

    score: Callable[[pd.DataFrame], pd.DataFrame]

    def predict(self, snapshot: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:  # noqa: ARG002
        return self.score(snapshot)


def _load_pyfunc(path: str) -> _Scoring:
    """Return a release to MLflow, which finds this function by its name."""
    return _Scoring(load_release(Path(path)).score)
