"""The command line: reads arguments and the clock, calls one function elsewhere, prints the answer."""

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from ledger.errors import InputError
from regulars import (
    erasing,
    explaining,
    exporting,
    identifying,
    importing,
    keying,
    monitoring,
    promoting,
    segmenting,
    terminal,
)
from regulars.options import (
    AsJson,
    AsOf,
    BySlice,
    Engine,
    HomeDirectory,
    HorizonDays,
    OnEngine,
    PastDay,
    Port,
    Replenishment,
    Workers,
    cutoff_of,
    home_of,
    ledger_of,
    settings_of,
)

# What the commands need is imported when one runs: `regulars --help` answers at once.
# ruff: noqa: PLC0415

ENVIRONMENT = {
    # Nothing here reports to anybody, and no model is ever loaded from a pickle.
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    # Spans are sent nowhere by default, and keeping them costs the service's slowest requests dearly.
    "OTEL_SDK_DISABLED": "true",
    # Threads that wait for each other sleep instead of spinning. On two busy cores, 100 trees over 6,000 rows took
    # 18 s spinning and 0.6 s asleep; on idle ones there is no difference.
    "OMP_WAIT_POLICY": "PASSIVE",
}

app = typer.Typer(
    name="regulars",
    help="Know your regulars: who is leaving, what each is worth, and what each runs out of next.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Drawing the help with rich takes as long as everything else together.
    rich_markup_mode=None,
)


class DatasetName(StrEnum):
    """Packaged data sets of the demo; `regulars.datasets.DATASETS` says what they are."""

    COMPLETE_JOURNEY = "complete-journey"
    CDNOW = "cdnow"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; what its user can put right is one line on stderr and exit code 2."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    try:
        app(args=arguments, prog_name="regulars")
    except InputError as error:
        typer.echo(f"regulars: {' '.join(str(error).split())}", err=True)
        sys.exit(2)


@app.command()
def demo(
    *,
    dataset: Annotated[DatasetName, typer.Option(help="Which purchases.")] = DatasetName.COMPLETE_JOURNEY,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="End after printing what was learnt.")] = False,
    port: Port = None,
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help="Directory.  [default: ./regulars-home/demo-DATASET]"),
    ] = None,
) -> None:
    """Real purchases to first segments, in one go.

    Imports a packaged data set, trains, scores, prints what was learnt in plain words, and serves it.
    """
    from ledger.home import Home
    from regulars import demo as demonstration
    from regulars import server

    settings = settings_of(home or settings_of(None).home / f"demo-{dataset.value}", port=port)
    if not no_serve:
        server.require_keys(Home(settings.home), settings.host)
        server.require_free_port(settings.host, settings.port)
    # `make demo` calls the command where it is installed, off the PATH.
    command = "regulars" if shutil.which("regulars") else sys.argv[0]
    with terminal.progress() as progress:
        learnt = demonstration.run(
            dataset.value, settings, now=datetime.now(UTC), command=command, progress=progress
        )
    terminal.show_lines(learnt)
    if not no_serve:
        typer.echo(f"\nServing at http://localhost:{settings.port} - stop with Ctrl-C")
        server.serve(Home(settings.home), settings.host, settings.port, settings.workers)


@app.command()
def doctor(*, home: HomeDirectory = None, as_json: AsJson = False) -> None:
    """Say what the ledger holds and what it is good for.

    What looks wrong with it, and which predictions and segments its history allows.
    """
    from ledger.quality.report import examine
    from regulars import checkup

    report = examine(ledger_of(settings_of(home)))
    if as_json:
        terminal.show_json(checkup.as_json(report))
    else:
        terminal.show_lines(checkup.lines(report))


