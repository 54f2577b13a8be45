"""Snapshots and their outcomes at many cutoffs of one ledger, each computed once."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pandas as pd

from features.catalog.shipped import CORE
from features.cutoff import Cutoff
from features.feature import FeatureSet
from features.stored import StoredSnapshots
from models.boosting import sample
from models.predictor import Outcomes
from training.folds import training_cutoffs
from training.outcomes import outcomes, read_joined, read_orders

MOST_ROWS_A_CUTOFF = 50_000
"""Customers learnt from at one cutoff. Trees take 100,000 rows of all cutoffs; more would fill the memory unread."""
MOST_CUSTOMERS = 200_000
"""Customers asked about at one cutoff: judged, and what a store's own numbers are read off. A share of them is known to
a tenth of a percent, the AUC to a five-hundredth, and a store's totals to some thousandths of themselves."""


@dataclass
class Dataset:
    """Training rows of one ledger, by cutoff.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        A ledger connection.
    known_until : Cutoff
        Outcomes are read as known then; no window may end later.
    horizon_days : int, days
    stored : StoredSnapshots, optional
        Over the same connection; by default none are kept from one run to the next.
    inputs : FeatureSet
        What the trees read: `features.catalog.shipped.CORE`, which the purchase processes need, and any other.
    most_rows_a_cutoff, most_customers : int
        Of a larger store some customers are learnt from, and some are asked about. They are drawn by chance, each as
        likely as any other, apart for every cutoff and the same every time. The others are not described, and no
        memory is kept for them.
    """

    connection: duckdb.DuckDBPyConnection
    known_until: Cutoff
    horizon_days: int
    stored: StoredSnapshots | None = None
    inputs: FeatureSet = CORE
    most_rows_a_cutoff: int = MOST_ROWS_A_CUTOFF
    most_customers: int = MOST_CUSTOMERS
    _snapshots: dict[Cutoff, pd.DataFrame] = field(default_factory=dict)
    _sampled: dict[Cutoff, pd.DataFrame] = field(default_factory=dict)
    _joined: "dict[Cutoff, pd.Series[str]]" = field(default_factory=dict)
    _orders: pd.DataFrame | None = None

    @property
    def orders(self) -> pd.DataFrame:
        """What every id bought on each day, as known at the end: customer_id, order_day, paid, refunded."""
        if self._orders is None:
            self._orders = self.orders_as_of(self.known_until)
        return self._orders

    def orders_as_of(self, cutoff: Cutoff) -> pd.DataFrame:
        """Return the same as known at a cutoff."""
        return read_orders(self._stored, cutoff)

    @property
    def first_order_day(self) -> int | None:
        """Local day number of the first order; None in a ledger without one."""
        days = self._days_with_orders
        return None if days.empty else int(days.min())

    @property
    def last_order_day(self) -> int | None:
        """Local day number of the last order; None in a ledger without one."""
        days = self._days_with_orders
        return None if days.empty else int(days.max())

    @property
    def _days_with_orders(self) -> "pd.Series[int]":
        return self.orders.loc[self.orders["paid"] > self.orders["refunded"], "order_day"]

    def joined(self, cutoff: Cutoff) -> "pd.Series[str]":
        """Return the customer of every id that is somebody else as known at a cutoff, indexed by the id."""
        if cutoff not in self._joined:
            self._joined[cutoff] = read_joined(self.connection, cutoff)
        return self._joined[cutoff]

    def training_cutoffs(self, as_of: Cutoff) -> tuple[Cutoff, ...]:
        """Return the cutoffs whose outcomes are complete as of a date, newest first; maybe none."""
        day = self.first_order_day
        return () if day is None else training_cutoffs(day, as_of, self.horizon_days)

    def stage(self, cutoff: Cutoff) -> None:
        """Stage the history as of a cutoff as `features.history.stage` does; snapshots read before are kept."""
        self._stored.stage(cutoff)

    def customers(self, cutoff: Cutoff) -> int:
        """Return how many customers are known before a cutoff."""
        return self._stored.customers(cutoff)

    def snapshot(self, cutoff: Cutoff) -> pd.DataFrame:
        """Return who is asked about at a cutoff: a row a customer known before it, at most `most_customers`."""
        if cutoff not in self._snapshots:
            self._snapshots[cutoff] = self._read(cutoff, self.most_customers)
        return self._snapshots[cutoff]

    def more(self, cutoff: Cutoff, features: FeatureSet) -> pd.DataFrame:
        """Return customer_id and other features of the customers of `snapshot(cutoff)`, row by row."""
        return self._read(cutoff, self.most_customers, features)

    def sampled(self, cutoff: Cutoff) -> pd.DataFrame:
        """Return what is learnt from at a cutoff: the customers known before it, at most `most_rows_a_cutoff`."""
        if cutoff not in self._sampled:
            few = self.customers(cutoff) <= self.most_rows_a_cutoff
            self._sampled[cutoff] = (
                self.snapshot(cutoff) if few else self._read(cutoff, self.most_rows_a_cutoff)
            )
        return self._sampled[cutoff]

    def _read(self, cutoff: Cutoff, most: int, features: FeatureSet | None = None) -> pd.DataFrame:
        features = features or self.inputs
        known = self.customers(cutoff)
        if known <= most:
            table = self._stored.at(cutoff, features)
        else:
            rows = sample(known, most, np.random.default_rng(abs(cutoff.day)))
            table = self._stored.some(cutoff, features, rows)
        frame: pd.DataFrame = table.to_pandas()
        return frame

    @property
    def _stored(self) -> StoredSnapshots:
        self.stored = self.stored or StoredSnapshots(self.connection)
        return self.stored

    def outcomes(self, cutoff: Cutoff, customers: "pd.Series[str] | None" = None) -> Outcomes:
        """Return what customers known at a cutoff did next: some of them, or all of `snapshot(cutoff)`.

        Raises
        ------
        ValueError
            When the window ends after what is known.
        """
        if cutoff.plus_days(self.horizon_days).at > self.known_until.at:
            raise ValueError(
                f"the {self.horizon_days} days after {cutoff.local_date} end after {self.known_until.local_date}"
            )
        return self.window(cutoff, cutoff, customers)

    def window(self, start: Cutoff, cutoff: Cutoff, customers: "pd.Series[str] | None" = None) -> Outcomes:
        """Return what customers known at a cutoff did in one horizon from `start`; nothing is checked."""
        customers = self.snapshot(cutoff)["customer_id"] if customers is None else customers
        return outcomes(self.orders, self.joined(cutoff), customers, start, self.horizon_days)

    def stacked(self, cutoffs: Sequence[Cutoff]) -> tuple[pd.DataFrame, Outcomes]:
        """Return what is learnt from at several cutoffs, under each other, and their outcomes row by row."""
        sampled = [self.sampled(cutoff) for cutoff in cutoffs]
        happened = [
            self.outcomes(cutoff, some["customer_id"]) for cutoff, some in zip(cutoffs, sampled, strict=True)
        ]
        rows = pd.concat(sampled, ignore_index=True)
        return rows, Outcomes(
            horizon_days=self.horizon_days,
            next_order_days=np.concatenate([each.next_order_days for each in happened]),
            orders=np.concatenate([each.orders for each in happened]),
            value=np.concatenate([each.value for each in happened]),
        )
