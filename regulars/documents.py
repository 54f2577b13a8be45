"""The pages of docs/ that are written from the code: `make docs` writes them, and tests hold them current."""

from collections.abc import Callable, Mapping
from pathlib import Path

from features import document as features_page
from features.catalog.shipped import CATALOG
from ledger import document as ledger_page
from ledger.quality import document as doctor_page
from models.scores import SCORES
from segments import documentation
from segments.vocabulary import vocabulary
from serving.reminders import document as reminders_page
from training import document as accuracy_page

DOCS = Path(__file__).parents[1] / "docs"

PAGES: Mapping[str, Callable[[], str]] = {
    "ledger.md": ledger_page.page,
    "doctor.md": doctor_page.page,
    "features.md": features_page.page,
    "accuracy.md": accuracy_page.page,
    "reminders.md": reminders_page.page,
    "segments.md": lambda: documentation.page(vocabulary((*CATALOG, *SCORES))),
}


def write(into: Path = DOCS) -> None:
    """Write every generated page into a directory."""
    for name, text in PAGES.items():
        (into / name).write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    write()
