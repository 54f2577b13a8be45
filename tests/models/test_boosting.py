import numpy as np
import pandas as pd
import pytest

from models.boosting import Correction, fit_correction

ROWS = 600


@pytest.fixture(scope="module")
def correction() -> Correction:
    random = np.random.default_rng(1)
    inputs = pd.DataFrame({name: random.random(ROWS) for name in ("noise", "cause", "constant")})
    inputs["constant"] = 1.0
    target = np.where(inputs["cause"] > 0.5, 1.0, 0.0)
    return fit_correction(inputs, target, np.zeros(ROWS), objective="binary", seed=1)


def test_importance_puts_first_what_decides_and_last_what_tells_nothing(correction: Correction) -> None:
    found = correction.importance()

    assert list(found["input"]) == ["cause", "noise", "constant"]
    assert found["gain_share"].iloc[0] > 0.9
    assert found["gain_share"].iloc[2] == 0
    assert found["gain_share"].sum() == pytest.approx(1)


def test_importance_counts_every_split_of_the_trees(correction: Correction) -> None:
    # In LightGBM's text each tree lists the inputs of its splits by number.
    lines = [line for line in correction.text.splitlines() if line.startswith("split_feature=")]
    split_on = [int(number) for line in lines for number in line.removeprefix("split_feature=").split()]
    splits = correction.importance().set_index("input")["splits"]

    assert splits.to_dict() == {
        name: split_on.count(place) for place, name in enumerate(("noise", "cause", "constant"))
    }
