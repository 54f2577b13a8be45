import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ledger.errors import InputError
from ledger.home import Home
from models.release import deploy
from segments.segment import load_library
from serving import batch, customers, live
from serving.errors import ProblemError
from serving.live import Live, Watched
from serving.scorer import Scorer
from serving.tried import try_out
from tests.serving.shop import CUTOFF, Shop, make_release


@pytest.fixture
def opened(own_shop: Shop) -> Iterator[Live]:
    held = Live()
    held.open(own_shop.home, load_library)
    yield held
    held.close()


def release_of(held: Live) -> str:
    return held.scorer().release.id


def test_a_home_without_anything_is_not_ready_and_says_the_next_step(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    held = Live()
    assert held.not_ready() == "the service is starting"
    held.open(Home(tmp_path_factory.mktemp("empty")), load_library)
    assert str(held.not_ready()).endswith("run `regulars train` first")
    for ask in (held.run, held.scorer):
        with pytest.raises(ProblemError) as caught:
            ask()
        assert caught.value.problem.status == 503


def test_a_home_that_is_trained_and_scored_later_becomes_ready(own_shop: Shop) -> None:
    home = Home(own_shop.home.path)
    pointer = home.published_pointer.read_bytes()
    home.published_pointer.unlink()
    held = Live()
    held.open(home, load_library)
    assert held.not_ready() == "nothing has been scored yet; run `regulars score`"
    home.published_pointer.write_bytes(pointer)
    held.refresh()
    assert held.not_ready() is None
    assert held.state() == {
        "release": own_shop.release.id,
        "run": own_shop.summary.published,
        "refused": None,
    }


def test_a_new_release_and_a_new_run_are_swapped_in(opened: Live, own_shop: Shop) -> None:
    before_scorer, before_run = opened.scorer(), opened.run()
    opened.refresh()
    assert opened.scorer() is before_scorer
    newer = make_release(own_shop.home, CUTOFF, seed=2)
    opened.refresh()
    assert release_of(opened) == newer != own_shop.release.id
    assert opened.run() is before_run
    batch.run(own_shop.home, opened.scorer().release, load_library(), CUTOFF)
    opened.refresh()
    assert opened.run().facts.release == newer


def test_a_run_is_explained_by_the_release_that_scored_it_though_another_is_in_force(
    opened: Live, own_shop: Shop
) -> None:
    run = opened.run()
    make_release(own_shop.home, CUTOFF, seed=2)
    opened.refresh()
    for held in (opened, Live()):  # one that saw the promotion, and one that starts after it
        if held is not opened:
            held.open(own_shop.home, load_library)
        release = held.release_of(run)
        assert release is not None
        assert release.id == run.facts.release != release_of(held)
        customer = customers.customer(run, run.tables["scores"]["customer_id"][0].as_py(), release)
        assert customer["reasons"]["p_order_90d"]["reasons"]


def test_a_run_whose_release_is_gone_is_answered_without_reasons(own_shop: Shop) -> None:
    make_release(own_shop.home, CUTOFF, seed=2)
    shutil.rmtree(own_shop.home.releases / own_shop.release.id)
    held = Live()
    held.open(own_shop.home, load_library)
    held.refresh()
    assert held.not_ready() is None
    assert held.release_of(held.run()) is None


def test_a_broken_release_is_refused_and_the_one_before_goes_on_being_served(
    opened: Live, own_shop: Shop
) -> None:
    good = release_of(opened)
    newer = make_release(own_shop.home, CUTOFF, seed=2)
    (own_shop.home.releases / newer / "reference.json").write_text("{}")
    opened.refresh()
    assert release_of(opened) == good
    assert opened.not_ready() is None
    assert str(opened.state()["refused"]).endswith("reference.json is missing or was altered; train again")
    deploy(own_shop.home, good)
    opened.refresh()
    assert opened.state()["refused"] is None


def of_other_features(directory: Path) -> None:
    manifest = directory / "manifest.json"
    told = json.loads(manifest.read_text()) | {"feature_fingerprint": "f" * 64}
    manifest.write_text(json.dumps(told))


def half_written(directory: Path) -> None:
    (directory / "purchase_process.json").unlink()


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (of_other_features, "was trained with other feature definitions (ffffffffffff, now "),
        (half_written, "purchase_process.json is missing or was altered; train again"),
        (shutil.rmtree, "its manifest cannot be read; train again"),
    ],
)
def test_a_release_that_must_not_be_served_is_told_by_readyz_and_the_log_and_the_one_before_stays(
    spoilt: Callable[[Path], None],
    said: str,
    opened: Live,
    own_shop: Shop,
    caplog: pytest.LogCaptureFixture,
) -> None:
    served, releases = release_of(opened), own_shop.home.releases
    shutil.copytree(releases / served, releases / "newer")
    spoilt(releases / "newer")
    own_shop.home.deployed.write_text(json.dumps({"release": "newer"}))
    opened.refresh()
    assert (release_of(opened), opened.not_ready()) == (served, None)
    assert said in str(opened.state()["refused"])
    assert f"release refused, the one before is kept: {opened.state()['refused']}" in caplog.messages


