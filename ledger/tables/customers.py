"""Customers: what the shop knew of each, and the only place of e-mail addresses and telephone numbers."""

import pyarrow as pa

from ledger.readings import COUNTRY, CUSTOMER, DATE, EMAIL, FLAG, INSTANT, JSON_OBJECT, PHONE, TEXT
from ledger.schema import INSTANT_TYPE, WHEN_IMPORTED, Column, Rule, Table

CUSTOMERS = Table(
    name="customers",
    means="What the shop knew of its customers: one row a customer and state of what was known. E-mail addresses and "
    "telephone numbers are kept here and nowhere else.",
    key=("customer_id",),
    columns=(
        Column(
            "customer_id", pa.string(), "The customer, as in the orders table.", CUSTOMER, required=True,
            also=("customer", "user_id", "userid", "user", "id", "client_id", "member_id", "profile_id", "external_id"),
        ),
        Column(
            "known_at", INSTANT_TYPE,
            "Since when this is known: by default since the import, so that training sees nothing too early.",
            INSTANT, also=("updated_at", "updated", "modified_at", "last_modified", "valid_from"),
        ),
        Column(
            "signed_up_at", INSTANT_TYPE, "When the account was opened.", INSTANT, nullable=True,
            also=("created_at", "created", "createdat", "registered_at", "user_registered", "date_created", "joined_at",
                  "signup_date", "date_registered", "customer_since"),
        ),
        Column(
            "email", pa.string(), "E-mail address, in small letters.", EMAIL, nullable=True,
            also=("e-mail", "e_mail", "mail", "email_address", "user_email", "customer_email", "billing_email"),
        ),
        Column(
            "phone", pa.string(), "Telephone number: digits, with a + when it is international.", PHONE, nullable=True,
            also=("phone_number", "telephone", "tel", "mobile", "mobile_phone", "billing_phone"),
        ),
        Column(
            "country", pa.string(), "Country, ISO 3166 code of two letters.", COUNTRY, nullable=True,
            also=("country_code", "countrycode", "billing_country", "default_address_country_code", "address_country"),
        ),
        Column(
            "city", pa.string(), "City, as the shop writes it.", TEXT, nullable=True,
            also=("town", "billing_city", "default_address_city", "address_city", "locality"),
        ),
        Column(
            "birth_date", pa.date32(), "Day of birth.", DATE, nullable=True,
            also=("birthday", "birthdate", "date_of_birth", "dob"),
        ),
        Column(
            "loyalty_member", pa.bool_(), "Whether a member of the loyalty programme.", FLAG, nullable=True,
            also=("loyalty", "is_member", "member", "loyalty_program", "club_member"),
        ),
        Column(
            "email_consent", pa.bool_(), "Whether e-mails may be sent.", FLAG, nullable=True,
            also=("accepts_email_marketing", "accepts_marketing", "email_opt_in", "email_marketing_consent",
                  "newsletter", "subscribed"),
        ),
        Column(
            "sms_consent", pa.bool_(), "Whether text messages may be sent.", FLAG, nullable=True,
            also=("accepts_sms_marketing", "sms_opt_in", "sms_marketing_consent"),
        ),
        Column(
            "ads_consent", pa.bool_(), "Whether advertising audiences may hold this customer.", FLAG, nullable=True,
            also=("ads_opt_in", "advertising_consent", "ad_user_data", "ad_personalization", "marketing_consent"),
        ),
        Column(
            "attributes", pa.string(), "Anything else, a JSON object; without e-mail addresses and telephone numbers.",
            JSON_OBJECT, nullable=True, also=("properties", "traits", "metadata", "custom_fields", "meta_data"),
        ),
        Column(
            "signed_up_day", pa.int32(), "Local day of the sign-up, days since 1970-01-01.", nullable=True,
            derived="date_diff('day', DATE '1970-01-01', CAST({local} AS DATE))",
        ),
    ),
    rules=(
        Rule(
            ("known_at", "signed_up_at"), "known_at < signed_up_at",
            "known_at is before signed_up_at; leave signed_up_at empty in states from before it",
        ),
        Rule(
            ("birth_date",), "birth_date < DATE '1901-01-01'",
            "birth_date is before 1901; leave it empty when it is not known",
        ),
        Rule(
            ("birth_date",), "birth_date >= CAST(latest AS DATE)",
            "birth_date is not in the past; leave it empty when it is not known",
        ),
    ),
    known_from=WHEN_IMPORTED,
    local_of="signed_up_at",
)  # fmt: skip
