"""What a search for one person looks for: in cells that name a person, and as a word in any text.

The same conditions find his rows among those that imports refused, and search a whole home for what is left.
"""

import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal
from urllib.parse import quote

from ledger import quoting

SHORTEST_IN_TEXT = (
    6  # "17" in a text is a number; a shop's ids, e-mails and phones are longer where they are unique
)

ColumnKind = Literal["person", "number", "text"]

_PERSON = (
    "customer|client|user|buyer|shopper|member|household|visitor|anonymous|account|contact|person|recipient"
)
_PERSON_NAME = rf"(?:.*_)?(?:{_PERSON})(?:_?(?:id|no|nr|number|key|code|name))?|.*(?:mail|phone|mobile).*"
_NUMBER_NAME = r".*(?:_id|_no|_number|_code|_sha256|_hash|sku|release|version|line|order|product)"
# The same in a JSON object's key, however the shop's system writes it: "Customer ID", "customerId".
_NAME_KEY = rf"(?:[\w -]*[_ -])?(?:{_PERSON})[_ -]?(?:id|no|nr|number|key|code|name)?"
_PERSON_KEY = rf"{_NAME_KEY}|[\w -]*(?:mail|phone|mobile)[\w -]*"

JSON_PERSON = rf'\\*"(?i:{_PERSON_KEY})\\*"\s*:\s*\\*"?([^"\\,}}]*)'
"""Regular expression of a JSON key that names a person, and its value as the group."""

# What may stand around a word: nothing, or a character that is none of it. Before it also an escape of JSON or of a
# web address, whose last character is a letter.
_ESCAPED = r"\\[bfnrt]|%[0-9A-Fa-f]{2}"
_BEFORE = rf"(?:^|\W|_|{_ESCAPED})"
_AFTER = r"(?:$|\W|_)"
_BEFORE_STRICT = rf"(?:^|[^\w.+-]|{_ESCAPED})"
_AFTER_STRICT = r"(?:$|[^\w.-]|[.-](?:$|\W))"
_BETWEEN_DIGITS = r"[ ().\/-]{0,3}"
_COUNTRY_DIGITS = 3  # the longest country code; what follows it is the same in every spelling of a number
_SHORTEST_PHONE = 7


def column_kind(name: str) -> ColumnKind:
    """Return whether a column names a person, numbers something else, or holds text."""
    plain = re.sub(r"\W+", "_", name.strip().lower())
    if re.fullmatch(_PERSON_NAME, plain):
        return "person"
    return "number" if re.fullmatch(_NUMBER_NAME, plain) else "text"


def fingerprint(salt: str, identifier: str) -> str:
    """Return what the table `erased` keeps of an identifier."""
    return hashlib.sha256(f"{salt}:{identifier}".encode()).hexdigest()


@dataclass(frozen=True)
class Sought:
    """One person's identifiers, as conditions.

    Parameters
    ----------
    ids : frozenset of str
        Customer and visitor ids, compared as they are.
    emails, phones : frozenset of str
        Normalised.
    salt : str
    hashes : frozenset of str
        Fingerprints of identifiers that are known no more, once he is erased: compared with whole cells.
    """

    ids: frozenset[str] = frozenset()
    emails: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    salt: str = ""
    hashes: frozenset[str] = field(default=frozenset())

    def cell_sql(self, kind: ColumnKind) -> str | None:
        """Return SQL of whether the text column `cell` holds him, None when such a column cannot tell."""
        if kind == "person":
            return self._person_sql()
        pattern = self.text_pattern if kind == "text" else self.word_pattern
        return f"regexp_matches(cell, {quoting.text(pattern)})" if pattern else None

    def _person_sql(self) -> str | None:
        cases = []
        if self.ids:
            cases.append(f"cell IN ({listed(self.ids)})")
        if self.emails:
            cases.append(f"lower(trim(cell)) IN ({listed(self.emails)})")
        if self.text_pattern:
            cases.append(f"regexp_matches(cell, {quoting.text(self.text_pattern)})")
        if self.hashes:
            cases.append(f"sha256({quoting.text(self.salt + ':')} || cell) IN ({listed(self.hashes)})")
        return " OR ".join(cases) or None

    @cached_property
    def word_pattern(self) -> str:
        """Regular expression of identifiers that nothing else is called by; "" for none."""
        return "|".join([*map(_email, sorted(self.emails)), *map(_word, self._long(digits=False))])

    @cached_property
    def text_pattern(self) -> str:
        """Regular expression of all that a text can show of him; "" for none. RE2 and Python read it alike."""
        words = [self.word_pattern] if self.word_pattern else []
        words += [f"{_BEFORE_STRICT}{number}{_AFTER_STRICT}" for number in self._long(digits=True)]
        words += [_phone(number) for number in sorted(self.phones) if len(number) >= _SHORTEST_PHONE]
        words += [_in_json(self.ids)] if self.ids else []
        return "|".join(words)

    @cached_property
    def text(self) -> re.Pattern[bytes] | None:
        """The same, compiled for the bytes of a file."""
        return re.compile(self.text_pattern.encode()) if self.text_pattern else None

    def _long(self, *, digits: bool) -> list[str]:
        return sorted(
            each for each in self.ids if len(each) >= SHORTEST_IN_TEXT and each.isdecimal() == digits
        )


def listed(texts: Iterable[str]) -> str:
    """Return texts as what stands in the brackets of an SQL IN; nothing is in an empty list."""
    return ", ".join(quoting.text(text) for text in sorted(texts)) or "NULL"


def _spellings(identifier: str) -> str:
    """Return the identifier as it is, as JSON writes it and as a web address does."""
    written = (
        identifier,
        json.dumps(identifier, ensure_ascii=False)[1:-1],
        json.dumps(identifier)[1:-1],
        quote(identifier, safe=""),
    )
    return "(?:" + "|".join(re.escape(text) for text in dict.fromkeys(written)) + ")"


def _word(identifier: str) -> str:
    return f"{_BEFORE}{_spellings(identifier)}{_AFTER}"


def _email(address: str) -> str:
    return f"{_BEFORE_STRICT}(?i:{_spellings(address)}){_AFTER_STRICT}"


def _phone(number: str) -> str:
    """Return the end of a number, with what people write between digits; before it any country or trunk code."""
    digits = number.lstrip("+0")
    if number.startswith("+"):
        digits = digits[min(_COUNTRY_DIGITS, max(0, len(digits) - _SHORTEST_PHONE)) :]
    return rf"(?:^|[^\w.]|{_ESCAPED})[+0-9 ()\/-]{{0,8}}{_BETWEEN_DIGITS.join(digits)}{_AFTER_STRICT}"


def _in_json(ids: Iterable[str]) -> str:
    """Return the expression of an id as the value of a JSON key that names a person, however deep it is quoted."""
    values = "|".join(_spellings(each) for each in sorted(ids))
    return rf'\\*"(?i:{_PERSON_KEY})\\*"\s*:\s*\\*"?(?:{values})\\*"?\s*[,}}\]\\]'