@app.command()
def train(
    *,
    as_of: AsOf = None,
    horizon_days: HorizonDays = None,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Fit, compare, and deploy only what wins.

    Fits on rolling cutoffs and compares with the release in force and the simple rules.
    """
    from regulars import evaluating, findings
    from regulars.retraining import retrain

    settings = settings_of(home, horizon_days=horizon_days)
    ledger = ledger_of(settings)
    with terminal.progress() as progress:
        summary = retrain(ledger, cutoff_of(ledger, as_of), settings, progress)
    if as_json:
        terminal.show_json(asdict(summary) | {"gate": summary.gate.model_dump()})
    else:
        evaluating.show_rows(summary.rows)
        terminal.show_lines(findings.trained(summary))


@app.command()
def score(
    *,
    as_of: AsOf = None,
    engine: OnEngine = Engine.DUCKDB,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Score every customer and assign the segments.

    Uses the deployed release, and publishes what it finds to the service.
    """
    from regulars import scoring

    settings = settings_of(home)
    ledger = ledger_of(settings)
    with terminal.progress() as progress:
        summary = scoring.score(
            ledger.home,
            cutoff_of(ledger, as_of),
            progress,
            engine,
            settings.reminder_lead_days,
            settings.memory_limit_mb,
            settings.acquisition_costs,
        )
    if summary.published is None:
        typer.echo("a later day is served already and stays; these scores are in the tables only", err=True)
    left_out = {"segments", "recorded_events", "sensitive_attributes"}
    if not as_json:  # what only programs read
        left_out |= {"numbers", "checks", "posted_through", "longest_silence_days"}
    facts = summary.facts.model_dump(exclude=left_out)
    zone = ZoneInfo(summary.facts.time_zone)
    local = {name: facts[name].astimezone(zone) for name in ("as_of", "data_through")}
    terminal.answer(facts | local | {"published": summary.published}, as_json=as_json)


@app.command()
def evaluate(  # noqa: PLR0913  # one argument an option
    *,
    as_of: PastDay = None,
    horizon_days: HorizonDays = None,
    by_slice: BySlice = False,
    replenishment: Replenishment = False,
    home: HomeDirectory = None,
    as_json: AsJson = False,
) -> None:
    """Predict as of a past day, beside the peers.

    Shows what then happened, and how near each came.
    """
    if replenishment:
        from regulars import refilling

        refilling.evaluate(settings_of(home), as_of, horizon_days or refilling.HORIZON_DAYS, as_json=as_json)
        return
    from regulars import evaluating
    from training import evaluate as evaluation

    settings = settings_of(home, horizon_days=horizon_days)
    ledger = ledger_of(settings)
    cutoff = cutoff_of(ledger, as_of)
    if as_of is None:
        cutoff = cutoff.plus_days(-settings.horizon_days)
    with terminal.progress() as progress, ledger.connect() as connection:
        comparison = evaluation.evaluate(
            connection,
            cutoff,
            horizon_days=settings.horizon_days,
            seed=settings.seed,
            progress=progress,
        )
    if as_json:
        terminal.show_json(evaluating.as_json(comparison))
    else:
        evaluating.show(comparison, by_slice=by_slice)


@app.command()
def serve(*, port: Port = None, workers: Workers = None, home: HomeDirectory = None) -> None:
    """Serve the pages and the scoring API until stopped.

    Before anything was scored it answers that it is not ready, and why.
    """
    from regulars import server

    settings = settings_of(home, port=port, workers=workers)
    shop = home_of(home)
    if (reason := server.why_not_ready(shop)) is not None:
        typer.echo(f"Not ready yet: {reason}", err=True)
    server.require_keys(shop, settings.host)
    server.require_free_port(settings.host, settings.port)
    typer.echo(f"Serving {settings.home} at http://localhost:{settings.port} - stop with Ctrl-C", err=True)
    server.serve(shop, settings.host, settings.port, settings.workers, settings.shopify_secret)


app.command()(monitoring.monitor)
app.command()(promoting.promote)
app.command()(promoting.rollback)
app.command()(erasing.erase)
app.add_typer(
    importing.commands, name="import", help="Add orders, products, customers, events to the ledger."
)
app.add_typer(keying.commands, name="keys", help="API keys: who may ask the service what.")
app.add_typer(
    identifying.commands, name="identities", help="Who is who: visitors and accounts of one person."
)
app.add_typer(
    exporting.commands,
    name="export",
    help="Write scores, refills, reminders, demand or a segment's members to a file.",
)
segmenting.commands.command()(explaining.explain)
app.add_typer(segmenting.commands, name="segments", help="What the segments are, who moves, and your own.")
