"""What the shop knew and when: append-only tables, and the importers that fill them."""
