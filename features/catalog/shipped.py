"""The features that ship, in the order of a snapshot's columns."""

from features.catalog.basket import BASKET
from features.catalog.frequency import FREQUENCY
from features.catalog.money import MONEY
from features.catalog.recency import RECENCY
from features.catalog.rhythm import RHYTHM
from features.feature import FeatureSet

CATALOG = FeatureSet((*RECENCY, *FREQUENCY, *MONEY, *RHYTHM, *BASKET))
