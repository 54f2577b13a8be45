"""SHA-256 of texts, as advertising platforms compare them: of the UTF-8 bytes, in small hexadecimal digits."""

import hashlib
from collections.abc import Iterable

import pyarrow as pa


def sha256(text: str) -> str:
    """Return the SHA-256 of a text."""
    return hashlib.sha256(text.encode()).hexdigest()


def sha256_each(texts: Iterable[str | None]) -> pa.Array:
    """Return the SHA-256 of each text; of what is unknown or empty there is none, as an empty hash would match."""
    return pa.array([sha256(text) if text else None for text in texts], pa.string())
