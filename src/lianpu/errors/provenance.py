"""Labels of generated pictures, and the consents they may be made by."""

from lianpu.errors.access import AccessError
from lianpu.errors.base import LianpuError
from lianpu.errors.conflict import ConflictError
from lianpu.errors.invalid_input import InvalidInputError
from lianpu.errors.missing import NotFoundError


class ConsentError(AccessError):
    code, title = "consent_missing", "No consent"


class ConsentExpiredError(ConsentError):
    code, title = "consent_expired", "Consent has expired"


class ConsentRevokedError(ConsentError):
    code, title = "consent_revoked", "Consent was revoked"


class ConsentScopeError(ConsentError):
    code, title = "consent_scope", "Consent is for something else"


class ConsentPurposeError(ConsentError):
    code, title = "consent_purpose", "Consent is for another purpose"


class SwapDisabledError(NotFoundError):
    code, title = "swap_disabled", "Face swapping is off"


class ConsentNotFoundError(NotFoundError):
    code, title = "consent_not_found", "Consent not found"


class LiveSwapNotFoundError(NotFoundError):
    code, title = "live_swap_not_found", "Live swap not found"


class SwapResultGoneError(NotFoundError):
    code, status, title = "swap_result_gone", 410, "Result is gone"


class ConsentUsedError(ConflictError):
    code, title = "consent_used", "Consent was used"


class TooManyLiveSwapsError(ConflictError):
    code, title = "too_many_live_swaps", "Too many live swaps"


class MediaFormatError(InvalidInputError):
    code, status, title = "media_format_unsupported", 415, "Neither photo nor video"


class VideoDamagedError(InvalidInputError):
    code, title = "video_damaged", "Video is damaged"


class VideoTooLongError(InvalidInputError):
    code, status, title = "video_too_long", 413, "Video is too long"


class LabellingError(LianpuError):
    code, title = "labelling_failed", "Output could not be labelled"


class SigningKeyError(LabellingError):
    code, title = "provenance_key_unusable", "Key for provenance not usable"
