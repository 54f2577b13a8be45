"""Events that have a common name: those of Segment's e-commerce, e-mail and account specifications."""

EVENT_NAMES = {
    "Products Searched": "A visitor searched for products.",
    "Product List Viewed": "A visitor saw a list or category of products.",
    "Product List Filtered": "A visitor narrowed a list of products down.",
    "Promotion Viewed": "A visitor saw a promotion within the shop.",
    "Promotion Clicked": "A visitor clicked a promotion within the shop.",
    "Product Clicked": "A visitor clicked a product in a list.",
    "Product Viewed": "A visitor saw a product's own page.",
    "Product Added": "A visitor put a product into the cart.",
    "Product Removed": "A visitor took a product out of the cart.",
    "Cart Viewed": "A visitor looked at the cart.",
    "Checkout Started": "A visitor began to check out.",
    "Checkout Step Viewed": "A visitor saw a step of the checkout.",
    "Checkout Step Completed": "A visitor completed a step of the checkout.",
    "Payment Info Entered": "A visitor gave the way of payment.",
    "Order Completed": "An order was placed.",
    "Order Updated": "An order was changed.",
    "Order Refunded": "An order was refunded.",
    "Order Cancelled": "An order was cancelled.",
    "Coupon Entered": "A visitor gave a coupon.",
    "Coupon Applied": "A coupon was taken off.",
    "Coupon Denied": "A coupon was not valid.",
    "Coupon Removed": "A coupon was given up.",
    "Product Added to Wishlist": "A visitor put a product on the wish list.",
    "Product Removed from Wishlist": "A visitor took a product off the wish list.",
    "Wishlist Product Added to Cart": "A visitor moved a product from the wish list to the cart.",
    "Product Shared": "A visitor shared a product.",
    "Cart Shared": "A visitor shared the cart.",
    "Product Reviewed": "A customer reviewed a product.",
    "Email Delivered": "An e-mail arrived.",
    "Email Opened": "An e-mail was opened.",
    "Email Link Clicked": "A link in an e-mail was clicked.",
    "Email Bounced": "An e-mail did not arrive.",
    "Email Marked as Spam": "An e-mail was called spam.",
    "Unsubscribed": "A customer wants no more e-mails.",
    "Page Viewed": "A visitor saw a page.",
    "Signed Up": "An account was opened.",
    "Signed In": "A customer signed in.",
    "Signed Out": "A customer signed out.",
}
"""Name in the specification's spelling, and what happened."""

_NOT_VISITS = (
    *("Order Updated", "Order Refunded", "Order Cancelled"),
    *("Email Delivered", "Email Opened", "Email Link Clicked", "Email Bounced", "Email Marked as Spam"),
    "Unsubscribed",
)
VISITS = tuple(name for name in EVENT_NAMES if name not in _NOT_VISITS)
"""What is done in the shop by whoever visits it; the others happen to a customer, or to an order later on."""
