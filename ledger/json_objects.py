"""Cells that hold a JSON object: one spelling, and nobody's e-mail address or telephone number in them."""

from ledger.contacts import WITHHELD, masked_sql

LENGTH = 10_000

_IN_STRING = r"(?:[^\"\\]|\\.)*"
_STRING = rf"\"{_IN_STRING}\""
_FLAT = rf"(?:[^\"\[\]{{}}]|{_STRING})*"  # what stands in a list or object that holds no other
_CONTACT_NAME = rf"(\"{_IN_STRING}(?i:e[-_ ]?mail|phone){_IN_STRING}\":)"
# A number of five digits may be a telephone's; true and false are what was consented to.
_CONTACT = rf"(?:{_STRING}|-?\d{{5,}}[-+.\dEe]*|\[{_FLAT}\]|\{{{_FLAT}\}})"
_MAY_HOLD_CONTACT = r"(?i)@|%40|mail|phone"
_ESCAPE = r"\\(?:u[0-9A-Fa-f]{4}|.)"
_NO_NUMBER = r"(?i)[:,\[]-?(nan|inf)"  # DuckDB takes them; JSON has none


def object_sql(text: str) -> str:
    """
    Return SQL that reads a JSON object, or gives NULL when `text` (SQL) is none.

    Written without blanks between its parts, so that two spellings of one object are the same text. Under names with
    email or phone in them texts, long numbers, and lists and objects of one level are withheld, deeper ones make it
    NULL; anywhere else what looks like an e-mail address is. In an object with such a name or an @, escape sequences
    become blanks: an address after a line's end would begin with the n of it.
    """
    spelt = f"CAST(TRY(json({text})) AS VARCHAR)"
    outside = f"regexp_replace({spelt}, '{_STRING}', '', 'g')"
    kept = rf"regexp_replace({spelt}, '{_CONTACT_NAME}{_CONTACT}', '\1" + f"\"{WITHHELD}\"', 'g')"
    unescaped = f"regexp_replace({kept}, '{_ESCAPE}', ' ', 'g')"
    return (
        f"CASE WHEN length({text}) > {LENGTH} OR NOT starts_with({spelt}, '{{') "
        f"OR regexp_matches({outside}, '{_NO_NUMBER}') THEN NULL "
        f"WHEN NOT regexp_matches({spelt}, '{_MAY_HOLD_CONTACT}') THEN {spelt} "
        rf"WHEN NOT regexp_matches({kept}, '{_CONTACT_NAME}[\[{{]') THEN {masked_sql(unescaped)} END"
    )
