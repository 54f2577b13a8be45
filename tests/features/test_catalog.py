import pytest

from features.catalog.shipped import CATALOG
from features.feature import Feature


@pytest.mark.parametrize("feature", CATALOG.features, ids=CATALOG.names)
def test_a_feature_has_one_plain_sentence(feature: Feature) -> None:
    assert feature.means[0].isupper()
    assert feature.means.endswith(".")


def test_the_last_days_are_in_the_name_of_every_window() -> None:
    windowed = [f for f in CATALOG if "age_days <= " in f.sql and "prior" not in f.name]

    assert [f.name for f in windowed if not f.name.endswith(f"_{f.sql.split('<= ')[1].rstrip(')')}d")] == []
    assert windowed
