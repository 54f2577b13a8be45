"""What one customer did: his orders and events page by page, with what came since the run marked."""

from serving.answers import Answer
from serving.errors import Problem, ProblemError, shown
from serving.look.page import Asked
from serving.timeline import A_PAGE, timeline

MOST_PAGES = 10_000


def answer(asked: Asked) -> Answer:
    """Return a page of what a customer did; raises ProblemError when there is no such page."""
    customer_id, now = asked.given["customer_id"], asked.now or asked.run.facts.as_of
    page = asked.given.get("page", "1")
    if not (page.isascii() and page.isdigit() and len(page) <= 5 and 1 <= int(page) <= MOST_PAGES):  # noqa: PLR2004
        raise ProblemError(Problem("bad-request", "there is no such page", "page", "1 or more", shown(page)))
    told = timeline(asked.run.home, customer_id, now, int(page))
    as_of = asked.run.facts.as_of.isoformat()
    for each in told["entries"]:
        each["since_run"] = max(each["happened_at"], each["known_at"]) >= as_of
    return {
        "customer_id": customer_id,
        "currency": asked.run.facts.currency,
        "page_number": int(page),
        "pages": max(1, -(-(told["orders"] + told["events"]) // A_PAGE)),
        **told,
    }
