import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.home import Home
from models import deployments
from models.deployments import Deployment, before_this, listed, promote, refusal, releases, rollback
from models.release import Release, deployed_release

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """Return a home with releases a, b and c, of which only names matter here."""
    home = Home(tmp_path / "home")
    for name in ("a", "b", "c"):
        (home.releases / name).mkdir(parents=True)
        (home.releases / name / "manifest.json").write_text(json.dumps({"release": name}))

    def load(directory: Path) -> str:
        if "broken" in (directory / "manifest.json").read_text():
            raise InputError(f"release {directory.name} is broken")
        return directory.name

    monkeypatch.setattr(deployments, "load_release", load)
    monkeypatch.setattr("models.release.load_release", load)
    return home


def anything(_: Release) -> None:
    """Accept whatever loads."""


def asked(home: Home, what: Callable[..., Deployment], *names: str, minute: int = 0) -> Deployment:
    return what(home, *names, by="ann", at=AT + timedelta(minutes=minute), accept=anything)


def test_a_promotion_is_served_and_the_log_says_who_asked_when(home: Home) -> None:
    asked(home, promote, "a")
    asked(home, promote, "b", minute=1)
    assert deployed_release(home) == "b"
    first, second = listed(home)
    assert (first.release, first.before, first.by, first.at) == ("a", None, "ann", AT)
    assert (second.action, second.release, second.before, second.refused) == ("promote", "b", "a", None)


def test_a_rollback_goes_back_one_release_each_time_it_is_asked(home: Home) -> None:
    for name in ("a", "b", "c"):
        asked(home, promote, name)
    assert asked(home, rollback).release == "b"
    assert asked(home, rollback).release == "a"
    with pytest.raises(InputError, match="no other release was served before"):
        asked(home, rollback)
    asked(home, promote, "c")
    assert before_this(home) == "a"


def test_a_rollback_knows_of_a_release_that_was_deployed_before_there_was_a_log(home: Home) -> None:
    home.deployed.parent.mkdir()
    home.deployed.write_text('{"release": "a"}')
    asked(home, promote, "b")
    assert asked(home, rollback).release == "a"


def test_what_cannot_be_loaded_is_refused_and_the_one_before_stays(home: Home) -> None:
    asked(home, promote, "a")
    (home.releases / "b" / "manifest.json").write_text("broken")
    with pytest.raises(InputError, match="not promoted: release b is broken; a goes on being served"):
        asked(home, promote, "b", minute=1)
    assert deployed_release(home) == "a"
    assert listed(home)[-1].refused == "release b is broken"
    with pytest.raises(InputError, match="promote of b by ann at 2026-03-01 12:01 UTC: release b is broken"):
        refusal(home)
    asked(home, promote, "c")
    assert refusal(home) is not None
    assert asked(home, rollback).release == "a"


def test_what_is_not_accepted_is_refused(home: Home) -> None:
    def never(_: Release) -> None:
        raise InputError("of other features")

    with pytest.raises(InputError, match=r"not promoted: of other features$"):
        promote(home, "a", by="ann", at=AT, accept=never)
    assert deployed_release(home) is None


def test_a_release_that_is_being_written_is_none_yet(home: Home) -> None:
    (home.releases / ".writing-x").mkdir()
    shutil.copy(home.releases / "a" / "manifest.json", home.releases / ".writing-x")
    (home.releases / "half-copied").mkdir()
    assert releases(home) == ["a", "b", "c"]
    for name in (".writing-x", "half-copied", "../releases/a", ""):
        with pytest.raises(InputError, match="no release "):
            asked(home, promote, name)


def test_a_damaged_log_says_what_to_do(home: Home) -> None:
    asked(home, promote, "a")
    home.deployments.write_text("[")
    with pytest.raises(InputError, match="restore it from a backup or delete it"):
        listed(home)
