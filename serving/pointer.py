"""Which of the published runs is served: a file that is replaced as a whole, and names those kept before it."""

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from ledger.errors import InputError
from ledger.home import Home

RUNS_KEPT = 3
RUN_NAME = re.compile(r"[\w-]+", re.ASCII)


def _read_pointer(home: Home) -> dict[str, Any]:
    try:
        pointer = json.loads(home.published_pointer.read_bytes())
    except FileNotFoundError:
        return {}
    except ValueError as error:
        raise InputError(
            f"{home.published_pointer} is not valid JSON; run `regulars score` to write it anew"
        ) from error
    if not isinstance(pointer, dict) or not RUN_NAME.fullmatch(str(pointer.get("run"))):
        raise InputError(f"{home.published_pointer} names no run; run `regulars score` to write it anew")
    return pointer


def current_run(home: Home) -> str | None:
    """Return the name of the run that is served, or None when nothing has been scored.

    Raises
    ------
    InputError
        When the pointer file is damaged.
    """
    return _read_pointer(home).get("run")


def kept_runs(home: Home) -> list[str]:
    """Return the names of the run that is served and of those before it that are kept, the newest first."""
    return [name for name in _read_pointer(home).get("runs", []) if (home.published / str(name)).is_dir()]


def point_to(home: Home, run: str) -> None:
    """Replace the pointer and remove the runs that are no longer kept."""
    before = _read_pointer(home)
    earlier = [name for name in before.get("runs", []) if name != run][: RUNS_KEPT - 1]
    pointer = json.dumps({"run": run, "runs": [run, *earlier]}).encode()
    scratch = home.published_pointer.with_name(".new-pointer")
    written(scratch, pointer)
    scratch.replace(home.published_pointer)
    sync_directory(home.published)
    for path in home.published.iterdir():
        # A worker that still maps a removed run keeps reading it: the pages live until it lets go.
        if path.is_dir() and not path.name.startswith(".") and path.name not in {run, *earlier}:
            shutil.rmtree(path)


def written(path: Path, content: bytes) -> bytes:
    """Write a file, and return what is in it once it is on the disk."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return content


def sync_directory(path: Path) -> None:
    """Bring a directory's names to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
