"""Parquet files of strange types, and damaged ones; see `tests.properties.malformed`."""

import io
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.properties.malformed import IMPORTED, NAMES, Case, Line, hostile_text, plain_lines

Values = tuple[pa.DataType, Callable[[Random], Any]]
AT = datetime(2024, 1, 31, 18, 5, tzinfo=UTC)
ODD: tuple[Values, ...] = (
    (pa.null(), lambda _: None),
    (pa.bool_(), lambda random: random.choice((True, False, None))),
    (pa.int8(), lambda random: random.randrange(-128, 128)),
    (pa.int64(), lambda random: random.choice((-(2**63), 2**63 - 1, 7, None))),
    (pa.uint64(), lambda random: random.choice((2**64 - 1, 7))),
    (pa.float16(), lambda random: random.choice((1.5, float("nan")))),
    (pa.float32(), lambda random: random.choice((1.1, float("inf"), 3e38))),
    (
        pa.float64(),
        lambda random: random.choice((17850.0, float("nan"), float("-inf"), 1e308, -0.0, 0.1, 2.0**60)),
    ),
    (pa.decimal128(38, 37), lambda _: Decimal("1." + "9" * 37)),
    (pa.decimal256(76, 10), lambda _: Decimal("9" * 60 + ".5")),
    (pa.date32(), lambda random: random.choice((date(2024, 1, 31), date(1, 1, 1), date(9999, 12, 31)))),
    (pa.date64(), lambda _: date(2024, 1, 31)),
    (pa.time32("s"), lambda _: time(18, 5)),
    (pa.time64("ns"), lambda _: time(18, 5)),
    (pa.timestamp("s"), lambda _: datetime(2024, 1, 31)),  # noqa: DTZ001 - a file may hold local time
    (pa.timestamp("ns"), lambda _: datetime(2024, 1, 31)),  # noqa: DTZ001 - likewise
    (pa.timestamp("ms", tz="America/New_York"), lambda _: AT),
    (pa.timestamp("us"), lambda random: random.choice((0, 2**62, -(2**62), None))),
    (pa.duration("us"), lambda _: timedelta(days=3)),
    (pa.binary(), lambda random: random.randbytes(5)),
    (pa.binary(16), lambda random: random.randbytes(16)),
    (pa.large_string(), hostile_text),
    (pa.large_binary(), lambda random: random.randbytes(5)),
    (pa.list_(pa.int32()), lambda random: [1] * random.randrange(3)),
    (pa.list_(pa.struct([("a", pa.string())])), lambda _: [{"a": "x"}]),
    (pa.struct([("a", pa.int32()), ("b", pa.list_(pa.string()))]), lambda _: {"a": 1, "b": ["x"]}),
    (pa.map_(pa.string(), pa.int32()), lambda _: [("k", 1)]),
    (pa.dictionary(pa.int8(), pa.string()), lambda random: random.choice(("ann", "bob", "2024-01-31", None))),
)
COMPRESSIONS = ("none", "snappy", "gzip", "zstd", "brotli", "lz4")


def parquet_case(seed: int, random: Random) -> Case:
    """Make a Parquet file, perhaps with columns of other types than meant, perhaps damaged."""
    table = random.choice(IMPORTED)
    header, lines = plain_lines(table, random)
    columns = [_column([line[place] for line in lines], random) for place in range(len(header))]
    names = [*header]
    if random.random() < 0.2:
        names.append(random.choice(NAMES))
        columns.append(_odd(len(lines), random))
    content = _written(names, columns, random)
    kind = random.choice(("Parquet", "Parquet", *DAMAGES))
    if kind in DAMAGES:
        content = DAMAGES[kind](content, random)
    return Case(seed, kind, table, f"{table.name}.parquet", content)


def _column(texts: Line, random: Random) -> pa.Array:
    chance = random.random()
    if chance < 0.15:
        return _odd(len(texts), random)
    if chance < 0.3:
        return pa.array([hostile_text(random) for _ in texts], pa.string())
    return pa.array([text or None for text in texts], pa.string())


def _odd(rows: int, random: Random) -> pa.Array:
    kind, value = random.choice(ODD)
    values: Sequence[Any] = [value(random) for _ in range(rows)]
    if pa.types.is_dictionary(kind):
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, kind)


def _written(names: Line, columns: list[pa.Array], random: Random) -> bytes:
    table = pa.Table.from_arrays(columns, names)
    held = io.BytesIO()
    with pq.ParquetWriter(
        held,
        table.schema,
        compression=random.choice(COMPRESSIONS),
        version=random.choice(("1.0", "2.4", "2.6")),
        use_dictionary=random.random() < 0.5,
        allow_truncated_timestamps=True,
    ) as writer:
        for _ in range(random.choice((0, 1, 1, 1, 3))):
            writer.write_table(table if random.random() < 0.8 else table.slice(0, 0))
    return held.getvalue()


def _changed(content: bytes, random: Random, first: int, last: int) -> bytes:
    changed = bytearray(content)
    for _ in range(random.randrange(1, 20)):
        changed[random.randrange(first, max(last, first + 1))] = random.randrange(256)
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes, Random], bytes]] = {
    "Parquet cut short": lambda content, random: content[: random.randrange(1, len(content))],
    "Parquet without its end": lambda content, _: content[:-4],
    "Parquet without its start": lambda content, _: content[4:],
    "Parquet with pages changed": lambda content, random: _changed(
        content, random, 4, max(5, len(content) - 8 - int.from_bytes(content[-8:-4], "little"))
    ),
    "Parquet with a footer changed": lambda content, random: _changed(
        content, random, max(4, len(content) - 8 - int.from_bytes(content[-8:-4], "little")), len(content) - 8
    ),
    "Parquet with an endless footer": lambda content, _: content[:-8] + b"\xff\xff\xff\x7f" + b"PAR1",
    "CSV called Parquet": lambda _content, _random: b"customer_id,order_id\nann,1\n",
}
