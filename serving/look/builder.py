"""Builder: a condition as a form and as text beside it, what it would make at once, and saving it under a name."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from features.catalog.shipped import CATALOG
from ledger.errors import InputError
from ledger.sqlite import UnusableFileError
from models.scores import scores_for
from segments.definitions import Definitions
from segments.segment import Segment
from segments.vocabulary import DERIVED, OF_PEOPLE, REFILLS, TODAY, SegmentColumn
from serving.answers import Answer, segment_facts, stamp
from serving.errors import Problem, ProblemError, shown
from serving.look import conditions
from serving.look.conditions import FIRST, SEGMENT, Row, Rows
from serving.look.page import Asked
from serving.segments import answers, editing
from serving.segments.editing import followed
from serving.segments.preview import columns_of
from serving.store import PublishedRun

OFTEN: Final = (
    "orders",
    "days_since_last_order",
    "spend_365d",
    "mean_order_value",
    "churn_probability_90d",
    "p_order_30d",
    "clv_365d",
    "lifecycle",
)
GROUPS: Final = (
    "often",
    "segment",
    "predictions",
    "orders",
    "money",
    "time",
    "products",
    "refills",
    "people",
    "visits",
)
EXAMPLES: Final = (
    "orders >= 3 and days_since_last_order > 60",
    "in_top(clv_365d, 20) and churn_probability_90d >= 0.5",
    "orders(within_days = 90) = 0 and spend_365d > 200",
)
SAMPLE: Final = 3
BY: Final = "the builder"


def answer(asked: Asked) -> Answer:
    """Return the builder with the condition of a segment that is edited, of the query, or a first row."""
    run = asked.run
    editing_name = asked.given.get("edit", "")
    facts = segment_facts(run, editing_name) if editing_name else None
    expression = facts.expression if facts else asked.given.get("expression", "")
    return {
        **stamp(run),
        "edit": None
        if facts is None
        else facts.model_dump(include={"name", "title", "description", "advice"}),
        "examples": EXAMPLES,
        **_form(run, _read(run, expression), expression),
    }


def rows(asked: Asked) -> Answer:
    """Return the form after one of its lists or buttons was used."""
    given = asked.given
    form = conditions.with_change(_given_rows(asked), removed=given.get("remove", ""), added="add" in given)
    return _form(asked.run, form, "")


def tried(asked: Asked) -> Answer:
    """
    Return what the condition of the form, or of the text, would make; and the other of the two, brought up to date.

    Returns
    -------
    dict
        given_as, expression, preview and error (one of both null), the form's rows, and errors by row.
    """
    run, edit = asked.run, asked.given.get("edit", "")
    by_rows = asked.given.get("from") == "rows"
    errors: dict[int, str] = {}
    if by_rows:
        form: Rows | None = _given_rows(asked)
        expression = _written(run, form, errors) if form else ""
    else:
        expression = asked.given.get("expression", "").strip()
        form = _read(run, expression)
    preview, error = _preview(run, expression, edit) if expression and not errors else (None, None)
    return {
        **stamp(run),
        "given_as": "rows" if by_rows else "text",
        "expression": expression,
        "preview": preview,
        "error": error,
        "errors": {str(place): text for place, text in errors.items()},
        "customers": run.facts.people,
        "edit_of": edit or None,
        **_form(run, form, expression),
    }


def save(asked: Asked) -> Answer:
    """
    Save a new segment, or an edit of one.

    Raises
    ------
    ProblemError
        When a field is missing, the condition is refused or a group of a partition would be changed; names the field.
    """
    sent, home = asked.sent, asked.run.home
    texts = {name: _sent(sent, name) for name in ("title", "description", "advice", "expression")}
    edit = str(sent.get("edit") or "")
    try:
        if edit:
            draft = editing.draft_edit(home, edit, dict(texts))
        else:
            draft = editing.draft_new(home, {**texts, "name": _free_name(asked.run, texts["title"])})
        number = editing.save(home, draft, BY, asked.now or datetime.now(UTC))
    except UnusableFileError:
        raise
    except InputError as error:
        detail = answers.UNREADABLE.sub("?", " ".join(str(error).split()))[: answers.TOLD_LENGTH]
        raise ProblemError(Problem("bad-request", detail, "segment")) from error
    return {
        **stamp(asked.run),
        "name": draft.segment.name,
        "title": draft.segment.title,
        "version": number,
        "count": draft.preview.count,
        "in_run": asked.run.segment(draft.segment.name) is not None,
    }


def undo(asked: Asked) -> Answer:
    """Take a saving back: a new segment is followed no more, an edited one is again as it was before."""
    name, number, home = _sent(asked.sent, "name"), _sent(asked.sent, "version"), asked.run.home
    try:
        if number == "1":
            draft = editing.draft_edit(home, name, {}, hidden=True)
        else:
            draft = editing.draft_restored(home, name, int(number) - 1)
        editing.save(home, draft, BY, asked.now or datetime.now(UTC))
    except UnusableFileError:
        raise
    except (InputError, ValueError) as error:
        raise ProblemError(Problem("bad-request", "it cannot be taken back any more", "name")) from error
    return {**stamp(asked.run), "name": name}


def _free_name(run: PublishedRun, title: str) -> str:
    name = name_of(title)
    if name in Definitions(run.home.definitions).latest() or run.segment(name) is not None:
        raise ProblemError(Problem("bad-request", "there is a segment of this name; choose another", "title"))
    return name


def name_of(title: str) -> str:
    """Return the name under which a segment of a title is kept."""
    plain = re.sub(r"[^a-z0-9]+", "_", title.casefold()).strip("_")
    return (plain if plain[:1].isalpha() else f"segment_{plain}").rstrip("_")[:63]


def _sent(sent: Mapping[str, object], name: str) -> str:
    value = sent.get(name)
    if isinstance(value, str) and value.strip():
        return value.strip()
    told = None if value is None else shown(value)
    raise ProblemError(Problem("bad-request", f"say the {name}", name, "a text that is not empty", told))


def _preview(run: PublishedRun, expression: str, edit: str) -> tuple[Answer | None, str | None]:
    body = {"expression": expression, "sample": SAMPLE, **({"edit_of": edit} if edit else {})}
    try:
        found = answers.preview(run, body)
    except ProblemError as error:
        return None, error.problem.detail
    # Segments that hold nearly everybody say little: those come first that hold more of these than of everybody.
    everybody = max(run.facts.people, 1)
    found["overlap"].sort(
        key=lambda each: each["both"] / each["share_of_those"] / everybody - each["share_of_these"]
    )
    return found, None


def _read(run: PublishedRun, expression: str) -> Rows | None:
    """Return a text's rows; none while it is refused, or where it is more than rows can show."""
    if not expression:
        return Rows("and", (FIRST,))
    segments = {each.name: each for each in followed(run.home)}
    try:
        return conditions.rows_of(expression, columns_of(run.facts), segments)
    except InputError:
        return None


