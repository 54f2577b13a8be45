import socket
import sys
from pathlib import Path

import pytest

from ledger.errors import InputError
from ledger.home import Home
from regulars import server


def test_a_taken_port_is_told_in_one_line_with_the_way_out() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(
            InputError, match=f"cannot listen on 127.0.0.1:{port}: address already in use; .* --port"
        ):
            server.require_free_port("127.0.0.1", port)


def test_a_free_port_stays_free() -> None:
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    server.require_free_port("127.0.0.1", port)
    with socket.create_server(("127.0.0.1", port)) as listening:
        assert listening.getsockname()[1] == port


def test_the_service_listens_where_it_is_told() -> None:
    said = server.command("127.0.0.1", 3001)
    assert said[:5] == [sys.executable, "-m", "bentoml", "serve", "serving.service:Regulars"]
    assert said[5:9] == ["--host", "127.0.0.1", "--port", "3001"]


def test_the_service_is_told_the_home_as_an_absolute_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert server.environment(Home(Path("shop")), 2, {"BENTOML_CONFIG_OPTIONS": "a.b=c"}) == server.MEMORY | {
        "BENTOML_CONFIG_OPTIONS": "a.b=c services.regulars.workers=2",
        "REGULARS_HOME": str(tmp_path / "shop"),
        "BENTOML_HOME": str(tmp_path / "shop" / "bentoml"),
    }


def test_a_shop_that_was_never_scored_is_served_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text("{}")
    assert server.why_not_ready(Home(tmp_path)) == "nothing has been scored yet; run `regulars score`"
