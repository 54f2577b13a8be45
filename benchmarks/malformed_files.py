"""Thousands of malformed files through the importer: `python benchmarks/malformed_files.py [FILES] [FIRST_SEED]`.

Each file is made from its number and imported into a home with others; what must hold of each is what the tests hold
of a hundred of them (`tests/properties/import_outcome.py`). A file that takes longer than a minute ends the run with
the place where it hangs; a file that breaks a promise is named and counted, and the run goes on.
"""

import faulthandler
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from ledger.home import Home
from tests.properties.import_outcome import Trial
from tests.properties.malformed import case_of

FILES = 200
TOGETHER = 40  # files of one home
HANGS_SECONDS = 60
BROKEN = "BROKEN PROMISE"


def run(files: int, first: int, folder: Path) -> tuple[Counter[str], Counter[str], Counter[str], float]:
    """Import files and return how many ended how, of which kind they were, their rows, and the slowest's seconds."""
    outcomes, kinds, rows = Counter[str](), Counter[str](), Counter[str]()
    slowest = 0.0
    trial = Trial(Home(folder / "home"), folder)
    for number, seed in enumerate(range(first, first + files)):
        if number % TOGETHER == 0:
            trial = Trial(Home(folder / f"home {number}"), folder)
        case = case_of(seed)
        kinds[case.kind] += 1
        faulthandler.dump_traceback_later(HANGS_SECONDS, exit=True)
        begun = time.perf_counter()
        try:
            outcome = trial.run(case)
            outcomes[outcome.name] += 1
            rows.update(outcome.rows)
        except Exception as error:  # noqa: BLE001 - what a file brings about is what is counted here
            outcomes[BROKEN] += 1
            print(f"{case}: {type(error).__name__}: {error}", flush=True)
            trial = Trial(Home(folder / f"home after {number}"), folder)
        slowest = max(slowest, time.perf_counter() - begun)
        faulthandler.cancel_dump_traceback_later()
    return outcomes, kinds, rows, slowest


def main() -> int:
    """Run and print the counts; return 1 when a promise was broken."""
    files, first = [int(text) for text in sys.argv[1:3]] + [FILES, 0][len(sys.argv) - 1 :]
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        outcomes, kinds, rows, slowest = run(files, first, Path(folder))
    print(
        f"{files:,} files, {rows['read']:,} rows read of those not refused as a whole; slowest {slowest:.1f} s"
    )
    print("files:", ", ".join(f"{name} {count:,}" for name, count in sorted(outcomes.items())))
    print(
        "rows:",
        ", ".join(f"{name} {rows[name]:,}" for name in ("added", "unchanged", "corrected", "rejected")),
    )
    print("damage:", ", ".join(f"{name} {count:,}" for name, count in kinds.most_common()))
    return 1 if outcomes[BROKEN] else 0


if __name__ == "__main__":
    sys.exit(main())
