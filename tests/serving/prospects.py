"""The made-up shop with people who never ordered: signed up, with something in the cart, known by a visit alone."""

from pathlib import Path

import pandas as pd

from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from segments.segment import load_library
from serving import batch
from tests.serving.shop import CUTOFF, NOW, Shop

SIGNED_UP = {"s-new": "2023-06-20", "s-old": "2022-02-01", "c010": "2022-01-05", "' OR 1=1 --": "2023-06-01"}
"""Of these, c010 is a customer with orders."""
PROSPECTS = ["' OR 1=1 --", "e-cart", "i-seen", "s-new", "s-old"]
AFTER = ["s-late", "a-nobody"]
"""Signed up after the cutoff; never identified."""


def sign_up(shop: Shop, directory: Path) -> None:
    """Import people who never ordered, and what they did; nobody's orders change."""
    directory.mkdir(exist_ok=True)
    ledger = Ledger(shop.home)
    described = pd.DataFrame(
        {
            "customer_id": [*SIGNED_UP, "s-late"],
            "known_at": [*SIGNED_UP.values(), "2023-06-28"],
            "signed_up_at": [*SIGNED_UP.values(), "2023-06-28"],
            "email": [f"{number}@example.com" for number in range(len(SIGNED_UP) + 1)],
            "email_consent": True,
            "birth_date": "1990-07-04",
        }
    )
    done = pd.DataFrame(
        [
            ("e-1", "Product Added", "2023-06-25T10:00:00Z", "e-cart", None),
            ("e-2", "Product Viewed", "2023-06-25T09:00:00Z", "s-new", None),
            ("e-3", "Product Viewed", "2023-06-24T09:00:00Z", None, "visitor-1"),
            ("e-4", "Product Viewed", "2023-06-24T09:00:00Z", None, "a-nobody"),
            ("e-5", "Product Viewed", "2023-06-24T09:00:00Z", "c011", None),
        ],
        columns=["event_id", "event", "happened_at", "customer_id", "anonymous_id"],
    )
    done["known_at"] = done["happened_at"]
    known = pd.DataFrame(
        {
            "anonymous_id": ["visitor-1"],
            "customer_id": ["i-seen"],
            "known_at": ["2023-06-24T10:00:00Z"],
            "how": ["login"],
        }
    )
    for table, frame in ((CUSTOMERS, described), (EVENTS, done), (IDENTITIES, known)):
        path = directory / f"{table.name}.csv"
        frame.to_csv(path, index=False)
        import_files(ledger, table, [path], imported_at=NOW)


def score(shop: Shop) -> batch.RunSummary:
    """Score a shop again as of the same cutoff."""
    return batch.run(shop.home, shop.release, load_library(), CUTOFF)
