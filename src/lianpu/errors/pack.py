"""Packs that cannot be used."""

from lianpu.errors.base import LianpuError


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


class PackDownloadError(PackError):
    code, status, title = "pack_download_failed", 502, "Download failed"


class PackDigestError(PackError):
    code, status, title = "pack_digest_mismatch", 502, "Downloaded file is another one"


class PackNotCoveredError(PackError):
    code, status, title = "pack_not_covered", 409, "Pack does not cover the gallery"


class PackInUseError(PackError):
    code, status, title = "pack_in_use", 409, "Pack in use"


class WeightsUnusableError(PackError):
    code, status, title = "weights_unusable", 422, "Weights that no pack is made of"


class ConverterMissingError(PackError):
    code, status, title = "converter_missing", 503, "Converter not installed"


class ConversionFailedError(PackError):
    code, status, title = "conversion_failed", 500, "Conversion failed"
