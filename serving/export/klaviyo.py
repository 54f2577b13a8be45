"""Klaviyo: profiles with a property that says who is in the segment, for its CSV import.

An import adds and never removes, so membership is a property of the profile: `regulars_<segment>` is true in the file
of those to add and false in that of those to remove. A Klaviyo segment "regulars_<segment> is true" follows it. Scores
are not sent: a delta would leave those of everybody who stays as they were.

An e-mail address stands in the file only with consent to e-mails, a telephone number only with consent to text
messages; each has its own cell, so whoever is in it by one address has no other. Klaviyo takes an address once a file,
numbers in E.164, and files up to 50 MB.

References
----------
"How to create and add subscribers to a new list" (columns, limits),
https://help.klaviyo.com/hc/en-us/articles/115005078967
"Troubleshooting list imports" (an address on every row, none twice), https://help.klaviyo.com/hc/en-us/articles/115005078807
"Invalid format error messages" (text, boolean and date cells), https://help.klaviyo.com/hc/en-us/articles/8557592023451
"How to upload a list of SMS contacts" (E.164), https://help.klaviyo.com/hc/en-us/articles/360035428731
"How profiles are added to and removed from lists", https://help.klaviyo.com/hc/en-us/articles/4407853491483
"""

import pyarrow as pa
import pyarrow.compute as pc

from serving.export import plain_csv
from serving.export.destination import Audience, Destination

INSTANT = "%Y-%m-%dT%H:%M:%S"  # one of the forms that Klaviyo reads; without an offset it is taken for UTC


def adds(contacts: pa.Table, segment: str) -> pa.Table:
    """Return the rows of those who are in the segment."""
    since = pc.cast(contacts["entered_at"], pa.timestamp("s", tz="UTC"), safe=False)
    entered = {f"regulars_{segment}_since": pc.strftime(since, INSTANT)}
    return pa.table({**_profiles(contacts), **_membership(contacts, segment, "true"), **entered})


def removes(contacts: pa.Table, segment: str) -> pa.Table:
    """Return the rows of those who no longer are."""
    return pa.table({**_profiles(contacts), **_membership(contacts, segment, "false")})


def _profiles(contacts: pa.Table) -> dict[str, pa.ChunkedArray]:
    return {"Email": contacts["email"], "Phone Number": contacts["phone"]}


def _membership(contacts: pa.Table, segment: str, value: str) -> dict[str, pa.Array]:
    return {f"regulars_{segment}": pa.array([value] * contacts.num_rows, pa.string())}


KLAVIYO = Destination(
    "klaviyo",
    None,
    plain_csv.write,
    "Klaviyo profiles: e-mails and phones of members who consented to be written to there.",
    Audience("email_consent", "sms_consent", str.lower, str, adds, removes, hashed=False),
)
