"""A small shop's last days before a cutoff, as its web tracker, its mailer and its accounts told them."""

import pandas as pd

CUTOFF = "2023-11-20"  # a Monday; local midnight in Berlin
ZONE = "Europe/Berlin"

ORDERS = pd.DataFrame(
    [
        ("ann", "2022-09-03 10:15", 42.00),
        ("ann", "2023-11-16 19:55", 31.50),
        ("ben", "2023-10-02 08:20", 18.00),
        ("cleo", "2023-11-18 23:40", 64.90),
    ],
    columns=["customer_id", "ordered_at", "net_amount"],
)
EVENTS = pd.DataFrame(
    [
        # Ann reads the newsletter on the tram, looks around at home, and orders.
        ("Email Delivered", "2023-11-16 07:00", "ann", None, None),
        ("Email Opened", "2023-11-16 07:31", "ann", None, None),
        ("Email Link Clicked", "2023-11-16 07:32", "ann", None, None),
        ("Product List Viewed", "2023-11-16 07:32", "ann", None, "a1"),
        ("Product Viewed", "2023-11-16 07:33", "ann", None, "a1"),
        ("Product Viewed", "2023-11-16 19:40", "ann", None, "a2"),
        ("Product Added", "2023-11-16 19:44", "ann", None, "a2"),
        ("Checkout Started", "2023-11-16 19:50", "ann", None, "a2"),
        ("Payment Info Entered", "2023-11-16 19:54", "ann", None, "a2"),
        ("Order Completed", "2023-11-16 19:55", "ann", None, "a2"),
        # Ben's telephone fills a cart over midnight and gives up; later it signs in and is known to be Ben's.
        ("Email Delivered", "2023-11-16 07:00", "ben", None, None),
        ("Products Searched", "2023-11-17 23:52", None, "phone-7f", "p1"),
        ("Product Viewed", "2023-11-17 23:53", None, "phone-7f", "p1"),
        ("Product Added", "2023-11-18 00:02", None, "phone-7f", "p1"),
        ("Checkout Started", "2023-11-18 00:04", None, "phone-7f", "p1"),
        ("Signed In", "2023-11-19 12:00", "ben", "phone-7f", "p2"),
        ("Unsubscribed", "2023-11-19 12:01", "ben", None, None),
        # Cleo fills a cart in the evening of the 17th and buys it in the night after.
        ("Product Added", "2023-11-17 22:10", "cleo", None, "c1"),
        # Somebody whom nobody knows.
        ("Product Viewed", "2023-11-19 09:00", None, "tablet-01", "t1"),
    ],
    columns=["event", "happened_at", "customer_id", "anonymous_id", "session_id"],
)
IDENTITIES = pd.DataFrame(
    [("phone-7f", "ben", "2023-11-19 12:00", "identified")],
    columns=["anonymous_id", "customer_id", "known_at", "how"],
)
CUSTOMERS = pd.DataFrame(
    [
        (
            "ann",
            "2022-09-01 18:00",
            "2022-09-01 18:00",
            "ann@shop.example",
            None,
            "DE",
            "1990-11-20",
            True,
            True,
        ),
        ("ben", "2023-10-02 08:20", "2023-10-02 08:20", None, "+4930123456", "AT", "1988-02-29", None, True),
        ("ben", "2023-11-19 12:01", "2023-10-02 08:20", None, "+4930123456", "AT", "1988-02-29", None, False),
        ("cleo", "2023-11-20 09:00", "2023-11-18 23:38", "cleo@shop.example", None, "DE", None, False, True),
    ],
    columns=[
        *("customer_id", "known_at", "signed_up_at", "email", "phone", "country", "birth_date"),
        *("loyalty_member", "email_consent"),
    ],
)
