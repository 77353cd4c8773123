"""Every error a caller can meet, each with a stable code and an HTTP status.

LianpuError
├── InvalidInputError            400/422  the caller can mend it
│   ├── ImageError               an image that is not usable
│   │   ├── ImageEmptyError            422 image_empty
│   │   ├── ImageFormatError           415 image_format_unsupported
│   │   ├── ImageDamagedError          422 image_damaged
│   │   └── ImageTooLargeError         413 image_too_large
│   ├── UploadTooLargeError      413 upload_too_large
│   ├── MalformedRequestError    400 malformed_request
│   ├── UnsupportedMediaError    415 unsupported_media_type
│   ├── FieldsInvalidError       422 validation_failed (carries errors[])
│   ├── FaceNotFoundError        422 face_not_found
│   ├── SeveralFacesError        422 several_faces
│   └── CursorInvalidError       422 cursor_invalid
├── AccessError                  401/403
│   ├── ApiKeyError              401 api_key_required
│   ├── ForeignHostError         403 foreign_host
│   └── ForeignOriginError       403 foreign_origin
├── NotFoundError                404
│   ├── PersonNotFoundError      404 person_not_found
│   ├── ImageNotFoundError       404 image_not_found
│   └── PackNotFoundError        404 pack_not_found
├── ConflictError                409
│   ├── PersonExistsError        409 person_exists
│   └── DuplicateImageError      409 duplicate_image
├── PackError                    a pack that cannot be used
│   ├── PackInvalidError         422 pack_invalid
│   ├── PackDamagedError         503 pack_damaged
│   ├── PackIncompleteError      503 pack_incomplete
│   ├── PackLicenceError         409 pack_licence_not_accepted
│   └── PackInUseError           409 pack_in_use
├── BusyError                    503 server_busy (carries Retry-After)
├── StorageError                 507 storage_unwritable
├── ProviderError                500 provider_unavailable
└── StartError                   not HTTP: the process ends with this text
    ├── SettingsError            settings_invalid
    ├── HomeUnwritableError      home_unwritable
    ├── PortInUseError           port_in_use
    ├── HomeInUseError           home_in_use
    └── UnsafeBindError          unsafe_bind
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One field of a request that is wrong: where, what, and a stable code."""

    field: str
    message: str
    code: str


class LianpuError(Exception):
    """Root of all errors raised on purpose; `detail` is written for the person who reads it."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(
        self,
        detail: str,
        *,
        errors: Sequence[FieldError] = (),
        retry_after_s: int | None = None,
        context: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)
        self.retry_after_s = retry_after_s
        self.context: Mapping[str, object] = context or {}


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


class CursorInvalidError(InvalidInputError):
    code, title = "cursor_invalid", "Paging cursor not valid"


class AccessError(LianpuError):
    code, status, title = "forbidden", 403, "Forbidden"


class ApiKeyError(AccessError):
    code, status, title = "api_key_required", 401, "API key required"


class ForeignHostError(AccessError):
    code, title = "foreign_host", "Request for a foreign host name"


class ForeignOriginError(AccessError):
    code, title = "foreign_origin", "Request from a foreign origin"


class NotFoundError(LianpuError):
    code, status, title = "not_found", 404, "Not found"


class PersonNotFoundError(NotFoundError):
    code, title = "person_not_found", "Person not found"


class ImageNotFoundError(NotFoundError):
    code, title = "image_not_found", "Image not found"


class PackNotFoundError(NotFoundError):
    code, title = "pack_not_found", "Pack not found"


class ConflictError(LianpuError):
    code, status, title = "conflict", 409, "Conflict"


class PersonExistsError(ConflictError):
    code, title = "person_exists", "Person exists already"


class DuplicateImageError(ConflictError):
    code, title = "duplicate_image", "Image enrolled already"


class PackError(LianpuError):
    code, title = "pack_error", "Pack not usable"


class PackInvalidError(PackError):
    code, status, title = "pack_invalid", 422, "Pack not valid"


class PackDamagedError(PackError):
    code, status, title = "pack_damaged", 503, "Pack is damaged"


class PackIncompleteError(PackError):
    code, status, title = "pack_incomplete", 503, "Pack lacks its weights"


class PackLicenceError(PackError):
    code, status, title = "pack_licence_not_accepted", 409, "Licence not accepted"


class PackInUseError(PackError):
    code, status, title = "pack_in_use", 409, "Pack in use"


class BusyError(LianpuError):
    code, status, title = "server_busy", 503, "Server busy"


class StorageError(LianpuError):
    code, status, title = "storage_unwritable", 507, "Storage not writable"


class ProviderError(LianpuError):
    code, title = "provider_unavailable", "Execution provider not available"


class StartError(LianpuError):
    code, title = "start_failed", "Start failed"


class SettingsError(StartError):
    code, title = "settings_invalid", "Settings not valid"


class HomeUnwritableError(StartError):
    code, title = "home_unwritable", "Home folder not writable"


class PortInUseError(StartError):
    code, title = "port_in_use", "Port in use"


class HomeInUseError(StartError):
    code, title = "home_in_use", "Home folder in use"


class UnsafeBindError(StartError):
    code, title = "unsafe_bind", "Bind address needs an API key"
