"""docs/features.md, written from the catalog."""

from collections.abc import Iterable

from features.catalog.shipped import CATALOG
from features.feature import Feature
from features.relations import RELATIONS
from ledger.identity import MOST_CUSTOMERS

_INTRODUCTION = """\
# Features

<!-- Generated from features/catalog by `make docs`; do not edit. -->

A feature is one SQL aggregate over what was known of a customer before a cutoff. Training, the nightly run and a
single request run the same text, so a feature has one value whoever asks. Fingerprint of this set, kept in every
release: `{fingerprint}`.

- A customer without a valid order has a row as well. A feature with nothing to aggregate is NULL, never 0 by accident;
  counts and sums over a window that is empty are 0 where the table says so.
- Orders on one local day count once. Money is summed in hundredths of the currency and shown in the currency, net of
  the refunds known at the cutoff.
- What the customer did in the shop, who he is and how the store fares are features too (the relations `events`,
  `attributes` and `store`). A count of things that not every shop records is 0 for a customer without any once the
  shop has recorded one such event by the cutoff, whoever did it, and NULL for everyone before. Events count under the
  names of docs/ledger.md, and a customer known by events or a sign-up alone has no row: snapshots describe who
  ordered.
- A cart or checkout is abandoned when neither a paid line, whatever became of it, nor an Order Completed is known on
  that day or the next by the cutoff. So yesterday's cart is abandoned until it is bought today.
- A history that is posted to the service is compared with the store of the last scoring run, and brings orders alone:
  its features of events and of who the customer is are NULL, also where the scoring run knows them. Models are
  fitted on orders alone; a segment that names such a column has no member among posted histories.
- A customer is everyone he is known to be at the cutoff: what was bought under a visitor's id or a duplicate account
  that was merged into him by then is his, and those ids have no row of their own. An id that was more than
  {most} customers by then is a hub, a shared device for instance, and joins nobody. A merge learnt later
  changes no row of an earlier cutoff.
- To add a feature, add a row to a list in `features/catalog/` and run `make docs`.
"""


def page() -> str:
    """Return the page's text."""
    sections = [_INTRODUCTION.format(fingerprint=CATALOG.fingerprint[:16], most=MOST_CUSTOMERS)]
    sections += [_features(relation) for relation in RELATIONS]
    sections += ["## What fragments may name\n", *(_columns(relation) for relation in RELATIONS)]
    return "\n".join(sections)


def _features(relation: str) -> str:
    rows = [_row(feature) for feature in CATALOG if feature.over == relation]
    return (
        f"## Over {relation}\n\nOne row of `{relation}` is {RELATIONS[relation].holds}.\n\n"
        f"{_table(('feature', 'unit', 'means', 'when empty', 'SQL'), rows)}"
    )


def _row(feature: Feature) -> tuple[str, ...]:
    empty = "NULL" if feature.empty is None else str(feature.empty)
    if isinstance(feature.empty, str):
        empty = f"0 or NULL: `{feature.empty}`"
    return (f"`{feature.name}`", feature.unit, feature.means, empty, f"`{feature.sql}`")


def _columns(relation: str) -> str:
    rows = [(f"`{name}`", means) for name, means in RELATIONS[relation].columns.items()]
    return f"### {relation}\n\n{_table(('column', 'means'), rows)}"


def _table(header: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
