import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import delta
from ledger.errors import InputError
from ledger.home import Home
from serving.erasure import remove
from serving.segments import records
from serving.segments.feed import Feed
from serving.segments.trend import members_on, points
from serving.store import PublishedRun
from tests.segments.stays_reference import Reference
from tests.serving.segments.runs import Pair, day, files_of, follow

Heard = tuple[str, str, int]


def heard(
    run: PublishedRun, segment: str, since: str | None = None, limit: int = 2
) -> tuple[list[Heard], str]:
    """Read a segment's feed to its end, page by page."""
    told: list[Heard] = []
    more = True
    while more:
        page = Feed.of(run).read(segment, since, limit)
        assert Feed.of(run).read(segment, since, limit) == page  # asking twice gives the same
        told += [(row["customer_id"], row["kind"], row["at"].day) for row in page.changes]
        since, more = page.token, page.more
    assert since is not None
    return told, since


def test_a_feed_tells_each_change_once_and_goes_on_from_a_token(tmp_path: Path) -> None:
    home = Home(tmp_path)
    run = follow(home, {("a", "x"), ("b", "x"), ("c", "x"), ("a", "y")}, 1)
    told, token = heard(run, "x")
    assert told == [("a", "entered", 1), ("b", "entered", 1), ("c", "entered", 1)]
    run = follow(home, {("b", "x"), ("d", "x"), ("a", "y")}, 2)
    told, later = heard(run, "x", token)
    assert told == [("a", "left", 2), ("c", "left", 2), ("d", "entered", 2)]
    assert heard(run, "x", later) == ([], later)
    assert heard(run, "y", later)[0] == []


def test_a_run_done_again_adds_nothing_and_a_corrected_one_what_it_corrects(tmp_path: Path) -> None:
    home = Home(tmp_path)
    follow(home, {("a", "x")}, 1)
    wrong = follow(home, {("a", "x"), ("b", "x")}, 2)
    _, token = heard(wrong, "x")
    assert heard(follow(home, {("a", "x"), ("b", "x")}, 2), "x", token) == ([], token)
    right = follow(home, {("a", "x"), ("c", "x")}, 2)
    assert heard(right, "x", token)[0] == [("b", "left", 2), ("c", "entered", 2)]
    # A token handed out before the correction goes on meaning what it did.
    assert heard(right, "x")[0] == [
        ("a", "entered", 1),
        ("b", "entered", 2),
        ("b", "left", 2),
        ("c", "entered", 2),
    ]
    assert [(row["customer_id"], row["entered_at"].day) for row in members_on(right, "x", day(2), "", 9)] == [
        ("a", 1),
        ("c", 2),
    ]
    assert [(p["as_of"].day, p["size"], p["entered"], p["left"]) for p in points(right, "x")] == [
        (1, 1, 1, 0),
        (2, 2, 1, 0),
    ]


def test_a_run_that_is_killed_before_its_end_is_as_if_it_had_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    run = follow(home, {("a", "x")}, 1)
    with monkeypatch.context() as patch:
        patch.setattr(records, "_commit_stays", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            follow(home, {("b", "x")}, 2)
    assert heard(run, "x")[0] == [("a", "entered", 1)]
    again = follow(home, {("a", "x"), ("c", "x")}, 3)
    assert heard(again, "x")[0] == [("a", "entered", 1), ("c", "entered", 3)]
    assert [point["as_of"].day for point in points(again, "x")] == [1, 3]


@pytest.mark.parametrize("token", ["", "0", "nonsense", "00000000-1", "{name}-99", "{name}--1", "{name}-1 "])
def test_a_token_of_another_feed_is_refused(tmp_path: Path, token: str) -> None:
    run = follow(Home(tmp_path), {("a", "x")}, 1)
    with pytest.raises(InputError, match="none of this feed's; begin without one"):
        Feed.of(run).read("x", token.format(name=Feed.of(run).name), 5)


def test_a_run_before_the_last_one_is_refused(tmp_path: Path) -> None:
    follow(Home(tmp_path), {("a", "x")}, 5)
    with pytest.raises(InputError, match=r"already known up to 2024-01-05.*as of 2024-01-04.*would rewrite"):
        follow(Home(tmp_path), {("a", "x")}, 4)


def test_an_erased_customer_is_in_no_table_and_tokens_go_on(tmp_path: Path) -> None:
    home = Home(tmp_path)
    run = follow(home, {("a", "x"), ("b", "x")}, 1)
    _, token = heard(run, "x")
    follow(home, {("b", "x"), ("c", "x")}, 2)
    remove(home, ["c"])
    remove(home, ["a"])
    run = follow(home, {("d", "x")}, 3)
    assert heard(run, "x", token)[0] == [("b", "left", 3), ("d", "entered", 3)]
    for path in (home.movements, home.memberships):
        assert not any(
            b"why a" in file.read_bytes() or b"why c" in file.read_bytes() for file in files_of(path)
        )


def test_many_runs_are_kept_in_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "FILES_AT_MOST", 3)
    home, reference = Home(tmp_path), Reference()
    for number in range(1, 13):
        pairs = {("a", "x")} if number % 2 else {("b", "x")}
        run = follow(home, pairs, number)
        reference.run(number, pairs)
    for path in (home.movements, home.trend, home.memberships):
        assert len(delta.files_at(path, delta.version_of(path))) <= 6
    assert len(heard(run, "x")[0]) == 1 + 11 * 2
    for number in range(1, 13):
        who = {(row["customer_id"], "x") for row in members_on(run, "x", day(number), "", 9)}
        assert who == reference.members_on(number)


PAIRS = st.sets(st.tuples(st.sampled_from("abc"), st.sampled_from("xy")))


@settings(max_examples=8, deadline=None)
@given(runs=st.lists(st.tuples(st.booleans(), PAIRS), min_size=2, max_size=5))
def test_any_runs_some_done_again_give_a_feed_that_ends_in_the_present_and_each_days_members(
    runs: list[tuple[bool, set[Pair]]],
) -> None:
    reference, number, told, token = Reference(), 1, list[Heard](), None
    with tempfile.TemporaryDirectory() as directory:
        for again, pairs in runs:
            number += 0 if again else 1
            run = follow(Home(Path(directory)), pairs, number)
            reference.run(number, pairs)
            # Some listen after every run, and what they heard is what who listens once hears.
            some, token = heard(run, "x", token)
            told += some
        assert told == heard(run, "x", limit=3)[0]
        present: set[str] = set()
        for who, kind, _ in told:
            assert (who in present) is (kind == "left")
            present ^= {who}
        for on in range(1, number + 1):
            on_day = {(row["customer_id"], "x") for row in members_on(run, "x", day(on), "", 9)}
            assert on_day == {pair for pair in reference.members_on(on) if pair[1] == "x"}
        assert present == {who for who, segment in reference.members_on(number) if segment == "x"}
