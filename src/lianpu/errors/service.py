"""The server's own troubles."""

from lianpu.errors.base import LianpuError


class JobCrashedError(LianpuError):
    code, title = "job_crashed", "Job crashed"


class SourceLostError(LianpuError):
    code, status, title = "source_lost", 502, "Source cannot be read"


class SourceUnreadableError(LianpuError):
    code, title = "source_unreadable", "Source cannot be decrypted"


class NodeUnreachableError(LianpuError):
    code, status, title = "node_unreachable", 503, "Node does not answer"


class BusyError(LianpuError):
    code, status, title = "server_busy", 503, "Server busy"


class AuditUnavailableError(LianpuError):
    code, status, title = "audit_unavailable", 503, "Audit log not writable"


class DatabaseUnreachableError(LianpuError):
    code, status, title = "database_unreachable", 503, "Database does not answer"


class DatabaseCopyError(LianpuError):
    code, title = "database_copy_failed", "Database not copied"


class StorageError(LianpuError):
    code, status, title = "storage_unwritable", 507, "Storage not writable"


class StorageUnavailableError(StorageError, OSError):
    """Storage that lies elsewhere. An `OSError` too: to whoever expects a disk to fail it is one that does."""

    code, status, title = "storage_unavailable", 503, "Storage does not answer"


class EnhancementLostError(LianpuError):
    code, title = "enhancement_lost", "Enhancement was lost"


class EphemeralStoreError(LianpuError):
    code, status, title = "ephemeral_store_unavailable", 503, "Ephemeral store not usable"


class VectorIndexUnavailableError(LianpuError):
    code, status, title = "vector_index_unavailable", 503, "Vector index does not answer"


class ExampleMissingError(LianpuError):
    code, title = "example_missing", "Example photo is missing"


class ProviderError(LianpuError):
    code, title = "provider_unavailable", "Execution provider not available"
