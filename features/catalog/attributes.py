"""Who the customer said to be, as the shop knew it: sign-up, membership, consents, age and country."""

from features.feature import Feature

FLAGS = (
    ("loyalty_member", "Membership of the loyalty programme, 1 or 0; unknown when the shop does not say."),
    ("email_consent", "Consent to e-mails, 1 or 0; unknown when the shop does not say."),
    ("sms_consent", "Consent to text messages, 1 or 0; unknown when the shop does not say."),
    ("ads_consent", "Consent to advertising audiences, 1 or 0; unknown when the shop does not say."),
    ("has_email", "E-mail address on record, 1 or 0; unknown for customers who were never described."),
    ("has_phone", "Telephone number on record, 1 or 0; unknown for customers who were never described."),
    ("same_country", "Living in the country of most customers, 1 or 0; unknown without a country."),
)

ATTRIBUTES = (
    Feature(
        "days_since_sign_up",
        "max(sign_up_age_days)",
        unit="days",
        means="Days from the sign-up to the cutoff; unknown when the shop does not say.",
        over="attributes",
    ),
    Feature(
        "days_sign_up_to_first_order",
        "max(sign_up_to_order_days)",
        unit="days",
        means="Days from the sign-up to the first order; negative when the order came first.",
        over="attributes",
    ),
    *(Feature(name, f"max({name})", unit="flag", means=means, over="attributes") for name, means in FLAGS),
    Feature(
        "age_years",
        "max(age_years)",
        unit="years",
        means="Whole years from the birth date to the cutoff; unknown when the shop does not say.",
        over="attributes",
    ),
    Feature(
        "days_to_next_birthday",
        "min(days_to_birthday)",
        unit="days",
        means="Days from the cutoff to the next birthday, 0 on the day itself; unknown when the shop does not say.",
        over="attributes",
    ),
)
