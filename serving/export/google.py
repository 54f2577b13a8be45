"""Google Customer Match: a customer list for Google Ads' audience manager, hashed.

- `Email`: small letters, no blanks; of gmail.com and googlemail.com the dots before the @, and a + with all that
  follows it before the @, are taken out; of others they stay.
- `Phone`: E.164, with its +.

Matching by postal address wants all four of first name, last name, country and post code; the ledger keeps neither
names nor post codes, and a file with some of the four is refused, so country is left out.

A CSV file carries no consent columns: who uploads states consent for the whole file, to the use of the data and to
personal ads (`ad_user_data`, `ad_personalization`). That holds because nobody without `ads_consent` is in it.

References
----------
"Format user data" (normal forms), https://developers.google.com/data-manager/api/devguides/concepts/formatting
"Send audience members" (the hashed examples that the tests check against),
https://developers.google.com/data-manager/api/devguides/audiences/send-audience-members
"Formatting guidelines for hashed data" (columns, UTF-8), https://support.google.com/google-ads/answer/7659867
"How to provide consent for Customer Match", https://support.google.com/google-ads/answer/14546648
"""

import pyarrow as pa

from serving.export import plain_csv
from serving.export.destination import Audience, Destination

ITS_OWN = ("gmail.com", "googlemail.com")


def normal_email(email: str) -> str | None:
    """Return an address as Google hashes it; None when nothing is left before the @."""
    local, _, domain = "".join(email.split()).lower().rpartition("@")
    if domain in ITS_OWN:
        local = local.partition("+")[0].replace(".", "")
    return f"{local}@{domain}" if local else None


def _file(contacts: pa.Table, segment: str) -> pa.Table:  # noqa: ARG001 - the list is named when it is uploaded
    return pa.table({"Email": contacts["email_key"], "Phone": contacts["phone_key"]})


GOOGLE = Destination(
    "google",
    None,
    plain_csv.write,
    "Google Customer Match: hashed e-mails and phones of members who consented to advertising.",
    Audience("ads_consent", "ads_consent", normal_email, str, _file, _file, hashed=True),
)
