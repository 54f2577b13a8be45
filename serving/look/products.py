"""What products are called, as a run knew it."""

from collections.abc import Iterable, Mapping

import pyarrow as pa

from serving.store import PublishedRun


def titles(run: PublishedRun, product_ids: Iterable[str | None]) -> Mapping[str, str]:
    """Return the titles of some products by id; nothing of those without one."""
    wanted = pa.array(sorted({each for each in product_ids if each is not None}), pa.string())
    if not len(wanted) or "title" not in run.tables["products"].column_names:
        return {}
    known = run.products_of(wanted).select(["product_id", "title", "known_at"]).sort_by("known_at")
    rows = zip(known["product_id"].to_pylist(), known["title"].to_pylist(), strict=True)
    return {product: title for product, title in rows if title}


def last_part(category: str) -> str:
    """Return what a category is called without what it lies in."""
    return category.rpartition(" > ")[2]
