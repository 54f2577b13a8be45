import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ledger.errors import InputError
from segments.definitions import LIBRARY, Definitions
from segments.segment import Segment

MONDAY = datetime(2024, 1, 1, 9, tzinfo=UTC)
TUESDAY = datetime(2024, 1, 2, 9, tzinfo=UTC)


def segment(name: str, expression: str = "orders = 1") -> Segment:
    return Segment(name=name, title=name, description="D.", expression=expression, advice="A.")


LIB = (segment("a"), segment("b"))


def test_nothing_is_written_by_reading(tmp_path: Path) -> None:
    definitions = Definitions(tmp_path / "segments.db")
    assert definitions.followed(LIB) == LIB
    assert (definitions.history("a"), definitions.latest(), definitions.numbers("r")) == ([], {}, {})
    assert list(tmp_path.iterdir()) == []


def test_versions_say_who_wrote_what_when_and_the_last_one_is_followed(tmp_path: Path) -> None:
    definitions = Definitions(tmp_path / "segments.db")
    assert definitions.save(segment("mine"), "ann", MONDAY, after=0) == 1
    assert definitions.save(segment("mine", "orders = 2"), "bob", TUESDAY, after=1) == 2
    told = [(each.number, each.by, each.at, each.segment.expression) for each in definitions.history("mine")]
    assert told == [(1, "ann", MONDAY, "orders = 1"), (2, "bob", TUESDAY, "orders = 2")]
    assert definitions.followed(LIB) == (*LIB, segment("mine", "orders = 2"))


def test_an_edit_of_a_version_that_is_no_longer_the_last_is_refused(tmp_path: Path) -> None:
    definitions = Definitions(tmp_path / "segments.db")
    definitions.save(segment("mine"), "ann", MONDAY, after=0)
    definitions.save(segment("mine", "orders = 2"), "ann", MONDAY, after=1)
    with pytest.raises(InputError, match=r"at version 2 by now.*an edit of version 1.*edit again"):
        definitions.save(segment("mine", "orders = 3"), "bob", TUESDAY, after=1)
    assert len(definitions.history("mine")) == 2


def test_what_ships_gets_a_version_when_its_text_changes_and_not_otherwise(tmp_path: Path) -> None:
    definitions = Definitions(tmp_path / "segments.db")
    assert definitions.note(LIB, MONDAY) == {"a": 1, "b": 1}
    assert definitions.note(LIB, TUESDAY) == {"a": 1, "b": 1}
    upgraded = (segment("a", "orders = 9"), segment("b"))
    assert definitions.note(upgraded, TUESDAY) == {"a": 2, "b": 1}
    assert definitions.followed(upgraded) == upgraded
    assert [each.by for each in definitions.history("a")] == [LIBRARY, LIBRARY]


def test_the_shops_version_stands_in_place_of_what_ships_through_upgrades(tmp_path: Path) -> None:
    definitions = Definitions(tmp_path / "segments.db")
    definitions.note(LIB, MONDAY)
    own = segment("b", "orders = 7")
    definitions.save(own, "ann", MONDAY, after=1)
    upgraded = (segment("a"), segment("b", "orders = 9"))
    assert definitions.note(upgraded, TUESDAY) == {"a": 1, "b": 2}
    assert definitions.followed(upgraded) == (segment("a"), own)


def test_a_hidden_segment_is_not_followed_until_it_is_again(tmp_path: Path) -> None:
    definitions = Definitions(tmp_path / "segments.db")
    definitions.note(LIB, MONDAY)
    definitions.save(segment("a"), "ann", MONDAY, state="hidden", after=1)
    assert definitions.followed(LIB) == (segment("b"),)
    definitions.save(segment("a"), "ann", TUESDAY, after=2)
    assert definitions.followed(LIB) == LIB


def test_numbers_once_kept_for_a_release_stay(tmp_path: Path) -> None:
    definitions = Definitions(tmp_path / "segments.db")
    definitions.keep_numbers("r1", {"clv:90.0": 5.0})
    definitions.keep_numbers("r1", {"clv:90.0": 6.0, "clv:80.0": 3.0})
    assert definitions.numbers("r1") == {"clv:90.0": 5.0, "clv:80.0": 3.0}
    assert definitions.numbers("r2") == {}


def test_a_version_whose_writing_fails_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "segments.db"
    definitions = Definitions(path)
    definitions.save(segment("a"), "ann", MONDAY, after=0)
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
        database.execute("CREATE TRIGGER no BEFORE INSERT ON versions BEGIN SELECT RAISE(ABORT, 'full'); END")
    database.close()
    with pytest.raises(sqlite3.IntegrityError, match="full"):
        definitions.save(segment("a", "orders = 2"), "ann", MONDAY, after=1)
    assert [each.number for each in definitions.history("a")] == [1]
