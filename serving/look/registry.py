"""Every page there is: one line each, in the order of the navigation. See docs/pages.md."""

from typing import Final

from serving.look import home, segment, segments
from serving.look.page import Page

PAGES: Final = (
    Page("home", "/", home.answer, "/home.json", in_navigation=True),
    Page("segments", "/segments", segments.answer, "/segments.json", in_navigation=True),
    Page("segment", "/segments/{name}", segment.answer, "/segments/{name}.json"),
)
NAVIGATION: Final = tuple(each for each in PAGES if each.in_navigation)
