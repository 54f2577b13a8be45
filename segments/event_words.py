"""How events are named in sentences: what a customer has done, and what one such deed is called."""

from dataclasses import dataclass

from ledger.event_names import EVENT_NAMES


@dataclass(frozen=True)
class EventWords:
    """One event in English.

    Parameters
    ----------
    done : str
        After "the customer has": "viewed a product".
    deed : str
        What it was, once: "product view".
    needs : str
        The kind of data (`ledger.quality.capability`) that holds such events.
    """

    done: str
    deed: str
    needs: str = "activity"


_WORDS = {
    "Products Searched": EventWords("searched for products", "search", "searches"),
    "Product List Viewed": EventWords("viewed a list of products", "view of a list", "list_views"),
    "Product List Filtered": EventWords("filtered a list of products", "filter of a list", "searches"),
    "Promotion Viewed": EventWords("seen a promotion", "view of a promotion"),
    "Promotion Clicked": EventWords("clicked a promotion", "click on a promotion"),
    "Product Clicked": EventWords("clicked a product", "click on a product"),
    "Product Viewed": EventWords("viewed a product", "view of a product", "page_views"),
    "Product Added": EventWords("put a product into the cart", "product put into the cart", "carts"),
    "Product Removed": EventWords("taken a product out of the cart", "product taken out of the cart"),
    "Cart Viewed": EventWords("looked at the cart", "look at the cart"),
    "Checkout Started": EventWords("started to check out", "start of a checkout", "checkouts"),
    "Checkout Step Viewed": EventWords(
        "seen a step of the checkout", "view of a checkout step", "checkout_steps"
    ),
    "Checkout Step Completed": EventWords(
        "completed a step of the checkout", "completed step of a checkout", "checkout_steps"
    ),
    "Payment Info Entered": EventWords(
        "entered payment details", "entry of payment details", "checkout_steps"
    ),
    "Order Completed": EventWords("placed an order", "order", ""),
    "Order Updated": EventWords("had an order changed", "change of an order", ""),
    "Order Refunded": EventWords("had an order refunded", "refund", "refunds"),
    "Order Cancelled": EventWords("had an order cancelled", "cancellation", "refunds"),
    "Coupon Entered": EventWords("entered a coupon", "coupon entered"),
    "Coupon Applied": EventWords("used a coupon", "coupon used"),
    "Coupon Denied": EventWords("had a coupon refused", "refused coupon"),
    "Coupon Removed": EventWords("given up a coupon", "coupon given up"),
    "Product Added to Wishlist": EventWords("put a product on the wish list", "product put on the wish list"),
    "Product Removed from Wishlist": EventWords(
        "taken a product off the wish list", "product taken off the wish list"
    ),
    "Wishlist Product Added to Cart": EventWords(
        "moved a product from the wish list to the cart", "product moved from the wish list to the cart"
    ),
    "Product Shared": EventWords("shared a product", "shared product"),
    "Cart Shared": EventWords("shared the cart", "shared cart"),
    "Product Reviewed": EventWords("reviewed a product", "review", "reviews"),
    "Email Delivered": EventWords("received an e-mail", "e-mail received", "email_sends"),
    "Email Opened": EventWords("opened an e-mail", "opened e-mail", "email_reactions"),
    "Email Link Clicked": EventWords("clicked a link in an e-mail", "click in an e-mail", "email_reactions"),
    "Email Bounced": EventWords("had an e-mail bounce", "bounced e-mail"),
    "Email Marked as Spam": EventWords("called an e-mail spam", "e-mail called spam"),
    "Unsubscribed": EventWords("unsubscribed from e-mails", "unsubscription", "unsubscribes"),
    "Page Viewed": EventWords("viewed a page", "page view"),
    "Signed Up": EventWords("opened an account", "opening of an account"),
    "Signed In": EventWords("signed in", "sign-in"),
    "Signed Out": EventWords("signed out", "sign-out"),
}

FROM_ORDERS = ("Order Completed", "Order Refunded", "Order Cancelled")
"""Events that the orders themselves tell of, whether or not the shop sends them."""


def words_of(event: str) -> EventWords:
    """Return the words of an event; a shop's own is named in quotes."""
    return _WORDS.get(event) or EventWords(f"done “{event}”", f"“{event}”")


def common_name(event: str) -> str | None:
    """Return the specification's spelling of an event's name, whatever its case and hyphens; None of another name."""
    return _SPELLINGS.get(_plain(event))


def _plain(event: str) -> str:
    return "".join(character for character in event.casefold() if character.isalnum())


_SPELLINGS = {_plain(name): name for name in EVENT_NAMES}
