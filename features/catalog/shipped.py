"""The features that ship, in the order of a snapshot's columns."""

from features.catalog.attributes import ATTRIBUTES
from features.catalog.basket import BASKET, MORE_BASKET
from features.catalog.email import EMAIL
from features.catalog.events import EVENTS
from features.catalog.first_order import FIRST_ORDER
from features.catalog.frequency import FREQUENCY
from features.catalog.money import MONEY, MORE_MONEY
from features.catalog.recency import RECENCY
from features.catalog.rhythm import MORE_RHYTHM, RHYTHM
from features.catalog.season import SEASON
from features.catalog.store import STORE
from features.catalog.windows import WINDOWS
from features.feature import FeatureSet

CORE = FeatureSet((*RECENCY, *FREQUENCY, *MONEY, *RHYTHM, *BASKET))
"""What models are fitted on; `training` says so. More of the catalogue enters here when it is shown to help."""

CATALOG = FeatureSet(
    (
        *CORE,
        *(*WINDOWS, *MORE_MONEY, *MORE_RHYTHM, *SEASON, *MORE_BASKET, *FIRST_ORDER),
        *(*EVENTS, *EMAIL, *ATTRIBUTES, *STORE),
    )
)
"""Every feature: what snapshots hold and segments may name."""
