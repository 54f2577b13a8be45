"""Whatever a file holds: it is imported, row by row accounted for, or refused in one line; no crash and no half."""

from collections import Counter
from pathlib import Path

import pytest

from ledger.home import Home
from tests.properties.import_outcome import Trial
from tests.properties.malformed import case_of

TOGETHER = 25  # files of one home: what an earlier one left must not trouble a later one


@pytest.mark.parametrize("first", range(0, 100, TOGETHER))
def test_every_file_is_accounted_for_or_refused_in_one_line(first: int, tmp_path: Path) -> None:
    trial = Trial(Home(tmp_path / "home"), tmp_path)

    outcomes = [trial.run(case_of(seed)) for seed in range(first, first + TOGETHER)]

    names = Counter(outcome.name for outcome in outcomes)
    assert names["file refused"] >= 2, "the cases should be of every kind"
    assert names["rows refused"] >= 5
