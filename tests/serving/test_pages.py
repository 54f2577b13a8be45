import asyncio
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import httpx
import numpy as np
import pytest
from pydantic import BaseModel

from models.contributions import explained
from models.gaps import Level
from segments.segment import load_library
from serving.live import Live
from serving.look import formats, frame, registry
from serving.look.frame import CONTENT_POLICY
from serving.look.page import Asked, Page
from serving.look.texts import texts
from serving.pages import application
from serving.schemas import customers, refills, scores, segments, service
from serving.segments.editing import partition
from serving.store import PublishedRun
from tests.serving.hostile import HOSTILE, Served, hostile_run
from tests.serving.shop import Shop

PARAMETERS = {"token": "none-such", "name": "loyal_customers", "customer_id": "c000"}
READ = [page for page in registry.PAGES if page.method == "GET"]


def filled(path: str) -> str:
    """Return a page's address with parameters of the shop."""
    return path.replace(":path}", "}").format(**PARAMETERS)


def get(live: Live, path: str) -> httpx.Response:
    async def once() -> httpx.Response:
        transport = httpx.ASGITransport(app=application(live))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path)

    return asyncio.run(once())


@pytest.fixture(scope="module")
def served(shop: Shop) -> Served:
    return Served(PublishedRun.open(shop.home))


@pytest.fixture
def hostile(tmp_path: Path) -> Served:
    """Return a service whose customers, segments and reasons are written to break a page."""
    return Served(hostile_run(tmp_path))


class Tags(HTMLParser):
    """Collects the tags and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", ["/segments", "/segments/odd", "/segments/empty", "/segments/none"])
def test_hostile_names_are_shown_and_do_nothing(hostile: Served, path: str) -> None:
    page = get(hostile, path).text
    tags = Tags(page).found
    assert not {tag for tag, _ in tags} & {"style", "iframe", "object", "img"}
    for tag, attributes in tags:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert tag != "script" or str(attributes["src"]).startswith("/static/")
        assert str(attributes.get("href", "/")).startswith(("/", "#"))
    if path != "/segments/none":
        assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_a_page_needs_nothing_that_the_content_policy_forbids(served: Served) -> None:
    for page in READ:
        answer = get(served, filled(page.path))
        assert answer.headers["content-security-policy"] == CONTENT_POLICY
        assert "unsafe" not in CONTENT_POLICY
        tags = Tags(answer.text).found
        asked = [at["src"] for tag, at in tags if tag == "script"] + [
            at["href"] for tag, at in tags if tag == "link"
        ]
        for address in asked:
            assert get(served, str(address)).status_code == 200


@pytest.mark.parametrize("page", READ, ids=lambda page: page.name)
def test_each_page_has_a_twin_that_says_the_same_as_json(served: Served, page: Page) -> None:
    path, twin = filled(page.path), filled(page.twin)
    answered, told = get(served, path), get(served, twin)
    assert answered.status_code == told.status_code
    if answered.is_error:  # a part that is only fetched with a choice of the page around it
        return
    shown = answered.text
    links = [at for tag, at in Tags(shown).found if tag == "link"]
    named = [at["href"] for at in links if at.get("type") == "application/json"]
    assert named == ([twin] if "<html" in shown else [])
    asked = Asked(served.only, PARAMETERS, served)
    assert told.json() == json.loads(json.dumps(page.answer(asked)))


def test_every_text_of_the_pages_is_used_and_every_text_used_is_there() -> None:
    sources = (*frame.TEMPLATES.glob("*.html"), *Path(registry.__file__).parent.glob("*.py"))
    written = "".join(path.read_text() for path in sources)
    whole = set(re.findall(r"""say\(\s*['"]([\w.]+)['"][,)]""", written))
    begun = tuple(re.findall(r"""say\(['"]([\w.]+\.)['"] ~""", written))
    keys = {key.removesuffix(".one").removesuffix(".many") for key in texts()}
    assert whole - keys == set()
    named = set(re.findall(r"""['"]([\w.]+)['"]""", written))
    titles = {f"{page.name}.title" for page in registry.NAVIGATION}
    assert {key for key in keys - named - titles if not key.startswith(begun)} == set()


def test_large_answers_are_sent_packed(served: Served) -> None:
    answer = get(served, "/segments")
    assert answer.headers["content-encoding"] == "gzip"
    assert int(answer.headers["content-length"]) < len(answer.content) / 4


def test_the_list_has_every_segment(served: Served) -> None:
    page = get(served, "/segments").text
    for segment in served.only.facts.segments:
        assert f'href="/segments/{segment.name}"' in page


def test_the_first_page_has_the_run_s_figures_and_how_fresh_they_are(served: Served) -> None:
    page = get(served, "/").text
    facts = served.only.facts
    figures = re.findall(r'<dd class="number"><data value="(.*?)"', page)
    assert figures[:2] == ["400", str(facts.likely_to_leave)]
    assert "26 June 2023" in page
    assert facts.release in page
    assert "made for a test" in page


