"""The directory of an import: its own, gone with it, and swept up after those that were killed."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ledger.home import Home
from ledger.workspace import workspace

TAKE_ONE_AND_WAIT = """
import sys
from pathlib import Path
from ledger.home import Home
from ledger.workspace import workspace
with workspace(Home(Path(sys.argv[1]))) as work:
    (work / "rows").write_text("ann")
    print(work, flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_a_workspace_is_gone_at_the_end_and_with_it_a_home_that_was_not_there(home: Home) -> None:
    with workspace(home) as work:
        (work / "rows").write_text("ann", encoding="utf-8")

    assert not home.path.exists()


def test_a_workspace_is_left_alone_while_its_process_lives_and_removed_when_it_was_killed(home: Home) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", TAKE_ONE_AND_WAIT, str(home.path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    theirs = Path(other.stdout.readline().strip())
    with workspace(home):
        there_while_alive = (theirs / "rows").exists()
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    with workspace(home):
        there_when_killed = theirs.exists()

    assert (there_while_alive, there_when_killed) == (True, False)
    assert not home.path.exists()


@pytest.mark.parametrize(
    "files", [[], ["rows"]], ids=["killed while it was made", "killed while it was removed"]
)
def test_a_workspace_without_a_lock_is_removed(home: Home, files: list[str]) -> None:
    left = home.work / "tmp1"
    left.mkdir(parents=True)
    for name in files:
        (left / name).touch()

    with workspace(home):
        assert not left.exists()


def test_many_at_once_do_not_remove_each_other_s(home: Home) -> None:
    def use(number: int) -> str:
        with workspace(home) as work:
            (work / "rows").write_text(str(number), encoding="utf-8")
            return (work / "rows").read_text(encoding="utf-8")

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(use, range(200))) == [str(number) for number in range(200)]
    assert not home.path.exists()
