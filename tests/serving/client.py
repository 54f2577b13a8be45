"""The whole service as BentoML runs it, in this process."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import httpx
import pytest

T = TypeVar("T")


class Client:
    """Asks a service that runs in an event loop of its own."""

    def __init__(self, service: Any, runner: asyncio.Runner) -> None:  # noqa: ANN401 - BentoML is untyped
        self._runner = runner
        self._app = service.to_asgi(is_main=True)
        self._lifespan = self._app.router.lifespan_context(self._app)
        runner.run(self._lifespan.__aenter__())
        transport = httpx.ASGITransport(app=self._app)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://localhost:3000")

    def __call__(self, method: str, path: str, **request: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self._runner.run(self._client.request(method, path, **request))

    def request(self, method: str, path: str, **request: Any) -> Coroutine[Any, Any, httpx.Response]:  # noqa: ANN401
        """Return a request to be awaited within `run`, beside others."""
        return self._client.request(method, path, **request)

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run several requests in the service's event loop."""
        return self._runner.run(work)

    def close(self) -> None:
        self._runner.run(self._client.aclose())
        self._runner.run(self._lifespan.__aexit__(None, None, None))


def served(home: str) -> Iterator[Client]:
    """Serve a home; one at a time, as BentoML's metrics are one a process."""
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        patch.setenv("REGULARS_HOME", home)
        from prometheus_client import REGISTRY  # noqa: PLC0415 - after conftest has set its directory

        from serving.service import Regulars  # noqa: PLC0415 - imports BentoML

        client = Client(Regulars, runner)
        yield client
        client.close()
        for collector in list(REGISTRY._collector_to_names):  # noqa: SLF001 - else the next app's metrics are duplicates
            REGISTRY.unregister(collector)
