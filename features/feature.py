"""A feature is one SQL aggregate over known history; a feature set compiles to one SELECT.

Fragments are parsed to refuse what they must not say, and then run verbatim: nothing is translated.
"""

import difflib
import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import sqlglot
from sqlglot import exp

from features import history, surroundings
from features.relations import CUSTOMERS, RELATIONS, STORE, Relation
from ledger.errors import InputError

UNITS = (
    *("days", "orders", "currency", "share", "ratio", "items", "products", "categories", "pieces"),
    *("month", "weekday", "hour"),
    *("events", "visits", "emails", "years", "flag"),  # a flag is 1 or 0
)

# Of these, sums and counts are whole numbers; whatever divides, takes a root or a median is a fraction.
_AGGREGATES: tuple[type[exp.Expr], ...] = (exp.Sum, exp.Count, exp.Min, exp.Max, exp.Median)
_FRACTIONS: tuple[type[exp.Expr], ...] = (exp.Div, exp.Sqrt, exp.Median)
# These have their type as they stand; every cast saved is time saved in a request about one customer.
_DOUBLE: tuple[type[exp.Expr], ...] = (exp.Div, exp.Median)
_BIGINT: tuple[type[exp.Expr], ...] = (exp.Count, exp.Min, exp.Max)
_ALLOWED: tuple[type[exp.Expr], ...] = (
    *_AGGREGATES,
    *_FRACTIONS,
    *(
        exp.Add,
        exp.Sub,
        exp.Mul,
        exp.Neg,
        exp.Paren,
        exp.Literal,
        exp.Null,
        exp.Star,
        exp.Column,
        exp.Identifier,
    ),
    *(exp.And, exp.Or, exp.Not, exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Is, exp.Between),
    *(exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Filter, exp.Where),
    *(exp.Cast, exp.DataType, exp.DataTypeParam),
)


@dataclass(frozen=True)
class Feature:
    """One column of a snapshot.

    Parameters
    ----------
    name : str
        Small letters, digits and underscores; the horizon at the end (`spend_90d`).
    sql : str
        One aggregate expression over the columns of `over`. A fragment of unit "currency" is written in
        hundredths of the currency and compiled to the currency.
    unit : str
        One of `UNITS`.
    means : str
        One plain sentence.
    over : str
        Relation it aggregates: "orders", "items", "categories", "customers", "events", "attributes" or "store"; see
        `features.relations`.
    empty : int or str, optional
        Value for customers with nothing to aggregate; without it they get NULL. For a count of things that not every
        store records, the column of the relation `store` that says so, such as "no_visits": 0 where the store records
        them, and NULL for every customer where it does not.

    Raises
    ------
    InputError
        When the fragment names an unknown column, or says what a feature must not say.
    """

    name: str
    sql: str
    unit: str
    means: str
    over: str = "orders"
    empty: int | str | None = None

    def __post_init__(self) -> None:
        where = f"feature {self.name!r}"
        if not re.fullmatch(r"[a-z][a-z0-9_]*", self.name):
            raise InputError(
                f"{where}: a name has small letters, digits and underscores and starts with a letter"
            )
        if self.unit not in UNITS:
            raise InputError(f"{where}: unknown unit {self.unit!r}{_suggestion(self.unit, UNITS)}")
        if self.over not in RELATIONS:
            raise InputError(f"{where}: unknown relation {self.over!r}{_suggestion(self.over, RELATIONS)}")
        if isinstance(self.empty, str) and self.empty not in STORE.columns:
            raise InputError(
                f"{where}: unknown column {self.empty!r} in 'store'{_suggestion(self.empty, STORE.columns)}"
            )
        _check(self._parsed, RELATIONS[self.over], where)

    @cached_property
    def _parsed(self) -> exp.Expr:
        # A comment would swallow whatever the compiled SELECT puts after the fragment.
        if "--" in self.sql or "/*" in self.sql:
            raise InputError(
                f"feature {self.name!r}: comments are not allowed in a fragment; got {self.sql!r}"
            )
        try:
            parsed = sqlglot.parse(self.sql, dialect="duckdb")
        except sqlglot.errors.ParseError as error:
            reason = error.errors[0]["description"] if error.errors else str(error)
            raise InputError(f"feature {self.name!r}: cannot read {self.sql!r}: {reason}") from error
        if len(parsed) != 1 or parsed[0] is None:
            raise InputError(f"feature {self.name!r}: one expression is expected; got {self.sql!r}")
        return parsed[0]

    @property
    def type(self) -> str:
        """SQL type of the column: BIGINT for counts and sums of whole numbers, else DOUBLE."""
        fraction = self.unit == "currency" or self._parsed.find(*_FRACTIONS) is not None
        return "double" if fraction else "bigint"

    @property
    def aggregate(self) -> str:
        """The fragment in its type and unit; NULL for customers with no rows."""
        typed = isinstance(_root(self._parsed), _DOUBLE if self.type == "double" else _BIGINT)
        value = self.sql if typed else f"cast({self.sql} as {self.type})"
        return f"{value} / 100.0" if self.unit == "currency" else value


