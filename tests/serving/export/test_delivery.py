"""A segment delivered day after day: what the files and messages say, and what is remembered."""

import json
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pa_parquet
import pytest

from ledger.errors import InputError
from ledger.home import Home
from serving.erasure import remove
from serving.export import deliveries
from serving.export.courier import checked
from serving.export.csv import CSV
from serving.export.delivery import Delivered, Request, to_files, to_webhook
from serving.export.destination import Destination
from serving.export.hashing import sha256
from serving.export.klaviyo import KLAVIYO
from serving.export.meta import META
from serving.export.parquet import PARQUET
from serving.export.shipped import DESTINATIONS
from serving.export.webhook import PAGE, name_of
from tests.serving.export.receiver import Pauses, Receiver, courier_to, hang_up, serving, status
from tests.serving.export.shop import NOW, SEGMENT, Loyal, rows_of

ANN, BOB, CY = (f"{one}@example.org" for one in ("ann", "bob", "cy"))


@pytest.fixture
def known(shop: Loyal) -> Loyal:
    """Return the shop with three customers who consented to everything."""
    shop.customers(
        f"ann,2024-01-01,{ANN},+49301111111,,,,yes,yes,yes",
        f"bob,2024-01-01,{BOB},,,,,yes,yes,yes",
        f"cy,2024-01-01,{CY},,,,,yes,yes,yes",
    )
    return shop


def meta(
    shop: Loyal, *, delta: bool = False, since: str | None = None
) -> tuple[Delivered, set[str], set[str]]:
    """Deliver to Meta; return the answer, and the e-mails added and removed."""
    out = shop.files / "meta.csv"
    answer = to_files(shop.asked(delta=delta, since=since), META, out)
    added = {row["email"] for row in rows_of(out)}
    return answer, added, {row["email"] for row in rows_of(out.with_name("meta.remove.csv"))}


def posted(shop: Loyal, receiver: Receiver, request: Request | None = None) -> Delivered:
    """Deliver a delta to a receiver."""
    courier = courier_to(receiver.url, Pauses())
    return to_webhook(request or shop.asked(delta=True), checked(receiver.url), courier)


def told(receiver: Receiver) -> tuple[list[str], list[str]]:
    """Return who was added and who removed by all messages, in order."""
    messages = [json.loads(got.body) for got in receiver.received]
    adds = [one["customer_id"] for message in messages for one in message["adds"]]
    return adds, [one["customer_id"] for message in messages for one in message["removes"]]


def test_the_first_delivery_adds_everybody_and_the_next_what_changed(known: Loyal) -> None:
    known.run(0, "ann", "bob")
    first, added, removed = meta(known, delta=True)
    assert (added, removed) == ({sha256(ANN), sha256(BOB)}, set())
    assert (first.added, first.removed, first.members, first.since) == (2, 0, 2, None)
    known.run(1, "bob", "cy")
    second, added, removed = meta(known, delta=True)
    assert (added, removed) == ({sha256(CY)}, {sha256(ANN)})
    assert (second.since, second.added, second.removed) == (first.token, 1, 1)
    third, added, removed = meta(known, delta=True)
    assert (added, removed) == (set(), set())
    assert third.token == second.token


def test_a_whole_delivery_adds_everybody_and_still_removes_who_left(known: Loyal) -> None:
    known.run(0, "ann", "bob")
    meta(known)
    known.run(1, "bob")
    _, added, removed = meta(known)
    assert (added, removed) == ({sha256(BOB)}, {sha256(ANN)})


def test_an_earlier_delivery_can_be_gone_back_to(known: Loyal) -> None:
    known.run(0, "ann")
    first, *_ = meta(known)
    known.run(1, "bob")
    second, *_ = meta(known, delta=True)
    known.run(2, "bob", "cy")
    meta(known, delta=True)
    again, added, removed = meta(known, since=first.token)
    assert (again.since, added, removed) == (first.token, {sha256(BOB), sha256(CY)}, {sha256(ANN)})
    _, added, removed = meta(known, since=second.token)
    assert (added, removed) == ({sha256(CY)}, set())


def test_a_token_that_nobody_gave_is_refused_with_those_that_were(known: Loyal) -> None:
    known.run(0, "ann")
    first, *_ = meta(known)
    with pytest.raises(InputError, match=f"no such delivery of 'loyal' to meta; known .*: {first.token}"):
        meta(known, since="yesterday")


def test_who_withdraws_consent_is_removed_though_he_stays_in_the_segment(known: Loyal) -> None:
    known.run(0, "ann", "bob")
    meta(known)
    known.customers(f"ann,2024-02-01,{ANN},+49301111111,,,,yes,yes,no")
    answer, added, removed = meta(known, delta=True)
    assert (added, removed) == (set(), {sha256(ANN)})
    assert answer.left_out == {"no_consent": 1}


