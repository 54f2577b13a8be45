"""A made-up store of any size with its truth: `python benchmarks/generate.py --customers N --out DIR --seed S`.

Customers are those of the Pareto/NBD (Schmittlein, Morrison and Colombo 1987): each orders as a Poisson process of
his own rate, gamma-distributed over customers, until he leaves after an exponential lifetime of his own drop-out rate,
gamma-distributed too. The store's season and trend multiply all rates at once. Refills, refunds, cancellations and
events hang on the orders.

Files are in the plain format (docs/ledger.md), a part for each 100,000 customers, a part's lines in the order of time:
`orders/`, `events/`, `customers/`, `products.parquet`; and what no shop knows: `truth/` has a row a customer and
`truth.json` the settings. A whole part depends on the seed and its number alone: stores of one seed begin alike.
"""

import argparse
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CUSTOMERS_A_PART = 100_000
EPOCH = date(1970, 1, 1)
FUTURE_DAYS = 90
DAY_US = 86_400_000_000
LEAST_RATE = 1e-12  # a day: a shape far below 1 gives zeros, which nothing can be divided by
INSTANT = pa.timestamp("us", "UTC")
MONEY = pa.decimal128(12, 2)
DEPARTMENTS = ("Pantry", "Care", "Home", "Pets", "Garden", "Sports", "Toys", "Paper")
COUNTRIES = ("DE", "FR", "NL", "AT")


@dataclass(frozen=True)
class Store:
    """What a store is made by.

    Parameters
    ----------
    days : int, days
        Length of the history; it ends with the day before `end`.
    end : date
        Natural cutoff of the store: nothing lies at or after its midnight, UTC.
    rate_shape, rate_scale_days : float; float, days
        r and alpha of the Pareto/NBD: orders a day are gamma(r) / alpha.
    dropout_shape, dropout_scale_days : float; float, days
        s and beta: drop-outs a day are gamma(s) / beta.
    season : (12,) tuple of float
        By which January to December multiply the rates.
    growth_a_year : float
        By how much the rates grow in 365 days, evenly.
    lines_per_order : float
        Mean; at least 1.
    products : int
    staples : int
        Of the products, those that are used up: the first ones.
    staple_share : float
        Share of customers who have a staple, which is in his first order of each of its cycles.
    discounted, refunded, cancelled, looked_at : float
        Shares of lines; a line looked at has a view before it.
    members, consenting : float
        Shares of customers.
    """

    days: int = 3 * 365
    end: date = date(2024, 1, 1)
    rate_shape: float = 0.8
    rate_scale_days: float = 90.0
    dropout_shape: float = 0.9
    dropout_scale_days: float = 300.0
    season: tuple[float, ...] = (0.9, 0.9, 0.95, 1.0, 1.0, 0.95, 0.8, 0.9, 1.0, 1.0, 1.2, 1.6)
    growth_a_year: float = 0.05
    lines_per_order: float = 2.4
    products: int = 5_000
    staples: int = 400
    staple_share: float = 0.4
    discounted: float = 0.15
    refunded: float = 0.03
    cancelled: float = 0.003
    looked_at: float = 0.5
    members: float = 0.3
    consenting: float = 0.5

    @property
    def end_day(self) -> int:
        """Local day number of `end`."""
        return (self.end - EPOCH).days

    @property
    def first_day(self) -> int:
        """Local day number of the history's first day."""
        return self.end_day - self.days

    def pace(self) -> Floats:
        """Return by what each day's rates are multiplied: the history's days, then the 90 after it."""
        numbers = np.arange(self.days + FUTURE_DAYS)
        dates = (self.first_day + numbers).astype("datetime64[D]")
        months = dates.astype("datetime64[M]").astype(np.int64) % 12
        season: Floats = np.asarray(self.season)[months]
        return season * (1.0 + self.growth_a_year * numbers / 365.0)


@dataclass(frozen=True)
class People:
    """Customers of one part; days are counted from the history's first."""

    first: int
    rate: Floats
    dropout: Floats
    start: Floats
    leaves: Floats

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.rate)


@dataclass(frozen=True)
class Lines:
    """Order lines of one part in the order of time; `of` is the order's number within the part."""

    customer: Ints
    of: Ints
    at_us: Ints
    line: Ints
    product: Ints
    quantity: Ints
    net_minor: Ints
    discount_minor: Ints


