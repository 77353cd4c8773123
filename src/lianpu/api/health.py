"""`/health`: for whoever decides whether this process lives on, and whether it is sent requests."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from lianpu.accounts.access import open_to_all
from lianpu.bootstrap import Platform
from lianpu.bootstrap.readiness import Phase

router = APIRouter(tags=["system"])
STARTING = {"server": Phase.STARTING.value}
_CHECKS = {"server": "ok", "database": "ok", "pack": "ok", "home": "ok", "jobs": "ok"}


class HealthAnswer(BaseModel):
    status: Literal["ok", "unavailable"]
    checks: dict[str, str] = Field(examples=[_CHECKS], description="Each `ok`, or the reason why not.")


@router.get("/health/live", dependencies=[open_to_all()])
async def live() -> HealthAnswer:
    """The process answers. It looks at nothing: a database that is away is no reason to start the process anew."""
    return HealthAnswer(status="ok", checks={})


@router.get("/health", dependencies=[open_to_all()], responses={503: {"model": HealthAnswer}})
async def health(request: Request, response: Response) -> HealthAnswer:
    """What every answer needs: the database answers, the default pack and that of liveness, where it is on, are loaded.

    Else 503. It is a part of `/health/ready`, for people and for monitors that know one address alone.
    """
    platform = _platform(request)
    return _answer(response, STARTING if platform is None else await platform.readiness.foundations())


@router.get("/health/ready", dependencies=[open_to_all()], responses={503: {"model": HealthAnswer}})
async def ready(request: Request, response: Response) -> HealthAnswer:
    """Whether requests will be answered; else 503, with what is missing.

    Everything of `/health`, and: the server neither starts nor stops, the home can be written, the workers of jobs are
    alive.
    """
    platform = _platform(request)
    return _answer(response, STARTING if platform is None else await platform.readiness.checks())


def _platform(request: Request) -> Platform | None:
    """None: it is not open yet."""
    return getattr(request.app.state, "platform", None)


def _answer(response: Response, checks: dict[str, str]) -> HealthAnswer:
    if all(state == "ok" for state in checks.values()):
        return HealthAnswer(status="ok", checks=checks)
    response.status_code = 503
    return HealthAnswer(status="unavailable", checks=checks)
