"""Leaving a Delta table nothing but its present: no earlier version can be read, and its log tells of none.

A log repeats values: the smallest and largest of each file's columns, and what rows were once chosen by.
"""

from pathlib import Path

from deltalake import DeltaTable

from ledger import delta

LAST_CHECKPOINT = "_last_checkpoint"


def forget_the_past(directory: Path) -> None:
    """Remove all that does not belong to a table's latest version; doing it again does no harm.

    Who is reading an earlier version at this moment may find its files gone.

    Parameters
    ----------
    directory : Path
        Of the table; without one, nothing is done.
    """
    version = delta.version_of(directory)
    if version is None:
        return
    delta.forget(directory, delta.files_at(directory, version), older_than_seconds=0)
    DeltaTable(str(directory)).create_checkpoint()
    mine = f"{version:020d}."
    for path in (directory / "_delta_log").iterdir():
        if path.is_file() and path.name != LAST_CHECKPOINT and not path.name.startswith(mine):
            path.unlink()
