"""Photo enhancements that are not done."""

from lianpu.errors.invalid_input import InvalidInputError
from lianpu.errors.missing import NotFoundError


class EnhancementTooLargeError(InvalidInputError):
    code, status, title = "enhancement_too_large", 413, "Result has too many pixels"


class EnhancementEngineNotFoundError(NotFoundError):
    code, title = "enhancement_engine_not_found", "Enhancement engine not found"
