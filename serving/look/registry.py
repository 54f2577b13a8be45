"""Every page there is: one line each, in the order of the navigation. See docs/pages.md."""

from typing import Final

from serving.look import (
    belongs,
    builder,
    card,
    cohorts,
    customer,
    customers,
    drift,
    erase,
    grids,
    home,
    model,
    refills,
    replenishment,
    segment,
    segments,
    sending,
    sharing,
    timeline,
)
from serving.look.page import File, Page

PAGES: Final = (
    Page("home", "/", home.answer, "/home.json", in_navigation=True),
    Page("segments", "/segments", segments.answer, "/segments.json", in_navigation=True),
    Page("segment", "/segments/{name}", segment.answer, "/segments/{name}.json", charts=segment.charts),
    Page("sharing", "/segments/{name}/sharing", sharing.answer, "/segments/{name}/sharing.json"),
    Page(
        "delivered",
        "/segments/{name}/deliveries",
        sending.deliver,
        "/segments/{name}/deliveries.json",
        method="POST",
    ),
    Page("builder", "/builder", builder.answer, "/builder.json", in_navigation=True),
    Page("builder_changed", "/builder/rows", builder.rows, "/builder/rows.json"),
    Page("builder_tried", "/builder/tried", builder.tried, "/builder/tried.json"),
    Page("builder_saved", "/builder/saved", builder.save, "/builder/saved.json", method="POST"),
    Page("builder_undone", "/builder/undone", builder.undo, "/builder/undone.json", method="POST"),
    Page("customers", "/customers", customers.answer, "/customers.json", in_navigation=True),
    Page("found", "/customers", customers.found, "/customers.json", method="POST"),
    Page(
        "customer",
        "/customers/{customer_id:path}",
        customer.answer,
        "/customers.json/{customer_id:path}",
        charts=customer.charts,
    ),
    Page("belongs", "/belongs/{customer_id:path}", belongs.answer, "/belongs.json/{customer_id:path}"),
    Page("why", "/why/{customer_id:path}", belongs.why, "/why.json/{customer_id:path}"),
    Page("timeline", "/timeline/{customer_id:path}", timeline.answer, "/timeline.json/{customer_id:path}"),
    Page("erase", "/erase/{customer_id:path}", erase.answer, "/erase.json/{customer_id:path}"),
    Page(
        "erase_counts",
        "/erase-counts/{customer_id:path}",
        erase.counts,
        "/erase-counts.json/{customer_id:path}",
    ),
    Page(
        "erasing", "/erase/{customer_id:path}", erase.begin, "/erase.json/{customer_id:path}", method="POST"
    ),
    Page("erasing", "/erasures/{token}", erase.progress, "/erasures.json/{token}"),
    Page("replenishment", "/replenishment", replenishment.answer, "/replenishment.json", in_navigation=True),
    Page("products", "/replenishment/products", refills.products, "/replenishment/products.json"),
    Page("refills", "/replenishment/list", refills.listed, "/replenishment/list.json", charts=refills.charts),
    Page("grids", "/grids", grids.answer, "/grids.json", in_navigation=True),
    Page("grid_moves", "/grids/moves", grids.moves, "/grids/moves.json"),
    Page("cohorts", "/cohorts", cohorts.answer, "/v1/cohorts", in_navigation=True, charts=cohorts.charts),
    Page("model", "/model", model.answer, "/v1/model", in_navigation=True, charts=model.charts),
    Page("drift", "/model/drift", drift.answer, "/v1/monitoring"),
    Page("card", "/model/card", card.answer, "/v1/model/card"),
)
FILES: Final = (
    File("/segments/{name}/members.csv", sending.members_csv),
    File("/segments/{name}/members.parquet", sending.members_parquet),
    File("/replenishment/reminders.csv", replenishment.reminders_file),
    File("/replenishment/refills.csv", refills.refills_file),
)
NAVIGATION: Final = tuple(each for each in PAGES if each.in_navigation)
