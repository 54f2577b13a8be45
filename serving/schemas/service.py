"""What any address may answer with, and the probe."""

from pydantic import Field

from serving.schemas.fields import Frozen


class ProblemDocument(Frozen):
    """RFC 9457 problem document."""

    type: str
    title: str
    status: int
    detail: str
    field: str | None = None
    expected: str | None = None
    got: str | None = None
    instance: str | None = None
    request_id: str | None = Field(None, description="As in X-Request-Id, and in the service's log.")


class Readiness(Frozen):
    """What is served, and what newer release or run was refused."""

    status: str
    release: str | None
    run: str | None
    refused: str | None
