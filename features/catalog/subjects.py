"""What a feature is about: the subjects under which reasons and importances are summed.

Ten features that say nearly the same would fill any list of reasons; by subject they are told once, by the strongest.
"""

from dataclasses import dataclass

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
from features.feature import Feature


@dataclass(frozen=True)
class Subject:
    """What several features are about.

    Parameters
    ----------
    name : str
        For machines.
    title : str
        For readers.
    """

    name: str
    title: str


HISTORY = Subject("history", "orders so far, and how long ago")
LATELY = Subject("lately", "orders lately")
MONEY_SPENT = Subject("money", "money spent")
RHYTHM_OF_ORDERS = Subject("rhythm", "time between orders")
TIMES = Subject("times", "weekdays and hours of orders")
WHAT_IS_BOUGHT = Subject("basket", "what is bought")
BEGINNING = Subject("first_order", "the first order")
SEASON_AND_STORE = Subject("season", "season, and how the store fares")
VISITS = Subject("visits", "visits, carts and searches")
EMAILS = Subject("emails", "e-mails")
PERSON = Subject("attributes", "who the customer is")
OTHER = Subject("other", "other features")


def _subject(listed: Subject, feature: Feature) -> Subject:
    """Return a feature's subject: its list's, unless its name says that it is about something else."""
    if feature.name == "orders":
        return HISTORY
    if feature in {*RHYTHM, *MORE_RHYTHM} and feature.name.endswith("_order_share"):
        return TIMES
    if feature in WINDOWS:
        beginnings = {"orders_": LATELY, "spend_": MONEY_SPENT, "lines_": WHAT_IS_BOUGHT}
        return next(found for start, found in beginnings.items() if feature.name.startswith(start))
    return listed


_LISTS = (
    (HISTORY, RECENCY),
    (LATELY, (*FREQUENCY, *WINDOWS)),
    (MONEY_SPENT, (*MONEY, *MORE_MONEY)),
    (RHYTHM_OF_ORDERS, (*RHYTHM, *MORE_RHYTHM)),
    (WHAT_IS_BOUGHT, (*BASKET, *MORE_BASKET)),
    (BEGINNING, FIRST_ORDER),
    (SEASON_AND_STORE, (*SEASON, *STORE)),
    (VISITS, EVENTS),
    (EMAILS, EMAIL),
    (PERSON, ATTRIBUTES),
)
_SUBJECTS = {feature.name: _subject(listed, feature) for listed, features in _LISTS for feature in features}


SUBJECTS = tuple(dict.fromkeys((*_SUBJECTS.values(), OTHER)))
"""Every subject that a feature may have."""


def subject_of(name: str) -> Subject:
    """Return what a feature is about; one that does not ship is about OTHER."""
    return _SUBJECTS.get(name, OTHER)
