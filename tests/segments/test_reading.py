import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import InputError
from segments.expression import parse
from segments.operators import FUNCTIONS
from segments.segment import load_library
from segments.spelling import MAX_LENGTH
from segments.vocabulary import SegmentColumn

Columns = dict[str, SegmentColumn]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "character 1: it is empty"),
        (
            "churn_probabilty_90d > 1",
            "character 1: unknown column 'churn_probabilty_90d'; did you mean 'churn_probability_90d'?",
        ),
        (
            "orders > 1 and in_topp(spend, 5)",
            "character 16: unknown function 'in_topp'; did you mean 'in_top'?",
        ),
        (
            "churn_probability_90d > 66 %",
            "character 28: '%' is not understood; write a share as a number from 0 to 1",
        ),
        ("churn_probability_90d > 66", "the value never exceeds 1; for 66 % of a share write 0.66"),
        ("orders", "a condition is needed here; compare it with something, as in orders >= 3"),
        ("orders > 1 and", "character 12: the condition breaks off"),
        ("orders > 1 and\n  spend >", "character 24: the condition breaks off"),
        ("orders = null", "write IS UNKNOWN or IS NOT UNKNOWN"),
        ("orders > 'three'", "value 2 of > is a number"),
        ("lifecycle = loyal_active", "character 13: unknown column 'loyal_active'"),
        (
            'lifecycle = "loyal_active"',
            "character 13: 'loyal_active' is not understood; write texts in single quotes",
        ),
        ("lifecycle = 3", "a text in single quotes is needed here"),
        ("spend > days_since_last_order", "this compares money with time"),
        ("1 < 2", "this says nothing about a customer"),
        ("in_top(spend, 0)", "value 2 of in_top is a number between 0 and 100"),
        ("in_top(lifecycle, 5)", "value 1 of in_top is a column of numbers"),
        ("lifecycle = -'x'", "value 2 of * is a number"),
        ("in_top(spend)", "in_top takes 2 values, as in in_top(clv_365d, 10)"),
        ("days_since_last_order > active_until(4)", "value 1 of active_until is 0, 1, 2 or 3"),
        (
            "orders > 1; drop table customers",
            "character 11: ';' is not understood; a segment is one condition",
        ),
        ("orders > (select 1)", "character 11: unknown column 'select'"),
        ("read_csv('/etc/passwd') = 1", "character 1: unknown function 'read_csv'"),
        ("getenv('HOME') = 'x'", "character 1: unknown function 'getenv'"),
        ("orders::varchar = '1'", "character 7: '::' is not understood"),
        ("orders > 1e99", "1e99 is too large a number"),
        ("orders > 1 and (spend > 2 or (spend = 1)", "character 16: this bracket is not closed"),
        ("orders > 1) and spend > 2", "character 11: this bracket closes none that is open"),
        ("orders => 1", "character 8: '=>' is not understood; did you mean >=?"),
        ("orders ≥ 1", "character 8: '≥' is not understood; did you mean >=?"),
        (
            "orders > Berlin",
            "character 10: unknown column 'Berlin'; if it is a text, write it in single quotes",
        ),
        (
            "lifecycle('x') = 1",
            "character 1: unknown function 'lifecycle'; lifecycle is a column and has no brackets",
        ),
        (
            "in_top = 1",
            "character 1: unknown column 'in_top'; in_top is a function, as in in_top(clv_365d, 10)",
        ),
        (
            "orders > 1 and lifecycle in ('loyal_active', 'Loyal_Activ')",
            "character 46: place in the lifecycle grid is never 'Loyal_Activ'; did you mean 'loyal_active'?",
        ),
        ("value_tier = 'plat'", "character 14: value tier is never 'plat'; did you mean 'platinum'?"),
        (
            "orders > 1 and in_segment('loyal_custmers')",
            "character 27: unknown segment 'loyal_custmers'; did you mean 'loyal_customers'?",
        ),
        (
            "orders > 1 and in_segment('Champion')",
            "character 27: unknown segment 'Champion'; did you mean 'rfm_champions'?",
        ),
        (
            "loyal_customers and orders > 1",
            "character 1: unknown column 'loyal_customers'; loyal_customers is a segment; write in_segment(",
        ),
        (
            "was_in_segment('loyal_custmers', days_ago = 7)",
            "character 16: unknown segment 'loyal_custmers'; did you mean 'loyal_customers'?",
        ),
        (
            "orders > 1 and did('Prodct Viewed')",
            "character 20: unknown event 'Prodct Viewed'; did you mean 'Product Viewed'?",
        ),
        (
            "moved_up('lifecyle', within_days = 7)",
            "character 10: unknown groups 'lifecyle'; did you mean 'lifecycle'?",
        ),
        (
            "orders(within_day = 3) > 1",
            "character 8: orders has no argument 'within_day'; did you mean 'within_days'?",
        ),
        ("lifecycle = 'a\0b'", "character 15: a character that cannot be printed"),
        ("lifecycle = 'open", "is not closed"),
        ("(" * 40 + "orders > 1" + ")" * 40, "character 31: brackets are nested more than 30 deep"),
        ("not " * 900 + "orders > 1", "nested too deeply"),
        ("orders" + " + orders" * 200 + " > 1", "nested more than 30 deep"),
        ("orders > 1 or " * 400 + "orders > 1", f"at most {MAX_LENGTH:,} are allowed"),
    ],
)
def test_what_is_no_condition_is_refused_with_position_and_suggestion(
    text: str, error: str, columns: Columns
) -> None:
    with pytest.raises(InputError) as refused:
        parse(text, columns, {each.name: each for each in load_library()})
    assert error in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_long_list_of_conditions_is_read_without_limit_on_their_number(columns: Columns) -> None:
    text = " or ".join(f"orders = {number}" for number in range(250))
    assert parse(text, columns).sql().count("OR") == 249


