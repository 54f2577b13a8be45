"""Telephone numbers as the whole world dials them (ITU-T E.164): +, country code, number; at most 15 digits.

The ledger keeps a number's digits, with a + where it was written internationally. A national number cannot be made
international without knowing its country's code and the digit dialled before it within the country, so it is left out;
but the 25 countries of the North American plan (+1) have ten digits, none before them, and shops there write no code.
"""

import re

_INTERNATIONAL = re.compile(r"\+[1-9][0-9]{6,14}")
# Area code and exchange each begin with 2 to 9 (NANP Administration, "About NANP").
_NORTH_AMERICAN = re.compile(r"1?([2-9][0-9]{2}[2-9][0-9]{6})")
NORTH_AMERICA = (
    *("AG", "AI", "AS", "BB", "BM", "BS", "CA", "DM", "DO", "GD", "GU", "JM", "KN", "KY"),
    *("LC", "MP", "MS", "PR", "SX", "TC", "TT", "US", "VC", "VG", "VI"),
)


def e164(phone: str, country: str | None) -> str | None:
    """
    Return a number in E.164, or None when it cannot be told.

    Parameters
    ----------
    phone : str
        As `ledger.contacts.normal_phone` writes it.
    country : str or None
        The customer's, ISO 3166 code of two letters.
    """
    if _INTERNATIONAL.fullmatch(phone):
        return phone
    found = _NORTH_AMERICAN.fullmatch(phone) if country in NORTH_AMERICA else None
    return f"+1{found[1]}" if found else None
