"""What a row of the operator table holds: all that the parser, the SQL, the sentences and the form need."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

Kind = Literal[
    "number",
    "text",
    "any",
    "column",
    "number column",
    "list column",
    "text column",
    "date column",
    "constant",
    "percent",
    "order count",
    "days",
    "event",
    "attribute",
    "segment",
    "partition",
    "experiment",
]
Gives = Literal["truth", "number"]
FormField = Literal["number", "number pair", "choices", "percent", "percent pair", "text", "history", "none"]

Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Operator:
    """One operator of the language.

    Parameters
    ----------
    symbol : str
        As written, e.g. `>` or `in_top`; functions are written with brackets.
    takes : tuple of Kind
        Accepted operands; the last repeats when `repeats`.
    sql : str
        Template over the operands' SQL: {0}, {1}, ... and {rest}, all but the first. A function's
        statistics are its last operands. Nothing but these templates, columns of the vocabulary and
        re-written literals is SQL.
    says : str
        The predicate in a sentence, after "is": `over {1}`; {either} is the list "a, b or c" of all
        operands but the first, {nth1} the operand 1 as "25th", {of} the first
        operand where it is not the subject already. Of a row that gives a number, the number's
        name.
    example : str
        An expression that shows it, over the shipped vocabulary.
    gives : Gives
        `truth` for a condition, `number` for a value.
    form : FormField
        What the builder's form asks for on the right-hand side.
    ago : str
        The predicate after "was" when the column is a time since something: `more than {1} ago`.
    dated : str
        The predicate when the column is a date: `after {1}`.
    ago_than : str
        Likewise when the limit is not a constant: `longer ago than {1}`.
    opposite : str
        The operator that NOT turns this one into. Both are unknown for the same customers, so NOT never
        makes a member of somebody whose value is unknown.
    mirror : str
        The operator when the operands change sides.
    node : type or None
        The sqlglot node that writes it; None for functions and for what only NOT leads to.
    repeats : bool
        Whether the last operand may come any number of times.
    shows_limit : bool
        Whether a reason shows the predicate beside the customer's value.
    statistics : callable or None
        From a function's numbers to the names of the statistics it needs, resolved when a release is made.
    unit : str
        Unit of the number it gives, when it is not the column's.
    verb : str
        The sentence's verb instead of "is".
    function : bool
        Whether it is written as a name with brackets.
    over : str
        Of a history function the relation that `sql` aggregates, where {where} says which rows count; `says` is then
        the phrase of the column that is measured: {what}, {worth} and {when} are what the named arguments say, {deed}
        and {done} the event.
    named : tuple of str
        Arguments that are written with their names: rows of `segments.history_functions.ARGUMENTS`.
    over_items : str
        Instead of `sql`, where a product or category is named.
    empty : str
        SQL of what a history function gives a customer without rows.
    measures : str
        Of a history function that is a condition: the one that counts what must have happened.
    """

    symbol: str
    takes: tuple[Kind, ...]
    sql: str
    says: str
    example: str
    gives: Gives = "truth"
    form: FormField = "number"
    ago: str = ""
    dated: str = ""
    ago_than: str = ""
    opposite: str = ""
    mirror: str = ""
    node: type[exp.Expr] | None = None
    repeats: bool = False
    shows_limit: bool = True
    statistics: Callable[[Numbers], tuple[str, ...]] | None = None
    unit: str = ""
    verb: str = ""
    function: bool = False
    over: str = ""
    named: tuple[str, ...] = ()
    over_items: str = ""
    empty: str = "NULL"
    measures: str = ""

    @property
    def is_function(self) -> bool:
        """Whether it is written as a name with brackets."""
        return self.function or self.statistics is not None
