"""Refills by product and category: what is due for how many, and for whom, with states and why nobody is reminded."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models.gaps import LEVELS
from serving.answers import Answer, plain, stamp
from serving.errors import Problem, ProblemError, shown
from serving.look.charts import Chart, Series
from serving.look.files import download
from serving.look.kept import Kept
from serving.look.page import Asked, Download
from serving.look.products import last_part, titles
from serving.look.texts import say
from serving.look.turning import page_of
from serving.reminders.answers import LEAVES_OUT, demand, read_wanted
from serving.reminders.calendar import items, level_of
from serving.reminders.listing import Wanted
from serving.reminders.states import STATES
from serving.store import PublishedRun

A_PAGE: Final = 50
FILTERS: Final = ("customer", "product", "category", "level", "suppressed", "due_from", "due_to")
SORTED: Final = [
    ("next_purchase_p50", "ascending"),
    *((name, "ascending") for name in ("customer_id", "level", "product_id", "category")),
]
LIGHT: Final = frozenset(
    {name for name, _ in SORTED}
    | {"offer_product_id", "state", "suppressed_because", "p_due_14d", "value_if_bought"}
)
SEARCH_LENGTH: Final = 200
FILE_ROWS: Final = 200_000
"""A longer list is not written within the time of an answer."""
_ITEMS: Final = Kept[pa.Table](4)


def products(asked: Asked) -> Answer:
    """Return the products or categories that are bought again, what is due for most customers first."""
    run, given = asked.run, asked.given
    level = given.get("level") or level_of(run)
    if level not in LEVELS:
        expected = ", ".join(LEVELS)
        raise ProblemError(Problem("bad-request", "level is neither", "level", expected, shown(level)))
    search = given.get("q", "").strip()[:SEARCH_LENGTH]
    table = _ITEMS.of(run, level, lambda: _named(run, items(run, level)))
    for word in search.split():
        table = table.filter(pc.match_substring(table["said"], word, ignore_case=True))
    page, pages = page_of(given, table.num_rows, A_PAGE)
    rows = table.slice((page - 1) * A_PAGE, A_PAGE).drop_columns(["said"]).to_pylist()
    return {
        **stamp(run),
        "currency": run.facts.currency,
        "level": level,
        "levels": [each for each in LEVELS if each == level or _has(run, each)],
        "search": search,
        "states": STATES,
        "items": rows,
        "total": table.num_rows,
        "page_number": page,
        "pages": pages,
    }


def listed(asked: Asked) -> Answer:
    """
    Return refills, the next to be bought first, with the filters that chose them and what is expected of the item.

    Raises
    ------
    ProblemError
        When a filter cannot be read; names it.
    """
    run = asked.run
    given = _given(asked)
    wanted = read_wanted(given)
    found = _found(run, wanted)
    page, pages = page_of(asked.given, found.num_rows, A_PAGE)
    shown_rows = _page(run, wanted, found, page)
    named = titles(run, [each for row in shown_rows for each in (row["product_id"], row["offer_product_id"])])
    value = pc.sum(pc.multiply(found["p_due_14d"], pc.fill_null(found["value_if_bought"], 0.0))).as_py()
    return {
        **stamp(run),
        "currency": run.facts.currency,
        "given": {**dict.fromkeys(FILTERS, ""), **given, "state": wanted.states},
        "item": _item(run, wanted),
        "states": STATES,
        "total": found.num_rows,
        "customers": pc.count_distinct(found["customer_id"]).as_py(),
        "expected_value": value or 0.0,
        "refills": [_told(row, named) for row in shown_rows],
        "demand": _demand(run, wanted),
        "page_number": page,
        "pages": pages,
    }


def refills_file(asked: Asked) -> Download:
    """Return the refills that the filters choose as CSV: as `regulars export replenishment` writes them."""
    wanted = read_wanted(_given(asked))
    found = _found(asked.run, wanted)
    if found.num_rows > FILE_ROWS:
        detail = "the list is too long for an answer; narrow it, or run regulars export replenishment"
        expected, got = f"at most {FILE_ROWS:,} refills", f"{found.num_rows:,}"
        raise ProblemError(Problem("bad-request", detail, "query", expected, got))
    chosen = found["row"].take(pc.sort_indices(found, sort_keys=SORTED))
    return download(_rows(asked.run, wanted).take(chosen), "refills.csv")


def charts(told: Answer) -> Mapping[str, Chart]:
    """Return how many pieces are expected to be bought each day."""
    days = told["demand"]["days"]
    if not days:
        return {}
    low, expected, high = (
        [each[name] for each in days] for name in ("units_p10", "expected_units", "units_p90")
    )
    return {
        "units": Chart(
            say("refills.units"),
            [each["date"] for each in days],
            [
                Series(say("refills.low"), low, "low", "decimal"),
                Series(say("refills.expected"), expected, "line", "decimal"),
                Series(say("refills.high"), high, "high", "decimal"),
            ],
            say("refills.day"),
        )
    }


def _given(asked: Asked) -> dict[str, str]:
    """Return the filters that were filled in; a form sends the others empty."""
    given = {name: asked.given[name] for name in FILTERS if asked.given.get(name)}
    states = [each for text in asked.listed.get("state", ()) for each in text.split(",") if each]
    return {**given, "state": ",".join(states)} if states else given


def _found(run: PublishedRun, wanted: Wanted) -> pa.Table:
    """Return the refills that are asked for, by what they are chosen and sorted by alone: their texts are long."""
    rows = _rows(run, wanted)
    light = rows.drop_columns([name for name in rows.column_names if name not in LIGHT])
    return wanted.among(light.append_column("row", pa.array(np.arange(rows.num_rows))))


def _rows(run: PublishedRun, wanted: Wanted) -> pa.Table:
    return run.tables["replenishment"] if wanted.customer is None else run.replenishment_of(wanted.customer)


def _page(run: PublishedRun, wanted: Wanted, found: pa.Table, page: int) -> list[dict[str, Any]]:
    if not found.num_rows:
        return []
    first = pc.select_k_unstable(found, k=min(page * A_PAGE, found.num_rows), sort_keys=SORTED)
    chosen = found["row"].take(first[(page - 1) * A_PAGE :])
    return list(_rows(run, wanted).take(chosen).to_pylist())


def _told(row: Mapping[str, Any], named: Mapping[str, str]) -> dict[str, Any]:
    product, offered = row["product_id"], row["offer_product_id"]
    return {
        **{name: plain(value) for name, value in row.items()},
        "title": named.get(product) or product or last_part(row["category"]),
        "offer_title": named.get(offered) or offered,
    }


def _item(run: PublishedRun, wanted: Wanted) -> dict[str, Any] | None:
    """Return the one product or category that is asked for."""
    if wanted.product is not None:
        title = titles(run, [wanted.product]).get(wanted.product, wanted.product)
        return {"level": "product", "id": wanted.product, "title": title}
    if wanted.category is not None:
        return {"level": "category", "id": wanted.category, "title": last_part(wanted.category)}
    return None


def _demand(run: PublishedRun, wanted: Wanted) -> dict[str, Any]:
    """Return what is expected of the one item; no days of several, nor of one that nobody ever bought."""
    nothing: dict[str, Any] = {"days": [], "note": LEAVES_OUT}
    level, item = ("product", wanted.product) if wanted.product else ("category", wanted.category)
    if item is None:
        return nothing
    try:
        told = demand(run, {level: item})
    except ProblemError:
        return nothing
    return {"days": told["days"], "note": told["note"]}


def _has(run: PublishedRun, level: str) -> bool:
    return bool(pc.any(pc.equal(run.tables["demand"]["level"], level)).as_py())


def _named(run: PublishedRun, table: pa.Table) -> pa.Table:
    """Add what each is called, and the text that a search looks through."""
    ids: Sequence[str] = table["item"].to_pylist()
    known = titles(run, ids)
    called = [known.get(each) or last_part(each) for each in ids]
    paths = table["category"].to_pylist()
    said = [" ".join(filter(None, words)) for words in zip(ids, called, paths, strict=True)]
    return table.append_column("title", pa.array(called, pa.string())).append_column(
        "said", pa.array(said, pa.string())
    )
