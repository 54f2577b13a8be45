"""The lock files: what is installed is what was tested, from whichever index pip is set to."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))? \\$")
HASH = re.compile(r"^ {4}--hash=sha256:[0-9a-f]{64}(?: \\)?$")
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-serving.lock")

INSTALLED = packages_distributions()
NOT_IN_A_BENTO = {"psycopg", "pyspark"}
"""Imported when a database is read or Spark scores, which the command line does and the service never."""

Pins = dict[tuple[str, str | None], tuple[str, frozenset[str]]]


def _read(lock: str) -> Pins:
    """Return version and hashes by name and marker; the same name is pinned twice for different Pythons."""
    pins: Pins = {}
    current: tuple[str, str | None] = ("", None)
    for line in (ROOT / lock).read_text(encoding="utf-8").splitlines():
        found = PIN.match(line)
        if found:
            current = (found["name"], found["marker"])
            pins[current] = (found["version"], frozenset())
        else:
            version, hashes = pins[current]
            pins[current] = (version, hashes | {line.strip().rstrip(" \\")})
    return pins


def _pinned(lock: str) -> set[tuple[str, str, frozenset[str]]]:
    return {(name, version, hashes) for (name, _), (version, hashes) in _read(lock).items()}


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def _name(requirement: str) -> str:
    return re.split(r"[<>=\[;]", requirement)[0].lower().replace("_", "-")


def _distribution(module: str) -> str:
    """Return what is installed for a module to be there."""
    return INSTALLED.get(module, [module])[0].lower().replace("_", "-")


def _imported_by_the_bento() -> set[str]:
    """Return the modules of others that the packages of a bento import anywhere in them."""
    own = {"ledger", "features", "models", "segments", "serving"}
    found: set[str] = set()
    for path in (path for package in sorted(own) for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(str(node.module).partition(".")[0])
    return found - own - sys.stdlib_module_names


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_nothing_else(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    assert [name for (name, _), (_, hashes) in _read(lock).items() if not hashes] == []


def test_the_development_lock_is_the_runtime_lock_and_more() -> None:
    runtime, development, _ = (_pinned(lock) for lock in LOCKS)
    assert sorted(name for name, _, _ in runtime - development) == []
    assert {name for name, _, _ in development} > {name for name, _, _ in runtime}


def test_a_bento_installs_a_part_of_the_runtime_lock_and_nothing_for_training_or_the_command_line() -> None:
    runtime, _, serving = (_pinned(lock) for lock in LOCKS)
    assert sorted(name for name, _, _ in serving - runtime) == []
    elsewhere = {"matplotlib", "mlflow", "psycopg", "scikit-learn", "sqlalchemy", "typer"}
    assert elsewhere & {name for name, _, _ in serving} == set()


def test_what_a_bento_installs_is_what_its_packages_import() -> None:
    group = _project()["dependency-groups"]["serving"]
    assert set(group) <= set(_project()["project"]["dependencies"])
    imported = {_distribution(module) for module in _imported_by_the_bento()} - NOT_IN_A_BENTO
    assert {_name(requirement) for requirement in group} - imported == set()
    assert imported - {name for name, _, _ in _pinned("requirements-serving.lock")} == set()


def test_everything_that_the_project_names_is_pinned() -> None:
    project = _project()["project"]
    extras = project["optional-dependencies"]
    build = ["hatchling", "editables"]
    asked = {
        "requirements.lock": [*project["dependencies"], *extras["demo"], *build],
        "requirements-dev.lock": [
            *project["dependencies"],
            *(one for extra in extras.values() for one in extra),
            *build,
        ],
        "requirements-serving.lock": _project()["dependency-groups"]["serving"],
    }
    for lock, requirements in asked.items():
        pinned = {name for name, _ in _read(lock)}
        assert {_name(requirement) for requirement in requirements} - pinned == set(), lock
