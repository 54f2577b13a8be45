"""What people get wrong first, through the command line: one clear line, exit code 2, nothing half-written."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.home import Home
from ledger.store import Ledger
from regulars import cli

HEADER = "customer_id,order_id,ordered_at,net_amount\n"


def _regulars(*arguments: str | Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Return exit code, stdout and the last line of stderr (those before it are steps)."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err.splitlines()[-1] if captured.err else ""


def _write(folder: Path, content: bytes, name: str = "orders.csv") -> Path:
    (folder / name).write_bytes(content)
    return folder / name


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "orders.csv is empty; a header line and rows are expected"),
        (HEADER.encode(), "orders.csv"),
        (b"customer_id,order_id,ordered_at\na,1,2020-01-01\n", "missing required column net_amount"),
        ((HEADER + "M\u00fcller,1,2020-01-01,3\n").encode("latin-1"), "is not utf-8: byte 45 (line 2)"),
        (
            (HEADER + "a,1,-0001-01-01,3\n").encode(),
            "none of 1 rows could be taken; orders.csv, line 2: ordered_at is not",
        ),
        ((HEADER + "a,1,1969-12-31,3\n").encode(), "line 2: ordered_at is before 1970"),
        ((HEADER + "a,1,2020-01-01,-3\n").encode(), "line 2: net_amount"),
    ],
    ids=[
        "empty",
        "header only",
        "missing column",
        "not UTF-8",
        "negative date",
        "before 1970",
        "negative amount",
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_in_one_line_and_leaves_no_order(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    code, out, line = _regulars("import", "orders", _write(tmp_path, content), "--home", home, capsys=capsys)
    assert (code, out, line.startswith("regulars: "), told in line) == (2, "", True, True), line
    assert Ledger(Home(home)).shop_if_known() is None


def test_a_file_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, line = _regulars(
        "import", "orders", tmp_path / "no.csv", "--home", tmp_path / "h", capsys=capsys
    )
    assert (code, line) == (2, f"regulars: {tmp_path / 'no.csv'}: no such file or directory")


def test_a_duplicate_line_is_refused_with_its_number_and_the_rest_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = HEADER + "a,1,2020-01-01,3\na,1,2020-01-01,3\nb,2,2020-01-02,4\n"
    file = _write(tmp_path, rows.encode())
    code, out, _ = _regulars("import", "orders", file, "--home", tmp_path / "h", "--json", capsys=capsys)
    report = json.loads(out)
    assert (code, report["added"], report["rejected"]) == (0, 2, 1)
    assert report["reasons"] == [
        {
            "text": "duplicate of another line; give line_id to keep both",
            "rows": 1,
            "file_name": "orders.csv",
            "place": "line",
            "line": 3,
        }
    ]


def test_the_same_file_again_adds_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = _write(tmp_path, (HEADER + "a,1,2020-01-01,3\nb,2,2020-01-02,4\n").encode())
    _regulars("import", "orders", file, "--home", tmp_path / "h", capsys=capsys)
    _, out, _ = _regulars("import", "orders", file, "--home", tmp_path / "h", capsys=capsys)
    assert out == "orders: all 2 rows were there already, nothing was added\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    "rows",
    [
        "ann,1,2020-01-01,30\nann,2,2020-02-01,40\nann,3,2020-03-01,20\n",
        "ann,1,2020-01-01,30\nbob,2,2020-01-01,40\n",
    ],
    ids=["one customer", "one day"],
)
def test_a_tiny_shop_gets_answers_that_say_how_little_they_rest_on(
    rows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home, out = tmp_path / "home", tmp_path / "scores.parquet"
    file = _write(tmp_path, (HEADER + rows).encode())
    steps = (["import", "orders", file], ["train"], ["score"], ["export", "scores", "--out", out])
    codes = [_regulars(*step, "--home", home, capsys=capsys)[0] for step in steps]
    assert codes == [0, 0, 0, 0]
    scores = _rows(out)
    customers = sorted({row.split(",")[0] for row in rows.split()})
    assert [row["customer_id"] for row in scores] == customers
    assert {row["confidence"] for row in scores} == {"rule"}
    assert all(0 <= row["p_order_7d"] <= row["p_order_90d"] <= 1 and row["clv_365d"] >= 0 for row in scores)


def _rows(parquet: Path) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq  # noqa: PLC0415

    return list(pq.read_table(parquet).to_pylist())
