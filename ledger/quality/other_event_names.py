"""Event names of other systems, and the name of the specification that each means.

Written without blanks, hyphens, underscores and capitals. Sources: the event references of Google Analytics 4
(recommended events), Shopify's web pixels, Meta's pixel (standard events), Klaviyo's metrics, and WooCommerce's hooks.
"""

from collections.abc import Mapping

OTHER_NAMES: Mapping[str, str] = {
    "viewitem": "Product Viewed",
    "viewcontent": "Product Viewed",
    "viewedproduct": "Product Viewed",
    "productview": "Product Viewed",
    "viewproduct": "Product Viewed",
    "viewitemlist": "Product List Viewed",
    "collectionviewed": "Product List Viewed",
    "viewedcollection": "Product List Viewed",
    "search": "Products Searched",
    "searchsubmitted": "Products Searched",
    "viewsearchresults": "Products Searched",
    "submittedsearch": "Products Searched",
    "addtocart": "Product Added",
    "addedtocart": "Product Added",
    "productaddedtocart": "Product Added",
    "removefromcart": "Product Removed",
    "removedfromcart": "Product Removed",
    "productremovedfromcart": "Product Removed",
    "viewcart": "Cart Viewed",
    "begincheckout": "Checkout Started",
    "initiatecheckout": "Checkout Started",
    "startedcheckout": "Checkout Started",
    "addshippinginfo": "Checkout Step Completed",
    "checkoutshippinginfosubmitted": "Checkout Step Completed",
    "addpaymentinfo": "Payment Info Entered",
    "paymentinfosubmitted": "Payment Info Entered",
    "purchase": "Order Completed",
    "placedorder": "Order Completed",
    "checkoutcompleted": "Order Completed",
    "refund": "Order Refunded",
    "refundedorder": "Order Refunded",
    "cancelledorder": "Order Cancelled",
    "addtowishlist": "Product Added to Wishlist",
    "receivedemail": "Email Delivered",
    "emailsent": "Email Delivered",
    "sentemail": "Email Delivered",
    "openedemail": "Email Opened",
    "emailopen": "Email Opened",
    "clickedemail": "Email Link Clicked",
    "emailclick": "Email Link Clicked",
    "emailclicked": "Email Link Clicked",
    "bouncedemail": "Email Bounced",
    "markedemailasspam": "Email Marked as Spam",
    "submittedreview": "Product Reviewed",
    "leftreview": "Product Reviewed",
}

SQUEEZED = "regexp_replace(lower(event), '[^a-z0-9]', '', 'g')"
"""SQL of an event's name as OTHER_NAMES writes it."""


def meanings() -> str:
    """Return SQL rows (squeezed, meant) of OTHER_NAMES."""
    return "VALUES " + ", ".join(f"('{name}', '{meant}')" for name, meant in OTHER_NAMES.items())
