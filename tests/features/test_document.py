from features.catalog.shipped import CATALOG
from features.document import page


def test_every_feature_is_on_the_page_with_its_sentence() -> None:
    text = page()

    assert [f.name for f in CATALOG if f"| `{f.name}` | {f.unit} | {f.means} |" not in text] == []
