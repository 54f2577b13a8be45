"""What a ledger holds, what could be wrong with it, and what its history is good for."""
