"""The features that ship, in the order of a snapshot's columns."""

from features.catalog.basket import BASKET
from features.catalog.frequency import FREQUENCY
from features.catalog.money import MONEY
from features.catalog.recency import RECENCY
from features.catalog.rhythm import RHYTHM
from features.feature import FeatureSet

CORE = FeatureSet((*RECENCY, *FREQUENCY, *MONEY, *RHYTHM, *BASKET))
"""What models are fitted on; `training` says so. More of the catalogue enters here when it is shown to help."""

CATALOG = FeatureSet((*CORE,))
"""Every feature: what snapshots hold and segments may name."""
