import json
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.home import Home
from regulars import demo
from regulars.datasets import CDNOW, COMPLETE_JOURNEY


def test_an_empty_home_becomes_the_data_sets_and_stays_it(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    demo.claim(home, CDNOW)
    demo.claim(home, CDNOW)
    assert json.loads(home.demo_marker.read_text(encoding="utf-8")) == {"dataset": "cdnow"}


def test_two_data_sets_are_never_mixed(tmp_path: Path) -> None:
    demo.claim(Home(tmp_path), CDNOW)
    with pytest.raises(
        InputError, match="holds the demo data of 'cdnow', not 'complete-journey'; choose another"
    ):
        demo.claim(Home(tmp_path), COMPLETE_JOURNEY)


def test_a_home_with_a_shops_own_data_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="holds something else than the demo; choose an empty directory"):
        demo.claim(Home(tmp_path), CDNOW)
    assert [path.name for path in tmp_path.iterdir()] == ["shop.json"]


def test_settings_may_be_there_first(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("horizon_days = 60\n", encoding="utf-8")
    demo.claim(Home(tmp_path), CDNOW)
    assert Home(tmp_path).demo_marker.exists()


def test_a_file_in_place_of_a_home_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="holds something else"):
        demo.claim(Home(tmp_path / "file"), CDNOW)
