"""A ledger with three customers: Ann, known by many names, Bob who shares her phone, and Cy."""

from datetime import UTC, datetime
from pathlib import Path

from ledger.importers.load import import_files
from ledger.store import Ledger
from ledger.tables.customers import CUSTOMERS
from ledger.tables.events import EVENTS
from ledger.tables.identities import IDENTITIES
from ledger.tables.orders import ORDERS

IMPORTED_AT = datetime(2024, 6, 1, 12, tzinfo=UTC)
ANN, ANN_BEFORE, ANN_ONLINE, BOB, CY = "ann-0001", "ann-0000", "cookie-7777", "bob-0001", "7"
ANN_EMAIL, PHONE_OF_BOTH = "ann@example.org", "+49301234567"

FILES = {
    ORDERS: f"""\
customer_id,order_id,ordered_at,net_amount
{ANN},o1,2024-01-05,10
{ANN_BEFORE},o2,2023-11-05,20
{BOB},o3,2024-02-01,30
{CY},o4,2024-02-02,40
{ANN},o5,not a day,50
{CY},o6,not a day,60
""",
    CUSTOMERS: f"""\
customer_id,known_at,email,phone
{ANN},2024-01-05,{ANN_EMAIL},{PHONE_OF_BOTH}
{BOB},2024-02-01,bob@example.org,{PHONE_OF_BOTH}
""",
    EVENTS: f"""\
event,happened_at,anonymous_id,customer_id
Product Viewed,2024-01-04,{ANN_ONLINE},
Product Viewed,2024-01-06,till,{ANN}
""",
    IDENTITIES: f"""\
anonymous_id,customer_id,known_at,how
{ANN_ONLINE},{ANN},2024-01-05,identified
{ANN_BEFORE},{ANN},2024-01-05,merged
till,a,2024-01-01,identified
till,b,2024-01-02,identified
till,c,2024-01-03,identified
till,d,2024-01-04,identified
till,e,2024-01-05,identified
till,f,2024-01-06,identified
""",
}


def fill(ledger: Ledger, directory: Path) -> None:
    """Import the three customers from files in a directory."""
    directory.mkdir(exist_ok=True)
    for table, text in FILES.items():
        path = directory / f"{table.name}.csv"
        path.write_text(text, encoding="utf-8")
        import_files(ledger, table, [path], imported_at=IMPORTED_AT)
