"""Erased: whom the shop has forgotten, kept so that no later import brings the history back."""

import pyarrow as pa

from ledger.schema import INSTANT_TYPE, Column, Table

ERASED = Table(
    name="erased",
    means="Whom the shop has erased, as hashes that do not say who it was: rows of such a customer that tell of "
    "something before the erasure are refused.",
    key=("id_hash",),
    columns=(
        Column("id_hash", pa.string(), "SHA-256, in hexadecimal digits, of salt, a colon and the id, e-mail or phone."),
        Column("salt", pa.string(), "Random text, the same in every row of a home."),
        Column("erased_at", INSTANT_TYPE, "When it was erased."),
    ),
)  # fmt: skip
