"""What the schemas are made of: frozen models, and texts, ids and amounts as they may be sent."""

import re
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

TEXT_LENGTH = 200
ID_LENGTH = 255
AMOUNT_LIMIT = 10**15


def _as_text(value: object) -> object:
    """Read a whole number as the text it would be in a CSV; ids are often numbers."""
    return (
        str(value)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18
        else value
    )


def _as_amount(value: object) -> object:
    """Read a JSON number as the decimal text it would be in a CSV, so that both go through the same check."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    # More cents than an int64 holds is no amount; NaN compares with nothing, and `isfinite` fails on huge integers.
    if not -AMOUNT_LIMIT < value < AMOUNT_LIMIT:
        raise ValueError("a finite number below a thousand million million")
    text = repr(value)
    return format(Decimal(text), "f") if "e" in text else text


def _as_name(text: str) -> str:
    """Refuse an id that an import would refuse; orders are checked like an import, under keys of our own."""
    if not text.strip() or re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError("text that is not blank and holds no control character")
    return text


# What is read is a text either way; the description says what may be sent. Lengths stand next to the text, where they
# are checked along with it.
_OfText = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH)]
_OfId = Annotated[str, Field(min_length=1, max_length=ID_LENGTH)]
_OfAmount = Annotated[str, Field(min_length=1, max_length=40)]
Text = Annotated[_OfText, BeforeValidator(_as_text, json_schema_input_type=_OfText | int)]
Name = Annotated[Text, AfterValidator(_as_name)]
CustomerId = Annotated[
    _OfId, BeforeValidator(_as_text, json_schema_input_type=_OfId | int), AfterValidator(_as_name)
]
Amount = Annotated[_OfAmount, BeforeValidator(_as_amount, json_schema_input_type=_OfAmount | float)]


class Frozen(BaseModel):
    """A frozen model that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Stamped(Frozen):
    """What every answer from a run or a release says of itself: which release, as of when, and the last order known."""

    release: str
    as_of: datetime
    data_through: datetime | None
