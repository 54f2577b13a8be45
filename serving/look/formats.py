"""Numbers, money and dates in words: what the server writes, and a browser writes again in its reader's own way."""

from datetime import date, datetime
from urllib.parse import quote

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹"}
NOTHING = "–"  # noqa: RUF001 - a dash, as wide as a digit
MILLION, THOUSAND = 1e6, 1e3


def count(number: float | None) -> str:
    """Write a whole number with thousands set apart."""
    return NOTHING if number is None else f"{number:,.0f}"


def signed(number: float) -> str:
    """Write a whole number that was added or taken away; nothing is no zero."""
    if not number:
        return NOTHING
    return f"{'+' if number > 0 else '−'}{abs(number):,.0f}"  # noqa: RUF001 - a minus, as wide as a plus


def decimal(number: float | None) -> str:
    """Write a number that is not whole: 3.1, 0.25, 1,234."""
    if number is None:
        return NOTHING
    places = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2  # noqa: PLR2004 - three digits or so
    text = f"{number:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: float | None, currency: str) -> str:
    """Write an amount as short as a list wants it: $1.2M, $34,500, $12.50."""
    if amount is None:
        return NOTHING
    sign, size = ("−" if amount < 0 else ""), abs(amount)  # noqa: RUF001 - a minus, as wide as a plus
    digits = f"{size:,.0f}" if size >= THOUSAND or size == 0 else f"{size:,.2f}"
    if size >= MILLION:
        digits = f"{size / MILLION:,.2f}M"
    symbol = SYMBOLS.get(currency)
    return f"{sign}{symbol}{digits}" if symbol else f"{sign}{digits} {currency}"


def share(part: float | None) -> str:
    """Write a share in per cent; what is neither none nor all never reads so."""
    if part is None:
        return NOTHING
    percent = 100 * part
    if 0 < percent < 1:
        return "<1 %"
    return ">99 %" if 99 < percent < 100 else f"{percent:.0f} %"  # noqa: PLR2004 - per cent


def days(number: float | None) -> str:
    """Write a number of days; none within a year is said so."""
    if number is None:
        return "over a year"
    whole = round(number)
    return "1 day" if whole == 1 else f"{whole} days"


def long_date(day: date | datetime) -> str:
    """Write a date without doubt about day and month."""
    return f"{day.day} {day:%B %Y}"


def in_path(text: str) -> str:
    """Write a text as one part of a path."""
    return quote(text, safe="")


def as_sentence(text: str) -> str:
    """Write a condition or a problem's detail with the capital and the full stop that they lack."""
    return f"{text[:1].upper()}{text[1:]}.".replace(" %", "\u00a0%")  # no line ends between the two
