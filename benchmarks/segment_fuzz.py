"""Whether any text can make the language of segments crash or say SQL that is not ours.

    python benchmarks/segment_fuzz.py [--expressions N] [--seed N]

Half of the texts are grown from the language's own grammar, half are such texts with words exchanged, doubled, left out
and torn, among them words of SQL that reach for files, the network, the system and other tables, and odd characters.
Each text is refused in one line that names a place in it, or becomes a sentence, an explanation and SQL that holds
nothing but our own words between the quotes, and that an engine without files and network can bind. A million take some
minutes.
"""

import argparse
import random
import re
import time
from collections import Counter
from collections.abc import Mapping

import duckdb

from features.catalog.shipped import CATALOG
from ledger.errors import InputError
from models.scores import SCORES
from segments.assign import customers_sql
from segments.derived import statistics_of
from segments.expression import Expression, parse
from segments.history_functions import ARGUMENTS
from segments.measured import measure_sql
from segments.nodes import resolved
from segments.operators import FUNCTIONS, OPERATORS
from segments.segment import load_library
from segments.told import opposite, planned
from segments.vocabulary import SegmentColumn, vocabulary

BOUND_EVERY = 50  # binding takes twenty times as long as everything else
LIMITS = {f"{limit}_{count}": days for count in range(4) for limit, days in (("A", 40.0), ("C", 150.0))}
OUR_WORDS = """
    AND OR NOT IS NULL IN BETWEEN CAST AS DOUBLE VARCHAR INTEGER DATE CASE WHEN THEN ELSE END SELECT FROM WHERE
    FILTER LEFT JOIN ON GROUP BY ASOF DISTINCT true false coalesce nullif isfinite contains lower starts_with chr count
    sum min max year month day make_date json_extract_string customer_id frame event age_days age_us later_us net_minor
    quantity_milli product_id category country city birth_day signed_up_day attributes today told o k a b
    known_customers known_orders known_items known_events known_people recorded_events known_stays known_follows
    known_seasons known_price_shares known_devices segment entered_days left_days days gap_days quantile_cont share dear
    cheap device list_position substr md5 BIGINT round
    recency_score frequency_score money_score lifecycle rfm_group value_tier usual_order_time"""
QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
WORD = re.compile(r"[A-Za-z_]\w*")
NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")
NUMBERED = re.compile(r"[sm]\d+")
SIGNS = frozenset("()<>=+-*/,. |[]")
THEIRS = """
    ; -- /* */ % :: [ ] { } " ` $1 ? @ # \\ || -> => := != ! ~ ^ & | select from union drop table read_csv read_text
    read_parquet glob getenv copy attach install load pragma set case when then end try_cast interval timestamp
    struct lambda like ilike similar exists any all count cast current_setting query_table information_schema pg_catalog
    duckdb_settings json_execute_serialized_sql regexp_replace concat printf format over window lateral unnest"""
TEXTS = (
    "'x'",
    "''",
    "'a''b'",
    "'p-17'",
    "'Product Viewed'",
    "'Order Completed'",
    "'2024-01-31'",
    "'{0}'",
    "'\"; --'",
)
ODD = (
    "\0",
    "\u200b",
    "\u202e",
    "\ufeff",
    "\ud800",
    "\u017f",
    "\u0130",
    "\uff11",
    "\u2019",
    "\u2014",
    "\U0001f600",
    "'\U0001f600'",
    "\\u0027",
)
PLACE = re.compile(r"segment expression, character (\d+): ")
NUMBERS = ("0", "1", "3", "0.5", "25", "30", "-2", "1e3", "1e99", "99999999999999999999")


