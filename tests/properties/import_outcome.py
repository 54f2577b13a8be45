"""What must hold after any import, of whatever file: an answer or one line, every row accounted for, nothing left."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pyarrow.compute as pc

from ledger.errors import InputError
from ledger.home import Home
from ledger.importers.load import import_files
from ledger.importers.report import ImportReport
from ledger.importers.shipped import LAYOUTS
from ledger.store import Ledger
from ledger.tables.orders import ORDERS
from ledger.tables.shipped import TABLES
from tests.properties.malformed import Case

IMPORTED_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)
ERROR_LENGTH = 700
COLUMNS = {column.given.encode() for table in TABLES for column in table.given}
COLUMNS |= {column.name.encode() for layout in LAYOUTS for column in layout.columns}
TELLING = 9  # a cell shorter than this may stand in an error by chance


@dataclass(frozen=True)
class Outcome:
    """How an import ended.

    Parameters
    ----------
    rows : Counter
        Rows read, added, unchanged, corrected and rejected, of the table that was asked for.
    error : str
        Empty when it gave a report.
    """

    rows: Counter[str]
    error: str = ""

    @property
    def name(self) -> str:
        """Say it in two words."""
        if self.error:
            return "file refused"
        return "rows refused" if self.rows["rejected"] else "all taken"


class Trial:
    """One home into which one file after the other is imported.

    Parameters
    ----------
    home : Home
    folder : Path
        Where the files are written.
    """

    def __init__(self, home: Home, folder: Path) -> None:
        self._ledger = Ledger(home)
        self._folder = folder
        self._counts: Counter[str] = Counter()

    def run(self, case: Case) -> Outcome:
        """Import a case's file and check all that must hold, whatever the file.

        Raises
        ------
        AssertionError
            When it does not hold.
        """
        path = self._folder / case.name
        path.write_bytes(case.content)
        files = self._files()
        # Local hours of what is imported before orders hang on the shop.
        shop = (
            {"currency": "EUR", "time_zone": "UTC"}
            if case.table.local_of and case.table is not ORDERS
            else {}
        )
        options = {**shop, **case.options}
        try:
            report = import_files(
                self._ledger, case.table, [path], imported_at=IMPORTED_AT, layout=case.layout, **options
            )
        except InputError as error:
            _hold(case, _tells_one_line(str(error), case), f"error {str(error)[:1000]!r}")
            _hold(case, self._files() == files, "files of the ledger changed though the file was refused")
            return Outcome(Counter(), str(error))
        finally:
            path.unlink()
            _hold(case, not self._ledger.home.work.exists(), "something is left in the work directory")
        return self._accounted(case, report)

    def _accounted(self, case: Case, report: ImportReport) -> Outcome:
        """Read every table whole, and hold what is there to what the report counts."""
        with self._ledger.connect() as connection:
            tables = {
                table.name: connection.sql(f"FROM ledger_{table.name}").to_arrow_table() for table in TABLES
            }
        digest = sha256(case.content).hexdigest()
        mine = tables["rejected"].filter(pc.field("file_sha256") == digest)["table_name"].to_pylist()
        before, self._counts = self._counts, Counter({name: rows.num_rows for name, rows in tables.items()})
        reports = (report, *report.also)
        for one in reports:
            counted = one.added + one.unchanged + one.corrected + one.rejected
            _hold(case, one.read == counted, f"{one.table}: {one.read} rows read, {counted} counted")
            reasons = sum(reason.rows for reason in one.reasons)
            _hold(
                case,
                reasons == one.rejected,
                f"{one.table}: {reasons} reasons for {one.rejected} refused rows",
            )
            came, told = self._counts[one.table] - before[one.table], one.added + one.corrected
            _hold(case, came == told, f"{one.table}: {came} rows came, {told} were told")
            kept = mine.count(one.table)
            # A line of a layout can be refused as two rows of one table; it is kept once.
            enough = 0 < kept <= one.rejected if case.layout and one.rejected else kept == one.rejected
            _hold(case, enough, f"{one.table}: {one.rejected} rows refused, {kept} kept")
        others = set(tables) - {one.table for one in reports} - {"rejected"}
        _hold(
            case,
            all(self._counts[name] == before[name] for name in others),
            "a table that was not told of changed",
        )
        counts = ("read", "added", "unchanged", "corrected", "rejected")
        return Outcome(Counter({name: getattr(report, name) for name in counts}))

    def _files(self) -> set[Path]:
        ledger = self._ledger.home.ledger
        return {path for path in ledger.rglob("*") if path.name != ".lock"} if ledger.exists() else set()


def _tells_one_line(error: str, case: Case) -> bool:
    """Whether an error is one short line without a value of the file's rows."""
    head, _, body = case.content.partition(b"\n") if case.name.endswith(".csv") else (b"", b"", b"")
    told = error.encode(errors="replace")
    cells = {cell.strip(b"\"' \r") for line in body.split(b"\n") for cell in line.split(b",")}
    values = {cell for cell in cells if len(cell) >= TELLING and cell not in head and cell not in COLUMNS}
    return error.isprintable() and len(error) <= ERROR_LENGTH and not any(value in told for value in values)


def _hold(case: Case, holds: bool, otherwise: str) -> None:  # noqa: FBT001
    if not holds:
        raise AssertionError(f"{case}: {otherwise}")
