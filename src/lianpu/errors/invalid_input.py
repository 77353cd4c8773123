"""What the caller sent and can mend."""

from lianpu.errors.base import LianpuError


class InvalidInputError(LianpuError):
    code, status, title = "invalid_input", 422, "Invalid input"


class ImageError(InvalidInputError):
    code, title = "image_invalid", "Image not usable"


class ImageEmptyError(ImageError):
    code, title = "image_empty", "Image is empty"


class ImageFormatError(ImageError):
    code, status, title = "image_format_unsupported", 415, "Image format not supported"


class ImageDamagedError(ImageError):
    code, title = "image_damaged", "Image is damaged"


class ImageTooLargeError(ImageError):
    code, status, title = "image_too_large", 413, "Image has too many pixels"


class UploadTooLargeError(InvalidInputError):
    code, status, title = "upload_too_large", 413, "Upload too large"


class MalformedRequestError(InvalidInputError):
    code, status, title = "malformed_request", 400, "Malformed request"


class UnsupportedMediaError(InvalidInputError):
    code, status, title = "unsupported_media_type", 415, "Unsupported media type"


class FieldsInvalidError(InvalidInputError):
    code, title = "validation_failed", "Request validation failed"


class FaceNotFoundError(InvalidInputError):
    code, title = "face_not_found", "No face found"


class SeveralFacesError(InvalidInputError):
    code, title = "several_faces", "More than one face found"


class QualityTooLowError(InvalidInputError):
    code, title = "quality_too_low", "Photo not good enough"


class LivenessFailedError(InvalidInputError):
    code, title = "liveness_failed", "No live face"


class ArchiveDamagedError(InvalidInputError):
    code, title = "archive_damaged", "Archive is damaged"


class ArchiveUnsafeError(InvalidInputError):
    code, title = "archive_unsafe", "Archive holds what is not safe"


class ArchiveTooLargeError(InvalidInputError):
    code, status, title = "archive_too_large", 413, "Archive too large"


class ArchiveFormatError(InvalidInputError):
    code, status, title = "archive_format_unsupported", 415, "Archive format not supported"


class NothingEnhancedError(InvalidInputError):
    code, title = "nothing_enhanced", "No photo could be enhanced"


class NulCharacterError(InvalidInputError):
    code, title = "nul_character", "Text with a NUL character"


class ManifestInvalidError(InvalidInputError):
    code, title = "manifest_invalid", "Manifest not valid"


class ArchiveUntrustedError(InvalidInputError):
    code, title = "archive_untrusted", "Archive not trusted"


class ArchiveVersionError(InvalidInputError):
    code, title = "archive_version_unsupported", "Archive of another version"


class ArchivePassphraseError(InvalidInputError):
    code, title = "archive_passphrase", "Passphrase missing or wrong"


class SourceRefusedError(InvalidInputError):
    code, title = "source_refused", "Source not allowed"


class UnknownNotNamedError(InvalidInputError):
    code, title = "unknown_not_named", "No face could be enrolled"


class WebhookRefusedError(InvalidInputError):
    code, title = "webhook_refused", "Address not allowed"


class EvaluationInvalidError(InvalidInputError):
    code, title = "evaluation_invalid", "Nothing that can be evaluated"


class CursorInvalidError(InvalidInputError):
    code, title = "cursor_invalid", "Paging cursor not valid"