class Grammar:
    """Grows texts that are, or nearly are, conditions.

    Parameters
    ----------
    columns : mapping of str to SegmentColumn
    seed : int
    """

    def __init__(self, columns: Mapping[str, SegmentColumn], seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.names = [*columns]
        self.segments = [segment.name for segment in load_library()]
        self.calls = [row for row in FUNCTIONS.values() if row.symbol != "in_segment"]
        self.words = [
            *THEIRS.split(),
            *ODD,
            *NUMBERS,
            *TEXTS,
            *FUNCTIONS,
            *OPERATORS,
            *ARGUMENTS,
            "(",
            ")",
            ",",
            "=",
            "<",
            ">",
        ]

    def text(self) -> str:
        """Return a text; every other one with something done to it."""
        grown = self.condition(3)
        return grown if self.random.random() < 0.5 else self.torn(grown)  # noqa: PLR2004 - a half

    def condition(self, depth: int) -> str:  # noqa: PLR0911 - one a kind
        """Return a condition."""
        pick = self.random.randrange(9)
        if depth and pick < 3:  # noqa: PLR2004 - a third
            joint = self.random.choice((" and ", " or "))
            return f"{self.maybe('not ')}({joint.join(self.condition(depth - 1) for _ in range(2))})"
        if pick == 3:  # noqa: PLR2004
            return f"{self.value(2)} is {self.maybe('not ')}unknown"
        if pick == 4:  # noqa: PLR2004
            return f"{self.value(1)} {self.maybe('not ')}in ({self.constant()}, {self.constant()})"
        if pick == 5:  # noqa: PLR2004
            return f"{self.value(1)} {self.maybe('not ')}between {self.value(1)} and {self.value(1)}"
        if pick == 6:  # noqa: PLR2004
            return f"{self.maybe('not ')}in_segment('{self.random.choice(self.segments)}')"
        if pick == 7:  # noqa: PLR2004
            return f"{self.maybe('not ')}{self.call()}"
        return f"{self.value(2)} {self.random.choice(('=', '<>', '<', '>', '<=', '>='))} {self.value(2)}"

    def value(self, depth: int) -> str:
        """Return a number or text, or what computes one."""
        pick = self.random.randrange(8)
        if depth and pick == 0:
            return f"({self.value(depth - 1)} {self.random.choice('+-*/')} {self.value(depth - 1)})"
        if pick == 1:
            return self.call()
        return self.constant() if pick < 4 else self.random.choice(self.names)  # noqa: PLR2004

    def call(self) -> str:
        """Return a call of a function with operands and arguments of the kinds it takes, mostly."""
        row = self.random.choice(self.calls)
        kinds = {
            "event": TEXTS,
            "text": TEXTS,
            "attribute": ("'plan'", "'a b'", "'religion'"),
            "segment": ("'loyal_customers'", "'tier_gold'", "'x'"),
            "partition": ("'lifecycle'", "'rfm'", "'value'", "'x'"),
            "experiment": TEXTS,
            "percent": NUMBERS,
        }
        operands = [
            self.random.choice(kinds.get(kind) or [*self.names[:200], *NUMBERS]) for kind in row.takes
        ]
        wanted = self.random.sample(row.named, self.random.randrange(min(len(row.named), 3) + 1))
        named = [
            ARGUMENTS[name].example if self.random.random() < 0.8 else f"{name} = {self.constant()}"  # noqa: PLR2004
            for name in wanted
        ]
        return f"{row.symbol}({', '.join([*operands, *named])})"

    def constant(self) -> str:
        """Return a number or a text."""
        return self.random.choice(self.random.choice((NUMBERS, TEXTS)))

    def maybe(self, word: str) -> str:
        """Return a word or nothing."""
        return self.random.choice(("", word))

    def torn(self, text: str) -> str:
        """Exchange, double, leave out or insert some of a text's words and signs."""
        parts = re.findall(r"'[^']*'|\w+|\s+|.", text)
        for _ in range(self.random.randrange(1, 4)):
            place = self.random.randrange(len(parts) + 1)
            done = self.random.randrange(4)
            taken = parts[place : place + 1]
            parts[place : place + 1] = (
                [self.random.choice(self.words)],
                taken * 2,
                [],
                [*taken, " ", self.random.choice(self.words), " "],
            )[done]
        return "".join(parts)


class Checker:
    """Holds what comes of a text to what may.

    Parameters
    ----------
    columns : mapping of str to SegmentColumn
    """

    def __init__(self, columns: Mapping[str, SegmentColumn]) -> None:
        self.columns = columns
        self.segments = {segment.name: segment for segment in load_library()}
        self.engine = duckdb.connect(config={"enable_external_access": "false"})
        self.seen: Counter[str] = Counter()

    def check(self, text: str) -> None:
        """Refuse or compile a text.

        Raises
        ------
        AssertionError
            When it says what it may not.
        """
        try:
            expression = parse(text, self.columns, self.segments)
        except InputError as refused:
            told = str(refused)
        else:
            told = ""
        if told:
            place = PLACE.match(told)
            assert place, (told, text)  # noqa: S101 - what is checked here
            assert 1 <= int(place[1]) <= len(text) + 1, (told, text)  # noqa: S101
            assert "\n" not in told, text  # noqa: S101
            self.seen["refused"] += 1
            return
        self.seen["understood"] += 1
        known = {**LIMITS, **{statistic.key: 1.0 for statistic in expression.statistics}}
        condition = expression.sql(known)
        foreign = foreign_words(condition)
        if expression.measured:
            foreign |= foreign_words(measure_sql(sorted(expression.measured, key=lambda each: each.name)))
        assert not foreign, (foreign, text)  # noqa: S101
        assert expression.describe(known)  # noqa: S101
        clause = resolved(expression.clause, known)
        assert opposite(opposite(clause)) == clause, text  # noqa: S101
        assert planned(clause, frozenset(), lambda _: 0).asks  # noqa: S101
        if self.seen["understood"] % BOUND_EVERY == 0:
            self._bind(expression, known)

    def _bind(self, expression: Expression, known: Mapping[str, float]) -> None:
        of_store = {statistic.key: 1.0 for statistic in statistics_of(expression)}
        customers, needs = customers_sql([expression], self.columns, {**of_store, **known})
        texts = {each.name for each in expression.measured if each.unit == "text"} | {"country", "city"}
        texts |= {name for name, each in self.columns.items() if each.unit in {"text", "names"}}
        fields = ", ".join(
            f"cast(NULL AS {'VARCHAR' if name in texts else 'DOUBLE'}) AS {quoted_name(name)}"
            for name in needs
        )
        frame = f"SELECT '' AS customer_id{', ' if fields else ''}{fields}"
        reasons = expression.reasons_sql(known)
        bound = self.engine.execute(
            f"DESCRIBE WITH frame AS ({frame}) SELECT {expression.sql(known)} AS member, {reasons} AS reasons "
            f"FROM ({customers})"
        ).fetchall()
        assert [column[1] for column in bound] == ["BOOLEAN", "VARCHAR[]"], expression.text  # noqa: S101
        self.seen["bound"] += 1


def quoted_name(name: str) -> str:
    """Return a column's name between quotes."""
    return '"' + name.replace('"', '""') + '"'


def foreign_words(sql: str) -> set[str]:
    """Return what of an SQL text outside of quotes is not ours."""
    bare = NUMBER.sub(" ", QUOTED.sub(" ", sql))
    words = {word for word in WORD.findall(bare) if not NUMBERED.fullmatch(word)}
    return (words - set(OUR_WORDS.split())) | (set(WORD.sub("", bare)) - SIGNS - set("0123456789\n"))


def main() -> None:
    """Try texts and print what came of them."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--expressions", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    columns = vocabulary((*CATALOG, *SCORES), "EUR")
    grammar, checker = Grammar(columns, given.seed), Checker(columns)
    begun = time.process_time()
    for _ in range(given.expressions):
        checker.check(grammar.text())
    print(f"{given.expressions:,} texts in {time.process_time() - begun:.0f} s of CPU")
    for what, count in checker.seen.most_common():
        print(f"  {what:12} {count:,}")
    print("  no crash, and no SQL that is not ours")


if __name__ == "__main__":
    main()
