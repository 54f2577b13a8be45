import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ledger.errors import InputError
from ledger.home import Home
from regulars import server
from regulars.keying import commands
from serving import keys


def run(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(commands, [*arguments, "--home", str(home)])


def test_a_key_is_made_shown_once_listed_and_revoked(tmp_path: Path) -> None:
    made = run(tmp_path, "create", "till", "--scope", "scores", "--scope", "ledger", "--json")
    key = json.loads(made.stdout)
    assert keys.SPOKEN.fullmatch(key["key"])
    assert "stored nowhere" in made.stderr
    assert key["key"] not in run(tmp_path, "list").stdout
    (listed,) = json.loads(run(tmp_path, "list", "--json").stdout)
    assert (listed["name"], listed["scopes"], listed["revoked"]) == ("till", "ledger scores", "")
    assert run(tmp_path, "revoke", key["id"]).exit_code == 0
    assert json.loads(run(tmp_path, "list", "--json").stdout)[0]["revoked"]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.7", "shop.example"])  # noqa: S104 - it must be refused
def test_the_service_does_not_start_where_others_reach_it_while_nobody_needs_a_key(
    host: str, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    with pytest.raises(InputError, match="make a key first"):
        server.require_keys(home, host)
    made, _ = keys.create(home.keys, "till", ["scores"], 60, datetime(2026, 3, 1, tzinfo=UTC))
    server.require_keys(home, host)
    keys.revoke(home.keys, made.id, datetime(2026, 3, 2, tzinfo=UTC))
    with pytest.raises(InputError, match="make a key first"):
        server.require_keys(home, host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "::1"])
def test_on_this_machine_alone_it_starts_without_keys(host: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    server.require_keys(home, host)
    assert keys.listed(home.keys) == ()