def windows(  # noqa: PLR0913 - the arguments are a Feature's fields
    name: str,
    sql: str,
    *,
    days: Iterable[int],
    unit: str,
    means: str,
    over: str = "orders",
    empty: int | str | None = None,
) -> tuple[Feature, ...]:
    """Return one feature per window, each over the rows of the last so many days.

    Parameters
    ----------
    name : str
        Stem; `_{days}d` is added.
    sql : str
        One aggregate call, for instance `sum(net_minor)`.
    days : iterable of int, days
        Window lengths.
    unit, means, over, empty
        As for `Feature`; `{days}` in `means` stands for the length.
    """
    return tuple(
        Feature(
            name=f"{name}_{length}d",
            sql=_of_the_last(sql, length),
            unit=unit,
            means=means.format(days=length),
            over=over,
            empty=empty,
        )
        for length in days
    )


def _of_the_last(sql: str, days: int) -> str:
    # `filter (where ...)` says the same, but DuckDB prepares each one at a quarter of a millisecond, which a request
    # about one customer waits for, and over millions it takes half as long again as a case.
    call, _, of = sql.partition("(")
    value = of.removesuffix(")")
    return f"{call}(case when age_days <= {days} then {'1' if value == '*' else value} end)"


class FeatureSet:
    """Features that are computed together, in order.

    Parameters
    ----------
    features : iterable of Feature

    Raises
    ------
    InputError
        When two features have one name.
    """

    def __init__(self, features: Iterable[Feature]) -> None:
        self.features = tuple(features)
        names = self.names
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"two features have the name {twice[0]!r}; names are columns and must differ")

    def __iter__(self) -> Iterator[Feature]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order, without `customer_id`."""
        return tuple(feature.name for feature in self.features)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over every feature's name, SQL, unit and relation, and over the SQL that stages the relations.

        The sentences are left out: a better wording does not ask for a new release.
        """
        rows = [
            "|".join((f.name, " ".join(f.sql.split()), f.unit, f.over, str(f.empty))) for f in self.features
        ]
        return hashlib.sha256("\n".join([*rows, history.text()]).encode()).hexdigest()

    @cached_property
    def looks_around(self) -> bool:
        """Whether any of them needs `features.surroundings` staged, not the history of orders alone."""
        return not surroundings.NAMES.isdisjoint(self._relations)

    @cached_property
    def _relations(self) -> frozenset[str]:
        hang_on_the_store = any(isinstance(feature.empty, str) for feature in self.features)
        used = {feature.over for feature in self.features} | ({STORE.name} if hang_on_the_store else set())
        return frozenset(used - {CUSTOMERS.name})

    @property
    def _joined(self) -> list[tuple[str, Relation]]:
        # The widest last, for a join carries along all columns of the joins before it.
        joined = [(name, relation) for name, relation in RELATIONS.items() if name in self._relations]
        return sorted(joined, key=lambda each: sum(f.over == each[0] for f in self.features))

    def sql(self, table: Callable[[str], str] = str, untold: Collection[str] = ()) -> str:
        """Return the one SELECT: `customer_id` and every feature, a row a customer, in no order.

        Parameters
        ----------
        table : callable
            Gives the name under which a relation's table is staged; by default its own.
        untold : collection of str
            Relations that hold no row, and need not be staged: their features are what they are without any.
        """
        known = "over_customers.customer_id"
        joins = "".join(
            f"\nleft join {self._inner(relation, table)} on over_{name}.customer_id = {known}"
            if relation.of_customers
            else f"\ncross join {self._inner(relation, table)}"
            for name, relation in self._joined
            if name not in untold
        )
        columns = ",\n    ".join([known, *(_output(feature, untold) for feature in self.features)])
        return f"select\n    {columns}\nfrom {self._inner(CUSTOMERS, table)}{joins}"

    def _inner(self, relation: Relation, table: Callable[[str], str]) -> str:
        own = [f"{f.aggregate} as {f.name}" for f in self.features if f.over == relation.name]
        key, grouped = ["customer_id"], " group by customer_id"
        if not relation.of_customers:
            empties = sorted({f.empty for f in self.features if isinstance(f.empty, str)})
            key, grouped = [f"max({empty}) as {empty}" for empty in empties], ""
        columns = ",\n    ".join([*key, *own])
        return f"(\n    select {columns}\n    from {table(relation.table)}{grouped}\n) over_{relation.name}"


