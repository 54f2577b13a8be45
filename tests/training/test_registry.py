"""Runs, versions and who is champion."""

import json
import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from ledger.errors import InputError
from ledger.home import Home
from models.release import ReleaseError
from training import registry

NAN = float("nan")

pytestmark = pytest.mark.slow  # MLflow takes seconds to import and to make its tables


def release(home: Home, name: str) -> Path:
    directory = home.releases / name
    directory.mkdir(parents=True)
    (directory / "manifest.json").write_text(f'{{"release": "{name}"}}')
    return directory


def recorded(home: Home, name: str, *, promoted: bool) -> str:
    return registry.record(
        home,
        params={"horizon_days": 90, "seed": 7},
        metrics=[
            registry.Measured("regulars.auc", 0.81, date(2024, 1, 1)),
            registry.Measured("auc/regulars", 0.81, date(2024, 1, 1)),
            registry.Measured("auc/regulars", 0.79, date(2023, 10, 3)),
        ],
        data=registry.Data("ledger", "d1", {"as_of": "2024-04-01"}),
        description="The trees are in the release.",
        tags={"data_fingerprint": "d1", "feature_fingerprint": "f1"},
        figures={"2024-01-01/lift.png": Figure(figsize=(1, 1))},
        tables={"comparison.json": [{"method": "regulars", "auc": 0.81}, {"method": "mean_gap", "auc": NAN}]},
        texts={"model_card.md": f"# Model card of release {name}\n"},
        release_directory=release(home, name),
        promoted=promoted,
    )


@pytest.fixture(scope="module")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with MLflow's tables and nothing in them, which takes seconds to make."""
    folder = tmp_path_factory.mktemp("empty")
    database = folder / "mlflow.db"
    assert registry.champion(Home(folder / "home"), tracking_uri=f"sqlite:///{database}") is None
    return database


def home_with_two_releases(path: Path, empty_database: Path) -> Home:
    """Return a home with r1 promoted and r2 not."""
    home = Home(path)
    shutil.copy(empty_database, home.mlflow_database)
    recorded(home, "r1", promoted=True)
    recorded(home, "r2", promoted=False)
    return home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Home:
    return home_with_two_releases(tmp_path_factory.mktemp("home"), empty_database)


def client(home: Home) -> Any:  # noqa: ANN401
    from mlflow import MlflowClient  # noqa: PLC0415

    uri = f"sqlite:///{home.mlflow_database}"
    return MlflowClient(uri, uri)


def artifact(home: Home, run_id: str, path: str) -> str:
    return Path(client(home).download_artifacts(run_id, path)).read_text(encoding="utf-8")


def champion(home: Home) -> dict[str, Any]:
    found = registry.champion(home)
    assert found is not None
    return found


def stored(home: Home, number: str) -> Path:
    """Return the directory of a version."""
    uri = client(home).get_model_version("regulars", number).source
    model = client(home).get_logged_model(uri.removeprefix("models:/"))
    return Path(model.artifact_location.removeprefix("file://"))


def test_the_last_promoted_version_is_champion_with_its_release_and_metrics(home: Home) -> None:
    winner = champion(home)
    assert (winner["version"], winner["release"]) == ("1", "r1")
    assert winner["metrics"] == {"regulars.auc": 0.81, "auc/regulars": 0.81}


def test_every_new_version_is_the_challenger(home: Home) -> None:
    challenger = client(home).get_model_version_by_alias("regulars", "challenger")
    assert (str(challenger.version), challenger.tags["release"]) == ("2", "r2")


def test_a_run_keeps_parameters_fingerprints_and_figures(home: Home) -> None:
    run = client(home).get_run(champion(home)["run_id"])
    assert run.info.run_name == champion(home)["release"]
    assert run.data.params == {"horizon_days": "90", "seed": "7"}
    assert run.data.tags["data_fingerprint"] == "d1"
    assert run.data.tags["feature_fingerprint"] == "f1"
    figures = client(home).list_artifacts(run.info.run_id, "figures/2024-01-01")
    assert [figure.path for figure in figures] == ["figures/2024-01-01/lift.png"]


def test_a_metric_of_several_cutoffs_is_a_series_by_day(home: Home) -> None:
    series = client(home).get_metric_history(champion(home)["run_id"], "auc/regulars")
    assert [(point.step, point.value) for point in series] == [(20231003, 0.79), (20240101, 0.81)]


def test_a_run_names_its_data_by_fingerprint_and_describes_itself(home: Home) -> None:
    run = client(home).get_run(champion(home)["run_id"])
    (used,) = run.inputs.dataset_inputs
    assert (used.dataset.name, used.dataset.digest) == ("ledger", "d1")
    assert str(home.path) not in used.dataset.source
    assert run.data.tags["mlflow.note.content"] == "The trees are in the release."


