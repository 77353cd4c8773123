"""What stands against what was asked."""

from lianpu.errors.base import LianpuError


class ConflictError(LianpuError):
    code, status, title = "conflict", 409, "Conflict"


class GalleryTooSmallError(ConflictError):
    code, title = "gallery_too_small", "Too few persons"


class FindingOutdatedError(ConflictError):
    code, title = "finding_outdated", "Finding no longer holds"


class PersonExistsError(ConflictError):
    code, title = "person_exists", "Person exists already"


class UserExistsError(ConflictError):
    code, title = "user_exists", "User exists already"


class LastAdminError(ConflictError):
    code, title = "last_admin", "Last administrator"


class StreamStateError(ConflictError):
    code, title = "stream_state", "Not possible in this state of the stream"


class TooManyStreamsError(ConflictError):
    code, title = "too_many_streams", "Too many streams"


class LeaseLostError(ConflictError):
    code, title = "lease_lost", "Another node goes on with it"


class RecordingStateError(ConflictError):
    code, title = "recording_state", "Not possible in this state of the recording"


class RecordingsFullError(ConflictError):
    code, title = "recordings_full", "No room for recordings"


class UnknownConflictError(ConflictError):
    code, title = "unknown_conflict", "Not possible for this unknown person"


class WebhookStateError(ConflictError):
    code, title = "webhook_state", "Not possible in this state of the webhook"


class TooManyWebhooksError(ConflictError):
    code, title = "too_many_webhooks", "Too many webhooks"


class PackExistsError(ConflictError):
    code, title = "pack_exists", "Another pack of this name and version"


class DuplicateImageError(ConflictError):
    code, title = "duplicate_image", "Image enrolled already"


class EnrolmentConflictError(ConflictError):
    code, title = "enrolment_conflict", "Face does not fit the person"


class ImportConflictError(ConflictError):
    code, title = "import_conflict", "Persons exist with other particulars"


class IdempotencyError(ConflictError):
    code, title = "idempotency_key_reused", "Idempotency key used for another request"


class JobStateError(ConflictError):
    code, title = "job_state", "Not possible in this state of the job"


class MeasurementRunningError(ConflictError):
    code, title = "measurement_running", "Being measured already"


class EnhancementStateError(ConflictError):
    code, title = "enhancement_state", "Not possible in this state of the enhancement"


class ImageQuotaError(ConflictError):
    code, title = "image_quota", "Too many images"


class SubjectExistsError(ConflictError):
    code, title = "subject_exists", "Subject exists already"


class SubjectAmbiguousError(ConflictError):
    code, title = "subject_ambiguous", "Several persons of this name"


class DatabaseNotEmptyError(ConflictError):
    code, title = "database_not_empty", "Database not empty"


class DatabaseRevisionError(ConflictError):
    code, title = "database_revision", "Schema of another revision"
