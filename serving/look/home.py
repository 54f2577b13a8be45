"""Home: the shop at a glance."""

from serving.answers import Answer, stamp
from serving.look.page import Asked


def answer(asked: Asked) -> Answer:
    """Return the run's headline figures."""
    facts = asked.run.facts
    return {
        **stamp(asked.run),
        "customers": facts.customers,
        "value": facts.value,
        "likely_to_leave": facts.likely_to_leave,
        "money_at_stake": facts.money_at_stake,
        "due_this_week": facts.due_this_week if facts.due_level else None,
        "due_level": facts.due_level,
    }