def draw_people(store: Store, random: np.random.Generator, first: int, count: int) -> People:
    """Draw rates, drop-outs, and when each begins and leaves; the first order is the beginning."""
    rate = random.gamma(store.rate_shape, 1.0 / store.rate_scale_days, count)
    dropout = np.maximum(random.gamma(store.dropout_shape, 1.0 / store.dropout_scale_days, count), LEAST_RATE)
    start = random.uniform(0.0, store.days, count)
    return People(first, rate, dropout, start, start + random.exponential(1.0, count) / dropout)


def draw_orders(store: Store, people: People, random: np.random.Generator) -> tuple[Ints, Ints]:
    """Return customer (from 0) and instant (microseconds since 1970) of every order, by customer and time.

    A Poisson process of a moving rate is one of rate 1 in the time that its integral tells.
    """
    clock = np.concatenate([[0.0], np.cumsum(store.pace()[: store.days])])
    days = np.arange(store.days + 1, dtype=np.float64)
    begin = np.interp(people.start, days, clock)
    span = np.interp(np.minimum(people.leaves, store.days), days, clock) - begin
    repeats = random.poisson(people.rate * span)
    who = np.repeat(np.arange(people.count), repeats)
    moments = begin[who] + random.random(len(who)) * span[who]
    day = np.concatenate([people.start, np.interp(moments, clock, days)])
    customer = np.concatenate([np.arange(people.count), who])
    # Shops sleep at night: the hour of an order is drawn apart from its day.
    whole = np.minimum(day.astype(np.int64), store.days - 1)
    second = random.triangular(6 * 3600.0, 18 * 3600.0, 24 * 3600.0, len(whole))
    at_us = (store.first_day + whole) * DAY_US + (second * 1e6).astype(np.int64)
    order = np.lexsort((at_us, customer))
    return customer[order], at_us[order]


def draw_lines(store: Store, people: People, random: np.random.Generator) -> Lines:
    """Return what is bought: a staple when its cycle has turned, and other products, popular ones more often."""
    customer, at_us = draw_orders(store, people, random)
    staple = np.where(
        random.random(people.count) < store.staple_share, random.integers(0, store.staples, people.count), -1
    )
    cycle_us = refill_days(store)[np.maximum(staple, 0)] * DAY_US
    turn = (at_us + random.integers(0, 120 * DAY_US, people.count)[customer]) // cycle_us[customer]
    again = np.concatenate([[False], customer[1:] == customer[:-1]])
    due = (staple[customer] >= 0) & ~(again & (turn == np.concatenate([[-1], turn[:-1]])))
    others = random.geometric(1.0 / store.lines_per_order, len(at_us)) - due
    others = np.where(due, np.maximum(others, 0), others)
    counts = others + due
    of = np.repeat(np.arange(len(at_us)), counts)
    line = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    first_is_staple = due[of] & (line == 0)
    popular = (random.random(len(of)) ** 3 * (store.products - store.staples)).astype(np.int64)
    product = np.where(first_is_staple, staple[customer[of]], store.staples + popular)
    quantity = np.minimum(random.geometric(0.7, len(of)), 9)
    full = quantity * prices(store)[product]
    discount = np.where(random.random(len(of)) < store.discounted, full // 10, 0)
    time = np.argsort(at_us[of], kind="stable")
    told = (customer[of], of, at_us[of], line, product, quantity, full - discount, discount)
    return Lines(*(column[time] for column in told))


def prices(store: Store) -> Ints:
    """Return each product's price, hundredths of the currency: the same for every seed."""
    return 199 + (np.arange(store.products) * 7919 % 4800)


def refill_days(store: Store) -> Ints:
    """Return each staple's cycle, days: the same for every seed."""
    return 14 + (np.arange(store.staples) * 31 % 77)


def expected_orders(store: Store, people: People) -> Floats:
    """Return the orders that who is still there will place in the 90 days after the history, on average.

    A day's orders are its pace times the rate times the chance of having stayed so long.
    """
    stays = np.exp(-people.dropout)
    there = np.where(people.leaves > store.days, 1.0, 0.0)
    # The mean of exp(-dropout t) over a day.
    weight = there * -np.expm1(-people.dropout) / people.dropout
    total = np.zeros(people.count)
    for pace in store.pace()[store.days :]:
        total += pace * weight
        weight *= stays
    return total * people.rate


def named(letter: str, numbers: Ints, digits: int) -> pa.Array:
    """Return ids: a letter and a number of so many digits."""
    texts = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), digits, "0")
    return pc.binary_join_element_wise(letter, texts, "")


