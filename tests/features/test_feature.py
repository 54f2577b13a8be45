import pytest

from features import history
from features.feature import Feature, FeatureSet, windows
from ledger.errors import InputError


def feature(
    sql: str, name: str = "f", unit: str = "orders", means: str = "A test.", over: str = "orders"
) -> Feature:
    return Feature(name, sql, unit=unit, means=means, over=over)


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("min(age_dayz)", "feature 'f': unknown column 'age_dayz' in 'orders'; did you mean 'age_days'?"),
        ("min(customer_id)", "unknown column 'customer_id' in 'orders'"),
        ("min(o.age_days)", "unknown column 'o.age_days'"),
        ("1 + 1", "aggregates nothing"),
        ("age_days", "column 'age_days' stands outside an aggregate"),
        ("sum(lines) / products", "column 'products' stands outside an aggregate"),
        ("count(distinct order_day)", "DISTINCT is not allowed; sum product_first"),
        ("(select max(age_days) from x)", "is not allowed in a fragment"),
        ("sum(age_days) over ()", "is not allowed in a fragment"),
        ("avg(net_minor)", "'AVG(net_minor)' is not allowed in a fragment"),
        ("stddev(net_minor)", "is not allowed in a fragment"),
        ("arg_max(net_minor, order_day)", "is not allowed in a fragment"),
        ("max(random())", "is not allowed in a fragment"),
        ("sum(read_it(net_minor))", "is not allowed in a fragment"),
        ("count(*) -- all", "comments are not allowed"),
        ("count(*); drop table history_orders", "one expression is expected"),
        ("count(*", "cannot read"),
        ("count(*), sum(lines)", "cannot read"),
        ("count(*) as f", "is not allowed in a fragment"),
    ],
)
def test_a_fragment_says_what_a_feature_may_say_and_nothing_else(sql: str, told: str) -> None:
    with pytest.raises(InputError) as refused:
        feature(sql)

    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"unit": "day"}, "unknown unit 'day'; did you mean 'days'?"),
        ({"over": "order"}, "unknown relation 'order'; did you mean 'orders'?"),
        ({"over": "items"}, "unknown column 'lines' in 'items'"),
        ({"name": "Mean Lines"}, "a name has small letters, digits and underscores"),
    ],
)
def test_a_features_other_fields_are_checked_as_well(fields: dict[str, str], told: str) -> None:
    with pytest.raises(InputError) as refused:
        feature("sum(lines)", **fields)

    assert told in str(refused.value)


def test_a_window_is_one_feature_per_length_with_the_length_in_name_and_sentence() -> None:
    spend = windows(
        "spend", "sum(net_minor)", days=(30, 90), unit="currency", means="Last {days} days.", empty=0
    )

    assert [(f.name, f.sql, f.means, f.empty) for f in spend] == [
        ("spend_30d", "sum(case when age_days <= 30 then net_minor end)", "Last 30 days.", 0),
        ("spend_90d", "sum(case when age_days <= 90 then net_minor end)", "Last 90 days.", 0),
    ]


@pytest.mark.parametrize(
    ("sql", "unit", "aggregate"),
    [
        ("count(*)", "orders", "count(*)"),
        ("sum(lines)", "items", "cast(sum(lines) as bigint)"),
        ("sum(lines) / count(*)", "items", "sum(lines) / count(*)"),
        ("sum(net_minor)", "currency", "cast(sum(net_minor) as double) / 100.0"),
    ],
)
def test_sums_are_whole_numbers_and_money_comes_in_the_currency(sql: str, unit: str, aggregate: str) -> None:
    assert feature(sql, unit=unit).aggregate == aggregate


def test_a_window_of_a_count_counts_the_rows_within_it() -> None:
    (orders,) = windows("orders", "count(*)", days=(7,), unit="orders", means="Last {days} days.")

    assert orders.sql == "count(case when age_days <= 7 then 1 end)"


def test_two_features_of_one_name_are_refused() -> None:
    with pytest.raises(InputError, match="two features have the name 'f'"):
        FeatureSet([feature("count(*)"), feature("sum(lines)")])


def test_the_fingerprint_follows_the_meaning_and_not_the_wording(monkeypatch: pytest.MonkeyPatch) -> None:
    def fingerprint(sql: str = "sum(lines) / count(*)", **fields: str) -> str:
        return FeatureSet([feature(sql, **fields)]).fingerprint

    same = fingerprint()

    assert fingerprint(means="Another sentence.") == same
    assert fingerprint("sum(lines)  /\n count(*)") == same
    assert fingerprint("sum(lines) / count(lines)") != same
    assert fingerprint(unit="ratio") != same
    assert fingerprint(name="g") != same
    monkeypatch.setattr(history, "STEPS", history.STEPS[1:])
    assert fingerprint() != same
