"""What became of the e-mails to the customer: arrived, opened, clicked, unsubscribed from."""

from features.feature import Feature, windows

EMAIL = (
    *windows(
        "emails_delivered",
        "sum(emails_delivered)",
        days=(7, 30, 90),
        unit="emails",
        means="E-mails that arrived in the last {days} days.",
        over="events",
        empty="no_emails_delivered",
    ),
    *windows(
        "emails_opened",
        "sum(emails_opened)",
        days=(30, 90),
        unit="events",
        means="Times an e-mail was opened in the last {days} days.",
        over="events",
        empty="no_emails_opened",
    ),
    *windows(
        "emails_clicked",
        "sum(emails_clicked)",
        days=(30, 90),
        unit="events",
        means="Times a link in an e-mail was clicked in the last {days} days.",
        over="events",
        empty="no_emails_clicked",
    ),
    Feature(
        "email_opens_per_delivered_90d",
        "sum(case when age_days <= 90 then emails_opened end) / "
        "nullif(sum(case when age_days <= 90 then emails_delivered end), 0)",
        unit="ratio",
        means="E-mails opened over e-mails that arrived in the last 90 days; opening one twice counts twice.",
        over="events",
    ),
    Feature(
        "email_clicks_per_delivered_90d",
        "sum(case when age_days <= 90 then emails_clicked end) / "
        "nullif(sum(case when age_days <= 90 then emails_delivered end), 0)",
        unit="ratio",
        means="Clicks in e-mails over e-mails that arrived in the last 90 days.",
        over="events",
    ),
    Feature(
        "days_since_last_email_open",
        "min(case when emails_opened > 0 then age_days end)",
        unit="days",
        means="Days from the last e-mail opened to the cutoff; unknown without any.",
        over="events",
    ),
    Feature(
        "days_since_last_email_click",
        "min(case when emails_clicked > 0 then age_days end)",
        unit="days",
        means="Days from the last click in an e-mail to the cutoff; unknown without any.",
        over="events",
    ),
    Feature(
        "unsubscribed",
        "max(case when unsubscribes > 0 then cast(1 as bigint) else cast(0 as bigint) end)",
        unit="flag",
        means="Unsubscribed from all e-mails at any time, 1 or 0.",
        over="events",
        empty="no_unsubscribes",
    ),
)