def money(minor: Ints) -> pa.Array:
    """Return hundredths as decimals with two places."""
    return pa.Array.from_buffers(MONEY, len(minor), [None, pa.py_buffer(_wide(minor))])


def _wide(minor: Ints) -> NDArray[np.int64]:
    """Return 128-bit numbers, low half first: a decimal's bytes in Arrow."""
    return np.column_stack([minor, minor >> 63]).astype("<i8")


def orders_table(store: Store, people: People, lines: Lines, random: np.random.Generator) -> pa.Table:
    """Return paid lines, and below them the refunds and cancellations that were known before the end."""
    fate = random.random(len(lines.of))
    later_us = lines.at_us + random.integers(DAY_US, 21 * DAY_US, len(lines.of))
    known = later_us < store.end_day * DAY_US
    refunded = np.flatnonzero(known & (fate < store.refunded))
    cancelled = np.flatnonzero(known & (fate >= store.refunded) & (fate < store.refunded + store.cancelled))
    rows = np.concatenate([np.arange(len(fate)), refunded, cancelled])
    states = np.repeat([0, 1, 2], [len(fate), len(refunded), len(cancelled)])
    known_us = np.where(states == 0, lines.at_us[rows], later_us[rows])
    net = np.where(states == 1, -lines.net_minor[rows], lines.net_minor[rows])
    return pa.table(
        {
            "customer_id": named("c", people.first + lines.customer[rows], 9),
            "order_id": named("o", people.first * 1_000 + lines.of[rows], 12),
            "line_id": pa.array(lines.line[rows] + 1).cast(pa.string()),
            "ordered_at": pa.array(lines.at_us[rows]).cast(INSTANT),
            "known_at": pa.array(known_us).cast(INSTANT),
            "product_id": named("p", lines.product[rows], 6),
            "quantity": pa.array(lines.quantity[rows].astype(np.int32)),
            "net_amount": money(net),
            "discount_amount": money(lines.discount_minor[rows]),
            "status": pa.DictionaryArray.from_arrays(
                pa.array(states.astype(np.int8)), ["paid", "refunded", "cancelled"]
            ).cast(pa.string()),
        }
    )