def test_a_run_keeps_its_table_and_its_text(home: Home) -> None:
    run_id = champion(home)["run_id"]
    assert json.loads(artifact(home, run_id, "comparison.json")) == {
        "columns": ["method", "auc"],
        "data": [["regulars", 0.81], ["mean_gap", None]],
    }
    shown = json.loads(client(home).get_run(run_id).data.tags["mlflow.loggedArtifacts"])
    assert shown == [{"path": "comparison.json", "type": "table"}]
    assert artifact(home, run_id, "model_card.md") == "# Model card of release r1\n"


def test_more_metrics_than_a_server_takes_at_once_are_all_kept(tmp_path: Path, empty_database: Path) -> None:
    home = Home(tmp_path)
    shutil.copy(empty_database, home.mlflow_database)
    run_id = registry.record(
        home,
        params={},
        metrics=[registry.Measured(f"metric.{n}", float(n), date(2024, 1, 1)) for n in range(1_201)],
        data=registry.Data("ledger", "d1", {}),
        description="",
        tags={},
        figures={},
        tables={"comparison.json": []},
        texts={},
        release_directory=release(home, "r1"),
        promoted=False,
    )
    assert len(client(home).get_run(run_id).data.metrics) == 1_201
    assert [found.path for found in client(home).list_artifacts(run_id)] == []


def test_a_version_holds_the_release_directory_as_it_was(home: Home) -> None:
    assert stored(home, "1").is_relative_to(home.mlflow_artifacts)
    assert (stored(home, "1") / "data/r1/manifest.json").read_bytes() == (
        home.releases / "r1/manifest.json"
    ).read_bytes()


def test_a_version_is_loaded_by_the_release_module_without_pickle(home: Home) -> None:
    import mlflow  # noqa: PLC0415

    with pytest.raises(ReleaseError, match="r1"):  # its manifest is not a real one
        mlflow.pyfunc.load_model(str(stored(home, "1")))
    assert list(stored(home, "1").rglob("*.pkl")) == []


def test_promoting_moves_the_champion_and_keeps_the_version_before(
    tmp_path: Path, empty_database: Path
) -> None:
    home = home_with_two_releases(tmp_path, empty_database)
    assert registry.promote(home, "r2") == "2"
    assert champion(home)["release"] == "r2"
    assert client(home).get_model_version("regulars", "1").tags["release"] == "r1"


def test_promoting_an_unknown_release_says_how_many_there_are(home: Home) -> None:
    with pytest.raises(InputError, match="release r9 was never recorded; 2 versions are"):
        registry.promote(home, "r9")


def test_a_home_without_runs_has_no_champion_and_stays_empty(tmp_path: Path) -> None:
    assert registry.champion(Home(tmp_path / "new")) is None
    assert not (tmp_path / "new").exists()


def test_a_tracking_uri_keeps_the_home_free_of_a_database(tmp_path: Path, home: Home) -> None:
    elsewhere = f"sqlite:///{home.mlflow_database}"
    other = Home(tmp_path)
    asked = registry.champion(other, tracking_uri=elsewhere)
    assert asked == registry.champion(home)
    assert not other.mlflow_database.exists()


def test_an_exported_tracking_address_is_left_as_it_was(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///of-the-user.db")
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    assert champion(home)["release"] == "r1"
    assert os.environ["MLFLOW_TRACKING_URI"] == "sqlite:///of-the-user.db"
    assert "MLFLOW_REGISTRY_URI" not in os.environ


def test_two_processes_may_record_into_a_new_home_at_once(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ledger.home import Home; from training import registry\n"
        "registry.record(Home(Path(sys.argv[1])), params={}, metrics=[], tags={}, figures={},"
        " data=registry.Data('ledger', 'd', {}), description='',"
        " tables={}, texts={}, release_directory=Path(sys.argv[2]), promoted=True)"
    )
    home = Home(tmp_path / "home")
    command = [sys.executable, "-c", script, str(home.path)]
    both = [
        subprocess.Popen([*command, str(release(home, name))], stderr=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    assert [(process.communicate()[1], process.returncode) for process in both] == [("", 0), ("", 0)]
    assert champion(home)["version"] == "2"


def test_recording_says_nothing_and_turns_telemetry_and_pickle_off(
    tmp_path: Path, empty_database: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    home_with_two_releases(tmp_path, empty_database)
    assert capfd.readouterr() == ("", "")
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] == "false"


def test_how_a_release_does_at_work_is_noted_on_its_training_run_once(home: Home) -> None:
    at_work = [registry.Measured("drift/orders", 0.3, date(2024, 5, day)) for day in (1, 2)]
    assert registry.note(home, "r2", at_work)
    assert registry.note(home, "r2", at_work)
    (version,) = client(home).search_model_versions("name = 'regulars' and tags.release = 'r2'")
    noted = client(home).get_metric_history(version.run_id, "drift/orders")
    assert [(each.step, each.value) for each in noted] == [(20240501, 0.3), (20240502, 0.3)]


def test_a_release_that_no_run_made_is_noted_nowhere(home: Home, tmp_path: Path) -> None:
    assert not registry.note(home, "elsewhere", [])
    assert not registry.note(Home(tmp_path / "nothing"), "r1", [])
