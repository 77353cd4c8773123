"""Work of an installation that one node alone does at a time."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from lianpu.leases.leases import Leases

TAKE_S = 2.0
_log = logging.getLogger(__name__)

Works = Callable[[], Sequence[Coroutine[Any, Any, None]]]
"""Makes what goes on for as long as it is not cancelled."""


async def run_alone(leases: Leases, name: str, works: Works) -> None:
    """Until it is cancelled: while this node holds the lease of this name, the work goes on here.

    What was on its way when a holder died, another one does again: the work must bear that.
    """
    while True:
        try:
            await leases.make(name)
            lease = await leases.take(name)
        except Exception as error:  # tried again in a moment
            _log.warning("a lease cannot be taken", extra={"lease": name}, exc_info=error)
            lease = None
        if lease is None:
            await asyncio.sleep(TAKE_S)
            continue
        _log.info("this node works alone", extra={"lease": name, "epoch": lease.epoch})
        tasks = [asyncio.create_task(work) for work in works()]
        try:
            await lease.lost.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if lease.is_held:
                await leases.give_back(lease)
