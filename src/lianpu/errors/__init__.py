# More than 400 lines: the whole tree is drawn, imported and named in one place.
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
│   ├── QualityTooLowError       422 quality_too_low (carries errors[])
│   ├── LivenessFailedError      422 liveness_failed
│   ├── ArchiveDamagedError      422 archive_damaged
│   ├── ArchiveUnsafeError       422 archive_unsafe
│   ├── ArchiveTooLargeError     413 archive_too_large
│   ├── ArchiveFormatError       415 archive_format_unsupported
│   ├── NothingEnhancedError     422 nothing_enhanced
│   ├── ManifestInvalidError     422 manifest_invalid (carries errors[])
│   ├── NulCharacterError        422 nul_character
│   ├── ArchiveUntrustedError    422 archive_untrusted (carries the signer's fingerprint)
│   ├── ArchiveVersionError      422 archive_version_unsupported
│   ├── ArchivePassphraseError   422 archive_passphrase
│   ├── EnhancementTooLargeError 413 enhancement_too_large
│   ├── EvaluationInvalidError   422 evaluation_invalid
│   ├── SourceRefusedError       422 source_refused
│   ├── WebhookRefusedError      422 webhook_refused
│   ├── MediaFormatError         415 media_format_unsupported
│   ├── VideoDamagedError        422 video_damaged
│   ├── VideoTooLongError        413 video_too_long
│   ├── UnknownNotNamedError     422 unknown_not_named (carries errors[])
│   └── CursorInvalidError       422 cursor_invalid
├── AccessError                  401/403
│   ├── AuthenticationRequiredError    401 authentication_required
│   ├── LoginFailedError         401 login_failed
│   ├── TokenError               401 token_invalid
│   │   ├── TokenExpiredError          401 token_expired
│   │   └── TokenRevokedError          401 token_revoked
│   ├── ApiKeyError              401 api_key_invalid
│   ├── ScopeMissingError        403 scope_missing (carries required_scope)
│   ├── SignatureError           403 signature_invalid
│   ├── AccountRequiredError     403 account_required
│   ├── RegistrationClosedError  403 registration_closed
│   ├── SetupTokenError          403 setup_token_invalid
│   ├── ConsentError             403 consent_missing
│   │   ├── ConsentExpiredError        403 consent_expired
│   │   ├── ConsentRevokedError        403 consent_revoked
│   │   ├── ConsentScopeError          403 consent_scope
│   │   └── ConsentPurposeError        403 consent_purpose
│   ├── RetrievalTokenError      403 retrieval_token_invalid
│   ├── ForeignHostError         403 foreign_host
│   ├── ForeignOriginError       403 foreign_origin
│   └── ForeignNetworkError      403 foreign_network
├── NotFoundError                404
│   ├── MetricsOffError          404 metrics_off
│   ├── PersonNotFoundError      404 person_not_found
│   ├── ImageNotFoundError       404 image_not_found
│   ├── PackNotFoundError        404 pack_not_found
│   ├── InferenceModelNotFoundError    404 inference_model_not_found
│   ├── ResultNotFoundError      404 result_not_found
│   ├── UserNotFoundError        404 user_not_found
│   ├── SessionNotFoundError     404 session_not_found
│   ├── ApiKeyNotFoundError      404 api_key_not_found
│   ├── StreamNotFoundError      404 stream_not_found
│   ├── RecordingNotFoundError   404 recording_not_found
│   ├── WebhookNotFoundError     404 webhook_not_found
│   ├── UnknownNotFoundError     404 unknown_not_found
│   ├── ReportNotFoundError      404 report_not_found
│   ├── FindingNotFoundError     404 finding_not_found
│   ├── CompreFaceDisabledError    404 compreface_disabled
│   ├── SubjectNotFoundError       404 subject_not_found
│   ├── SwapDisabledError        404 swap_disabled
│   ├── ConsentNotFoundError     404 consent_not_found
│   ├── LiveSwapNotFoundError    404 live_swap_not_found
│   ├── SwapResultGoneError      410 swap_result_gone
│   ├── EnhancementEngineNotFoundError 404 enhancement_engine_not_found
│   ├── JobNotFoundError         404 job_not_found
│   ├── RevisionNotFoundError    404 revision_not_found
│   ├── ArchiveGoneError         410 archive_gone
│   ├── EnhancementNotFoundError       404 enhancement_not_found
│   └── EnhancementGoneError     410 enhancement_gone
├── ConflictError                409
│   ├── GalleryTooSmallError     409 gallery_too_small
│   ├── FindingOutdatedError     409 finding_outdated
│   ├── PersonExistsError        409 person_exists
│   ├── SubjectExistsError         409 subject_exists
│   ├── SubjectAmbiguousError      409 subject_ambiguous
│   ├── UserExistsError          409 user_exists
│   ├── LastAdminError           409 last_admin
│   ├── StreamStateError         409 stream_state
│   ├── TooManyStreamsError      409 too_many_streams
│   ├── LeaseLostError           409 lease_lost
│   ├── RecordingStateError      409 recording_state
│   ├── RecordingsFullError      409 recordings_full
│   ├── WebhookStateError        409 webhook_state
│   ├── TooManyWebhooksError     409 too_many_webhooks
│   ├── UnknownConflictError     409 unknown_conflict
│   ├── ConsentUsedError         409 consent_used
│   ├── TooManyLiveSwapsError    409 too_many_live_swaps
│   ├── PackExistsError          409 pack_exists
│   ├── ImageQuotaError          409 image_quota
│   ├── DuplicateImageError      409 duplicate_image
│   ├── EnrolmentConflictError   409 enrolment_conflict (carries errors[])
│   ├── ImportConflictError      409 import_conflict (carries errors[])
│   ├── IdempotencyError         409 idempotency_key_reused
│   ├── JobStateError            409 job_state
│   ├── MeasurementRunningError  409 measurement_running
│   ├── DatabaseNotEmptyError    409 database_not_empty
│   ├── DatabaseRevisionError    409 database_revision
│   └── EnhancementStateError    409 enhancement_state
├── PackError                    a pack that cannot be used
│   ├── PackInvalidError         422 pack_invalid
│   ├── PackDamagedError         503 pack_damaged
│   ├── PackIncompleteError      503 pack_incomplete
│   ├── PackLicenceError         409 pack_licence_not_accepted
│   ├── PackDownloadError        502 pack_download_failed (carries what each address did)
│   ├── PackDigestError          502 pack_digest_mismatch (likewise)
│   ├── PackNotCoveredError      409 pack_not_covered
│   ├── PackInUseError           409 pack_in_use
│   ├── WeightsUnusableError     422 weights_unusable
│   ├── ConverterMissingError    503 converter_missing
│   └── ConversionFailedError    500 conversion_failed
├── LabellingError               500 labelling_failed
│   └── SigningKeyError          500 provenance_key_unusable
├── SwapEngineError              500 swap_engine_failed: a face-swap engine that cannot be used or did not swap
│   ├── SwapEngineNotFoundError  404 swap_engine_not_found
│   ├── IntegrationsInvalidError 503 integrations_invalid (carries errors[])
│   ├── SwapEngineNotReadyError  503 swap_engine_not_ready
│   ├── SwapUnsupportedError     422 swap_unsupported
│   ├── SwapTargetInvalidError   422 swap_target_invalid
│   ├── SwapFaceNotFoundError    422 swap_face_not_found
│   ├── SwapCrashedError         500 swap_crashed
│   ├── SwapTimedOutError        504 swap_timed_out
│   ├── SwapOutOfMemoryError     507 swap_out_of_memory
│   ├── SwapDiskFullError        507 swap_disk_full
│   ├── SwapNoOutputError        500 swap_no_output
│   ├── SwapOutputInvalidError   500 swap_output_invalid
│   └── SwapUnchangedError       500 swap_unchanged
├── CameraUnavailableError       503 camera_unavailable
├── JobCrashedError              500 job_crashed
├── InferenceFailedError         500 inference_failed
├── InferenceModelUnavailableError     503 inference_model_unavailable
├── RateLimitedError             429 rate_limited (carries Retry-After)
│   ├── ConnectionLimitError     429 too_many_connections (likewise)
│   └── LockedOutError           429 locked_out (likewise)
├── SourceLostError              502 source_lost
├── SourceUnreadableError        500 source_unreadable
├── NodeUnreachableError         503 node_unreachable (carries Retry-After)
├── BusyError                    503 server_busy (carries Retry-After)
├── AuditUnavailableError        503 audit_unavailable (carries Retry-After)
├── DatabaseUnreachableError     503 database_unreachable (carries Retry-After)
├── DatabaseCopyError            500 database_copy_failed
├── StorageError                 507 storage_unwritable
│   └── StorageUnavailableError  503 storage_unavailable (carries Retry-After)
├── EnhancementLostError         500 enhancement_lost
├── EphemeralStoreError          503 ephemeral_store_unavailable
├── VectorIndexUnavailableError  503 vector_index_unavailable (carries Retry-After)
├── ExampleMissingError          500 example_missing
├── ProviderError                500 provider_unavailable
└── StartError                   not HTTP: the process ends with this text
    ├── SettingsError            settings_invalid
    ├── HomeUnwritableError      home_unwritable
    ├── PortInUseError           port_in_use
    ├── HomeInUseError           home_in_use
    ├── DatabaseAddressError     database_address_invalid
    ├── DatabaseDriverError      database_driver_missing
    ├── DatabaseLoginError       database_login_refused
    ├── DatabaseUnsuitableError  database_unsuitable
    └── HomeNotEmptyError        home_not_empty
"""

from lianpu.errors.access import (
    AccessError,
    AccountRequiredError,
    ApiKeyError,
    AuthenticationRequiredError,
    ConnectionLimitError,
    ForeignHostError,
    ForeignNetworkError,
    ForeignOriginError,
    LockedOutError,
    LoginFailedError,
    RateLimitedError,
    RegistrationClosedError,
    RetrievalTokenError,
    ScopeMissingError,
    SetupTokenError,
    SignatureError,
    TokenError,
    TokenExpiredError,
    TokenRevokedError,
)
from lianpu.errors.base import FieldError, LianpuError
from lianpu.errors.conflict import (
    ConflictError,
    DatabaseNotEmptyError,
    DatabaseRevisionError,
    DuplicateImageError,
    EnhancementStateError,
    EnrolmentConflictError,
    FindingOutdatedError,
    GalleryTooSmallError,
    IdempotencyError,
    ImageQuotaError,
    ImportConflictError,
    JobStateError,
    LastAdminError,
    LeaseLostError,
    MeasurementRunningError,
    PackExistsError,
    PersonExistsError,
    RecordingsFullError,
    RecordingStateError,
    StreamStateError,
    SubjectAmbiguousError,
    SubjectExistsError,
    TooManyStreamsError,
    TooManyWebhooksError,
    UnknownConflictError,
    UserExistsError,
    WebhookStateError,
)
from lianpu.errors.enhancement import EnhancementEngineNotFoundError, EnhancementTooLargeError
from lianpu.errors.inference import InferenceFailedError, InferenceModelUnavailableError
from lianpu.errors.invalid_input import (
    ArchiveDamagedError,
    ArchiveFormatError,
    ArchivePassphraseError,
    ArchiveTooLargeError,
    ArchiveUnsafeError,
    ArchiveUntrustedError,
    ArchiveVersionError,
    CursorInvalidError,
    EvaluationInvalidError,
    FaceNotFoundError,
    FieldsInvalidError,
    ImageDamagedError,
    ImageEmptyError,
    ImageError,
    ImageFormatError,
    ImageTooLargeError,
    InvalidInputError,
    LivenessFailedError,
    MalformedRequestError,
    ManifestInvalidError,
    NothingEnhancedError,
    NulCharacterError,
    QualityTooLowError,
    SeveralFacesError,
    SourceRefusedError,
    UnknownNotNamedError,
    UnsupportedMediaError,
    UploadTooLargeError,
    WebhookRefusedError,
)
from lianpu.errors.missing import (
    ApiKeyNotFoundError,
    ArchiveGoneError,
    CompreFaceDisabledError,
    EnhancementGoneError,
    EnhancementNotFoundError,
    FindingNotFoundError,
    ImageNotFoundError,
    InferenceModelNotFoundError,
    JobNotFoundError,
    MetricsOffError,
    NotFoundError,
    PackNotFoundError,
    PersonNotFoundError,
    RecordingNotFoundError,
    ReportNotFoundError,
    ResultNotFoundError,
    RevisionNotFoundError,
    SessionNotFoundError,
    StreamNotFoundError,
    SubjectNotFoundError,
    UnknownNotFoundError,
    UserNotFoundError,
    WebhookNotFoundError,
)
from lianpu.errors.pack import (
    ConversionFailedError,
    ConverterMissingError,
    PackDamagedError,
    PackDigestError,
    PackDownloadError,
    PackError,
    PackIncompleteError,
    PackInUseError,
    PackInvalidError,
    PackLicenceError,
    PackNotCoveredError,
    WeightsUnusableError,
)
from lianpu.errors.provenance import (
    ConsentError,
    ConsentExpiredError,
    ConsentNotFoundError,
    ConsentPurposeError,
    ConsentRevokedError,
    ConsentScopeError,
    ConsentUsedError,
    LabellingError,
    LiveSwapNotFoundError,
    MediaFormatError,
    SigningKeyError,
    SwapDisabledError,
    SwapResultGoneError,
    TooManyLiveSwapsError,
    VideoDamagedError,
    VideoTooLongError,
)
from lianpu.errors.service import (
    AuditUnavailableError,
    BusyError,
    DatabaseCopyError,
    DatabaseUnreachableError,
    EnhancementLostError,
    EphemeralStoreError,
    ExampleMissingError,
    JobCrashedError,
    NodeUnreachableError,
    ProviderError,
    SourceLostError,
    SourceUnreadableError,
    StorageError,
    StorageUnavailableError,
    VectorIndexUnavailableError,
)
from lianpu.errors.start import (
    DatabaseAddressError,
    DatabaseDriverError,
    DatabaseLoginError,
    DatabaseUnsuitableError,
    HomeInUseError,
    HomeNotEmptyError,
    HomeUnwritableError,
    PortInUseError,
    SettingsError,
    StartError,
)
from lianpu.errors.swap import (
    CameraUnavailableError,
    IntegrationsInvalidError,
    SwapCrashedError,
    SwapDiskFullError,
    SwapEngineError,
    SwapEngineNotFoundError,
    SwapEngineNotReadyError,
    SwapFaceNotFoundError,
    SwapNoOutputError,
    SwapOutOfMemoryError,
    SwapOutputInvalidError,
    SwapTargetInvalidError,
    SwapTimedOutError,
    SwapUnchangedError,
    SwapUnsupportedError,
)

__all__ = [
    "AccessError",
    "AccountRequiredError",
    "ApiKeyError",
    "ApiKeyNotFoundError",
    "ArchiveDamagedError",
    "ArchiveFormatError",
    "ArchiveGoneError",
    "ArchivePassphraseError",
    "ArchiveTooLargeError",
    "ArchiveUnsafeError",
    "ArchiveUntrustedError",
    "ArchiveVersionError",
    "AuditUnavailableError",
    "AuthenticationRequiredError",
    "BusyError",
    "CameraUnavailableError",
    "CompreFaceDisabledError",
    "ConflictError",
    "ConnectionLimitError",
    "ConsentError",
    "ConsentExpiredError",
    "ConsentNotFoundError",
    "ConsentPurposeError",
    "ConsentRevokedError",
    "ConsentScopeError",
    "ConsentUsedError",
    "ConversionFailedError",
    "ConverterMissingError",
    "CursorInvalidError",
    "DatabaseAddressError",
    "DatabaseCopyError",
    "DatabaseDriverError",
    "DatabaseLoginError",
    "DatabaseNotEmptyError",
    "DatabaseRevisionError",
    "DatabaseUnreachableError",
    "DatabaseUnsuitableError",
    "DuplicateImageError",
    "EnhancementEngineNotFoundError",
    "EnhancementGoneError",
    "EnhancementLostError",
    "EnhancementNotFoundError",
    "EnhancementStateError",
    "EnhancementTooLargeError",
    "EnrolmentConflictError",
    "EphemeralStoreError",
    "EvaluationInvalidError",
    "ExampleMissingError",
    "FaceNotFoundError",
    "FieldError",
    "FieldsInvalidError",
    "FindingNotFoundError",
    "FindingOutdatedError",
    "ForeignHostError",
    "ForeignNetworkError",
    "ForeignOriginError",
    "GalleryTooSmallError",
    "HomeInUseError",
    "HomeNotEmptyError",
    "HomeUnwritableError",
    "IdempotencyError",
    "ImageDamagedError",
    "ImageEmptyError",
    "ImageError",
    "ImageFormatError",
    "ImageNotFoundError",
    "ImageQuotaError",
    "ImageTooLargeError",
    "ImportConflictError",
    "InferenceFailedError",
    "InferenceModelNotFoundError",
    "InferenceModelUnavailableError",
    "IntegrationsInvalidError",
    "InvalidInputError",
    "JobCrashedError",
    "JobNotFoundError",
    "JobStateError",
    "LabellingError",
    "LastAdminError",
    "LeaseLostError",
    "LianpuError",
    "LiveSwapNotFoundError",
    "LivenessFailedError",
    "LockedOutError",
    "LoginFailedError",
    "MalformedRequestError",
    "ManifestInvalidError",
    "MeasurementRunningError",
    "MediaFormatError",
    "MetricsOffError",
    "NodeUnreachableError",
    "NotFoundError",
    "NothingEnhancedError",
    "NulCharacterError",
    "PackDamagedError",
    "PackDigestError",
    "PackDownloadError",
    "PackError",
    "PackExistsError",
    "PackInUseError",
    "PackIncompleteError",
    "PackInvalidError",
    "PackLicenceError",
    "PackNotCoveredError",
    "PackNotFoundError",
    "PersonExistsError",
    "PersonNotFoundError",
    "PortInUseError",
    "ProviderError",
    "QualityTooLowError",
    "RateLimitedError",
    "RecordingNotFoundError",
    "RecordingStateError",
    "RecordingsFullError",
    "RegistrationClosedError",
    "ReportNotFoundError",
    "ResultNotFoundError",
    "RetrievalTokenError",
    "RevisionNotFoundError",
    "ScopeMissingError",
    "SessionNotFoundError",
    "SettingsError",
    "SetupTokenError",
    "SeveralFacesError",
    "SignatureError",
    "SigningKeyError",
    "SourceLostError",
    "SourceRefusedError",
    "SourceUnreadableError",
    "StartError",
    "StorageError",
    "StorageUnavailableError",
    "StreamNotFoundError",
    "StreamStateError",
    "SubjectAmbiguousError",
    "SubjectExistsError",
    "SubjectNotFoundError",
    "SwapCrashedError",
    "SwapDisabledError",
    "SwapDiskFullError",
    "SwapEngineError",
    "SwapEngineNotFoundError",
    "SwapEngineNotReadyError",
    "SwapFaceNotFoundError",
    "SwapNoOutputError",
    "SwapOutOfMemoryError",
    "SwapOutputInvalidError",
    "SwapResultGoneError",
    "SwapTargetInvalidError",
    "SwapTimedOutError",
    "SwapUnchangedError",
    "SwapUnsupportedError",
    "TokenError",
    "TokenExpiredError",
    "TokenRevokedError",
    "TooManyLiveSwapsError",
    "TooManyStreamsError",
    "TooManyWebhooksError",
    "UnknownConflictError",
    "UnknownNotFoundError",
    "UnknownNotNamedError",
    "UnsupportedMediaError",
    "UploadTooLargeError",
    "UserExistsError",
    "UserNotFoundError",
    "VectorIndexUnavailableError",
    "VideoDamagedError",
    "VideoTooLongError",
    "WebhookNotFoundError",
    "WebhookRefusedError",
    "WebhookStateError",
    "WeightsUnusableError",
]
