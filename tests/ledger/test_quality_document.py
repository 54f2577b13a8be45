"""docs/doctor.md is the declared rows."""

from pathlib import Path

from ledger.quality.document import page
from ledger.quality.suspicions.shipped import SUSPICIONS

DOCTOR = Path(__file__).parents[2] / "docs" / "doctor.md"


def test_the_page_is_the_one_written_from_the_code() -> None:
    assert DOCTOR.read_text(encoding="utf-8") == page()


def test_the_page_tells_of_every_finding_what_to_do() -> None:
    text = page()
    assert [s.name for s in SUSPICIONS if f"### `{s.name}`" not in text or s.advice not in text] == []
