"""Calls about labels of generated pictures."""

from lianpu.client.answers import Provenance
from lianpu.client.operation import operation
from lianpu.client.request import Json, Request
from lianpu.client.uploads import Source, Upload


class ProvenanceCalls:
    """Labels read back from a file."""

    @operation
    def verify(self, file: Source) -> Request[Provenance]:
        """Read every label of a photo or video back, and say which are left. The file is not kept."""
        return Request(
            "POST",
            "/api/v1/provenance/verify",
            Json(Provenance),
            files=[("file", Upload(file))],
            is_safe_to_repeat=True,
        )
