"""The service: scoring as BentoML's own API, reads and pages mounted beside it, the guard before both.

The only module that knows BentoML, reads the environment and looks at the clock. To serve a home:
`REGULARS_HOME=DIR bentoml serve serving.service:Regulars --host 127.0.0.1`.
"""

import gc
import logging
import os
import signal
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import bentoml
from _bentoml_impl.serde import Serde
from _bentoml_sdk.io_models import IORootModel
from starlette.requests import Request
from starlette.responses import Response

from ledger.home import Home
from segments.segment import load_library
from serving import answers, metrics, openapi, pages, request_log
from serving.errors import ProblemError
from serving.guard import Guard
from serving.heads import require_prompt_heads
from serving.keys import Keyring
from serving.live import Live
from serving.metrics import Measured, Metrics
from serving.monitoring.gauges import of_release_at_work
from serving.schemas.scores import ScoreAnswer
from serving.strict_json import READ
from serving.together import Together

# For the workers. Unless told, BentoML reports its use to its makers and OpenTelemetry slows every request.
ENVIRONMENT = {
    "BENTOML_DO_NOT_TRACK": "True",
    "DO_NOT_TRACK": "true",
    "OTEL_SDK_DISABLED": "true",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "OMP_WAIT_POLICY": "PASSIVE",  # LightGBM's threads sleep while they wait for each other
}
THREADS = 4  # a large request must not keep the small ones waiting
ANSWER_SECONDS = 10  # BentoML keeps each request's objects alive for this long, answered or not
LOOK_FOR_PARENT_SECONDS = 1.0
SCORE_PATH = "/v1/score"
BENTOML_ERRORS = "bentoml._internal.server.http_app"

# OpenTelemetry's middleware looks at every request even when its SDK is off; it passes by what is excluded.
TRACED = os.environ.get("OTEL_SDK_DISABLED", ENVIRONMENT["OTEL_SDK_DISABLED"]).lower() != "true"

LIVE = Live()
TOGETHER = Together(answers.tell)
METRICS = Metrics(os.environ.get("PROMETHEUS_MULTIPROC_DIR"))
KEYS = Keyring(lambda: home_from_environment().keys)

# The parent process of the workers and `bentoml build` report too; none of our code but this runs in them. BentoML's
# command line, where this is imported by it, has asked before and remembers what it was told.
os.environ.setdefault("BENTOML_DO_NOT_TRACK", ENVIRONMENT["BENTOML_DO_NOT_TRACK"])
if (reports := sys.modules.get("bentoml._internal.utils.analytics.usage_stats")) is not None:
    reports.do_not_track.cache_clear()


class NoCustomersInLogs(logging.Filter):
    """Takes the traceback off BentoML's log of failed requests: its text repeats what the caller sent."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep the line, drop the exception's text."""
        if record.exc_info and record.exc_info[0] is not None:
            record.msg, record.args = f"{record.msg}: %s", (*(record.args or ()), record.exc_info[0].__name__)
        record.exc_info, record.exc_text = None, None
        return True


def home_from_environment() -> Home:
    """Return the home to serve."""
    return Home(Path(os.environ.get("REGULARS_HOME") or "regulars-home"))


def allowed_hosts() -> frozenset[str]:
    """Return the host names accepted beside loopback: REGULARS_ALLOWED_HOSTS, comma-separated."""
    named = os.environ.get("REGULARS_ALLOWED_HOSTS", "")
    return frozenset(host.strip().lower() for host in named.split(",") if host.strip())


def shopify_secret() -> str | None:
    """Return what Shopify signs its webhooks with: REGULARS_SHOPIFY_SECRET."""
    return os.environ.get("REGULARS_SHOPIFY_SECRET") or None


class Body(IORootModel[object]):  # type: ignore[misc]
    """What was posted, as the guard has read it; BentoML would read it once more, and write its schema to do so."""

    __root_input__ = True  # it is the only argument, and not an object of arguments

    @classmethod
    async def from_http_request(cls, request: Request, serde: Serde) -> "Body":  # noqa: ARG003 - BentoML's own
        """Return the value that is kept with the request."""
        return cls(request.scope[READ])


