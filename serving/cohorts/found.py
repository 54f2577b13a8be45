"""What was counted of cohorts, as one file in the home; no customers in it."""

from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ledger import small_files
from ledger.home import Home


class Month(BaseModel):
    """Customers whose first order fell in one month.

    Parameters
    ----------
    month : str
        Such as 2024-01.
    customers : int
    active : tuple of int, customers
        Who ordered in the month itself, in the next one, and so on to the last that is over.
    value : tuple of float, currency
        What they all had spent by the end of each of these months, net.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    month: str
    customers: int
    active: tuple[int, ...]
    value: tuple[float, ...]


class Second(BaseModel):
    """Who has ordered a second time by some day after the first order, had all been customers for so long.

    Parameters
    ----------
    day : int, days
    share : float
        Kaplan and Meier's (1958) estimate.
    customers : int
        Of whom it is known: still without a second order the day before.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: int
    share: float
    customers: int


class First(BaseModel):
    """Customers whose first order held a product, or came in by a channel.

    Parameters
    ----------
    kind : str
    name : str
        Product id or channel.
    title : str
    customers : int
    old_enough : int, customers
        Of these, whose first order is `DAYS` ago or longer: of whom the rest is told.
    came_back : int, customers
        Who ordered again within `DAYS`.
    value : float, currency
        What they spent within `DAYS` of the first order, that included, net.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["product", "channel"]
    name: str
    title: str
    customers: int
    old_enough: int
    came_back: int
    value: float


class Cohorts(BaseModel):
    """All that was counted as of a day.

    Parameters
    ----------
    as_of : date
        Local day.
    months : tuple of Month
        Oldest first, of the months that are over.
    second : tuple of Second
    firsts : tuple of First
        Most customers first.
    acquisition_costs : dict of str to float, currency
        Of a new customer, by channel; `all` stands for those that are not named.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    as_of: date
    months: tuple[Month, ...] = ()
    second: tuple[Second, ...] = ()
    firsts: tuple[First, ...] = ()
    acquisition_costs: dict[str, float] = {}


def write(home: Home, cohorts: Cohorts) -> None:
    """Replace what was counted before."""
    small_files.put(home.cohorts, cohorts.model_dump_json() + "\n")


def read(home: Home) -> Cohorts | None:
    """Return what was counted last, None when nothing was.

    Raises
    ------
    InputError
        When the file is damaged.
    """
    remedy = "run `regulars score` to write it anew"
    return small_files.read(home.cohorts, Cohorts.model_validate_json, remedy=remedy)
