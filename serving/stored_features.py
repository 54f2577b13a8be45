"""What the customers of a published run were scored by, so that the reasons of a stored score can be told when asked.

Reasons of everybody would cost several times what the scores do, and most are never read. Kept compressed, a thousand
customers a block: to tell one customer's reasons, one block is unpacked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from serving import arrow_file

CUSTOMERS_A_BLOCK = 1_024


def selected(features: pa.Table, names: Iterable[str]) -> pa.Table:
    """Return customer_id and some features as float64, unknown as NaN; texts as they are.

    So every engine's are written alike, and to the same bytes: what lies under a null is anything.
    """
    columns = {
        name: features[name].cast(pa.string())
        if pa.types.is_string(features[name].type) or pa.types.is_large_string(features[name].type)
        else features[name].to_numpy().astype(np.float64)
        for name in names
    }
    return pa.table({"customer_id": features["customer_id"], **columns})


def write(path: Path, features: pa.Table) -> bytes:
    """Write features, in the order they are in, and return the SHA-256 of the file.

    Parameters
    ----------
    path : Path
    features : pa.Table
        As `selected` gives it, a row for each row of the scores, sorted by customer.
    """
    with arrow_file.written(path, features.schema, arrow_file.COMPRESSED) as writer:
        writer.write_table(features.combine_chunks(), max_chunksize=CUSTOMERS_A_BLOCK)
    return arrow_file.digest(path)


@dataclass(frozen=True)
class StoredFeatures:
    """The features of one run, memory-mapped.

    Parameters
    ----------
    content : pa.Buffer
        The file that `write` wrote.
    """

    content: pa.Buffer

    @classmethod
    def open(cls, path: Path) -> "StoredFeatures":
        """Map a file.

        Raises
        ------
        pa.ArrowException, OSError
            When there is none, or it is damaged.
        """
        found = cls(pa.memory_map(str(path)).read_buffer())
        _ = found._reader().schema
        return found

    def row(self, place: int) -> pa.Table:
        """Return the one customer at a place in the run's scores."""
        block, row = divmod(place, CUSTOMERS_A_BLOCK)
        return pa.Table.from_batches([self._reader().get_batch(block).slice(row, 1)])

    def rows(self, places: NDArray[np.int64]) -> pa.Table:
        """Return the customers at some places, ascending; each costs the unpacking of a block, unless it shares one.

        Parameters
        ----------
        places : (n,) int
            One at least.
        """
        reader, blocks = self._reader(), places // CUSTOMERS_A_BLOCK
        return pa.Table.from_batches(
            reader.get_batch(int(block)).take(pa.array(places[blocks == block] % CUSTOMERS_A_BLOCK))
            for block in np.unique(blocks)
        )

    def all(self) -> pa.Table:
        """Return everybody, unpacked."""
        return self._reader().read_all()

    def _reader(self) -> pa.RecordBatchFileReader:
        # One for each call: requests ask from several threads, and a reader is not said to be safe among them.
        return pa.ipc.open_file(pa.BufferReader(self.content))
