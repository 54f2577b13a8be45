"""`regulars export segment` from the command line: what it takes, what it answers, what it refuses."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ledger.errors import InputError
from regulars import exporting, settings
from serving.export.signature import Secret, is_signed
from tests.serving.export.receiver import serving, status
from tests.serving.export.shop import Loyal, open_shop, rows_of

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="  # noqa: S105 - made for these tests


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"REGULARS_{name.upper()}", raising=False)


@pytest.fixture
def shop(tmp_path: Path) -> Loyal:
    shop = open_shop(tmp_path)
    shop.customers(
        "ann,2024-01-01,ann@example.org,,,,,yes,yes,yes", "bob,2024-01-01,bob@example.org,,,,,yes,yes,"
    )
    shop.run(0, "ann", "bob")
    return shop


def run(shop: Loyal, *arguments: object) -> Result:
    said = ["segment", "loyal", *map(str, arguments), "--home", str(shop.home.path)]
    return CliRunner().invoke(exporting.commands, said)


def answer(shop: Loyal, *arguments: object) -> dict[str, object]:
    found: dict[str, object] = json.loads(run(shop, *arguments, "--json").stdout)
    return found


def refused(shop: Loyal, *arguments: object) -> str:
    error = run(shop, *arguments).exception
    assert isinstance(error, InputError)
    return str(error)


def test_a_plain_file_is_written_and_nothing_is_remembered(shop: Loyal, tmp_path: Path) -> None:
    out = tmp_path / "loyal.csv"
    assert answer(shop, "--out", out) == {"rows": 2, "file": str(out)}
    assert [row["customer_id"] for row in rows_of(out)] == ["ann", "bob"]
    assert not shop.home.deliveries.exists()
    assert not (tmp_path / "loyal.remove.csv").exists()


def test_a_delivery_says_how_many_went_and_why_not_the_others(shop: Loyal, tmp_path: Path) -> None:
    out = tmp_path / "meta.csv"
    found = answer(shop, "--to", "meta", "--out", out)
    assert found.pop("token") is not None
    assert found == {
        "file": str(out),
        "removes_file": str(tmp_path / "meta.remove.csv"),
        "added": 1,
        "removed": 0,
        "not_named": 0,
        "members": 2,
        "left_out": {"no_consent": 1},
        "phones_left_out": 0,
        "since": None,
    }
    assert "left out:\n  no consent: 1" in run(shop, "--to", "meta", "--out", out).stdout


def test_a_delta_goes_on_where_the_last_delivery_ended(shop: Loyal, tmp_path: Path) -> None:
    out = tmp_path / "loyal.csv"
    first = answer(shop, "--out", out, "--delta")
    shop.run(1, "bob", "cy")
    second = answer(shop, "--out", out, "--delta")
    assert (second["since"], second["added"], second["removed"]) == (first["token"], 1, 1)
    again = answer(shop, "--out", out, "--since", first["token"])
    assert (again["added"], again["removed"]) == (1, 1)


def test_a_receiver_is_posted_to_with_the_secret_of_the_environment(
    shop: Loyal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGULARS_WEBHOOK_SECRET", SECRET)
    with serving() as receiver:
        monkeypatch.setenv("REGULARS_WEBHOOK_URL", receiver.url)
        found = answer(shop, "--to", "webhook", "--delta")
    (got,) = receiver.received
    assert (found["added"], found["removed"]) == (2, 0)
    assert [one["customer_id"] for one in json.loads(got.body)["adds"]] == ["ann", "bob"]
    sent = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    assert is_signed(Secret.read(SECRET), got.headers, got.body, sent)


def test_a_receiver_that_refuses_ends_it_with_one_line(shop: Loyal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_WEBHOOK_SECRET", SECRET)
    with serving([status(401)]) as receiver:
        told = refused(shop, "--to", "webhook", "--url", receiver.url)
    assert told == "127.0.0.1 did not take the delivery: it answered 401 Unauthorized"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "say where to: give --out FILE, or --to webhook and --url ADDRESS"),
        (("--to", "meta"), "meta writes a file; give --out FILE"),
        (("--to", "webhook"), "give the receiver's address with --url, or as REGULARS_WEBHOOK_URL"),
        (("--to", "webhook", "--out", "x.csv"), "webhook writes no file; give its address with --url"),
        (("--to", "meta", "--out", "x.csv", "--url", "https://a.example"), "--url is for webhook"),
        (("--to", "webhook", "--url", "http://a.example/x"), "--url: give an https address"),
        (("--to", "webhook", "--url", "https://a.example/x"), "set it as REGULARS_WEBHOOK_SECRET"),
        (
            ("--to", "fax", "--out", "x.csv"),
            "give --to with one of: csv, parquet, meta, google, klaviyo, webhook",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_to_do(
    shop: Loyal, arguments: tuple[str, ...], told: str
) -> None:
    assert told in refused(shop, *arguments)


def test_scores_do_not_go_to_lists_of_people(shop: Loyal, tmp_path: Path) -> None:
    said = ["scores", "--to", "meta", "--out", str(tmp_path / "x.csv"), "--home", str(shop.home.path)]
    error = CliRunner().invoke(exporting.commands, said).exception
    assert str(error) == "meta takes the members of a segment; use `regulars export segment NAME`"


def test_a_setting_that_is_wrong_is_not_repeated_when_it_may_be_a_secret(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("webhook_secret = [4711]\n", encoding="utf-8")
    with pytest.raises(InputError, match="webhook_secret") as told:
        settings.load(home=tmp_path)
    assert "4711" not in str(told.value)
