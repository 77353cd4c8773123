"""Settings of CompreFace's API over this gallery."""

from lianpu.settings.section import Section


class CompreFaceSettings(Section):
    enabled: bool
