"""Meta Custom Audiences (Facebook, Instagram): a customer list for Ads Manager, or for the Marketing API.

Columns and their normal form before hashing are Meta's, of which this takes what the ledger knows:

- `email`: trimmed, small letters; `phone`: digits with the country code, without symbols and leading zeros;
- `ct`: city in small letters without punctuation and blanks, in UTF-8; `country`: ISO 3166 code, small letters;
- `dob`: day of birth as YYYYMMDD.

Names, state and post code the ledger does not keep. Customer ids (`extern_id`) are left out: the help centre asks
for no internal codes, and nothing is delivered that need not be. Everything is hashed; of the file of those to remove
e-mail and phone are enough, and enough to be kept until then.

References
----------
"Customer information parameters" (normal forms, and the examples that the tests check against),
https://developers.facebook.com/docs/marketing-api/conversions-api/parameters/customer-information-parameters
"How to format a customer list" (columns), https://www.facebook.com/business/help/2082575038703844
"Customer file custom audiences" (removing by the same keys; API requests hold at most 10,000),
https://developers.facebook.com/docs/marketing-api/audiences/guides/custom-audiences
"""

import unicodedata
from datetime import date

import pyarrow as pa

from serving.export import plain_csv
from serving.export.destination import Audience, Destination
from serving.export.hashing import sha256_each


def normal_phone(phone: str) -> str:
    """Return an E.164 number as Meta hashes it: the digits alone."""
    return phone.removeprefix("+")


def normal_city(city: str) -> str:
    """Return a city as Meta hashes it: letters, their marks and digits, small."""
    composed = unicodedata.normalize("NFC", city).lower()
    return "".join(sign for sign in composed if unicodedata.category(sign)[0] in "LMN")


def _birthday(born: date | None) -> str | None:
    return f"{born:%Y%m%d}" if born else None


def adds(contacts: pa.Table, segment: str) -> pa.Table:  # noqa: ARG001 - the audience is named when it is uploaded
    """Return the rows of those to add, all cells hashed."""
    cities = (city and normal_city(city) for city in contacts["city"].to_pylist())
    countries = (country and country.lower() for country in contacts["country"].to_pylist())
    return pa.table(
        {
            "email": contacts["email_key"],
            "phone": contacts["phone_key"],
            "ct": sha256_each(cities),
            "country": sha256_each(countries),
            "dob": sha256_each(map(_birthday, contacts["birth_date"].to_pylist())),
        }
    )


def removes(contacts: pa.Table, segment: str) -> pa.Table:  # noqa: ARG001
    """Return the rows of those to remove."""
    return pa.table({"email": contacts["email_key"], "phone": contacts["phone_key"]})


META = Destination(
    "meta",
    None,
    plain_csv.write,
    "Meta Custom Audiences: hashed e-mails and phones of members who consented to advertising.",
    Audience("ads_consent", "ads_consent", str.lower, normal_phone, adds, removes, hashed=True),
)
