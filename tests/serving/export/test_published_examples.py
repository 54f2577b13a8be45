"""The platforms' own examples of normal forms and hashes, through a delivery to the file."""

from pathlib import Path

import pytest

from serving.export.delivery import to_files
from serving.export.destination import Destination
from serving.export.google import GOOGLE, normal_email
from serving.export.hashing import sha256
from serving.export.meta import META, normal_city
from tests.serving.export.shop import SEGMENT, Loyal, rows_of

OF_META = {
    # developers.facebook.com, "Customer information parameters"
    "John_Smith@gmail.com": "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
    "(650)555-1212": "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
    "1997-02-16": "01acdbf6ec7b4f478a225f1a246e5d6767eeab1a7ffa17f025265b5b94f40f0c",
    "US": "79adb2a2fce5c6ba215fe5f27f532d4e7edbac4b6a5e09e1ef3a08084a904621",
}
# developers.google.com, Data Manager API, "Send audience members"; of a phone also googleads/data-manager-php's tests
EMAILS_OF_GOOGLE = {
    "dana@example.com": "07e2f1394b0ea80e2adca010ea8318df697001a005ba7452720edda4b0ce57b3",
    "DanaM@example.com": "1df6b43bc68dd38eca94e6a65b4f466ae537b796c81a526918b40ac4a7b906c7",
    "alexF@example.com": "19de0a9906ebee29fe82087be5ec44f3c01e40730bc808b663c71f19dd6b12f2",
    "quinn@CYMBALGROUP.com": "05bb62526f091b45d20e243d194766cca8869137421047dc53fa4876d111a6f0",
    "baklavainthebalkans@gmail.com": "f1fcde379f31f4d446b76ee8f34860eca2288adc6b6d6c0fdc56d9eee75a2fa5",
    "rosario@example.org": "83a834cc5327bc4dee7c5408988040dc5813c7662611cd93b707aff72bf7d33f",
    "cloudySanFrancisco@GMAIL.com": "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4",
    "cloudy.sanfrancisco+shopping@gmail.com": "223ebda6f6889b1494551ba902d9d381daf2f642bae055888e96343d53e9f9c4",
}
PHONES_OF_GOOGLE = {
    "+1-800-555-0110": "525c2390a4e2a9766fa8ddc341dd10414603baebefa401f5a5e29f55e176525d",
    "+1 800 555 0100": "fb4f73a6ec5fdb7077d564cdd22c3554b43ce49168550c3b12c547b78c517b30",
}


def delivered(shop: Loyal, destination: Destination, cells: str) -> dict[str, str]:
    shop.customers(f"one,2024-01-01,{cells}")
    shop.run(0, "one")
    out = shop.files / "out.csv"
    to_files(shop.asked(), destination, out)
    (row,) = rows_of(out)
    return row


def test_metas_example_customer_is_hashed_as_meta_says(shop: Loyal) -> None:
    row = delivered(shop, META, "John_Smith@gmail.com,(650)555-1212,US,,1997-02-16,,,yes")
    assert row == {
        "email": OF_META["John_Smith@gmail.com"],
        "phone": OF_META["(650)555-1212"],
        "ct": "",
        "country": OF_META["US"],
        "dob": OF_META["1997-02-16"],
    }


@pytest.mark.parametrize(
    ("city", "normal"),
    [
        ("Paris", "paris"),
        ("London", "london"),
        ("New York", "newyork"),  # these three are Meta's
        ("Saint-Étienne", "saintétienne"),
        ("E\u0301vry", "évry"),
        ("'s-Hertogenbosch", "shertogenbosch"),
        ("東京", "東京"),
    ],
)
def test_a_city_is_small_letters_without_blanks_and_punctuation(city: str, normal: str) -> None:
    assert normal_city(city) == normal


@pytest.mark.parametrize(("email", "hashed"), EMAILS_OF_GOOGLE.items())
def test_googles_example_emails_are_hashed_as_google_says(shop: Loyal, email: str, hashed: str) -> None:
    assert delivered(shop, GOOGLE, f"{email},,,,,,,yes") == {"Email": hashed, "Phone": ""}


@pytest.mark.parametrize(("phone", "hashed"), PHONES_OF_GOOGLE.items())
def test_googles_example_phones_are_hashed_as_google_says(shop: Loyal, phone: str, hashed: str) -> None:
    assert delivered(shop, GOOGLE, f",{phone},,,,,,yes") == {"Email": "", "Phone": hashed}


@pytest.mark.parametrize(
    ("email", "normal"),
    [
        ("cloudy.sanfrancisco+shopping@gmail.com", "cloudysanfrancisco@gmail.com"),
        ("user.name+NYC@Example.com", "user.name+nyc@example.com"),  # these two are the formatting guide's
        ("Jefferson.Loves.hiking@gmail.com", "jeffersonloveshiking@gmail.com"),
        ("Jefferson.LOVES.Hiking@googlemail.com", "jeffersonloveshiking@googlemail.com"),  # the PHP library's
        ("a.b@gmail.com.example.org", "a.b@gmail.com.example.org"),
        ("...@gmail.com", None),
        ("+x@gmail.com", None),
    ],
)
def test_dots_and_plus_are_taken_out_of_googles_own_addresses_alone(email: str, normal: str | None) -> None:
    assert normal_email(email) == normal


def test_the_file_of_removals_has_the_same_hashes(shop: Loyal) -> None:
    added = delivered(shop, META, "John_Smith@gmail.com,(650)555-1212,US,,,,,yes")
    shop.run(1)
    to_files(shop.asked(delta=True), META, shop.files / "out.csv")
    (row,) = rows_of(shop.files / "out.remove.csv")
    assert row == {name: added[name] for name in ("email", "phone")}


def test_nothing_is_never_hashed(shop: Loyal, tmp_path: Path) -> None:
    row = delivered(shop, META, "a@example.org,,,--,,,,yes")
    assert sha256("") not in (tmp_path / "files" / "out.csv").read_text()
    assert (row["phone"], row["ct"], row["country"], row["dob"]) == ("", "", "", "")
    assert SEGMENT not in row
