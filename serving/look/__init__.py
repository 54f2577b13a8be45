"""The pages for marketers: one module a page, what they share, and `registry`, the one list of them."""
