"""Which segments of the library can hold somebody who never ordered."""

import numpy as np
import pandas as pd

from features.catalog.shipped import CATALOG
from models.scores import SCORES
from segments.assign import compile_segments, parse_all
from segments.derived import statistics_of
from segments.documentation import OF_PROSPECTS
from segments.segment import load_library
from segments.vocabulary import REFILL_NAMES, vocabulary

PEOPLE = 4_000
OF_ORDERS = {"known_orders", "known_items", "known_seasons", "known_price_shares"}
TEXTS = {
    "usual_device": ("mobile", "tablet", "desktop"),
    "group_of('lifecycle', days_ago = 7)": ("prospect_active", "prospect_at_risk", "prospect_churned"),
    "group_of('rfm', days_ago = 7)": ("prospects",),
}


def made_up(needs: tuple[str, ...], measured: dict[str, tuple[str, str]]) -> pd.DataFrame:
    """Return people without an order of whom anything else may be known."""
    random = np.random.default_rng(5)
    of_orders = {f.name: f.empty for f in CATALOG if f.over not in {"events", "attributes"}}
    frame: dict[str, object] = {"customer_id": [f"{number:04d}" for number in range(PEOPLE)]}
    for name in needs:
        source, empty = measured.get(name, ("", ""))
        values: object = random.choice([np.nan, 0.0, 0.0, 1.0, 2.0, 5.0, 40.0, 400.0], PEOPLE)
        if name in TEXTS:
            values = random.choice(np.array([None, *TEXTS[name]]), PEOPLE)
        elif name in REFILL_NAMES or name.startswith("was_in_segment('loyal"):
            values = 0.0
        elif name in of_orders:
            values = np.nan if of_orders[name] is None else float(of_orders[name])  # type: ignore[arg-type]
        elif name in {score.name for score in SCORES}:
            values = np.nan
        elif source in OF_ORDERS:
            values = np.nan if empty == "NULL" else float(empty)
        elif name == "today":
            values = 17_000.0
        elif name == "birth_date":
            values = random.integers(0, 10_000, PEOPLE).astype(float)
        frame[name] = values if isinstance(values, np.ndarray) else [values] * PEOPLE
    return pd.DataFrame(frame)


def test_only_segments_that_ask_for_no_order_hold_people_who_never_ordered() -> None:
    columns = vocabulary((*CATALOG, *SCORES))
    library = load_library()
    parsed = parse_all(library, columns).values()
    numbers = [each for expression in parsed for each in statistics_of(expression)]
    known = {each.key: 1.0 for each in numbers}
    known |= {f"{each.column.name}:known": 1.0 for each in numbers if each.column}
    known |= {f"A_{count}": 30.0 for count in range(4)} | {f"C_{count}": 180.0 for count in range(4)}
    assigner = compile_segments(library, columns, known, {})
    measured = {each.name: (each.source, each.empty) for each in assigner.measured}
    found = assigner.assign(made_up(assigner.needs, measured))
    assert set(found["segment"].to_pylist()) == set(OF_PROSPECTS)
