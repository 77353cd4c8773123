"""What there is not."""

from lianpu.errors.base import LianpuError


class NotFoundError(LianpuError):
    code, status, title = "not_found", 404, "Not found"


class MetricsOffError(NotFoundError):
    code, title = "metrics_off", "Metrics are off"


class PersonNotFoundError(NotFoundError):
    code, title = "person_not_found", "Person not found"


class ImageNotFoundError(NotFoundError):
    code, title = "image_not_found", "Image not found"


class PackNotFoundError(NotFoundError):
    code, title = "pack_not_found", "Pack not found"


class InferenceModelNotFoundError(NotFoundError):
    code, title = "inference_model_not_found", "Inference model not found"


class ResultNotFoundError(NotFoundError):
    code, title = "result_not_found", "Result not found"


class JobNotFoundError(NotFoundError):
    code, title = "job_not_found", "Job not found"


class RevisionNotFoundError(NotFoundError):
    code, title = "revision_not_found", "Revision not found"


class ArchiveGoneError(NotFoundError):
    code, status, title = "archive_gone", 410, "Archive is gone"


class UserNotFoundError(NotFoundError):
    code, title = "user_not_found", "User not found"


class SessionNotFoundError(NotFoundError):
    code, title = "session_not_found", "Session not found"


class ApiKeyNotFoundError(NotFoundError):
    code, title = "api_key_not_found", "API key not found"


class StreamNotFoundError(NotFoundError):
    code, title = "stream_not_found", "Stream not found"


class RecordingNotFoundError(NotFoundError):
    code, title = "recording_not_found", "Recording not found"


class UnknownNotFoundError(NotFoundError):
    code, title = "unknown_not_found", "Unknown person not found"


class WebhookNotFoundError(NotFoundError):
    code, title = "webhook_not_found", "Webhook not found"


class ReportNotFoundError(NotFoundError):
    code, title = "report_not_found", "No report yet"


class EnhancementNotFoundError(NotFoundError):
    code, title = "enhancement_not_found", "Enhancement not found"


class EnhancementGoneError(NotFoundError):
    code, status, title = "enhancement_gone", 410, "Result is gone"


class FindingNotFoundError(NotFoundError):
    code, title = "finding_not_found", "Finding not found"


class CompreFaceDisabledError(NotFoundError):
    code, title = "compreface_disabled", "CompreFace's API is off"


class SubjectNotFoundError(NotFoundError):
    code, title = "subject_not_found", "Subject not found"