def events_table(store: Store, people: People, lines: Lines, random: np.random.Generator) -> pa.Table:
    """Return views, carts and checkouts: a view and a cart before each line, a view and a left cart now and then."""
    looks = np.flatnonzero(random.random(len(lines.of)) < store.looked_at)
    idle = random.integers(
        0, len(lines.of), len(lines.of) // 4
    )  # he looks at what somebody bought at that time
    source = np.concatenate([looks, np.arange(len(lines.of)), np.flatnonzero(lines.line == 0), idle])
    kind = np.repeat([0, 1, 2, 0], [len(looks), len(lines.of), int((lines.line == 0).sum()), len(idle)])
    kind[len(kind) - len(idle) // 5 :] = 1  # a fifth of the idle ones put it into the cart, and leave it
    before_us = np.array([600_000_000, 240_000_000, 60_000_000])[kind] + random.integers(
        0, 60_000_000, len(kind)
    )
    before_us[len(kind) - len(idle) :] += random.integers(0, 3 * DAY_US, len(idle))
    names = ["Product Viewed", "Product Added", "Checkout Started"]
    at_us = np.maximum(lines.at_us[source] - before_us, store.first_day * DAY_US)
    time = np.argsort(at_us, kind="stable")
    number = people.first * 10_000 + np.arange(len(kind))
    return pa.table(
        {
            "event": pa.DictionaryArray.from_arrays(pa.array(kind[time].astype(np.int8)), names).cast(
                pa.string()
            ),
            "event_id": named("e", number, 14),
            "happened_at": pa.array(at_us[time]).cast(INSTANT),
            "customer_id": named("c", people.first + lines.customer[source][time], 9),
            "session_id": named("s", people.first * 1_000 + lines.of[source][time], 12),
            "product_id": named("p", lines.product[source][time], 6),
        }
    )


def customers_table(store: Store, people: People, random: np.random.Generator) -> pa.Table:
    """Return what the shop knows of each customer since his first order."""
    day = store.first_day + people.start.astype(np.int64)
    at = pa.array(day * DAY_US).cast(INSTANT)
    country = random.choice(len(COUNTRIES), people.count, p=(0.6, 0.2, 0.15, 0.05)).astype(np.int8)
    return pa.table(
        {
            "customer_id": named("c", people.first + np.arange(people.count), 9),
            "known_at": at,
            "signed_up_at": at,
            "country": pa.DictionaryArray.from_arrays(pa.array(country), list(COUNTRIES)).cast(pa.string()),
            "loyalty_member": pa.array(random.random(people.count) < store.members),
            "email_consent": pa.array(random.random(people.count) < store.consenting),
        }
    )


def truth_table(store: Store, people: People) -> pa.Table:
    """Return what no shop knows: rates before season and trend, drop-outs, who is still there, what he will do."""
    return pa.table(
        {
            "customer_id": named("c", people.first + np.arange(people.count), 9),
            "orders_a_day": people.rate,
            "dropouts_a_day": people.dropout,
            "began_day": store.first_day + people.start,
            "left_day": store.first_day + people.leaves,
            "alive": people.leaves > store.days,
            "expected_orders_90d": expected_orders(store, people),
        }
    )


def products_table(store: Store) -> pa.Table:
    """Return the products; staples are replenishable."""
    number = np.arange(store.products)
    department = [DEPARTMENTS[each % len(DEPARTMENTS)] for each in number]
    return pa.table(
        {
            "product_id": named("p", number, 6),
            "title": named("Product ", number, 1),
            "category": [
                f"{name} > {name} {each // 8 % 12}" for name, each in zip(department, number, strict=True)
            ],
            "price": money(prices(store)),
            "replenishable": number < store.staples,
        }
    )


def write_part(  # noqa: PLR0913 - what a store is made of
    number: int, *, store: Store, customers: int, out: Path, seed: int, events: bool
) -> int:
    """Write one part of each table and return its rows of orders."""
    first = number * CUSTOMERS_A_PART
    random = np.random.default_rng([seed, number])
    people = draw_people(store, random, first, min(customers - first, CUSTOMERS_A_PART))
    lines = draw_lines(store, people, random)
    orders = orders_table(store, people, lines, random)
    tables = {
        "orders": orders,
        "customers": customers_table(store, people, random),
        "truth": truth_table(store, people),
    }
    if events:
        tables["events"] = events_table(store, people, lines, random)
    for name, table in tables.items():
        pq.write_table(table, out / name / f"part-{number:05d}.parquet", compression="zstd")
    return int(orders.num_rows)


def generate(customers: int, out: Path, seed: int, store: Store | None = None, *, events: bool = True) -> int:
    """Write a store and return how many rows of orders it has.

    Parameters
    ----------
    customers : int
    out : Path
        A directory; files of an earlier store in it are replaced.
    seed : int
    store : Store, optional
    events : bool
        Whether to write events, which are 1.9 a line.
    """
    store = store or Store()
    names = ("orders", "customers", "truth", *(["events"] if events else []))
    for name in names:
        (out / name).mkdir(parents=True, exist_ok=True)
        for old in (out / name).glob("part-*.parquet"):
            old.unlink()
    pq.write_table(products_table(store), out / "products.parquet", compression="zstd")
    told = asdict(store) | {"end": store.end.isoformat(), "customers": customers, "seed": seed}
    told["refill_days"] = dict(enumerate(refill_days(store).tolist()))
    (out / "truth.json").write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    parts = range(-(-customers // CUSTOMERS_A_PART))
    write = partial(write_part, store=store, customers=customers, out=out, seed=seed, events=events)
    if len(parts) == 1:
        return write(0)
    with ProcessPoolExecutor() as pool:
        return sum(pool.map(write, parts))


def main() -> None:
    """Read the command line, write, and say how much."""
    parser = argparse.ArgumentParser(description="Make a store with known truth.")
    parser.add_argument("--customers", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-events", action="store_true")
    given = parser.parse_args()
    rows = generate(given.customers, given.out, given.seed, events=not given.no_events)
    print(f"{rows:,} rows of orders of {given.customers:,} customers in {given.out}")


if __name__ == "__main__":
    main()
