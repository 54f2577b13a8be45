"""`regulars keys`: who may ask the service what."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from regulars import terminal
from regulars.options import AsJson, HomeDirectory, home_of

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415

commands = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is.")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="As `regulars keys list` prints it.")]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", help="What it opens: scores, members, segments, ledger, admin; may be given many times."
    ),
]
PerMinute = Annotated[int, typer.Option("--per-minute", help="Requests a minute, in each worker.")]


@commands.command()
def create(
    name: Name,
    *,
    scope: Scopes = None,
    per_minute: PerMinute = 6_000,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Make a key and print it, this once.

    From the first key on, the service asks for one everywhere. Send it as `Authorization: Bearer KEY`; a browser
    asks for it as the password, with any user name.
    """
    from serving import keys

    key, spoken = keys.create(home_of(home).keys, name, scope or (), per_minute, datetime.now(UTC))
    terminal.answer({"key": spoken, **_told(key)}, as_json=as_json)
    typer.echo("keep the key: it is stored nowhere", err=True)


@commands.command("list")
def list_keys(*, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Print the keys there are, revoked ones too; never the keys themselves."""
    from serving import keys

    terminal.answer([_told(key) for key in keys.listed(home_of(home).keys)], as_json=as_json)


@commands.command()
def revoke(key_id: KeyId, *, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Revoke a key: from the next request on it opens nothing."""
    from serving import keys

    terminal.answer(
        _told(keys.revoke(home_of(home).keys, key_id, datetime.now(UTC))) | {"revoked": "now"},
        as_json=as_json,
    )


def _told(key: Any) -> dict[str, Any]:  # noqa: ANN401 - a `serving.keys.Key`, whose import is slow
    return {
        "id": key.id,
        "name": key.name,
        "scopes": " ".join(sorted(key.scopes)),
        "per_minute": key.per_minute,
        "made": key.made_at,
        "revoked": key.revoked_at,
    }
