"""Every suspicion, listed once: the report asks them in this order, and docs/doctor.md lists them."""

from ledger.quality.suspicions.amounts import AMOUNTS
from ledger.quality.suspicions.buyers import BUYERS
from ledger.quality.suspicions.content import CONTENT
from ledger.quality.suspicions.dates import DATES
from ledger.quality.suspicions.visitors import VISITORS

SUSPICIONS = (*DATES, *BUYERS, *AMOUNTS, *CONTENT, *VISITORS)
