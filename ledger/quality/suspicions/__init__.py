"""What could be wrong with a history, one file a subject; `shipped` lists them."""