NAMES = "orders spend lifecycle clv_365d days_since_last_order median_gap_days churn_probability_90d"
OURS = "and or not in between is null unknown ( ) ( ) , + - * / = <> < > <= >= 1 2 0.5 25 'x' '' 'a''b'"
SIGNS = "; -- /* */ % :: . [ ] { } \" ' ` $1 ? @ # \\ || -> => := != ! ~ ^ & | 1e9 0x1 1_0 é 😀"
THEIRS = (
    "select from union drop table read_csv read_text getenv copy attach case when then end cast try_cast interval "
    "date timestamp array struct lambda x true false like ilike similar glob exists any all first left count"
)
WORDS = [*f"{NAMES} {OURS} {SIGNS} {THEIRS}".split(), *FUNCTIONS]
SOUP = st.lists(st.sampled_from(WORDS), max_size=25).map(" ".join)
ANYTHING = st.one_of(
    st.text(max_size=60), SOUP, st.lists(st.one_of(SOUP, st.text(max_size=5)), max_size=4).map("".join)
)


def spoken(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    return st.tuples(*(st.just(part) if isinstance(part, str) else part for part in parts)).map(" ".join)


# Texts that are, or nearly are, conditions: any column and any kind of value in any place.
COLUMN = st.sampled_from(NAMES.split())
NUMBER = st.sampled_from(["0", "1", "2.5", "30", "-3", "1e14", "'x'"])
PLAIN = st.one_of(
    COLUMN,
    NUMBER,
    spoken(st.sampled_from(["mean_of", "deviation_of"]), "(", COLUMN, ")"),
    spoken("percentile_of (", COLUMN, ",", NUMBER, ")"),
    spoken(st.sampled_from(["active_until", "churned_after"]), "(", NUMBER, ")"),
)
VALUE = st.recursive(
    PLAIN,
    lambda inner: st.one_of(spoken("(", inner, st.sampled_from("+-*/"), inner, ")"), spoken("-", inner)),
    max_leaves=4,
)
NOT = st.sampled_from(["", "not"])
CONDITION = st.recursive(
    st.one_of(
        spoken(VALUE, st.sampled_from(["=", "<>", "<", ">", "<=", ">="]), VALUE),
        spoken(VALUE, NOT, "between", VALUE, "and", VALUE),
        spoken(VALUE, NOT, "in (", NUMBER, ",", NUMBER, ")"),
        spoken(COLUMN, "is", NOT, "unknown"),
        spoken(st.sampled_from(["in_top", "in_bottom"]), "(", COLUMN, ",", NUMBER, ")"),
        spoken("between_percentiles (", COLUMN, ",", NUMBER, ",", NUMBER, ")"),
    ),
    lambda inner: st.one_of(
        spoken("not", inner), spoken("(", inner, st.sampled_from(["and", "or"]), inner, ")")
    ),
    max_leaves=5,
)


@settings(max_examples=500, deadline=None)
@given(text=st.one_of(CONDITION, CONDITION, ANYTHING))
def test_any_text_either_becomes_sql_that_the_engine_binds_or_is_refused(
    text: str, columns: Columns, engine: duckdb.DuckDBPyConnection
) -> None:
    try:
        expression = parse(text, columns)
    except InputError:
        return
    known = {statistic.key: 1.0 for statistic in expression.statistics}
    described = engine.execute(
        f"DESCRIBE SELECT {expression.sql(known)} AS member, {expression.reasons_sql(known)} AS reasons "
        "FROM customers"
    ).fetchall()
    assert [column[1] for column in described] == ["BOOLEAN", "VARCHAR[]"]
    assert expression.describe(known)
