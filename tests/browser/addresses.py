"""Every address that is opened in a browser, at all widths, light and dark, and looked at by axe."""

ADDRESSES = (
    "/",
    "/segments",
    "/segments/likely_to_churn",
    "/cohorts",
    "/model",
    "/model/drift",
    "/model/card",
)
