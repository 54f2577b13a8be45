"""Every address that is opened in a browser, at all widths, light and dark, and looked at by axe."""

ADDRESSES = (
    "/",
    "/segments",
    "/segments/loyal_customers",
    "/builder",
    "/builder?edit=loyal_customers",
    "/customers",
    "/customers/c007",
    "/erase/c007",
    "/replenishment",
    "/replenishment/products",
    "/replenishment/list?state=late",
    "/grids",
    "/grids?of=rfm",
    "/cohorts",
    "/model",
    "/model/drift",
    "/model/card",
)
