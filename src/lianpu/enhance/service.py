"""How routes get at enhancements."""

from typing import Annotated

from fastapi import Depends, Request

from lianpu.enhance.enhancements import Enhancements


async def _enhancements(request: Request) -> Enhancements:
    # Not `def`: FastAPI would send it through a thread.
    enhancements: Enhancements = request.app.state.enhancements
    return enhancements


EnhancementsDep = Annotated[Enhancements, Depends(_enhancements)]