@bentoml.service(
    name="regulars",
    threads=THREADS,
    traffic={"timeout": ANSWER_SECONDS},
    # An access log would hold customer ids, which are part of paths; so would BentoML's metrics.
    logging={"access": {"enabled": False}},
    metrics={"enabled": False},
    tracing={} if TRACED else {"excluded_urls": ".*"},
    envs=[{"name": name, "value": value} for name, value in ENVIRONMENT.items()],
)
class Regulars:
    """Predictive segments from purchase history; /openapi.json describes every address."""

    @bentoml.on_deployment  # type: ignore[untyped-decorator]
    def look_after_workers() -> None:
        """Set up the process above the workers, in which nothing else of this runs."""
        from serving.restarts import require_prompt_restarts  # noqa: PLC0415 - workers need no supervisor

        require_prompt_restarts()

    def __init__(self) -> None:
        errors = logging.getLogger(BENTOML_ERRORS)
        if not any(isinstance(known, NoCustomersInLogs) for known in errors.filters):
            errors.addFilter(NoCustomersInLogs())
        request_log.to_standard_output()
        LIVE.open(home_from_environment(), load_library)
        LIVE.watch()
        self._closed = threading.Event()
        threading.Thread(target=end_with_parent, args=(os.getppid(), self._closed), daemon=True).start()
        # What is loaded by now stays; otherwise each full collection walks it while requests wait, 0.3 s.
        gc.collect()
        gc.freeze()
        gc.set_threshold(10_000, 10, 100)

    def __is_ready__(self) -> bool:
        """Return whether a release and a run are served; the guard's /readyz says why not."""
        return LIVE.not_ready() is None

    @bentoml.on_shutdown  # type: ignore[untyped-decorator]
    def close(self) -> None:
        """Stop watching the home."""
        self._closed.set()
        LIVE.close()
        KEYS.close()
        gc.unfreeze()

    @bentoml.api(route=SCORE_PATH, input_spec=Body, output_spec=ScoreAnswer)  # type: ignore[untyped-decorator]
    def score(self, body: object, /) -> Response:
        """Score posted histories; as /openapi.json describes it."""
        # The body is taken as it comes: BentoML's own refusals are no problem documents.
        try:
            with METRICS.scoring(alone=_of_one(body)):
                answer = answers.score(body, LIVE.scorer(), LIVE.run(), datetime.now(UTC), TOGETHER)
        except ProblemError as error:
            return pages.problem_at(error.problem, SCORE_PATH)
        return pages.json_response(answer)


def end_with_parent(parent: int, closed: threading.Event) -> None:
    """
    End this worker, as gracefully as when it is told to, once the process above it was killed.

    It would go on answering, and keep the port from whoever starts the service again.

    Parameters
    ----------
    parent : int
        Id of the process above.
    closed : threading.Event
        Set when the worker ends by itself.
    """
    while not closed.wait(LOOK_FOR_PARENT_SECONDS):
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)
            return


def _of_one(body: object) -> bool:
    return isinstance(body, dict) and isinstance(body.get("customers"), dict)


def _metrics(_: Request) -> Response:
    served = (*metrics.of_what_is_served(LIVE, datetime.now(UTC)), *of_release_at_work(LIVE))
    return Response(METRICS.text(served), media_type=metrics.MEDIA_TYPE)


def _assemble(service: Any) -> None:  # noqa: ANN401 - what BentoML's decorator makes of a class, untyped
    """Put the guard in front, measured itself, and reads and pages beside the scoring."""
    service.add_asgi_middleware(Measured, metrics=METRICS)
    service.add_asgi_middleware(
        Guard,
        allowed_hosts=allowed_hosts,
        not_ready=LIVE.not_ready,
        state=LIVE.state,
        keys=KEYS,
        route_of=metrics.route_of,
        takes_posts=openapi.takes_posts,
        page=pages.problem_page,
    )
    application = pages.application(LIVE, lambda: datetime.now(UTC), shopify_secret)
    application.add_route("/metrics", _metrics, methods=["GET"])
    service.mount_asgi_app(application, path="/")


_assemble(Regulars)
require_prompt_heads()