def test_a_new_address_is_added_and_the_old_one_removed(known: Loyal) -> None:
    known.run(0, "bob")
    meta(known)
    known.customers("bob,2024-02-01,new@example.org,,,,,yes,yes,yes")
    _, added, removed = meta(known, delta=True)
    assert (added, removed) == ({sha256("new@example.org")}, {sha256(BOB)})


def test_klaviyo_is_told_by_the_old_address_that_somebody_left(known: Loyal) -> None:
    known.run(0, "ann", "bob")
    out = known.files / "k.csv"
    to_files(known.asked(), KLAVIYO, out)
    assert rows_of(out) == [
        {
            "Email": ANN,
            "Phone Number": "+49301111111",
            "regulars_loyal": "true",
            "regulars_loyal_since": "2024-01-01T05:00:00",
        },
        {
            "Email": BOB,
            "Phone Number": "",
            "regulars_loyal": "true",
            "regulars_loyal_since": "2024-01-01T05:00:00",
        },
    ]
    known.customers("ann,2024-02-01,new@example.org,+49309999999,,,,no,no,no")
    to_files(known.asked(delta=True), KLAVIYO, out)
    assert rows_of(out) == []
    assert rows_of(known.files / "k.remove.csv") == [
        {"Email": ANN, "Phone Number": "+49301111111", "regulars_loyal": "false"}
    ]


def test_segments_destinations_and_receivers_have_their_own_records(known: Loyal) -> None:
    known.run(0, "ann")
    meta(known)
    with serving() as one, serving() as other:
        posted(known, one)
        posted(known, other)
        assert told(one) == told(other) == (["ann"], [])
    assert len(list(known.home.deliveries.iterdir())) == 3


def test_no_address_is_kept_with_a_record(known: Loyal) -> None:
    known.run(0, "ann")
    meta(known)
    to_files(known.asked(), KLAVIYO, known.files / "k.csv")
    with serving() as receiver:
        posted(known, receiver)
    for path in known.home.deliveries.iterdir():
        held = path.read_bytes() + repr(pa_parquet.read_table(path).to_pylist()).encode() + path.name.encode()
        for private in (b"ann@", b"1111111", b"hidden", b"127.0.0.1"):
            assert private not in held


@pytest.mark.parametrize("destination", [CSV, PARQUET], ids=lambda each: each.name)
def test_files_for_the_shop_itself_tell_by_id(known: Loyal, destination: Destination) -> None:
    def read(path: Path) -> list[Any]:
        return list(rows_of(path)) if destination is CSV else list(pa_parquet.read_table(path).to_pylist())

    out = known.files / f"x{destination.extension}"
    known.run(0, "ann", "nobody with an address")
    to_files(known.asked(delta=True), destination, out)
    assert [row["customer_id"] for row in read(out)] == ["ann", "nobody with an address"]
    known.run(1, "ann", "bob")
    to_files(known.asked(delta=True), destination, out)
    (row,) = read(out)
    assert (row["customer_id"], row["segment"], row["release"]) == ("bob", SEGMENT, "r1")
    gone = "nobody with an address"
    assert read(known.files / f"x.remove{destination.extension}") == [
        {"customer_id": gone, "customer_id_sha256": sha256(gone)}
    ]


def test_a_file_that_cannot_be_written_leaves_the_token_and_nobody_is_forgotten(known: Loyal) -> None:
    known.run(0, "ann")
    first, *_ = meta(known)
    known.run(1, "bob")
    with pytest.raises(InputError, match="there is no directory"):
        to_files(known.asked(delta=True), META, known.files / "missing" / "meta.csv")
    known.run(2, "cy")
    answer, added, removed = meta(known, delta=True)
    assert answer.since == first.token
    assert added == {sha256(CY)}
    assert removed == {sha256(ANN), sha256(BOB)}  # bob may have got there


def test_a_delivery_that_fails_is_repeated_with_the_same_names_and_bodies(known: Loyal) -> None:
    everybody = [f"c{number:04d}" for number in range(2 * PAGE + 1)]
    known.run(0, *everybody)
    with serving([status(204), status(410)]) as receiver:
        with pytest.raises(InputError, match="it answered 410"):
            posted(known, receiver)
        answer = posted(known, receiver)
        names = [got.headers["idempotency-key"] for got in receiver.received]
        bodies = [got.body for got in receiver.received]
    assert names == [names[0], names[1], names[0], names[1], names[4]]
    assert bodies == [bodies[0], bodies[1], bodies[0], bodies[1], bodies[4]]
    assert len({names[0], names[1], names[4]}) == 3
    assert (answer.since, answer.added) == (None, 2 * PAGE + 1)
    messages = [json.loads(body) for body in bodies[2:]]
    assert [(one["page"], one["pages"], len(one["adds"])) for one in messages] == [
        (1, 3, PAGE),
        (2, 3, PAGE),
        (3, 3, 1),
    ]
    assert [one["customer_id"] for message in messages for one in message["adds"]] == everybody


