"""Pages of a long list: which one is asked for, and how many there are."""

from collections.abc import Mapping

from serving.errors import Problem, ProblemError, shown

LONGEST = 7  # digits


def page_of(given: Mapping[str, str], rows: int, a_page: int) -> tuple[int, int]:
    """
    Return the page that is asked for, the first being 1, and how many there are, at least 1.

    Raises
    ------
    ProblemError
        When there is no such page.
    """
    pages = max(1, -(-rows // a_page))
    text = given.get("page") or "1"
    if text.isascii() and text.isdigit() and len(text) <= LONGEST and 1 <= int(text) <= pages:
        return int(text), pages
    raise ProblemError(
        Problem("bad-request", "there is no such page", "page", f"1 to {pages:,}", shown(text))
    )
