"""What training and scoring a large store take: seconds, processor seconds and memory, step by step, beside the bars.

    python benchmarks/scale.py [--customers N] [--keep DIR] [--only train|score]

Makes a store of a hundred thousand customers and a million lines (`benchmarks/generate.py`), trains on it and scores it
as `regulars train` and `regulars score` do, each in a process of its own. `--customers 1000000` is the store that the
bars are meant for: it takes some twenty minutes, 3 GB of disk and 12 GB of memory. On a machine that does other work
too, processor seconds are the ones to compare.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.feature_speed import END, SEED, store
from benchmarks.generate import generate
from ledger.home import Home
from ledger.store import Ledger

CUSTOMERS = 100_000
BAR_CUSTOMERS = 1_000_000
HORIZON_DAYS = 90
OF_REFILLS = frozenset({"learning refills", "Forecasting refills", "Planning reminders"})
"""Steps about refills and not about customers."""
BARS = {
    "train": f"{BAR_CUSTOMERS:,} customers: under 1,200 s and 12 GiB",
    "score": f"{BAR_CUSTOMERS:,} customers with their features: under 60 s",
}


def _clocks() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


@dataclass
class Watch:
    """Notes what passes between two steps that a job tells of.

    Parameters
    ----------
    name : str
        Of the step that is being done.
    """

    name: str = "begins"
    _begun: tuple[float, float] = field(default_factory=_clocks)

    def __call__(self, step: str, _share: float) -> None:
        """Print the step that is over, and begin another."""
        wall, processor = (now - then for now, then in zip(_clocks(), self._begun, strict=True))
        if self.name != "begins":
            found = {"step": self.name, "seconds": wall, "cpu": processor, "peak_gib": _peak_gib()}
            print(json.dumps(found), flush=True)
        _forget_peak()
        self.name, self._begun = step, _clocks()


def _peak_gib() -> float:
    """Return the most memory held since `_forget_peak`; where that cannot be told, since the process began."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024**2
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


def _forget_peak() -> None:
    peak = Path("/proc/self/clear_refs")
    if peak.exists():
        peak.write_text("5")


def train(home: Home, watch: Watch) -> str:
    """Train as of the end, and say what came of it."""
    from training.train import train as run  # noqa: PLC0415 - scoring must not pay for it

    found = run(home, cutoff=END, horizon_days=HORIZON_DAYS, seed=SEED, progress=watch)
    return f"{found.release}, {len(found.backtests)} backtests, gate: {found.gate.verdict}"


def score(home: Home, watch: Watch) -> str:
    """Score everybody as of the end, and say how many that were."""
    from models.release import load_deployed  # noqa: PLC0415
    from segments.segment import load_library  # noqa: PLC0415
    from serving.batch import run  # noqa: PLC0415

    found = run(home, load_deployed(home), load_library(), END, watch)
    return f"{found.facts.customers:,} customers, {len(found.facts.segments)} segments"


JOBS: dict[str, Callable[[Home, Watch], str]] = {"train": train, "score": score}


def run_job(job: str, home: Home) -> None:
    """Print what each step of a job took, as JSON, and last what it said."""
    watch = Watch()
    said = JOBS[job](home, watch)
    watch("over", 1.0)
    print(json.dumps({"told": said}))


def measured(job: str, folder: Path) -> None:
    """Run a job in a process of its own and print a line a step, and the sum."""
    command = [sys.executable, __file__, "--job", job, "--keep", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:  # noqa: S603 - this very file
        rows = []
        for line in running.stdout or ():
            row = json.loads(line)
            if "step" in row:
                rows.append(row)
                show(row["step"], row)
            else:
                print(f"{job}: {row['told']}")
    if running.returncode:
        raise SystemExit(f"{job} failed")
    for name, some in (
        (f"{job}, customers alone", [row for row in rows if row["step"] not in OF_REFILLS]),
        (f"{job} in all", rows),
    ):
        sums = {key: sum(row[key] for row in some) for key in ("seconds", "cpu")}
        show(name, {**sums, "peak_gib": max(row["peak_gib"] for row in some)})
    print(f"the bar of {job}: {BARS[job]}")


def show(name: str, row: dict[str, float]) -> None:
    """Print one line."""
    figures = f"{row['seconds']:>8.1f} s {row['cpu']:>8.1f} s {row['peak_gib']:>6.2f} GiB"
    print(f"{name:<40}{figures}", flush=True)


def main(customers: int, folder: Path, jobs: list[str]) -> None:
    """Make the store where there is none yet, and measure the jobs on it."""
    ledger = Ledger(Home(folder / "home"))
    if ledger.is_empty():
        lines = generate(customers, folder / "made", SEED, events=False)
        store(folder / "made", ledger)
        print(f"{lines:,} lines of {customers:,} customers")
    print(f"{'':<40}{'wall':>10} {'processor':>10} {'peak':>10}")
    for job in jobs:
        measured(job, folder)


def read_arguments() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(description="Measure training and scoring of a large store.")
    parser.add_argument("--customers", type=int, default=CUSTOMERS)
    parser.add_argument("--keep", type=Path, help="a directory for the store, used again when it is there")
    parser.add_argument("--only", choices=sorted(JOBS))
    parser.add_argument("--job", choices=sorted(JOBS), help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    asked = read_arguments()
    if asked.job:
        run_job(asked.job, Home(asked.keep / "home"))
    else:
        with tempfile.TemporaryDirectory() as scratch:
            place = asked.keep or Path(scratch)
            place.mkdir(parents=True, exist_ok=True)
            main(asked.customers, place, [asked.only] if asked.only else list(JOBS))
