from pathlib import Path

from segments.documentation import page
from segments.vocabulary import SegmentColumn

PAGE = Path(__file__).parents[2] / "docs" / "segments.md"


def test_the_page_of_segments_is_current(columns: dict[str, SegmentColumn]) -> None:
    without_currency = {
        name: SegmentColumn(name, column.unit, column.phrase) for name, column in columns.items()
    }
    assert PAGE.read_text(encoding="utf-8") == page(without_currency), "out of date; run `make docs`"
