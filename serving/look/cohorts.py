"""Cohorts: do customers come back, what are they worth, and which first orders bring the best of them."""

from typing import Any, Final

from ledger.errors import InputError
from serving.answers import Answer, stamp
from serving.cohorts.count import DAYS
from serving.cohorts.found import Cohorts, First, Month, read
from serving.errors import Problem, ProblemError
from serving.look.charts import Chart, Series
from serving.look.page import Asked
from serving.look.texts import say
from serving.store import PublishedRun

LEVELS: Final = 9
COLUMNS: Final = 13
"""Months told of each cohort in the table: its own and a year."""
MILESTONES: Final = (30, 90, 180, 365)
ALL: Final = "all"


def answer(asked: Asked) -> Answer:
    """Return what the last scoring run counted, and shares and means of it."""
    found = _found(asked.run)
    empty = Cohorts(as_of=asked.run.facts.as_of.date()) if found is None else found
    value = _value_by_age(empty.months)
    return {
        **stamp(asked.run),
        "counted_as_of": None if found is None else found.as_of.isoformat(),
        "days": DAYS,
        "months": [_month(each) for each in empty.months],
        "ages": list(range(min(COLUMNS, max((len(each.active) for each in empty.months), default=0)))),
        "value_by_age": value,
        "payback": _payback(value, empty.acquisition_costs),
        "acquisition_costs": empty.acquisition_costs,
        "second": [each.model_dump() for each in empty.second],
        "milestones": [each.model_dump() for each in empty.second if each.day in MILESTONES],
        "products": [_compared(each) for each in empty.firsts if each.kind == "product"],
        "channels": [
            _compared(each) | {"cost": _cost(empty.acquisition_costs, each.name)}
            for each in empty.firsts
            if each.kind == "channel"
        ],
    }


def _found(run: PublishedRun) -> Cohorts | None:
    try:
        return read(run.home)
    except InputError as error:
        raise ProblemError(
            Problem("not-ready", "what was counted is damaged; run `regulars score`")
        ) from error


def _month(each: Month) -> dict[str, Any]:
    kept = [active / each.customers for active in each.active]
    return {
        **each.model_dump(),
        "kept": kept,
        # Everybody ordered in the first month: shades tell the others apart.
        "levels": [LEVELS, *(min(LEVELS, round(LEVELS * share / 0.5)) for share in kept[1:])],
        "value_each": [value / each.customers for value in each.value],
    }


def _value_by_age(months: tuple[Month, ...]) -> list[dict[str, Any]]:
    """Return what a customer had spent by each month of age, over all cohorts of at least that age."""
    oldest = max((len(each.value) for each in months), default=0)
    told = []
    for age in range(oldest):
        some = [each for each in months if len(each.value) > age]
        customers = sum(each.customers for each in some)
        told.append(
            {"age": age, "customers": customers, "value": sum(each.value[age] for each in some) / customers}
        )
    return told


def _payback(value: list[dict[str, Any]], costs: dict[str, float]) -> Answer | None:
    """Return after how many months a customer has spent what he cost; None where no cost is given for all."""
    cost = costs.get(ALL)
    if cost is None:
        return None
    months = next((each["age"] for each in value if each["value"] >= cost), None)
    return {"cost": cost, "months": months}


def _cost(costs: dict[str, float], channel: str) -> float | None:
    return costs.get(channel, costs.get(ALL))


def _compared(each: First) -> dict[str, Any]:
    known = each.old_enough or None
    return {
        **each.model_dump(),
        "came_back_share": known and each.came_back / known,
        "value_each": known and each.value / known,
    }


def charts(told: Answer) -> dict[str, Chart]:
    """Return value by age and the wait for a second order; nothing where nothing was counted."""
    if not told["value_by_age"] or not told["second"]:
        return {}
    value, second = told["value_by_age"], told["second"]
    return {
        "value": Chart(
            say("cohorts.value"),
            [each["age"] for each in value],
            [Series(say("cohorts.spent"), [each["value"] for each in value], "area", "money")],
            say("cohorts.age"),
            kind="number",
            summary=say("cohorts.value_note"),
        ),
        "second": Chart(
            say("cohorts.second"),
            [each["day"] for each in second],
            [Series(say("cohorts.came_back"), [each["share"] for each in second], "area", "share")],
            say("cohorts.day"),
            kind="number",
            summary=say("cohorts.second_note"),
        ),
    }
