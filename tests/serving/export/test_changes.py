"""After every delivery that ended, the list elsewhere holds whom it should, whatever broke off before."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.export.changes import carried, changes
from serving.export.contacts import CONTACTS
from serving.export.deliveries import KEPT, ROWS, Record, begun, done

NOW = dt.datetime(2024, 7, 1, tzinfo=dt.UTC)
Person = tuple[str, str | None, str | None]


def contacts(people: Sequence[Person]) -> pa.Table:
    """Return contacts of (customer, e-mail key, phone key)."""
    rows = [{"customer_id": one, "email_key": email, "phone_key": phone} for one, email, phone in people]
    return pa.Table.from_pylist(rows, CONTACTS)


def keys_of(rows: pa.Table) -> set[str]:
    found = {key for name in ("email_key", "phone_key", "id_key") for key in rows[name].to_pylist()}
    return {key for key in found if key is not None}


@dataclass
class Listed:
    """A segment's record here, and the list elsewhere, which knows keys alone."""

    record: Record = field(default_factory=lambda: Record("loyal", "meta", True, ROWS.empty_table()))  # noqa: FBT003
    held: set[str] = field(default_factory=set)

    def deliver(self, people: Sequence[Person], *, since: int | None = None, everybody: bool = False) -> None:
        """Deliver to the end."""
        now = contacts(people)
        last = self.record.next_number - 1
        found = changes(now, self.record.rows, last if since is None else since, everybody=everybody)
        self.record = begun(self.record, found.adds)
        self.held = (self.held - keys_of(found.removes)) | keys_of(found.adds)
        self.record = done(
            self.record, carried(now, self.record.rows, self.record.next_number), str(last), NOW
        )

    def break_off(self, people: Sequence[Person], arrived: int) -> None:
        """Begin to deliver, and lose the connection when so many additions have arrived."""
        found = changes(contacts(people), self.record.rows, self.record.next_number - 1, everybody=False)
        self.record = begun(self.record, found.adds)
        self.held |= keys_of(found.adds.slice(0, arrived))


EMAILS, PHONES = st.sampled_from([None, "e1", "e2", "e3", "e4"]), st.sampled_from([None, "p1", "p2"])


@st.composite
def members(draw: st.DrawFn) -> list[Person]:
    """Draw members with an address each; a key is one member's, as `contacts.by_address` sees to."""
    people, taken = [], set[str]()
    for one in draw(st.lists(st.sampled_from(["a", "b", "c", "d"]), unique=True)):
        email, phone = draw(EMAILS), draw(PHONES)
        mine = (email if email not in taken else None, phone if phone not in taken else None)
        if any(mine):
            taken |= {key for key in mine if key}
            people.append((one, *mine))
    return people


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.tuples(members(), st.sampled_from(["to the end", "everybody", "broken off"]), st.integers(0, 4)),
        max_size=6,
    )
)
def test_the_list_elsewhere_becomes_the_members(days: list[tuple[list[Person], str, int]]) -> None:
    listed = Listed()
    for people, how, arrived in days:
        if how == "broken off":
            listed.break_off(people, arrived)
        else:
            listed.deliver(people, everybody=how == "everybody")
            assert listed.held == keys_of(contacts(people))


@settings(max_examples=10, deadline=None)
@given(st.lists(members(), min_size=2, max_size=6), st.data())
def test_whoever_stands_at_an_earlier_delivery_gets_there_too(
    days: list[list[Person]], data: st.DataObject
) -> None:
    listed, then = Listed(), {}
    for number, people in enumerate(days, 1):
        listed.deliver(people)
        then[number] = set(listed.held)
    since = data.draw(st.integers(1, len(days)))
    listed.held = then[since]
    listed.deliver(days[-1], since=since)
    assert listed.held == keys_of(contacts(days[-1]))


def test_a_delta_adds_only_who_is_new_and_removes_only_who_left() -> None:
    record = Listed()
    record.deliver([("a", "e1", None), ("b", "e2", "p2")])
    found = changes(contacts([("b", "e2", "p2"), ("c", "e3", None)]), record.record.rows, 1, everybody=False)
    assert found.adds["customer_id"].to_pylist() == ["c"]
    assert found.removes.to_pylist() == [
        {"customer_id": "a", "email_key": "e1", "phone_key": None, "id_key": None}
    ]


def test_a_new_phone_adds_its_owner_again_and_removes_the_old_phone_alone() -> None:
    record = Listed()
    record.deliver([("a", "e1", "p1")])
    found = changes(contacts([("a", "e1", "p2")]), record.record.rows, 1, everybody=False)
    assert found.adds["phone_key"].to_pylist() == ["p2"]
    assert found.removes.select(["email_key", "phone_key"]).to_pylist() == [
        {"email_key": None, "phone_key": "p1"}
    ]


def test_a_key_that_somebody_who_stays_has_too_is_not_removed() -> None:
    record = Listed()
    record.deliver([("a", "e1", "p1"), ("b", "e2", None)])
    found = changes(contacts([("b", "e2", "p1")]), record.record.rows, 1, everybody=False)
    assert found.removes["phone_key"].to_pylist() == [None]
    assert found.removes["email_key"].to_pylist() == ["e1"]


def test_who_got_another_id_is_neither_added_nor_removed_and_has_the_new_id_from_then_on() -> None:
    record = Listed()
    record.deliver([("a", "e1", "p1")])
    found = changes(contacts([("b", "e1", "p1")]), record.record.rows, 1, everybody=False)
    assert (found.adds.num_rows, found.removes.num_rows) == (0, 0)
    record.deliver([("b", "e1", "p1")])
    assert record.record.rows["customer_id"].to_pylist() == ["b"]


def test_what_nobody_can_ask_for_any_more_is_not_kept() -> None:
    record = Listed()
    record.deliver([("a", "e1", None)])
    for _ in range(KEPT + 1):
        record.deliver([("b", "e2", None)])
    assert record.record.rows["customer_id"].to_pylist() == ["b"]
    assert len(record.record.deliveries) == KEPT


def test_a_delivery_tried_ten_times_is_written_down_once() -> None:
    record = Listed()
    for _ in range(10):
        record.break_off([("a", "e1", None)], 0)
    assert record.record.rows.num_rows == 1
