"""Every table of the ledger, listed once: the views, the documentation and the imports read this list."""

from ledger.tables.orders import ORDERS
from ledger.tables.products import PRODUCTS
from ledger.tables.rejected import REJECTED

TABLES = (ORDERS, PRODUCTS, REJECTED)
