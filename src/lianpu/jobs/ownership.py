"""Whose a job is: what a caller sees of it, and which idempotency keys are his."""

import hashlib
from dataclasses import dataclass

from lianpu.accounts.principal import Principal
from lianpu.accounts.roles import Scope
from lianpu.jobs.models import Job

INFERENCE = "images.inference"
"""The kind of the inference tasks."""
SWAP = "swap.run"
"""The kind of the face swaps."""
ENHANCEMENT = "photos.enhance"
"""The kind of photo enhancements: what they work on lies in the memory of one process."""
PRIVATE_KINDS = frozenset({INFERENCE, SWAP, ENHANCEMENT})
"""What these were asked to do, and what came of it, is for their owner alone, whatever else somebody may do."""
UNREPEATABLE_KINDS = frozenset({ENHANCEMENT})
"""What these worked on was not kept: none can be run again."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Through whose eyes jobs are seen."""

    owner_id: str | None
    """Whose new jobs are; None: the server's own."""
    sees_all: bool

    @classmethod
    def of(cls, principal: Principal) -> "Viewer":
        return cls(principal.id, principal.may(Scope.JOBS_MANAGE))

    def sees(self, owner_id: str | None) -> bool:
        """Jobs from before there were accounts are nobody's: only who sees all sees them."""
        return self.sees_all or (owner_id is not None and owner_id == self.owner_id)

    def reads(self, job: Job) -> bool:
        """Whether parameters, result and items are shown too."""
        return job.kind not in PRIVATE_KINDS or self.owner_id is None or job.owner_id == self.owner_id

    def stored_key(self, idempotency_key: str) -> str:
        """A key is good for its owner: the same key of somebody else is another one."""
        if self.owner_id is None:
            return idempotency_key
        owner = hashlib.sha256(self.owner_id.encode()).hexdigest()[:16]
        return f"{owner}:{hashlib.sha256(idempotency_key.encode('utf-8', 'surrogateescape')).hexdigest()}"


SERVER = Viewer(None, sees_all=True)
