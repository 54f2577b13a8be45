"""A shop's currency and zone."""

import pytest

from ledger.errors import InputError
from ledger.shop import Shop


@pytest.mark.parametrize("currency", ["usd", "US", "USDX", "U$D", "", "ÄÖÜ"])
def test_a_currency_is_three_capital_letters(currency: str) -> None:
    with pytest.raises(InputError, match="three-letter ISO 4217 code"):
        Shop(currency=currency, time_zone="UTC")


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "America", "../etc/passwd", "localtime", "posix/UTC", "UTC'"]
)
def test_an_unknown_zone_is_refused_with_an_example(zone: str) -> None:
    with pytest.raises(InputError, match="give an IANA name such as Europe/Berlin or UTC"):
        Shop(currency="USD", time_zone=zone)
