"""Every layout of other systems' files, listed once: `--format` and the conformance suite read this list."""

from ledger.importers.online_retail import LAYOUT as ONLINE_RETAIL
from ledger.importers.shopify import LAYOUT as SHOPIFY
from ledger.importers.woocommerce import LAYOUT as WOOCOMMERCE

LAYOUTS = (SHOPIFY, WOOCOMMERCE, ONLINE_RETAIL)
