"""Face-swap engines that cannot be used, or did not swap."""

from lianpu.errors.base import LianpuError


class SwapEngineError(LianpuError):
    code, title = "swap_engine_failed", "Face-swap engine failed"


class SwapEngineNotFoundError(SwapEngineError):
    code, status, title = "swap_engine_not_found", 404, "Face-swap engine not found"


class IntegrationsInvalidError(SwapEngineError):
    code, status, title = "integrations_invalid", 503, "File of integrations not valid"


class SwapEngineNotReadyError(SwapEngineError):
    code, status, title = "swap_engine_not_ready", 503, "Face-swap engine not ready"


class SwapUnsupportedError(SwapEngineError):
    code, status, title = "swap_unsupported", 422, "Not possible with this engine"


class SwapTargetInvalidError(SwapEngineError):
    code, status, title = "swap_target_invalid", 422, "Video cannot be read"


class SwapFaceNotFoundError(SwapEngineError):
    code, status, title = "swap_face_not_found", 422, "No face to swap"


class SwapCrashedError(SwapEngineError):
    code, title = "swap_crashed", "Face-swap engine crashed"


class SwapTimedOutError(SwapEngineError):
    code, status, title = "swap_timed_out", 504, "Face swap took too long"


class SwapOutOfMemoryError(SwapEngineError):
    code, status, title = "swap_out_of_memory", 507, "Face swap needs more memory"


class SwapDiskFullError(SwapEngineError):
    code, status, title = "swap_disk_full", 507, "No room for the face swap"


class SwapNoOutputError(SwapEngineError):
    code, title = "swap_no_output", "Face-swap engine wrote nothing"


class SwapOutputInvalidError(SwapEngineError):
    code, title = "swap_output_invalid", "Output of the face swap not usable"


class SwapUnchangedError(SwapEngineError):
    code, title = "swap_unchanged", "Face was not swapped"


class CameraUnavailableError(LianpuError):
    code, status, title = "camera_unavailable", 503, "Virtual camera not available"