def test_a_segment_s_page_has_a_member_s_scores_since_when_and_why(served: Served) -> None:
    page = get(served, "/segments/loyal_customers").text
    first = served.only.members("loyal_customers", "", 1)[0]
    assert f'href="/customers/{first["customer_id"]}"' in page
    assert '<time datetime="2023-06-27">' in page
    assert first["reasons"][0] in page


def test_pages_of_members_follow_each_other_to_the_end(hostile: Served) -> None:
    path, seen = "/segments/odd", set[str]()
    for _ in range(3):
        page = get(hostile, path).text
        seen |= set(re.findall(r'class="id" href="([^"]+)"', page))
        following = re.search(r'rel="next" href="([^"]+)"', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert (len(seen), path) == (121, "")
    assert "Nobody is in this segment" in get(hostile, "/segments/empty").text


@pytest.mark.parametrize("sort", ["customer_id", "clv_365d", "next_order_days_p50"])
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_members_are_sorted_with_what_is_unknown_at_the_end(served: Served, sort: str, order: str) -> None:
    told = get(served, f"/segments/loyal_customers.json?sort={sort}&order={order}").json()
    found = [member[sort] if sort == "customer_id" else member["scores"][sort] for member in told["members"]]
    known = [value for value in found if value is not None]
    assert known == sorted(known, reverse=order == "descending")
    assert found[len(known) :] == [None] * (len(found) - len(known))
    assert told["segment"]["size"] > len(found) == 50


@pytest.mark.parametrize("query", ["page=0", "page=99", "page=x", "sort=country", "order=up"])
def test_a_page_of_members_that_is_not_there_is_refused_by_name(served: Served, query: str) -> None:
    response = get(served, f"/segments/loyal_customers.json?{query}")
    assert (response.status_code, response.json()["field"]) == (400, query.partition("=")[0])


@pytest.mark.parametrize("query", ["q=leaving", "q=LEAVING+90", "kind=rfm", "sort=value"])
def test_segments_are_found_by_their_words_and_kind(served: Served, query: str) -> None:
    everybody = get(served, "/segments.json").json()
    told = get(served, f"/segments.json?{query}").json()
    found = [each for group in told["groups"] for each in group["segments"]] + told["nobody"]
    whole = [each for group in everybody["groups"] for each in group["segments"]] + everybody["nobody"]
    if query.startswith("q="):
        assert {each["name"] for each in found} == {
            each["name"]
            for each in whole
            if "leaving" in (each["description"] + each["sentence"] + each["advice"]).lower()
        }
    elif query == "kind=rfm":
        assert {each["name"] for each in found} == set(partition("rfm"))
    else:
        values = [each["value"] for each in told["groups"][0]["segments"]]
        assert values == sorted(values, reverse=True)
        assert len(found) == len(whole)


def test_a_segment_s_composition_adds_up_and_its_overlap_is_counted(served: Served) -> None:
    told = get(served, "/segments/loyal_customers/sharing.json").json()
    for part in told["parts"]:
        assert sum(group["share"] for group in part["groups"]) == pytest.approx(1.0)
    members = {row["customer_id"] for row in served.only.members("loyal_customers", "", 1000)}
    other = told["overlap"][0]
    theirs = {row["customer_id"] for row in served.only.members(other["name"], "", 1000)}
    assert other["both"] == len(members & theirs)
    first = next(each for each in told["compared"] if each["column"] == "orders")
    assert first["median"] >= max(3, first["median_of_all"])


def test_what_moves_a_segment_s_scores_is_told_of_its_members_together(shop: Shop) -> None:
    live = Live()
    live.open(shop.home, load_library)
    told = get(live, "/segments/loyal_customers/sharing.json").json()
    assert told["explained"] == min(200, told["segment"]["size"]) > 0
    scores = {each["name"]: each for each in told["moved"]}
    members = [row["customer_id"] for row in live.run().members("loyal_customers", "", 1000)]
    for name, each in scores.items():
        theirs = [get(live, f"/v1/customers/{one}").json()["scores"][name] for one in members]
        assert each["value"] == pytest.approx(np.mean(theirs))
        assert each["reasons"]
    assert get(live, "/segments/loyal_customers/sharing").text.count('class="effects"') == len(scores) > 1


def test_the_grids_hold_everybody_once(served: Served) -> None:
    for of in ("lifecycle", "rfm", "value"):
        told = get(served, f"/grids.json?of={of}").json()
        assert sum(cell["size"] for cell in told["cells"]) == served.only.facts.customers
    rows = get(served, "/grids.json").json()["lifecycle"]
    assert [len(row) for row in rows] == [3, 3, 3, 3]
    assert rows[0][0]["name"] == "loyal_active"


def test_a_page_that_is_not_there_is_a_page_that_says_so(served: Served) -> None:
    response = get(served, "/segments/none")
    assert (response.status_code, response.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert "No such segment" in response.text
    assert get(served, "/segments/loyal_customers?page=!").status_code == 400
    assert get(Live(), "/").status_code == 503


def test_the_json_twin_of_the_list_has_the_same_segments(served: Served) -> None:
    answer = get(served, "/v1/segments").json()
    assert [segment["name"] for segment in answer["segments"]] == [
        each.name for each in served.only.facts.segments
    ]
    assert answer["as_of"] == "2023-06-26T22:00:00Z"
    assert answer["release"] == served.only.facts.release
    loyal = get(served, "/v1/segments/loyal_customers").json()
    assert loyal["size"] == served.only.segment("loyal_customers").size  # type: ignore[union-attr]
    assert 0 < loyal["share"] < 1


def test_members_are_paged_by_a_cursor_that_outlives_the_run(hostile: Served) -> None:
    first = get(hostile, "/v1/segments/odd/members?limit=100").json()
    second = get(hostile, f"/v1/segments/odd/members?limit=100&cursor={first['next_cursor']}").json()
    ids = [member["customer_id"] for member in first["members"] + second["members"]]
    assert ids == sorted(ids)
    assert (len(set(ids)), second["next_cursor"]) == (121, None)
    assert first["members"][0]["scores"]["churn_probability_90d"] is None


@pytest.mark.parametrize("query", ["cursor=!!", "cursor=YWJj", "cursor=" + "x" * 9000, "cursor=b3RoZXIKYQ"])
def test_a_cursor_that_is_not_this_list_s_is_a_problem(served: Served, query: str) -> None:
    response = get(served, f"/v1/segments/loyal_customers/members?{query}")
    assert (response.status_code, response.json()["type"]) == (400, "urn:regulars:problem:bad-cursor")
    assert response.json()["field"] == "cursor"


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "x", "١", "1e3", ""])  # noqa: RUF001 - an Arabic digit
def test_a_limit_out_of_range_is_a_problem(served: Served, limit: str) -> None:
    response = get(served, f"/v1/segments/loyal_customers/members?limit={limit}")
    assert (response.status_code, response.json()["expected"]) == (400, "1 to 1,000")


