"""A release tried out before it is served: loaded, its segments looked at, and a made-up customer scored by it."""

import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from features.cutoff import Cutoff
from features.surroundings import read_store
from ledger.checks import records_to_orders
from ledger.engine import open_engine
from ledger.errors import InputError
from ledger.home import Home
from ledger.shop import Shop
from ledger.tables.products import PRODUCTS
from ledger.views import add_missing_tables
from models.release import Release
from segments.segment import Segment
from serving.posted import serve_as_ledger
from serving.scorer import Scorer
from serving.segments.in_force import in_force

logger = logging.getLogger(__name__)


def open_scorer(home: Home, release: Release, library: Sequence[Segment]) -> Scorer:
    """
    Return the scorer of a release, tried out.

    Parameters
    ----------
    home : Home
        Whose own segments and releases there are.
    release : Release
    library : sequence of Segment
        Those that come with this program; what the release has no numbers for is left out, and the log says so.

    Raises
    ------
    InputError
        When the release must not be served.
    """
    found = in_force(home, release, library)
    for name, reason in found.aside.items():
        logger.warning("segment %s is left out: %s", name, reason)
    scorer = Scorer(found.release, found.segments)
    try_out(scorer)
    return scorer


def try_out(scorer: Scorer) -> None:
    """
    Score one made-up customer, so that a release that cannot score is refused before it is served.

    Raises
    ------
    InputError
        When the answer is no probability.
    """
    manifest = scorer.release.manifest
    shop = Shop(manifest.currency, manifest.time_zone)
    noon = datetime(2020, 1, 1, 12, tzinfo=UTC)
    records = [
        {
            "customer_id": "c",
            "order_id": day,
            "ordered_at": (noon + timedelta(days=day)).isoformat(),
            "net_amount": 10,
        }
        for day in (0, 30)
    ]
    cutoff = Cutoff(noon + timedelta(days=60), manifest.time_zone)
    with open_engine() as connection:
        orders = records_to_orders(records, shop, cutoff.at, connection).accepted
        add_missing_tables(connection)
        serve_as_ledger(connection, orders, PRODUCTS.arrow_schema.empty_table())
        scores = scorer.score(connection, cutoff).scores
        store = read_store(connection)
    # As the batch scores, and as a request is answered, whose plan is made here so that no request waits for it.
    posted = scorer.score_posted(orders, PRODUCTS.arrow_schema.empty_table(), cutoff, store)[0].scores
    for answer in (scores, posted):
        chance = answer["p_order_30d"].to_pylist()
        if len(chance) != 1 or chance[0] is None or not math.isfinite(chance[0]) or not 0 <= chance[0] <= 1:
            raise InputError(
                f"release {scorer.release.id} cannot score a made-up customer; run `regulars train`"
            )
