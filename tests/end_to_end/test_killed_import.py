"""An import that is killed at any moment leaves the ledger as before or as after it, and the next one tidies up."""

import json
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest

from ledger.home import Home
from tests.end_to_end import imports
from tests.end_to_end.imports import Content, content

pytestmark = pytest.mark.slow

HEADER = "customer_id,order_id,line_id,ordered_at,known_at,product_id,net_amount\n"
KILLED = -9
WRITING = "ledger.store.exclusive"  # the call with which an import stops reading and begins to write
WRITING_SHARE = 0.7  # of the kills at a call


def _orders(first: int, last: int, amount: int) -> str:
    """Return rows of customers called by their address, and some that are refused."""
    good = "".join(
        f"c{number % 97}@example.com,{number},1,2024-01-01,2024-01-0{1 + amount},p{number % 7},{amount}\n"
        for number in range(first, last)
    )
    return good + f",{first},1,2024-01-01,,p,1\n" + 'x,"open,1\n' + "ann,7\n" * 3


@dataclass(frozen=True)
class Scene:
    """A home in which an import is killed, and what the home holds before and after that import.

    Parameters
    ----------
    name : str
    home : Home
        As before; copied for each trial.
    file : Path
    before, after : Content
    calls : list of str
        What an import that is not killed calls.
    seconds : float, seconds
        How long it takes.
    """

    name: str
    home: Home
    file: Path
    before: Content
    after: Content
    calls: list[str]
    seconds: float


@dataclass(frozen=True)
class Kill:
    """One trial.

    Parameters
    ----------
    scene : str
    how : str
        At which call, or after how many milliseconds.
    stage : str
        How far the import came.
    left : str
        Whether it left the ledger as "before" or "after".
    """

    scene: str
    how: str
    stage: str
    left: str


def _arguments(home: Home, file: Path) -> list[str]:
    return [
        "import",
        "orders",
        str(file),
        "--home",
        str(home.path),
        "--currency",
        "EUR",
        "--time-zone",
        "UTC",
    ]


def _copied(home: Home, to: Path) -> Home:
    if home.path.exists():
        shutil.copytree(home.path, to)
    return Home(to)


def scene(name: str, home: Home, file: Path, folder: Path) -> Scene:
    """Import once without killing, to know what is called and what must come of it."""
    calls = folder / "calls.json"
    assert imports.run(_arguments(_copied(home, folder / "counted"), file), calls=calls) == 0
    timed = _copied(home, folder / "timed")
    begun = time.perf_counter()
    assert imports.run(_arguments(timed, file)) == 0
    seconds = time.perf_counter() - begun
    called = json.loads(calls.read_text(encoding="utf-8"))
    return Scene(name, home, file, content(home), content(timed), called, seconds)


def scenes(folder: Path, rows: int) -> list[Scene]:
    """Make a home's first import, and one into a home that has orders already."""
    first, second = folder / "first.csv", folder / "second.csv"
    first.write_text(HEADER + _orders(0, rows, 1), encoding="utf-8")
    second.write_text(HEADER + _orders(rows // 2, rows + rows // 2, 2), encoding="utf-8")
    home = Home(folder / "home")
    assert imports.run(_arguments(home, first)) == 0
    pairs = (("first import", Home(folder / "none"), first), ("later import", home, second))
    for name, _, _ in pairs:
        (folder / name).mkdir()
    return [scene(name, start, file, folder / name) for name, start, file in pairs]


def kills(played: Scene, count: int, random: Random, folder: Path) -> Iterator[Kill]:
    """Kill imports at random, half of them at a call, half of them from outside, and hold what each leaves."""
    folder.mkdir()
    for number in range(count):
        home = _copied(played.home, folder / str(number))
        before = imports.files_of(home)
        arguments = _arguments(home, played.file)
        if number % 2:
            milliseconds = random.uniform(0, 1000 * played.seconds)
            how, code = f"after {milliseconds:.1f} ms", imports.run_for(arguments, milliseconds / 1000)
        else:
            name, turn = _call(played.calls, random)
            how, code = f"at call {turn} of {name}", imports.run(arguments, die_at=(name, turn))
        assert code in (0, KILLED), how
        left = _left(played, home, how)
        stage = imports.stage_of(home, before, counts=left == "after")
        _hold_that_the_next_ends_it(played, home, how)
        shutil.rmtree(home.path)
        yield Kill(played.name, how, stage, left)


def _call(calls: list[str], random: Random) -> imports.Call:
    """Choose a call, most often one made while writing; what is called once is as likely as what is called often."""
    late = random.random() < WRITING_SHARE
    name = random.choice(sorted(set(calls[calls.index(WRITING) if late else 0 :])))
    return name, random.randrange(calls.count(name)) + 1


def _left(played: Scene, home: Home, how: str) -> str:
    """Hold that nothing is half done, and say which half it is."""
    left = content(home)
    assert left in (played.before, played.after), f"{played.name} killed {how}: between before and after"
    return "before" if left == played.before else "after"


def _hold_that_the_next_ends_it(played: Scene, home: Home, how: str) -> None:
    assert imports.run(_arguments(home, played.file)) == 0
    assert content(home) == played.after, f"{played.name} killed {how}: the next import did not make it whole"
    assert not home.work.exists(), f"{played.name} killed {how}: the next import left a workspace"


def test_an_import_killed_at_any_moment_leaves_the_ledger_as_before_or_as_after(tmp_path: Path) -> None:
    random = Random(20240601)  # noqa: S311 - reproducible
    found = [
        kill
        for played in scenes(tmp_path, rows=300)
        for kill in kills(played, 22, random, tmp_path / f"{played.name} killed")
    ]

    left = Counter(kill.left for kill in found)
    assert left.total() == 44
    assert left["before"] >= 5, found
    assert left["after"] >= 2, found
