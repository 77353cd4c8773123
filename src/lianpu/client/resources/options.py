"""What options of calls may be."""

from typing import Literal

CheckMode = Literal["off", "warn", "reject"]
"""What a finding about a photo does to its enrolment."""
LivenessMode = Literal["off", "observe", "enforce"]
"""Whether faces are judged live; counts where it is stricter than the server's own."""
FaceSelection = Literal["only", "largest"]
"""`only` refuses a photo with several faces."""
OutputFormat = Literal["same", "jpeg", "png", "webp"]
SwapKind = Literal["image", "video", "live"]
