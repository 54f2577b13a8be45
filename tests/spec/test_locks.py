"""The lock files: what is installed is what was tested, from whichever index pip is set to."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?: ; (?P<marker>.+?))? \\$")
HASH = re.compile(r"^ {4}--hash=sha256:[0-9a-f]{64}(?: \\)?$")
LOCKS = ("requirements.lock", "requirements-dev.lock")

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


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_holds_pins_and_hashes_and_nothing_else(lock: str) -> None:
    lines = (ROOT / lock).read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if not PIN.match(line) and not HASH.match(line)] == []


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_a_hash(lock: str) -> None:
    assert [name for (name, _), (_, hashes) in _read(lock).items() if not hashes] == []


def test_the_development_lock_is_the_runtime_lock_and_more() -> None:
    runtime, development = ({(n, v, h) for (n, _), (v, h) in _read(lock).items()} for lock in LOCKS)
    assert sorted(name for name, _, _ in runtime - development) == []
    assert {name for name, _, _ in development} > {name for name, _, _ in runtime}


def test_everything_that_the_project_names_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    build = ["hatchling", "editables"]
    asked = {
        "requirements.lock": [*project["dependencies"], *extras["demo"], *build],
        "requirements-dev.lock": [
            *project["dependencies"],
            *(one for extra in extras.values() for one in extra),
            *build,
        ],
    }
    for lock, requirements in asked.items():
        pinned = {name for name, _ in _read(lock)}
        named = {
            re.split(r"[<>=\[;]", requirement)[0].lower().replace("_", "-") for requirement in requirements
        }
        assert named - pinned == set(), lock
