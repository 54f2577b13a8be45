"""What each kind of cell is read as, and that the fast ways through SQL read what the plain ones do."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import readings
from ledger.contacts import masked, pseudonym
from ledger.engine import open_engine
from ledger.event_names import EVENT_NAMES
from ledger.readings import Reading
from tests.ledger import readings_reference as reference

ZONE = "America/New_York"


@cache
def warm_engine() -> duckdb.DuckDBPyConnection:
    """Give the connection that all tests here use: opening one takes longer than reading."""
    return open_engine()


@pytest.fixture(scope="module", autouse=True)
def _close_engine() -> Iterator[None]:
    yield
    warm_engine().close()
    warm_engine.cache_clear()  # a connection left at exit makes its library complain


def evaluate(sql: str, texts: Sequence[str]) -> list[object]:
    """Return what SQL over `text` gives for each of some texts."""
    engine = warm_engine()
    engine.register("cells", pa.table({"place": range(len(texts)), "text": pa.array(texts, pa.string())}))
    found = engine.sql(f"SELECT {sql} AS value FROM cells ORDER BY place").to_arrow_table()
    return list(found["value"].to_pylist())


def read(reading: Reading, *texts: str) -> list[object]:
    """Return what a reading makes of texts that are trimmed and not empty, as an import hands them over."""
    sql = reading.sql.format(text="text", zone=ZONE, currency="USD")
    return evaluate(sql, texts)


def test_a_name_is_kept_as_it_is_unless_it_is_long_or_holds_a_control_character() -> None:
    texts = ["A-1", "Größe 5", "a b", "x" * 255, "x" * 256, "é" * 255, "é" * 256, "a\nb", "a\x7fb"]

    found = read(readings.NAME, *texts)

    assert found == ["A-1", "Größe 5", "a b", "x" * 255, None, "é" * 255, None, None, None]


def test_an_id_with_an_address_in_it_becomes_digits_that_tell_it_from_others() -> None:
    found = read(readings.NAME, "17/ann@example.com", "18/ann@example.com", "@home", "2@9.99")

    digits = [
        hashlib.sha256(text).hexdigest()[:20] for text in (b"17/ann@example.com", b"18/ann@example.com")
    ]
    assert found == [f"e-{digits[0]}", f"e-{digits[1]}", "@home", "2@9.99"]


def test_a_customer_named_by_an_address_gets_its_pseudonym_however_it_is_written() -> None:
    texts = ["ann@example.com", "Ann@Example.COM", "Ann <ann@example.com>", "mailto:ann@example.com"]

    assert read(readings.CUSTOMER, *texts) == [pseudonym("ann@example.com")] * 4


def test_a_customer_with_another_id_keeps_it() -> None:
    found = read(readings.CUSTOMER, "C 17", "Zoë", "17850.0", "ann@home", "x" * 256, "a\tb")

    assert found == ["C 17", "Zoë", "17850.0", "ann@home", None, None]


def test_addresses_in_texts_are_withheld() -> None:
    found = read(readings.TEXT, "Tea, green", "for ann@example.com, and b@c.de!", "x" * 1001, "a\nb")

    assert found == ["Tea, green", "for (withheld), and (withheld)!", None, None]


def test_levels_of_a_category_are_joined_alike() -> None:
    assert read(readings.CATEGORY, "Food>Milk", "Food  >  Milk", "Food") == ["Food > Milk"] * 2 + ["Food"]


def test_events_get_the_specifications_spelling_and_other_names_stay() -> None:
    texts = ["product_viewed", "PRODUCT-VIEWED", "productViewed", "Product viewed", "Quiz_Finished", "a\nb"]

    found = read(readings.EVENT, *texts)

    assert found == ["Product Viewed"] * 4 + ["Quiz_Finished", None]


def test_every_name_of_the_specification_is_itself() -> None:
    assert read(readings.EVENT, *EVENT_NAMES) == list(EVENT_NAMES)


def test_how_is_kept_in_small_letters() -> None:
    assert read(readings.HOW, "Merged", "by hand") == ["merged", "by hand"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Ann.Smith+news@Example.com", "ann.smith+news@example.com"),
        ("Ann Smith <ann@example.com>", "ann@example.com"),
        ("'ann@example.com'", "ann@example.com"),
        ("o'brien@example.ie", "o'brien@example.ie"),
        ("jörg@müller.de", "jörg@müller.de"),
        ("ann@example.com.", "ann@example.com"),
        ("ann@example", None),
        ("ann at example.com", None),
        ("n/a", None),
        ("x" * 250 + "@example.com", None),
    ],
)
def test_an_address_is_read_in_small_letters(text: str, value: str | None) -> None:
    assert read(readings.EMAIL, text) == [value]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+49 30 123456", "+4930123456"),
        ("0049 30 123456", "+4930123456"),
        ("+49 (0)30 12-34/56", "+4930123456"),
        ("'+1 (202) 555.0143", "+12025550143"),
        ("030 123456", "030123456"),
        ("123456", "123456"),
        ("12345", None),
        ("1234567890123456", None),
        ("+1 202 555 0143 x12", None),
        ("unknown", None),
    ],
)
def test_a_telephone_number_is_its_digits(text: str, value: str | None) -> None:
    assert read(readings.PHONE, text) == [value]


def test_a_country_is_a_code_of_two_letters() -> None:
    found = read(readings.COUNTRY, "de", "GB", "Xk", "UK", "ZZ", "DEU", "AD AE", "Germany", "D ")

    assert found == ["DE", "GB", "XK", None, None, None, None, None, None]


def test_a_day_may_be_written_as_its_midnight() -> None:
    texts = ["1980-02-29", "1980-02-29 00:00:00", "1981-02-29", "29.02.1980", "1980-02-29 12:00", "1980"]

    assert read(readings.DATE, *texts) == [date(1980, 2, 29)] * 2 + [None] * 4


def test_a_whole_number_has_no_part_behind_the_point() -> None:
    texts = ["30", "030", "30.0", "30.", "999999", "1000000", "0", "-1", "30.5", "1e2", "thirty"]

    assert read(readings.WHOLE, *texts) == [30, 30, 30, 30, 999999] + [None] * 6


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"colour": "red", "n": [1, 2]}', {"colour": "red", "n": [1, 2]}),
        ("{}", {}),
        ('{"email": "ann@example.com", "opened": 3}', {"email": "(withheld)", "opened": 3}),
        (
            '{"E-Mail": ["a", 1], "home_phone": 4930123456}',
            {"E-Mail": "(withheld)", "home_phone": "(withheld)"},
        ),
        ('{"email_consent": true, "phones": {"a": "1"}}', {"email_consent": True, "phones": "(withheld)"}),
        ('{"deep": {"telephone": "030 123"}}', {"deep": {"telephone": "(withheld)"}}),
        ('{"note": "write to ann@example.com, please"}', {"note": "write to (withheld), please"}),
        (r'{"note": "line\nann@example.com"}', {"note": "line (withheld)"}),
        (r'{"note": "ann\u0040example.com"}', {"note": "(withheld)"}),
        ('{"page": "/?e=ann%40example.com&x"}', {"page": "/?e=(withheld)&x"}),
        ('{"ann@example.com": 1}', {"(withheld)": 1}),
        (r'{"a\"phone": "030"}', {"a phone": "(withheld)"}),
        (r'{"note": "\"phone\": 12345678"}', {"note": " phone : 12345678"}),
        (r'{"note": "two\nlines"}', {"note": "two\nlines"}),
    ],
)
def test_a_json_object_is_kept_without_addresses_and_numbers(text: str, value: object) -> None:
    (found,) = read(readings.JSON_OBJECT, text)

    assert json.loads(str(found)) == value


@pytest.mark.parametrize(
    "text",
    ["[1]", "1", '"x"', "red", '{"a":', '{"a": NaN}', '{"a": [1, -inf]}', '{"phone": {"a": {"b": 1}}}',
     '{"a": "' + "x" * 10_000 + '"}', '{"a": "\ud83d"}'.encode("utf-8", "replace").decode() + "x"],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(text: str) -> None:
    assert read(readings.JSON_OBJECT, text) == [None]


def test_two_spellings_of_one_object_are_one_text() -> None:
    assert (
        read(readings.JSON_OBJECT, '{"a":1,"b":"é"}', '{ "a" : 1,\t"b": "\\u00e9" }')
        == ['{"a":1,"b":"é"}'] * 2
    )


JSON_TEXTS = st.text(st.sampled_from('ab\\"\n@.%40phone email{}[]:,1é\x00'), max_size=30)
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), JSON_TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(JSON_TEXTS, inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.dictionaries(JSON_TEXTS, JSON_VALUES, max_size=3), min_size=1, max_size=20))
def test_any_object_stays_an_object_and_says_no_address(objects: list[dict[str, object]]) -> None:
    found = read(readings.JSON_OBJECT, *(json.dumps(each) for each in objects))

    for text in found:
        assert text is None or isinstance(json.loads(str(text)), dict)
        assert text is None or masked(str(text)) == text


NAMES = st.one_of(st.text(max_size=8), st.text(st.sampled_from("aé \x00\t\x7f\u0085@.>"), max_size=8))
LONG = st.builds(
    lambda mark, times: mark * times, st.sampled_from("aé@ "), st.sampled_from((254, 255, 256, 1001))
)
NUMBERS = st.one_of(
    st.text(st.sampled_from("0123459.+-eE_ \n"), max_size=18),
    st.decimals(allow_nan=False, allow_infinity=False, places=None).map(str),
    st.floats().map(str),
    st.integers(-(10**14), 10**14).map(str),
    st.builds("{}.{}".format, st.integers(-(10**12), 10**12), st.integers(0, 10**6)),
)
INSTANT_TEXTS = (
    "2024-01-31 18:05:00",
    "2024-03-10 02:30:00",
    "2024-01-31",
    "2024-01-31T18:05:00Z",
    "1969-12-31 00:00:00",
)


@st.composite
def instants(draw: st.DrawFn) -> str:
    """Draw an instant's text, often with a few marks put in the place of others."""
    if draw(st.booleans()):
        return str(draw(st.datetimes(min_value=datetime(1, 1, 1))))  # noqa: DTZ001 - its text has no zone
    marks = list(draw(st.sampled_from(INSTANT_TEXTS)))
    for _ in range(draw(st.integers(0, 3))):
        marks[draw(st.integers(0, len(marks) - 1))] = draw(st.sampled_from("0123459-: TZ+.\t\n"))
    return "".join(marks)