def test_a_damaged_pointer_keeps_what_is_served(opened: Live, own_shop: Shop) -> None:
    run = opened.run()
    own_shop.home.published_pointer.write_text("{")
    own_shop.home.deployed.write_text("{")
    opened.refresh()
    assert opened.run() is run
    assert opened.not_ready() is None
    refused = str(opened.state()["refused"])
    assert refused.startswith(f"{own_shop.home.deployed} cannot be read; ")
    assert refused.endswith("`regulars promote RELEASE` writes it anew")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\0\0\0", b"[]", b"null", b'{"release": 7}', b'{"release": "../x"}']
)
def test_a_service_that_finds_a_damaged_pointer_says_which_file_and_what_to_do(
    content: bytes, own_shop: Shop
) -> None:
    own_shop.home.deployed.write_bytes(content)
    held = Live()
    held.open(own_shop.home, load_library)
    assert held.not_ready() == held.state()["refused"]
    assert str(held.not_ready()).startswith(f"{own_shop.home.deployed} cannot be read; ")


@pytest.mark.parametrize(
    ("of", "remedy"),
    [
        (lambda home: home.deployed, "`regulars promote` serves another one, `regulars train` makes one"),
        (lambda home: home.published_pointer, "`regulars score` writes it anew"),
        (lambda home: home.deployments, "restore it from a backup or delete it"),
    ],
)
def test_what_nobody_expected_names_the_file_and_what_to_do(
    of: Callable[[Home], Path], remedy: str, own_shop: Shop
) -> None:
    path = of(own_shop.home)
    path.unlink(missing_ok=True)
    path.mkdir()
    held = Live()
    held.open(own_shop.home, load_library)
    assert held.state()["refused"] == f"what {path} names cannot be opened (IsADirectoryError); {remedy}"


@pytest.mark.parametrize("content", [b"", b"no database, and longer than a header is" * 9])
def test_segments_that_cannot_be_read_are_told_with_the_file(content: bytes, own_shop: Shop) -> None:
    own_shop.home.definitions.write_bytes(content)
    held = Live()
    held.open(own_shop.home, load_library)
    assert held.not_ready() == "segments.db is damaged; restore it from a backup"


def test_what_lies_beside_a_pointer_and_cannot_be_read_does_not_stop_the_start(own_shop: Shop) -> None:
    own_shop.home.definitions.unlink(missing_ok=True)
    own_shop.home.definitions.mkdir()
    held = Live()
    held.open(own_shop.home, load_library)
    assert str(held.not_ready()).startswith("segments.db cannot be opened: ")
    own_shop.home.definitions.rmdir()
    held.refresh()
    assert held.not_ready() is None


def test_a_release_that_answers_nonsense_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    scorer = Scorer(shop.release, load_library())
    try_out(scorer)
    columns = type(shop.release).columns
    monkeypatch.setattr(
        type(shop.release),
        "columns",
        lambda self, *asked: columns(self, *asked) | {"p_order_30d": np.array([1.5])},
    )
    with pytest.raises(InputError, match="cannot score a made-up customer"):
        try_out(scorer)


def test_a_release_is_served_with_a_plan_made_so_that_no_request_waits_for_one(opened: Live) -> None:
    assert opened.scorer().plans.idle == 1


def test_what_is_refused_is_opened_again_only_when_its_pointer_changes(own_shop: Shop) -> None:
    opened: list[str] = []
    pointer = own_shop.home.deployed

    def open_it() -> str:
        opened.append(json.loads(pointer.read_bytes())["release"])
        if opened[-1] == "bad":
            raise InputError("bad")
        return opened[-1]

    watched = Watched("release", pointer, open_it, "make another")
    for name in ("good", "good", "bad", "bad", "good"):
        pointer.write_text(json.dumps({"release": name}))
        watched.refresh()
        assert watched.current == "good"
    assert opened == ["good", "bad", "good"]


def test_watching_polls_in_the_background_until_closed(
    own_shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "POLL_SECONDS", 0.01)
    held = Live()
    held.open(own_shop.home, load_library)
    polled = _count(held, monkeypatch)
    held.watch()
    polled.wait(5)
    held.close()
    assert polled.is_set()


def _count(held: Live, monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    seen = threading.Event()
    refresh: Callable[[], None] = held.refresh

    def counted() -> None:
        refresh()
        seen.set()

    monkeypatch.setattr(held, "refresh", counted)
    return seen
