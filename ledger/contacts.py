"""E-mail addresses and telephone numbers: how they are written once, replaced by pseudonyms, and withheld elsewhere.

Every form is there twice, in Python and as SQL; property tests hold the two together.
"""

import hashlib
import re
import string
from collections.abc import Iterator

from ledger import quoting

WITHHELD = "(withheld)"
PSEUDONYM_DIGITS = 20  # 80 bits: two of a billion addresses meet with a chance of 1 in two million

# What these patterns say means the same to Python and to RE2, and no brace is in them, for templates are filled with
# them. Blanks and marks of punctuation beyond ASCII end an address as their ASCII kin do.
_MARKS = "\\x7f-\\xa0\u2000-\u2064\u3000-\u3002\ufeff"
_LOCAL = rf"[^\x00-\x20\x22%&()\x2c/:;<=>?@\[\\\]\x7b\x7c\x7d{_MARKS}]"
_FIRST = (
    rf"[^\x00-\x20\x22%&\x27()\x2c/:;<=>?@\[\\\]\x7b\x7c\x7d{_MARKS}]"  # an apostrophe before it is a quote
)
_LABEL = rf"[^\x00-\x2c\x2e\x2f\x3a-\x40\x5b-\x60\x7b-\x7e{_MARKS}]"
_ENDING = rf"[^\x00-\x40\x5b-\x60\x7b-\x7e{_MARKS}]{_LABEL}+"  # no digit first: 2@9.99 is a price
_DOMAIN = rf"(?:{_LABEL}+\.)+{_ENDING}"
ADDRESS = f"{_FIRST}{_LOCAL}*@{_DOMAIN}"
# In the address of a web page the mark is written %40 and a plus %2B.
ADDRESS_LIKE = f"{_FIRST}(?:{_LOCAL}|%2[Bb])*(?:@|%40){_DOMAIN}"

_BETWEEN_DIGITS = r"[ \t\n\r\f.()/\x27\x2d\xa0]"
_TRUNK_ZERO = r"^((?:\+|00)[^(]*)\(0\)"  # +49 (0)30: the zero is dialled within the country only
_FROM_ABROAD = r"(?:\+|00)([0-9]{6,15})"
_AT_HOME = r"[0-9]{6,15}"


def email_in(text: str) -> str | None:
    """Return the first e-mail address in a text, in small letters, or None."""
    for start, end in _spans(text, "@", _LOCAL):
        return _lower(text[start:end])
    return None


def email_in_sql(text: str) -> str:
    """Return SQL of `email_in`, where `text` is SQL."""
    return f"nullif({_lower_sql(f'regexp_extract({text}, {quoting.text(ADDRESS)})')}, '')"


def normal_phone(text: str) -> str | None:
    """Return a telephone number as its digits, with a + when it is international, or None when it is none."""
    compact = re.sub(_BETWEEN_DIGITS, "", re.sub(_TRUNK_ZERO, r"\1", text))
    abroad = re.fullmatch(_FROM_ABROAD, compact)
    if abroad:
        return f"+{abroad[1]}"
    return compact if re.fullmatch(_AT_HOME, compact) else None


def normal_phone_sql(text: str) -> str:
    """Return SQL of `normal_phone`, where `text` is SQL."""
    national = rf"regexp_replace({text}, {quoting.text(_TRUNK_ZERO)}, '\1')"
    compact = f"regexp_replace({national}, {quoting.text(_BETWEEN_DIGITS)}, '', 'g')"
    return (
        f"CASE WHEN regexp_full_match({compact}, {quoting.text(_FROM_ABROAD)}) "
        f"THEN '+' || regexp_extract({compact}, {quoting.text(_FROM_ABROAD)}, 1) "
        f"WHEN regexp_full_match({compact}, {quoting.text(_AT_HOME)}) THEN {compact} END"
    )


def pseudonym(email: str) -> str:
    """
    Return the customer id that stands for an e-mail address.

    Parameters
    ----------
    email : str
        In any case, with anything around it.

    Raises
    ------
    ValueError
        When no address is in it.
    """
    found = email_in(email)
    if found is None:
        raise ValueError("no e-mail address in the text")
    return _digits("e", found)


def pseudonym_sql(text: str) -> str:
    """Return SQL of `pseudonym`, where `text` is SQL; NULL when no address is in it."""
    return _digits_sql("e", email_in_sql(text))


def phone_pseudonym(phone: str) -> str:
    """
    Return the customer id that stands for a telephone number.

    Raises
    ------
    ValueError
        When it is no number.
    """
    found = normal_phone(phone)
    if found is None:
        raise ValueError("not a telephone number")
    return _digits("p", found)


def phone_pseudonym_sql(text: str) -> str:
    """Return SQL of `phone_pseudonym`, where `text` is SQL; NULL when it is no number."""
    return _digits_sql("p", normal_phone_sql(text))


def masked(text: str) -> str:
    """Return a text with everything in it that looks like an e-mail address withheld."""
    kept, done = [], 0
    for start, end in _spans(text, "@|%40", f"[Bb]2%|{_LOCAL}"):
        kept += [text[done:start], WITHHELD]
        done = end
    return "".join([*kept, text[done:]])


def masked_sql(text: str) -> str:
    """Return SQL of `masked`, where `text` is SQL."""
    return f"regexp_replace({text}, {quoting.text(ADDRESS_LIKE)}, '{WITHHELD}', 'g')"


def may_hold_address_sql(text: str) -> str:
    """Return SQL of whether a text without line ends has the marks of an address, where `text` is SQL.

    Never false where `masked` withholds something. The pattern is short: DuckDB makes every pattern of a statement
    ready before its first row, and a posted history has three.
    """
    return rf"regexp_matches({text}, '.(@|%40).+\.[^0-9]')"


def _spans(text: str, mark: str, backwards: str) -> Iterator[tuple[int, int]]:
    """Yield start and end of each address.

    Read from the mark on and then backwards: tried from every start, a long text without a mark takes its length
    squared.
    """
    before = re.compile(f"(?:{backwards})*")
    done = 0
    for found in re.finditer(f"(?:{mark}){_DOMAIN}", text):
        read = before.match(text[done : found.start()][::-1])
        local = (read[0][::-1] if read else "").lstrip("'%")
        if local:
            done = found.end()
            yield found.start() - len(local), done


def _digits(kind: str, normal: str) -> str:
    return f"{kind}-{hashlib.sha256(normal.encode()).hexdigest()[:PSEUDONYM_DIGITS]}"


def _digits_sql(kind: str, normal: str) -> str:
    return f"'{kind}-' || left(sha256({normal}), {PSEUDONYM_DIGITS})"


def _lower(text: str) -> str:
    """Return a text with A to Z made small: other letters' cases are not the same to every library."""
    return text.translate(str.maketrans(string.ascii_uppercase, string.ascii_lowercase))


def _lower_sql(text: str) -> str:
    return f"translate({text}, '{string.ascii_uppercase}', '{string.ascii_lowercase}')"