def test_a_customer_is_answered_with_scores_segments_and_refills(served: Served) -> None:
    answer = get(served, "/v1/customers/c000").json()
    assert list(answer) == [
        "customer_id",
        "merged_id",
        "release",
        "as_of",
        "data_through",
        "confidence",
        "scores",
        "reasons",
        "segments",
        "replenishment",
        "replenishment_total",
        "reminder",
        "labels",
    ]
    assert answer["reasons"] is None
    assert answer["scores"]["p_order_90d"] == pytest.approx(1 - answer["scores"]["churn_probability_90d"])
    assert {segment["since"] for segment in answer["segments"]} == {"2023-06-26T22:00:00Z"}
    assert all(segment["reasons"] for segment in answer["segments"])


def test_where_the_run_s_own_release_is_deployed_each_score_has_its_reasons(shop: Shop) -> None:
    live = Live()
    live.open(shop.home, load_library)
    told = get(live, "/v1/customers/c000").json()["reasons"]
    assert set(told) == {score.name for score in explained(90)}
    assert all(reason["text"] for each in told.values() for reason in each["reasons"])


def test_an_odd_customer_id_is_found_under_its_encoded_address(hostile: Served) -> None:
    page = get(hostile, "/segments/odd").text
    address = re.search(r'href="(/customers/%3C[^"]+)"', page)
    assert address is not None
    assert get(hostile, f"/v1{address[1]}").json()["customer_id"] == HOSTILE


def test_an_unknown_customer_or_segment_is_a_problem_that_repeats_nothing_odd(served: Served) -> None:
    for path, kind in (
        ("/v1/customers/%3Cscript%3E", "unknown-customer"),
        ("/v1/segments/%3Cscript%3E", "unknown-segment"),
        ("/v1/segments/%3Cscript%3E/members", "unknown-segment"),
    ):
        response = get(served, path)
        assert (response.status_code, response.headers["content-type"]) == (404, "application/problem+json")
        assert response.json()["type"] == f"urn:regulars:problem:{kind}"
        assert "<" not in response.text


