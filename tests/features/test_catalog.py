import re

import pytest

from features.catalog.shipped import CATALOG
from features.feature import Feature


@pytest.mark.parametrize("feature", CATALOG.features, ids=CATALOG.names)
def test_a_feature_has_one_plain_sentence(feature: Feature) -> None:
    assert feature.means[0].isupper()
    assert feature.means.endswith(".")


def test_the_last_days_are_in_the_name_of_every_feature_that_looks_at_them() -> None:
    windowed = [(f.name, re.findall(r"age_days <= (\d+)", f.sql)) for f in CATALOG]

    assert [name for name, days in windowed if any(f"_{length}d" not in name for length in days)] == []
    assert [name for name, days in windowed if days]
