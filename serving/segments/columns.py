"""What a published run knows of every customer, column by column, so that a new condition can be tried on everybody.

One compressed file a run: only the columns that a condition names are unpacked. Beside them, a bit a segment and
customer says who is in it, so that an overlap is counted and not looked up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from serving import arrow_file

CUSTOMERS_A_BLOCK: Final = 65_536
MEMBER: Final = "in segment "
"""Before a segment's name, the name of the column that says who is in it."""


@dataclass(frozen=True)
class Customers:
    """Everybody in a run.

    Parameters
    ----------
    tables : tuple of Table
        Features, scores, refills: each with the same customer_id, in the order of the run's scores.
    members : Table
        customer_id and segment of everybody who is in one.
    """

    tables: tuple[pa.Table, ...]
    members: pa.Table

    def blocks(self) -> Iterator[pa.RecordBatch]:
        """Yield the columns that are kept, some customers at a time: all of them at once are gigabytes."""
        inside = _places(self.members, self.tables[0]["customer_id"].combine_chunks())
        rows = self.tables[0].num_rows
        for start in range(0, max(rows, 1), CUSTOMERS_A_BLOCK):
            stop = min(start + CUSTOMERS_A_BLOCK, rows)
            columns = {
                name: _plain(table[name].slice(start, stop - start))
                for table in self.tables
                for name in table.column_names
                if name != "customer_id"
            }
            for name, places in inside.items():
                flags = np.zeros(stop - start, dtype=bool)
                flags[places[np.searchsorted(places, start) : np.searchsorted(places, stop)] - start] = True
                columns[f"{MEMBER}{name}"] = pa.array(flags)
            yield pa.record_batch(columns)


def _places(members: pa.Table, customers: pa.Array) -> dict[str, npt.NDArray[np.int64]]:
    """Return the rows of each segment's members, by name."""
    place = pc.index_in(members["customer_id"], value_set=customers).to_numpy().astype(np.int64)
    segment = members["segment"].combine_chunks().dictionary_encode()
    names = segment.dictionary.to_pylist()
    code = segment.indices.to_numpy()
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=len(names)))[:-1]
    return {
        name: np.sort(mine) for name, mine in sorted(zip(names, np.split(place[order], ends), strict=False))
    }


def _plain(column: pa.ChunkedArray) -> pa.Array:
    """Return numbers as float64 with unknown as NaN, as conditions see them: what lies under a null is anything."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return column.cast(pa.string()).combine_chunks()
    return pa.array(column.to_numpy().astype(np.float64))


def write(path: Path, customers: Customers) -> bytes:
    """Write what is kept of customers, and return the SHA-256 of the file."""
    blocks = customers.blocks()
    first = next(blocks)
    with arrow_file.written(path, first.schema, arrow_file.COMPRESSED) as writer:
        for block in chain((first,), blocks):
            writer.write_batch(block)
    return arrow_file.digest(path)


@dataclass(frozen=True)
class CustomerColumns:
    """The columns of one run, memory-mapped.

    Parameters
    ----------
    content : pa.Buffer
        The file that `write` wrote.
    """

    content: pa.Buffer

    @classmethod
    def open(cls, path: Path) -> "CustomerColumns":
        """Map a file.

        Raises
        ------
        pa.ArrowException, OSError
            When there is none, or it is damaged.
        """
        found = cls(pa.memory_map(str(path)).read_buffer())
        _ = found.names
        return found

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all columns."""
        return tuple(pa.ipc.open_file(pa.BufferReader(self.content)).schema.names)

    @property
    def segments(self) -> tuple[str, ...]:
        """Names of the segments with any member."""
        return tuple(name.removeprefix(MEMBER) for name in self.names if name.startswith(MEMBER))

    def read(self, names: Sequence[str]) -> pa.Table:
        """Return some columns, unpacked; a row a customer, in the order of the run's scores."""
        wanted = [place for place, name in enumerate(self.names) if name in set(names)]
        options = pa.ipc.IpcReadOptions(included_fields=wanted)
        return pa.ipc.open_file(pa.BufferReader(self.content), options=options).read_all().select(list(names))

    def members(self, names: Sequence[str]) -> list[npt.NDArray[np.bool_]]:
        """Return who is in some segments: one flag a customer for each."""
        table = self.read([f"{MEMBER}{name}" for name in names])
        return [column.to_numpy().astype(bool) for column in table.columns]

    def everything(self, customers: pa.ChunkedArray) -> pa.Table:
        """Return customer_id and every column but those of segments.

        Parameters
        ----------
        customers : (n,) str
            Who the rows are.
        """
        mine = self.read([name for name in self.names if not name.startswith(MEMBER)])
        return mine.add_column(0, "customer_id", customers)
