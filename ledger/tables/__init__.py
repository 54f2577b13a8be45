"""The ledger's tables, one file each; `shipped` lists them."""