def _given_rows(asked: Asked) -> Rows:
    listed = asked.listed
    columns, operators = listed.get("column", ()), listed.get("operator", ())
    values = [tuple(listed.get(f"value-{place}", ())) for place in range(len(columns))]
    known = columns_of(asked.run.facts)
    found = [Row(*each) for each in zip(columns, operators, values, strict=False)]
    fitting = tuple(conditions.fitting(row, known) for row in found if row.column in {*known, SEGMENT})
    return Rows("or" if asked.given.get("joint") == "or" else "and", fitting)


def _written(run: PublishedRun, form: Rows, errors: dict[int, str]) -> str:
    columns = columns_of(run.facts)
    for place, row in enumerate(form.rows):
        try:
            conditions.text_of_row(row, columns)
        except InputError as error:
            errors[place] = str(error)
    return "" if errors else conditions.text_of(form, columns)


def _form(run: PublishedRun, form: Rows | None, expression: str) -> dict[str, Any]:
    columns = columns_of(run.facts)
    return {
        "expression": expression,
        "joint": form.joint if form else "and",
        "rows": None if form is None else [_shown(row, columns) for row in form.rows],
        "columns": _choices(run, columns),
        "segments": [{"name": each.name, "title": each.title} for each in _by_title(followed(run.home))],
    }


def _by_title(segments: tuple[Segment, ...]) -> list[Segment]:
    return sorted(segments, key=lambda each: each.title.casefold())


def _shown(row: Row, columns: Mapping[str, SegmentColumn]) -> dict[str, Any]:
    column = columns.get(row.column)
    kinds = conditions.asks(row.operator, column)
    symbol = conditions.symbol_of_value(row.operator, column)
    values = (*row.values, "", "")[: len(kinds)]
    return {
        "column": row.column,
        "operator": row.operator,
        "operators": [
            {"symbol": each, "words": conditions.words_of(each)} for each in conditions.operators_of(column)
        ],
        "fields": [
            {"kind": kind, "value": value, "symbol": symbol}
            for kind, value in zip(kinds, values, strict=True)
        ],
    }


def _choices(run: PublishedRun, columns: Mapping[str, SegmentColumn]) -> list[dict[str, Any]]:
    kept = {*run.columns.names, *(each.name for each in DERIVED), *(each.name for each in OF_PEOPLE)}
    grouped: dict[str, list[dict[str, str]]] = {group: [] for group in GROUPS}
    for name in OFTEN:
        grouped["often"].append({"name": name, "phrase": columns[name].phrase})
    for name, column in columns.items():
        if name in kept and name not in OFTEN and (group := _group(name, column, run.facts.horizon_days)):
            grouped[group].append({"name": name, "phrase": column.phrase})
    grouped["segment"].append({"name": SEGMENT, "phrase": SEGMENT})
    return [{"group": group, "columns": found} for group, found in grouped.items() if found]


_OVER: Final = {each.name: each.over for each in CATALOG}
_BY_OVER: Final = {"items": "products", "categories": "products", "events": "visits", "attributes": "people"}


def _group(name: str, column: SegmentColumn, horizon_days: int) -> str | None:
    """Return under which heading a column is offered; None of one that is the same for every customer."""
    over = _OVER.get(name, "")
    if over == "store" or name in {TODAY.name, "cutoff_month"} or name.endswith("_percentile"):
        return None
    if name in {each.name for each in scores_for(horizon_days)}:
        return "predictions"
    if name in {each.name for each in REFILLS}:
        return "refills"
    if name in {each.name for each in OF_PEOPLE}:
        return "people"
    by_unit = {"currency": "money", "days": "time", "days_ago": "time"}
    return _BY_OVER.get(over) or by_unit.get(column.unit, "orders")
