"""What the service tells Prometheus: requests and their seconds, what scoring takes, what is served and how old it is.

Requests are counted by route. BentoML's own metrics go by path, and paths hold customer ids: they would hand customers
to whoever watches, and grow with each.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from serving import openapi
from serving.asgi import Application, Message, Receive, Scope, Send
from serving.live import Live

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
UNCOUNTED = ("/livez", "/readyz", "/healthz", "/metrics", "/static/")
METHODS = frozenset({"GET", "HEAD", "POST"})  # a caller may send any word as its method
PAGES = "pages"
CLIENT_GONE = 499  # as nginx has it


def route_of(path: str) -> str | None:
    """Return the route of a path, in which nobody's id is; None for probes and the like, which are not counted."""
    if path.startswith(UNCOUNTED):
        return None
    if not path.startswith("/v1/"):
        return PAGES
    return openapi.route_of(path) or "/v1/..."


class Metrics:
    """Counts of all workers of a service, told together by whichever is asked.

    Parameters
    ----------
    shared : str or None
        Directory in which the workers keep their counts; None when there is one process alone.
    """

    def __init__(self, shared: str | None) -> None:
        self._shared = shared
        self._own = CollectorRegistry()
        self._requests = Counter(
            "regulars_requests",
            "Requests answered.",
            ("method", "route", "status"),
            registry=self._own,
        )
        self._seconds = Histogram(
            "regulars_request_seconds",
            "Seconds until a request was answered.",
            ("method", "route"),
            buckets=SECONDS,
            registry=self._own,
        )
        self._scoring = Histogram(
            "regulars_score_seconds",
            "Seconds that it took to score the posted histories of a request.",
            ("customers",),
            buckets=SECONDS,
            registry=self._own,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    @contextmanager
    def scoring(self, *, alone: bool) -> Iterator[None]:
        """Measure what is done meanwhile: the scoring of one customer alone, or of several."""
        with self._scoring.labels("one" if alone else "several").time():
            yield

    def text(self, served: Iterable[Metric]) -> bytes:
        """Return everything counted by all workers, and what is told of what is served, as Prometheus reads it."""
        registry = self._own
        if self._shared is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, self._shared)  # type: ignore[no-untyped-call]
        told = CollectorRegistry()
        told.register(_Told(tuple(served)))
        return generate_latest(registry) + generate_latest(told)


class Measured:
    """ASGI middleware that counts and times requests.

    Parameters
    ----------
    app : callable
        The application behind.
    metrics : Metrics
    """

    def __init__(self, app: Application, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        route = route_of(scope["path"]) if scope["type"] == "http" else None
        if route is None:
            await self.app(scope, receive, send)
            return
        start, status = perf_counter(), CLIENT_GONE

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, sent)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            self.metrics.answered(method, route, status, perf_counter() - start)


def of_what_is_served(live: Live, now: datetime) -> Iterator[Metric]:
    """Yield gauges of the release and the run that this worker serves.

    Parameters
    ----------
    live : Live
    now : datetime
        Aware.
    """
    state = live.state()
    yield _gauge("regulars_ready", "1 when a release and a run are served.", live.not_ready() is None)
    yield _gauge("regulars_refused", "1 when a newer release or run was refused.", bool(state["refused"]))
    named = {name: state[name] or "" for name in ("release", "run")}
    release = GaugeMetricFamily("regulars_release", "What is served, in its labels.", labels=list(named))
    release.add_metric(list(named.values()), 1.0)
    yield release
    if state["run"] is not None:
        facts = live.run().facts
        yield _gauge("regulars_run_age_seconds", "Since the cutoff of the run.", _since(facts.as_of, now))
        if facts.data_through is not None:
            since = _since(facts.data_through, now)
            yield _gauge("regulars_data_age_seconds", "Since the last order that the run knows.", since)
        yield _gauge("regulars_customers", "Customers scored in the run.", facts.customers)
        if facts.prospects is not None:
            means = "People known by name in the run who never ordered."
            yield _gauge("regulars_prospects", means, facts.prospects)


def _since(moment: datetime, now: datetime) -> float:
    return (now - moment).total_seconds()


def _gauge(name: str, means: str, value: float) -> Metric:
    return GaugeMetricFamily(name, means, value=value)


class _Told(Collector):
    """Metrics that are at hand."""

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics
