import json
import shutil
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from ledger.errors import InputError
from ledger.home import Home
from models.release import deployed_release
from regulars import promoting
from regulars.promoting import name_of
from tests.serving.shop import CUTOFF, make_release, make_shop

app = typer.Typer()
app.command()(promoting.promote)
app.command()(promoting.rollback)


@pytest.fixture(scope="module")
def made(shop_files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Return a home with two releases, the second one served, and their names."""
    home = make_shop(tmp_path_factory.mktemp("promoting") / "home", shop_files).home
    first = str(deployed_release(home))
    return home.path, first, make_release(home, CUTOFF, seed=2)


@pytest.fixture
def own(made: tuple[Path, str, str], tmp_path: Path) -> tuple[Home, str, str]:
    path, first, second = made
    shutil.copytree(path, tmp_path / "home")
    return Home(tmp_path / "home"), first, second


def run(home: Home, *arguments: str) -> Result:
    return CliRunner().invoke(app, [*arguments, "--home", str(home.path)])


def test_a_release_is_promoted_and_rolled_back_and_the_list_says_by_whom(own: tuple[Home, str, str]) -> None:
    home, first, second = own
    assert "the other release's until" not in run(home, "promote", first, "--by", "ann").stderr
    assert deployed_release(home) == first
    done = run(home, "rollback", "--by", "bob", "--json")
    assert json.loads(done.stdout)["release"] == second == deployed_release(home)
    assert "stored scores are the other release's until `regulars score` has run" in done.stderr
    told = json.loads(run(home, "promote", "--list", "--json").stdout)
    assert (told["served"], told["releases"]) == (second, sorted([first, second]))
    assert [(one["action"], one["release"], one["by"]) for one in told["log"]] == [
        ("promote", first, "ann"),
        ("rollback", second, "bob"),
    ]


def test_a_release_of_other_features_is_refused_in_one_line_and_the_one_before_is_served(
    own: tuple[Home, str, str],
) -> None:
    home, first, second = own
    manifest = home.releases / first / "manifest.json"
    facts = json.loads(manifest.read_bytes())
    manifest.write_text(json.dumps(facts | {"feature_fingerprint": "0" * 64}))
    refused = run(home, "promote", first)
    assert isinstance(refused.exception, InputError)
    assert "was trained with other feature definitions" in str(refused.exception)
    assert str(refused.exception).endswith(f"{second} goes on being served")
    assert deployed_release(home) == second
    assert "other feature definitions" in run(home, "promote", "--list").stdout


def test_without_a_release_it_is_asked_for_one(own: tuple[Home, str, str]) -> None:
    assert "name the release to serve" in str(run(own[0], "promote").exception)


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 101])
def test_a_name_that_would_spoil_the_log_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="--by takes a name"):
        name_of(name)


def test_who_asks_is_by_default_the_user_of_this_machine() -> None:
    assert "@" in name_of(None)


def test_a_damaged_pointer_is_told_and_a_promotion_writes_it_anew(own: tuple[Home, str, str]) -> None:
    home, first, second = own
    home.deployed.write_text("{")
    listing = run(home, "promote", "--list", "--json")
    assert json.loads(listing.stdout)["releases"] == sorted([first, second])
    assert json.loads(listing.stdout)["served"] is None
    assert f"{home.deployed} cannot be read; " in listing.stderr
    assert run(home, "promote", first, "--by", "ann").exit_code == 0
    assert deployed_release(home) == first
