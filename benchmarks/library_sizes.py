"""How many are in each segment of the library: `python benchmarks/library_sizes.py [HOME...]`.

Printed is a table in Markdown, a column for each home as it was scored last; CDNOW alone, trained and scored on the
way, when none is named. Below it stand the segments that nobody is in anywhere and the kinds of data that they wait
for, and those that hold nearly everybody somewhere.
"""

import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.accuracy import SEED, ledger_of
from features.cutoff import Cutoff
from ledger.home import Home
from ledger.quality.report import examine
from ledger.store import Ledger
from models.release import load_deployed
from regulars.datasets import CDNOW, write_plain
from regulars.readiness import segment_answers
from segments.segment import load_library
from serving import batch
from serving.store import PublishedRun
from training.train import train

NEARLY_EVERYBODY = 0.9
CDNOW_SCORED = date(1998, 7, 1)


def tell(runs: dict[str, PublishedRun]) -> None:
    """Print what the last runs of some homes found."""
    print(f"| segment | {' | '.join(runs)} |\n|---|{'---:|' * len(runs)}")
    everybody = [f"{run.facts.customers:,}" for run in runs.values()]
    print(f"| *customers* | {' | '.join(everybody)} |")
    sizes = {segment.name: [_size(run, segment.name) for run in runs.values()] for segment in load_library()}
    for name, found in sizes.items():
        cells = [
            f"{size:,} ({_percent(size / run.facts.customers)})" if size else "–"  # noqa: RUF001 - a dash
            for size, run in zip(found, runs.values(), strict=True)
        ]
        if any(found):
            print(f"| `{name}` | {' | '.join(cells)} |")
    waits = _waits([run.home for run in runs.values()])
    print("\n| nobody is in | waits for |\n|---|---|")
    for name, found in sizes.items():
        if not any(found):
            print(f"| `{name}` | {', '.join(waits[name]) or 'nothing'} |")
    crowded = [
        f"`{name}` in {home}"
        for name, found in sizes.items()
        for (home, run), size in zip(runs.items(), found, strict=True)
        if size > NEARLY_EVERYBODY * run.facts.customers
    ]
    print(f"\nMore than {NEARLY_EVERYBODY:.0%} of customers: {', '.join(crowded) or 'none'}")


def _size(run: PublishedRun, name: str) -> int:
    found = run.segment(name)
    return found.size if found else 0


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.0005 else "< 0.1%"  # noqa: PLR2004 - what would be written as 0.0%


def _waits(homes: Sequence[Home]) -> dict[str, tuple[str, ...]]:
    """Return what each segment lacks in all of some homes, by name."""
    answers = [segment_answers(examine(Ledger(home))) for home in homes]
    lacking = [{each.name: each.missing for each in found if each.name} for found in answers]
    first, *others = lacking
    return {
        name: tuple(need for need in needs if all(need in other[name] for other in others))
        for name, needs in first.items()
    }


def main(homes: Sequence[str]) -> None:
    """Print the sizes."""
    if homes:
        tell({Path(home).name: PublishedRun.open(Home(Path(home))) for home in homes})
        return
    with tempfile.TemporaryDirectory(prefix="regulars-sizes-") as scratch:
        file = write_plain(CDNOW, Path(scratch))["orders"]
        ledger = ledger_of([file], Path(scratch) / "home", CDNOW.currency, CDNOW.time_zone)
        cutoff = Cutoff.at_midnight(CDNOW_SCORED, ledger.shop.time_zone)
        train(ledger.home, cutoff=cutoff, horizon_days=90, seed=SEED)
        batch.run(ledger.home, load_deployed(ledger.home), load_library(), cutoff)
        tell({CDNOW.name: PublishedRun.open(ledger.home)})


if __name__ == "__main__":
    main(sys.argv[1:])
