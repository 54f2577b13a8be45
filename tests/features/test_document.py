from features.catalog.shipped import CATALOG
from features.document import PAGE, page


def test_the_page_in_docs_is_the_one_the_catalog_gives() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `make docs`"


def test_every_feature_is_on_the_page_with_its_sentence() -> None:
    text = page()

    assert [f.name for f in CATALOG if f"| `{f.name}` | {f.unit} | {f.means} |" not in text] == []
