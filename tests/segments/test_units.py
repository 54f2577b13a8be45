import duckdb
import pytest

from features.words import UNITS, shown, written
from segments.units import names_shown, shown_sql


@pytest.mark.parametrize(
    ("number", "unit", "currency", "text"),
    [
        (0.66, "probability", "", "66 %"),
        (0.005, "share", "", "0.5 %"),
        (1, "days", "", "1 day"),
        (30, "days_ago", "", "30 days"),
        (1200, "currency", "USD", "1,200 US dollars"),
        (99.5, "currency", "EUR", "99.50 euros"),
        (100, "currency", "XAF", "100 XAF"),
        (100, "currency", "", "100 in the shop's currency"),
        (3, "orders", "", "3"),
        (1.25, "furlongs", "", "1.25"),
    ],
)
def test_a_quantity_is_written_with_its_unit(number: float, unit: str, currency: str, text: str) -> None:
    assert written(number, unit, currency) == text


def test_a_computed_number_is_rounded_and_a_written_one_is_not() -> None:
    assert written(411.68721, "currency", "USD", rounded=True) == "411.69 US dollars"
    assert written(411.68721, "currency", "USD") == "411.68721 US dollars"


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (0.664, "probability", "66.4 %"),
        (0.5, "share", "50 %"),
        (1.0, "days_ago", "1 day"),
        (45.0, "days_ago", "45 days"),
        (7.25, "days", "7.2 days"),
        (1234.5, "currency", "1,234.50 US dollars"),
        (5.0, "orders", "5"),
    ],
)
def test_a_customers_own_value_is_shown_from_sql_and_from_python_alike(
    number: float, unit: str, text: str
) -> None:
    currency = "USD" if unit == "currency" else ""
    from_sql = duckdb.execute(f"SELECT {shown_sql(f'{number}e0', unit, currency)}").fetchall()
    assert from_sql == [(text,)]
    assert shown(number, unit, currency) == text


@pytest.mark.parametrize("unit", [name for name, row in UNITS.items() if row.dimension != "text"])
def test_sql_and_sentence_write_a_whole_number_of_each_unit_alike(unit: str) -> None:
    for number in (1.0, 3.0, 1200.0):
        assert duckdb.execute(f"SELECT {shown_sql(f'{number}e0', unit)}").fetchall() == [
            (written(number, unit),)
        ]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (0, "empty"),
        (1, "“n0”"),
        (3, "“n0”, “n1”, “n2”"),
        (1_200, "“n0”, “n1”, “n2” and 1,197 more"),
    ],
)
def test_of_a_long_list_the_first_names_are_told_from_sql_and_from_python_alike(
    names: int, told: str
) -> None:
    held = "".join(f"\nn{number}" for number in range(names)) + ("\n" if names else "")
    from_sql = duckdb.execute(
        f"SELECT {shown_sql('held', 'names')} FROM (SELECT ? AS held)", [held]
    ).fetchall()
    assert (from_sql, names_shown(held)) == ([(told,)], told)