def agree(texts: Sequence[str], fast: str, plain: str) -> bool:
    """Whether two expressions say the same of texts that are trimmed and not empty."""
    trimmed = [text.strip(" \t") for text in texts if text.strip(" \t")]
    return evaluate(f"({fast}) IS NOT DISTINCT FROM ({plain})", trimmed) == [True] * len(trimmed)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.one_of(NAMES, LONG), min_size=1, max_size=30))
def test_texts_without_addresses_are_read_as_the_plain_way_reads_them(texts: list[str]) -> None:
    without = [text for text in texts if "@" not in text]
    for reading, length in ((readings.NAME, 255), (readings.CUSTOMER, 255), (readings.TEXT, 1000)):
        assert agree(without, reading.sql.format(text="text"), reference.plain_text(length))


@settings(max_examples=60, deadline=None)
@given(st.lists(NUMBERS, min_size=1, max_size=40))
def test_numbers_are_read_as_the_plain_way_reads_them(texts: list[str]) -> None:
    for reading, decimals in ((readings.MONEY, 2), (readings.QUANTITY, 3)):
        assert agree(texts, reading.sql.format(text="text"), reference.whole_number(decimals))


@settings(max_examples=60, deadline=None)
@given(st.lists(instants(), min_size=1, max_size=40))
def test_instants_are_read_as_the_plain_way_reads_them(texts: list[str]) -> None:
    assert agree(texts, readings.INSTANT.sql.format(text="text", zone=ZONE), reference.instant(ZONE))


def test_an_instant_without_a_zone_is_the_shops() -> None:
    texts = ["2024-07-01 12:00:00", "2024-07-01T12:00", "2024-07-01 12:00:00+02:00"]

    assert read(readings.INSTANT, *texts) == [
        datetime(2024, 7, 1, 16, tzinfo=UTC),
        datetime(2024, 7, 1, 16, tzinfo=UTC),
        datetime(2024, 7, 1, 10, tzinfo=UTC),
    ]
