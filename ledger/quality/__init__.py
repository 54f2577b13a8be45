"""What a ledger holds, what could be wrong with it, and what its history is good for."""

from ledger.quality.need import NEEDS
from ledger.quality.report import Report, examine

__all__ = ["NEEDS", "Report", "examine"]
