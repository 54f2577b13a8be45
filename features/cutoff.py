"""The cutoff: the instant, exclusive, as of which a customer is described."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Cutoff:
    """An exclusive instant in one shop's time zone.

    Parameters
    ----------
    at : datetime
        The instant; aware. Only rows known before it count.
    time_zone : str
        The shop's IANA zone, which says on what local day the instant falls.

    Raises
    ------
    ValueError
        When `at` has no time zone of its own.
    """

    at: datetime
    time_zone: str

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError(f"a cutoff is an aware instant; got {self.at.isoformat()} without an offset")
        object.__setattr__(self, "at", self.at.astimezone(UTC))

    @classmethod
    def at_midnight(cls, day: date, time_zone: str) -> "Cutoff":
        """Return the start of a local day."""
        return cls(datetime.combine(day, time(), ZoneInfo(time_zone)), time_zone)

    @property
    def local_date(self) -> date:
        """Local calendar date on which the instant falls."""
        return self.at.astimezone(ZoneInfo(self.time_zone)).date()

    @property
    def day(self) -> int:
        """Local day number, days since 1970-01-01; an order's age is this less the order's own day number."""
        return (self.local_date - EPOCH).days

    def plus_days(self, days: int) -> "Cutoff":
        """Return the same local time so many days later (earlier when negative), across clock changes."""
        local = self.at.astimezone(ZoneInfo(self.time_zone)) + timedelta(days=days)
        return Cutoff(local, self.time_zone)
