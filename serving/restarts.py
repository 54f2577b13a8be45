"""How soon a worker that died is replaced: BentoML's supervisor looks every ten seconds, which cannot be set."""

from circus import arbiter
from circus.controller import Controller

LOOK_EVERY_SECONDS = 1.0


class PromptController(Controller):  # type: ignore[misc]  # untyped
    """The supervisor's clock, ticking faster."""

    def start(self) -> None:
        """Begin to look after the workers."""
        self.check_delay = LOOK_EVERY_SECONDS * 1_000
        super().start()


def require_prompt_restarts() -> None:
    """Have the supervisor that is started by this process next look after its workers more often."""
    arbiter.Controller = PromptController