def test_static_files_may_be_kept_and_nothing_else_is_reached(served: Served) -> None:
    assert get(served, "/static/regulars.css").headers["cache-control"] == "public, max-age=3600"
    assert get(served, "/static/%2e%2e/pages.py").status_code == 404


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/v1/segments", segments.SegmentsAnswer),
        ("/v1/segments/loyal_customers", segments.SegmentAnswer),
        ("/v1/segments/loyal_customers/members", segments.MembersAnswer),
        ("/v1/segments/loyal_customers/members?as_of=2023-06-27", segments.MembersAnswer),
        ("/v1/segments/loyal_customers/changes?limit=3", segments.ChangesAnswer),
        ("/v1/migration?of=lifecycle", segments.MigrationAnswer),
        ("/v1/customers/c000", customers.CustomerAnswer),
        ("/v1/replenishment", refills.RefillsAnswer),
        ("/v1/replenishment/demand?product=p01", refills.DemandAnswer),
        ("/v1/replenishment?state=tomorrow", service.ProblemDocument),
        ("/v1/customers/nobody", service.ProblemDocument),
    ],
)
def test_an_answer_is_what_the_description_says(served: Served, path: str, answer: type[BaseModel]) -> None:
    assert answer.model_validate_json(get(served, path).content)


def test_the_description_lets_numbers_be_sent_as_numbers(served: Served) -> None:
    described = get(served, "/openapi.json").json()["components"]["schemas"]
    amount = described["OrderLine"]["properties"]["net_amount"]
    assert {"type": "number"} in amount["anyOf"]
    assert {"type": "integer"} in described["PostedCustomer"]["properties"]["customer_id"]["anyOf"]
    assert scores.ScoreRequest.model_validate(described["ScoreRequest"]["example"])


def test_the_description_names_every_address_that_answers(served: Served) -> None:
    description = get(served, "/openapi.json").json()
    assert set(description["paths"]) == {
        "/v1/score",
        "/v1/orders",
        "/v1/events",
        "/v1/segments",
        "/v1/segments/preview",
        "/v1/segments/{name}",
        "/v1/segments/{name}/members",
        "/v1/segments/{name}/changes",
        "/v1/migration",
        "/v1/model",
        "/v1/model/card",
        "/v1/monitoring",
        "/v1/cohorts",
        "/v1/customers/{customer_id}",
        "/v1/customers/lookup",
        "/v1/webhooks/shopify",
        "/v1/replenishment",
        "/v1/replenishment/demand",
        "/readyz",
    }
    assert description["paths"]["/v1/orders"]["post"]["security"][0] == {"key": ["ledger"]}
    assert "security" not in description["paths"]["/readyz"]["get"]
    assert set(description["components"]["securitySchemes"]) == {"key", "password"}
    references = re.findall(r'"\$ref":"#/components/schemas/(\w+)"', get(served, "/openapi.json").text)
    assert set(references) <= set(description["components"]["schemas"])


@pytest.mark.parametrize(
    ("amount", "currency", "written"),
    [
        (0.0, "USD", "$0"),
        (12.5, "EUR", "€12.50"),
        (1234.5, "USD", "$1,234"),
        (2_345_678.0, "USD", "$2.35M"),
        (-3.0, "GBP", "−£3.00"),  # noqa: RUF001 - a minus
        (12.5, "CHF", "12.50 CHF"),
        (None, "USD", "–"),  # noqa: RUF001 - a dash
    ],
)
def test_money_is_written_as_short_as_a_list_wants_it(
    amount: float | None, currency: str, written: str
) -> None:
    assert formats.money(amount, currency) == written


@pytest.mark.parametrize(
    ("part", "written"),
    [(0.0, "0 %"), (0.004, "<1 %"), (0.5, "50 %"), (0.996, ">99 %"), (1.0, "100 %"), (None, "–")],  # noqa: RUF001
)
def test_a_share_never_reads_none_or_all_when_it_is_not(part: float | None, written: str) -> None:
    assert formats.share(part) == written


def test_a_condition_is_written_as_a_sentence_whose_per_cent_stays_with_its_number() -> None:
    assert formats.as_sentence("chance is over 66 %") == "Chance is over 66\u00a0%."


def test_the_list_has_each_segments_description_and_its_condition_in_words(served: Served) -> None:
    row = get(served, "/segments").text.partition('href="/segments/likely_to_churn"')[2].partition("</th>")[0]
    assert "More likely than not, by two to one, to order nothing in the next 90 days." in row
    assert "Predicted chance of leaving within 90 days is over 66\u00a0%." in row


@pytest.mark.parametrize(
    ("level", "value", "note"),
    [
        ("product", "1,234", "customer and product, more likely than not"),
        ("category", "1,234", "customer and category, more likely than not"),
        (None, "–", "no order names a product bought twice"),  # noqa: RUF001 - a dash
    ],
)
def test_the_figure_of_refills_says_what_it_counts(
    served: Served, level: Level | None, value: str, note: str
) -> None:
    facts = served.only.facts.model_copy(update={"due_this_week": 1234, "due_level": level})
    page = get(Served(replace(served.only, facts=facts)), "/").text
    figure = page.partition("Refills due this week")[2].partition("</div>")[0]
    assert value in figure
    assert note in figure
