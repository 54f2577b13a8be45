"""Every page there is: one line each, in the order of the navigation. See docs/pages.md."""

from typing import Final

from serving.look import grids, home, segment, segments, sharing
from serving.look.page import File, Page

PAGES: Final = (
    Page("home", "/", home.answer, "/home.json", in_navigation=True),
    Page("segments", "/segments", segments.answer, "/segments.json", in_navigation=True),
    Page("segment", "/segments/{name}", segment.answer, "/segments/{name}.json", charts=segment.charts),
    Page("sharing", "/segments/{name}/sharing", sharing.answer, "/segments/{name}/sharing.json"),
    Page("grids", "/grids", grids.answer, "/grids.json", in_navigation=True),
)
FILES: tuple[File, ...] = ()
NAVIGATION: Final = tuple(each for each in PAGES if each.in_navigation)
