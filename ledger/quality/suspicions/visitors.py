"""Suspicions about visitors: events under other names, and who is who."""

from ledger.quality.other_event_names import SQUEEZED, meanings
from ledger.quality.suspicion import Suspicion

EVENT_NAMES = Suspicion(
    "event_names",
    f"""
    WITH other(squeezed, meant) AS ({meanings()}),
    named AS (
        SELECT meant, sum(events) AS events FROM examined_events JOIN other ON {SQUEEZED} = squeezed
        WHERE event NOT IN (SELECT meant FROM other) GROUP BY meant
    )
    SELECT sum(events)::BIGINT AS found, (SELECT sum(events)::BIGINT FROM examined_events) AS among,
        string_agg(meant, ', ' ORDER BY events DESC, meant) AS meant
    FROM named
    """,
    "{found:,} of {among:,} events have another system's names; what seems to be meant: {meant}",
    "Segments look for the names of the specification and do not see events under others.",
    "Rename the events before the import; docs/ledger.md lists the names.",
)

# Most visitors never buy, so that most are never joined is as it should be; that hardly one is, is not.
UNJOINED_VISITORS = Suspicion(
    "unjoined_visitors",
    """
    WITH visitors AS (
        SELECT hash(anonymous_id) AS visitor, bool_or(customer_id IS NOT NULL) AS known FROM ledger_events
        WHERE anonymous_id IS NOT NULL GROUP BY visitor
    ),
    joined AS (SELECT hash(anonymous_id) FROM identities_resolved)
    SELECT count(*) FILTER (NOT known AND visitor NOT IN (FROM joined)) AS found, count(*) AS among FROM visitors
    """,
    "{found:,} of {among:,} visitors were never joined to a customer ({share:.1%})",
    "What they looked at and put into carts cannot be seen at the customer who then bought.",
    "Send the customer_id with events once somebody has logged in or ordered, or import identities.",
    from_share=0.995,
    from_found=100,
)

IDENTITY_HUBS = Suspicion(
    "identity_hubs",
    """
    SELECT count(*) AS found, (SELECT count(DISTINCT anonymous_id) FROM ledger_identities) AS among,
        max(customers) AS most
    FROM identities_hubs
    """,
    "{found:,} of {among:,} ids to be joined were up to {most:,} customers each; they join nobody",
    "A shop's till or a shared computer would make one person of all who used it.",
    "Nothing has to be done; leave such ids out of the identities file if you can.",
)

LARGE_MERGES = Suspicion(
    "large_merges",
    """
    WITH accounts AS (
        SELECT DISTINCT customer_id FROM ledger_orders
        WHERE customer_id IN (SELECT anonymous_id FROM identities_resolved)
    ),
    absorbed AS (
        SELECT count(*) FILTER (anonymous_id IN (FROM accounts)) AS accounts
        FROM identities_resolved GROUP BY customer_id
    )
    SELECT count(*) FILTER (accounts >= 10) AS found, count(*) AS among, max(accounts) AS most FROM absorbed
    """,
    "{found:,} of {among:,} customers are each made of ten accounts with orders or more, up to {most:,}",
    "Many people joined into one look like one very loyal customer.",
    "Check how these were merged; a row without a customer_id parts an id again.",
)

IDENTITY_CYCLES = Suspicion(
    "identity_cycles",
    """
    SELECT count(*) FILTER (reached IN (SELECT anonymous_id FROM identities_followed)) AS found, count(*) AS among
    FROM identities_followed
    """,
    "{found:,} of {among:,} ids lead in a circle: each is said to be the next, and none is a customer of its own",
    "Who of them is the customer is then chosen by the alphabet.",
    "Decide which id stays, and part it with a row that has no customer_id.",
)

VISITORS = (EVENT_NAMES, UNJOINED_VISITORS, IDENTITY_HUBS, LARGE_MERGES, IDENTITY_CYCLES)
