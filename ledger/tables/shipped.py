"""Every table of the ledger, listed once: the views, the documentation and the imports read this list."""

from ledger.tables.customers import CUSTOMERS
from ledger.tables.erased import ERASED
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS
from ledger.tables.pauses import PAUSES
from ledger.tables.products import PRODUCTS
from ledger.tables.rejected import REJECTED
from ledger.tables.reminders import REMINDERS
from ledger.tables.subscriptions import SUBSCRIPTIONS

TABLES = (
    ORDERS,
    PRODUCTS,
    CUSTOMERS,
    EVENTS,
    IDENTITIES,
    SUBSCRIPTIONS,
    REMINDERS,
    PAUSES,
    REJECTED,
    ERASED,
)
