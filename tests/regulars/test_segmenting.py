"""`regulars segments` from the command line: what it takes, what it answers, what it refuses."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.home import Home
from regulars import cli
from tests.serving.segments.runs import follow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home with two runs: customers a to i, of whom some are in segments x and y."""
    path = tmp_path_factory.mktemp("home")
    follow(Home(path), {("a", "x"), ("b", "x"), ("c", "y")}, 1)
    follow(Home(path), {("b", "x"), ("c", "x")}, 2)
    return path


def ask(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:  # noqa: ANN401 - any JSON
    with pytest.raises(SystemExit) as ended:
        cli.main(["segments", *arguments, "--home", str(home), "--json"])
    assert ended.value.code == 0
    return json.loads(capsys.readouterr().out)


def refused(home: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        cli.main(["segments", *arguments, "--home", str(home)])
    assert ended.value.code == 2
    return capsys.readouterr().err


def test_the_list_and_one_segment_say_size_and_trend(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert {row["name"]: row["size"] for row in ask(home, capsys, "list")} == {"x": 2, "y": 0}
    trend = ask(home, capsys, "show", "x")["trend"]
    assert [(row["as_of"][:10], row["size"], row["entered"], row["left"]) for row in trend] == [
        ("2024-01-01", 2, 2, 0),
        ("2024-01-02", 2, 1, 1),
    ]


def test_members_of_a_past_day_are_those_of_that_days_run(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for day, who in (("2023-12-31", []), ("2024-01-01", ["a", "b"]), ("2024-01-05", ["b", "c"])):
        assert [row["customer_id"] for row in ask(home, capsys, "members", "x", "--as-of", day)] == who
    assert [row["customer_id"] for row in ask(home, capsys, "members", "x", "--limit", "1")] == ["b"]


def test_changes_go_on_from_a_token(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = ask(home, capsys, "changes", "x", "--limit", "3")
    rest = ask(home, capsys, "changes", "x", "--since", first["next"])
    told = [(row["customer_id"], row["kind"]) for row in (*first["changes"], *rest["changes"])]
    assert told == [("a", "entered"), ("b", "entered"), ("a", "left"), ("c", "entered")]
    assert (first["more"], rest["more"]) == (True, False)
    assert "begin without one" in refused(home, capsys, "changes", "x", "--since", "00000000-1")


def test_a_condition_is_tried_saved_edited_restored_and_its_versions_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    follow(Home(tmp_path), {("a", "x"), ("i", "x")}, 1)
    tried = ask(tmp_path, capsys, "preview", "clv_365d > 5")
    assert (tried["count"], tried["value"]) == (3, 6.0 + 7.0 + 8.0)
    assert tried["overlap"] == [{"name": "x", "both": 1, "share_of_these": 1 / 3, "share_of_those": 0.5}]
    assert ask(tmp_path, capsys, "save", "rich", "clv_365d > 5")["version"] == 1
    edit = ask(tmp_path, capsys, "edit", "rich", "clv_365d > 6")
    assert edit["version"] is None  # shown, not saved
    assert (edit["difference"]["stay"], edit["difference"]["leave"]) == (2, 1)
    assert [row["customer_id"] for row in edit["difference"]["leaving"]] == ["g"]
    assert ask(tmp_path, capsys, "edit", "rich", "clv_365d > 6", "--save")["version"] == 2
    assert ask(tmp_path, capsys, "edit", "rich", "--hide", "--save")["state"] == "hidden"
    assert ask(tmp_path, capsys, "restore", "rich", "1", "--save")["version"] == 4
    told = ask(tmp_path, capsys, "history", "rich")["versions"]
    assert [(row["version"], row["state"], row["expression"]) for row in told] == [
        (1, "followed", "clv_365d > 5"),
        (2, "followed", "clv_365d > 6"),
        (3, "hidden", "clv_365d > 6"),
        (4, "followed", "clv_365d > 5"),
    ]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("show", "z"), "no segment 'z'; `regulars segments list` shows which there are"),
        (("history", "z"), "no segment 'z'"),
        (("preview", "clv_365 > 5"), "unknown column 'clv_365'; did you mean 'clv_365d'?"),
        (("preview", "orders > 5"), "the last run kept no orders; run `regulars score`"),
        (("save", "Rich Ones", "clv_365d > 5"), "name of the segment"),
        (("edit", "nobodys", "clv_365d > 5"), "no segment 'nobodys'"),
        (("moves", "planets"), "there is no partition 'planets'; there are lifecycle, rfm, value"),
    ],
)
def test_what_cannot_be_done_is_one_line_that_says_what_could(
    home: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], told: str
) -> None:
    error = refused(home, capsys, *arguments)
    assert told in error
    assert error.count("\n") == 1


def test_the_list_says_what_a_segment_waits_for(shop_home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    rows = {row["name"]: row for row in ask(shop_home.path, capsys, "list", "--waiting")}
    assert "birth" in rows["birthday_soon"]["waits_for"]
    assert not rows["likely_to_churn"]["waits_for"]
