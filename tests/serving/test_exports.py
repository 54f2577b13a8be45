import csv
import datetime as dt
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pa_parquet
import pytest

from ledger.errors import InputError
from ledger.home import Home
from serving import tables
from serving.export.exports import export_replenishment, export_scores, export_segment
from serving.export.shipped import DESTINATIONS

MONDAY = dt.datetime(2018, 1, 1, 5, tzinfo=dt.UTC)
TUESDAY = dt.datetime(2018, 1, 2, 5, tzinfo=dt.UTC)


def scores(as_of: dt.datetime, clv: list[float]) -> pa.Table:
    table = pa.table({"customer_id": ["b", "a"], "confidence": ["model", "rule"], "clv_365d": clv})
    return tables.with_run(table, as_of, "r1")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    for as_of, clv in ((MONDAY, [1.0, 2.0]), (TUESDAY, [10.0, 20.0])):
        tables.replace_as_of(home.scores, scores(as_of, clv), as_of)
    moments = pa.array([MONDAY, MONDAY, TUESDAY], tables.AS_OF)
    memberships = pa.table(
        {
            "customer_id": ["b", "a", "a"],
            "segment": ["loyal", "loyal", "dormant"],
            "entered_at": moments,
            "left_at": pa.array([None, TUESDAY, None], tables.AS_OF),
            "reasons": pa.array([["3 orders", "=1+1"], ["x"], ["y"]], pa.list_(pa.string())),
        }
    )
    tables.replace_all(home.memberships, memberships)
    return home


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def test_scores_are_those_of_the_latest_run_one_row_a_customer(home: Home, tmp_path: Path) -> None:
    assert export_scores(home, tmp_path / "scores.csv") == 2
    assert rows_of(tmp_path / "scores.csv") == [
        {
            "customer_id": "a",
            "as_of": "2018-01-02T05:00:00Z",
            "release": "r1",
            "confidence": "rule",
            "clv_365d": "20",
        },
        {
            "customer_id": "b",
            "as_of": "2018-01-02T05:00:00Z",
            "release": "r1",
            "confidence": "model",
            "clv_365d": "10",
        },
    ]


def test_parquet_keeps_the_columns_in_the_order_of_the_table(home: Home, tmp_path: Path) -> None:
    export_scores(home, tmp_path / "scores.parquet")
    names = pa_parquet.read_schema(tmp_path / "scores.parquet").names
    assert names == ["customer_id", "as_of", "release", "confidence", "clv_365d"]


def test_the_named_destination_beats_the_file_ending(home: Home, tmp_path: Path) -> None:
    export_scores(home, tmp_path / "scores.txt", to="csv")
    assert len(rows_of(tmp_path / "scores.txt")) == 2


def test_a_segment_holds_its_present_members_with_reasons_and_scores(home: Home, tmp_path: Path) -> None:
    assert export_segment(home, "loyal", tmp_path / "loyal.csv") == 1
    (row,) = rows_of(tmp_path / "loyal.csv")
    assert (row["customer_id"], row["reasons"], row["clv_365d"]) == ("b", "3 orders; =1+1", "10")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\uff1d"])
def test_a_csv_cell_that_a_spreadsheet_would_run_is_made_text(start: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    hostile = f"{start}cmd|' /C calc'!A0"
    table = tables.with_run(pa.table({"customer_id": [hostile], "clv_365d": [-3.5]}), MONDAY, "r1")
    tables.replace_as_of(home.scores, table, MONDAY)
    export_scores(home, tmp_path / "scores.csv")
    (row,) = rows_of(tmp_path / "scores.csv")
    assert row["customer_id"] == "'" + hostile
    assert row["clv_365d"] == "-3.5"


@pytest.mark.parametrize(
    ("out", "to", "message"),
    [
        ("missing/scores.csv", None, "there is no directory"),
        ("scores.xlsx", None, "unknown file ending '.xlsx' of --out; give --to with one of: csv, parquet"),
        ("scores.csv", "fax", "unknown destination 'fax'; give --to with one of: csv, parquet"),
        ("home", "csv", "is a directory; give a file name in it"),
    ],
)
def test_an_export_that_cannot_be_written_says_why(
    home: Home, tmp_path: Path, out: str, to: str | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        export_scores(home, tmp_path / out, to)


def test_a_write_that_fails_leaves_the_earlier_file_and_nothing_else(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "scores.csv"
    out.write_text("earlier")

    def fail(_: pa.Table, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    for destination in DESTINATIONS:
        monkeypatch.setitem(destination.__dict__, "write", fail)
    with pytest.raises(InputError, match="No space left on device"):
        export_scores(home, out)
    assert out.read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "scores.csv"]


def test_an_export_before_any_run_says_what_to_do_first(tmp_path: Path) -> None:
    for export in (export_scores, export_replenishment):
        with pytest.raises(InputError, match="nothing has been scored yet; run `regulars score`"):
            export(Home(tmp_path), tmp_path / "out.csv")


def test_a_segment_nobody_was_in_points_to_the_list(home: Home, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="segment 'typo' has no members; `regulars segments list`"):
        export_segment(home, "typo", tmp_path / "out.csv")
