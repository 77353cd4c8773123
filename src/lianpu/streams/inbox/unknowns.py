"""The unknown inbox as its routes see it."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from lianpu.streams.inbox.inbox import UnknownInbox
from lianpu.streams.inbox.naming import UnknownNaming
from lianpu.streams.inbox.review import InboxReview


@dataclass(frozen=True, slots=True)
class Unknowns:
    inbox: UnknownInbox
    review: InboxReview
    naming: UnknownNaming


async def _unknowns(request: Request) -> Unknowns:
    # Not `def`: FastAPI would send it through a thread.
    unknowns: Unknowns = request.app.state.unknowns
    return unknowns


UnknownsDep = Annotated[Unknowns, Depends(_unknowns)]