def test_who_arrived_by_a_delivery_that_broke_off_and_then_left_is_removed(known: Loyal) -> None:
    known.run(0, "ann", "bob")
    with serving([hang_up] * 6) as receiver:
        with pytest.raises(InputError, match="the connection failed"):
            posted(known, receiver)
        receiver.received.clear()
        known.run(1, "bob")
        posted(known, receiver)
        assert told(receiver) == (["bob"], ["ann"])


def test_nothing_is_posted_when_nothing_changed(known: Loyal) -> None:
    known.run(0, "ann")
    with serving() as receiver:
        posted(known, receiver)
        posted(known, receiver)
        known.run(1, "ann")
        posted(known, receiver)
    assert len(receiver.received) == 1


def test_a_message_says_who_since_when_why_and_with_which_scores(known: Loyal) -> None:
    known.run(0, "ann")
    with serving() as receiver:
        first = posted(known, receiver)
        known.run(1, "bob")
        second = posted(known, receiver)
    message = json.loads(receiver.received[1].body)
    assert message == {
        "type": "regulars.segment.changed",
        "segment": "loyal",
        "as_of": "2024-01-02T05:00:00+00:00",
        "since": first.token,
        "token": second.token,
        "everybody": False,
        "page": 1,
        "pages": 1,
        "adds": [
            {
                "customer_id": "bob",
                "entered_at": "2024-01-02T05:00:00+00:00",
                "reasons": ["3 orders"],
                "scores": {"confidence": "model", "clv_365d": 3.0},
            }
        ],
        "removes": [{"customer_id": "ann", "customer_id_sha256": sha256("ann")}],
    }


@pytest.mark.parametrize("name", [each.name for each in DESTINATIONS])
def test_who_is_erased_is_in_no_record_by_name_and_is_removed_where_it_is_possible(
    known: Loyal, name: str
) -> None:
    destination = next(each for each in DESTINATIONS if each.name == name)
    known.run(0, "ann", "bob")
    out = known.files / "out.csv"
    with serving() as receiver:

        def deliver() -> Delivered:
            if destination.write is None:
                return posted(known, receiver)
            return to_files(known.asked(delta=True), destination, out)

        deliver()
        record = next(known.home.deliveries.iterdir()).name
        assert deliveries.holding(known.home, ["ann"]) == (f"loyal at {record.split('.')[1]}",)
        remove(known.home, ["ann"])
        assert deliveries.count(known.home, ["ann"]) == 0
        assert deliveries.holding(known.home, ["ann"]) == ()
        answer = deliver()
        after = deliver()
    assert (answer.added, answer.removed) == (0, 0 if destination is KLAVIYO else 1)
    assert (after.added, after.removed) == (0, 0)
    (path,) = known.home.deliveries.iterdir()
    assert pa_parquet.read_table(path)["customer_id"].to_pylist() == ["bob"]


def test_who_was_removed_before_he_is_erased_leaves_no_hash(known: Loyal) -> None:
    known.run(0, "ann", "bob")
    meta(known)
    known.run(1, "bob")
    meta(known, delta=True)
    remove(known.home, ["ann"])
    (path,) = known.home.deliveries.iterdir()
    assert sha256(ANN) not in repr(pa_parquet.read_table(path).to_pylist())


def test_an_erased_customer_who_comes_back_with_consent_is_not_removed(known: Loyal) -> None:
    known.run(0, "ann")
    meta(known)
    shutil.rmtree(known.home.memberships)
    deliveries.forget(known.home, ["ann"])
    known.run(1, "ann")
    _, added, removed = meta(known, delta=True)
    assert (added, removed) == (set(), set())


def test_the_answer_names_nobody(known: Loyal) -> None:
    known.run(0, "ann", "bob", "nobody")
    answer, *_ = meta(known)
    for private in ("ann", "bob", "nobody", sha256(ANN)):
        assert private not in str(answer)
    assert answer.left_out == {"no_address": 1}


@pytest.mark.parametrize("known_at", ["2024-06-30", "2024-07-01T18:00:00+00:00"])
def test_a_withdrawal_counts_from_its_import_on_whatever_was_scored_and_whatever_its_clock_says(
    known: Loyal, known_at: str
) -> None:
    known.run(0, "ann")
    known.customers(f"ann,{known_at},{ANN},,,,,,,no")
    answer, added, _ = meta(known)
    assert (added, answer.left_out) == (set(), {"no_consent": 1})


def test_a_receiver_is_recorded_by_a_hash_of_its_whole_address() -> None:
    names = {name_of(checked(f"https://shop.example/hook?key={key}")) for key in "ab"}
    assert len(names) == 2
    assert all(name.startswith("webhook-") and "shop" not in name for name in names)


def test_a_misspelt_home_is_not_made(tmp_path: Path) -> None:
    request = Request(Home(tmp_path / "hoem"), SEGMENT, NOW)
    with pytest.raises(InputError, match="nothing has been scored yet"):
        to_files(request, META, tmp_path / "meta.csv")
    assert list(tmp_path.iterdir()) == []
