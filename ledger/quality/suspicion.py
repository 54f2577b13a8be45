"""A question to the ledger about what could be wrong, and what is told when the answer is large."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import duckdb

from ledger.quality.facts import rows_of


@dataclass(frozen=True)
class Suspicion:
    """One question: SQL that counts, from when on that is told, and what to do about it.

    Parameters
    ----------
    name : str
    sql : str
        Over the views `ledger_*` and what `relations` stages; gives at most one row: `found`, `among` where it is a
        share of something, and what else `says` tells. Counts and days only: never a customer's value.
    says : str
        A sentence with `{found}`, `{among}`, `{share}` and the other columns.
    why : str
        What goes wrong when it is so.
    advice : str
        What to do.
    from_share : float
        Smallest found / among worth telling; 0 where there is no `among`.
    from_found : int
        Smallest found worth telling.
    """

    name: str
    sql: str
    says: str
    why: str
    advice: str
    from_share: float = 0.0
    from_found: int = 1


@dataclass(frozen=True)
class Finding:
    """Something suspicious.

    Parameters
    ----------
    name : str
    text : str
        One sentence with its figures.
    advice : str
        What to do.
    figures : mapping
        The figures themselves: found, often among and share (found / among), and what else was counted.
    """

    name: str
    text: str
    advice: str
    figures: Mapping[str, Any]


def ask(connection: duckdb.DuckDBPyConnection, suspicions: Iterable[Suspicion]) -> Iterator[Finding]:
    """Yield what is found, in the order asked.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Staged by `relations.stage`.
    suspicions : iterable of Suspicion
    """
    for suspicion in suspicions:
        for row in rows_of(connection, suspicion.sql):
            figures = _with_share(row)
            enough = (figures["found"] or 0) >= suspicion.from_found
            if enough and figures.get("share", 1.0) >= suspicion.from_share:
                yield Finding(suspicion.name, suspicion.says.format(**figures), suspicion.advice, figures)


def _with_share(figures: dict[str, Any]) -> dict[str, Any]:
    if "among" not in figures:
        return figures
    among = figures["among"] or 0
    return figures | {"share": float(figures["found"] or 0) / float(among) if among > 0 else 0.0}
