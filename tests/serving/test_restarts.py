import pytest
from _bentoml_impl.server.serving import server_on_deployment
from bentoml._internal.utils.circus import create_standalone_arbiter
from circus import arbiter

from serving.restarts import LOOK_EVERY_SECONDS, PromptController
from serving.service import Regulars


def test_whoever_serves_looks_after_its_workers_more_often_than_bentoml_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(arbiter, "Controller", arbiter.Controller)
    server_on_deployment(Regulars)  # as BentoML does before it starts its supervisor

    supervisor = create_standalone_arbiter([])
    supervisor.ctrl.start()
    supervisor.ctrl.stop()

    assert isinstance(supervisor.ctrl, PromptController)
    assert supervisor.ctrl.caller.callback_time == LOOK_EVERY_SECONDS * 1_000
