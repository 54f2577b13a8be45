"""A shop's currency and time zone, on which every stored amount and local day depends."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ledger.errors import InputError

CURRENCY_CODE_LENGTH = 3
# Names that mean another zone on another machine, or none to DuckDB.
NOT_PORTABLE = ("localtime", "posixrules", "Factory", "posix/", "right/")


@dataclass(frozen=True)
class Shop:
    """What the first import fixes for good, because every stored amount and local day depends on it.

    Parameters
    ----------
    currency : str
        ISO 4217 code.
    time_zone : str
        IANA zone, such as America/New_York.

    Raises
    ------
    InputError
        When either is not such a code.
    """

    currency: str
    time_zone: str

    def __post_init__(self) -> None:
        code = self.currency
        if not (len(code) == CURRENCY_CODE_LENGTH and code.isascii() and code.isalpha() and code.isupper()):
            raise InputError("a currency is a three-letter ISO 4217 code in capitals, such as EUR or USD")
        unknown = f"unknown time zone {self.time_zone[:40]!r}; give an IANA name such as Europe/Berlin or UTC"
        if self.time_zone.startswith(NOT_PORTABLE):
            raise InputError(unknown)
        try:
            ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise InputError(unknown) from error
