from pathlib import Path

import pytest

from ledger.errors import InputError
from regulars import settings


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(f"REGULARS_{name.upper()}", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def _write(home: Path, text: str) -> Path:
    (home / "settings.toml").write_text(text, encoding="utf-8")
    return home


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    loaded = settings.load(home=tmp_path)
    assert (loaded.home, loaded.horizon_days, loaded.port, loaded.mlflow_tracking_uri) == (
        tmp_path,
        90,
        3000,
        None,
    )


def test_the_command_line_wins_over_the_environment_which_wins_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write(tmp_path, "horizon_days = 30\nport = 1111\nseed = 3\n")
    monkeypatch.setenv("REGULARS_HORIZON_DAYS", "60")
    monkeypatch.setenv("REGULARS_PORT", "2222")
    loaded = settings.load(home=tmp_path, port=3333)
    assert (loaded.port, loaded.horizon_days, loaded.seed) == (3333, 60, 3)


def test_what_the_command_line_leaves_out_hides_nothing(tmp_path: Path) -> None:
    assert settings.load(home=_write(tmp_path, "horizon_days = 30\n"), horizon_days=None).horizon_days == 30


def test_the_home_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGULARS_HOME", str(_write(tmp_path, "port = 1111\n")))
    assert settings.load().port == 1111


def test_mlflows_own_variable_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///elsewhere.db")
    assert settings.load(home=tmp_path).mlflow_tracking_uri == "sqlite:///elsewhere.db"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("horizn_days = 30", "unknown setting 'horizn_days'; settings are home, horizon_days, seed"),
        (
            "horizon_days = 3000",
            "setting 'horizon_days': Input should be less than or equal to 365, got 3000",
        ),
        ("mlflow_tracking_uri = 3", "setting 'mlflow_tracking_uri': Input should be a valid string, got 3"),
        ("home = 'elsewhere'", "cannot set 'home': it lies in the home. Use --home or REGULARS_HOME"),
        ("port = ", "is not valid TOML"),
    ],
)
def test_a_file_that_says_something_wrong_is_refused_with_the_reason(
    tmp_path: Path, text: str, told: str
) -> None:
    with pytest.raises(InputError, match=told):
        settings.load(home=_write(tmp_path, text))


def test_settings_do_not_change_after_loading(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        settings.load(home=tmp_path).port = 1


def test_the_owner_lists_the_sensitive_attributes_that_segments_may_ask_for(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('sensitive_attributes = ["religion"]\n')
    assert settings.load(home=tmp_path).sensitive_attributes == ("religion",)


def test_the_owner_sets_lifecycle_limits_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("[lifecycle_limits]\nA_1 = 45\nC_3 = 200\n")
    assert settings.load(home=tmp_path).lifecycle_limits == {"A_1": 45, "C_3": 200}


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ("A_4 = 3", "lifecycle_limits"),
        ("A_1 = 0", "greater than or equal to 1"),
        ("A_1 = 9\nC_1 = 9", "A_1 must be less than C_1"),
    ],
)
def test_lifecycle_limits_that_make_no_grid_are_refused(tmp_path: Path, limits: str, error: str) -> None:
    (tmp_path / "settings.toml").write_text(f"[lifecycle_limits]\n{limits}\n")
    with pytest.raises(InputError, match=error):
        settings.load(home=tmp_path)