def _output(feature: Feature, untold: Collection[str]) -> str:
    column = f"over_{feature.over}.{feature.name}"
    if feature.over in untold:
        column = f"cast(null as {feature.type})"
    if feature.empty is None:
        return f"{column} as {feature.name}"
    if isinstance(feature.empty, int):
        return f"coalesce({column}, {feature.empty}) as {feature.name}"
    # The store's column is 0 or NULL: added, it takes the value away where nothing is recorded.
    return f"coalesce({column}, 0) + over_{STORE.name}.{feature.empty} as {feature.name}"


def _root(node: exp.Expr) -> exp.Expr:
    while isinstance(node, exp.Paren | exp.Filter):
        node = node.this
    return node


def _check(parsed: exp.Expr, relation: Relation, where: str) -> None:
    for node in parsed.walk():
        if isinstance(node, exp.Column):
            _check_column(node, relation, where)
        elif not isinstance(node, _ALLOWED):
            said = node.sql(dialect="duckdb")
            allowed = "sum, count, min, max, median, sqrt, nullif, coalesce, cast, case and arithmetic"
            raise InputError(f"{where}: {said!r} is not allowed in a fragment; allowed are {allowed}")
        elif isinstance(node, exp.Count) and isinstance(node.this, exp.Distinct):
            raise InputError(f"{where}: DISTINCT is not allowed; sum product_first, or count over categories")
    if parsed.find(*_AGGREGATES) is None:
        raise InputError(
            f"{where}: {parsed.sql(dialect='duckdb')!r} aggregates nothing; use sum, count, min, ..."
        )


def _check_column(column: exp.Column, relation: Relation, where: str) -> None:
    if isinstance(column.this, exp.Star):
        return
    if column.name not in relation.columns or column.table:
        raise InputError(
            f"{where}: unknown column {column.sql(dialect='duckdb')!r} in {relation.name!r}"
            f"{_suggestion(column.name, relation.columns)}"
        )
    if column.find_ancestor(*_AGGREGATES, exp.Filter) is None:
        raise InputError(
            f"{where}: column {column.name!r} stands outside an aggregate; "
            f"write for instance sum({column.name})"
        )


def _suggestion(given: str, known: Iterable[str]) -> str:
    known = list(known)
    close = difflib.get_close_matches(given, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
