"""What a destination is: one way of writing a table to one file, or of keeping a list of people somewhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

Consent = Literal["email_consent", "sms_consent", "ads_consent"]
"""A flag of the customers table; only true is consent, unknown is not."""


@dataclass(frozen=True)
class Audience:
    """A list of people that somebody else keeps and knows by their addresses.

    Parameters
    ----------
    email_needs, phone_needs : str
        Without which consent an address of this kind is not delivered.
    email : callable
        Writes an e-mail address, trimmed and in small letters, as the other side does before hashing; None when it
        would not be one.
    phone : callable
        Likewise of a telephone number in E.164.
    adds : callable
        (contacts, segment) to the rows of the file of those to add. Contacts have customer_id, email, phone,
        email_key and phone_key (the SHA-256 of either, in small hexadecimal digits), country, city, birth_date and
        entered_at; what may not be delivered is null.
    removes : callable
        The same for those to remove; contacts have email, phone, email_key and phone_key.
    hashed : bool
        Whether the file of those to remove is made of hashes alone. Else it needs the addresses, which nobody has of
        a customer who was erased.
    """

    email_needs: Consent
    phone_needs: Consent
    email: Callable[[str], str | None]
    phone: Callable[[str], str]
    adds: Callable[[pa.Table, str], pa.Table]
    removes: Callable[[pa.Table, str], pa.Table]
    hashed: bool


@dataclass(frozen=True)
class Destination:
    """One place that an export can go to.

    Parameters
    ----------
    name : str
        Value of `--to`.
    extension : str or None
        File name ending that selects it when `--to` is not given; None when only its name does.
    write : callable or None
        Writes a table to a path that may be overwritten; cells are text, numbers, dates, instants or lists of text.
        None when nothing is written but posted.
    means : str
        For whom it is, in one sentence.
    audience : Audience, optional
        Only of destinations that take members of segments alone, by their addresses. The others take any table and
        know customers by id.
    """

    name: str
    extension: str | None
    write: Callable[[pa.Table, Path], None] | None
    means: str
    audience: Audience | None = None
