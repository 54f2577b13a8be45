from datetime import UTC, date, datetime

import pytest

from features.cutoff import Cutoff

NEW_YORK = "America/New_York"


def test_a_cutoff_needs_an_aware_instant() -> None:
    with pytest.raises(
        ValueError, match="a cutoff is an aware instant; got 2021-01-01T00:00:00 without an offset"
    ):
        Cutoff(datetime(2021, 1, 1), NEW_YORK)  # noqa: DTZ001 - the mistake under test


def test_the_day_is_the_local_one() -> None:
    # 04:59 UTC on 2 January is 23:59 on the 1st in New York: 18628 days after 1970-01-01.
    assert Cutoff(datetime(2021, 1, 2, 4, 59, tzinfo=UTC), NEW_YORK).day == 18628


def test_days_are_added_to_the_local_time_across_a_clock_change() -> None:
    before = Cutoff.at_midnight(date(2021, 3, 14), NEW_YORK)

    # The 14th has 23 hours.
    assert before.at == datetime(2021, 3, 14, 5, tzinfo=UTC)
    assert before.plus_days(1).at == datetime(2021, 3, 15, 4, tzinfo=UTC)
    assert before.plus_days(1).plus_days(-1) == before
