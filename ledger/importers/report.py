"""What an import did, in counts and reasons; never a customer's value."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Reason:
    """One reason for refusing rows, how often it was given, and the first place.

    Parameters
    ----------
    text : str
        With `another line` for the number of one.
    rows : int
    file_name : str
    place : str
        What `line` counts: line of a CSV file, row of a Parquet file.
    line : int
        The first such.
    """

    text: str
    rows: int
    file_name: str
    place: str
    line: int


@dataclass(frozen=True)
class ImportReport:
    """What one import did; read = added + unchanged + corrected + rejected.

    Parameters
    ----------
    table : str
    files : tuple of str
        Names without directories.
    read, added, unchanged, corrected, rejected : int
        Rows.
    reasons : tuple of Reason
        Most frequent first.
    notes : tuple of str
        One sentence each: columns left out, what was assumed.
    currency, time_zone : str
        The shop's.
    also : tuple of ImportReport
        The same of further tables that the files filled.
    """

    table: str
    files: tuple[str, ...]
    read: int
    added: int
    unchanged: int
    corrected: int
    rejected: int
    reasons: tuple[Reason, ...]
    notes: tuple[str, ...]
    currency: str
    time_zone: str
    also: "tuple[ImportReport, ...]" = ()

    def to_json(self) -> dict[str, Any]:
        """Return the same as plain dictionaries, lists, texts and numbers."""
        return asdict(self)
