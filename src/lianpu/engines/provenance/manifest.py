"""Signed C2PA manifests: put into a file, and read back with what their signature still proves."""

import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import IO, Any, cast

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import lianpu
from lianpu.engines.provenance.origin import DigitalSource, Origin
from lianpu.engines.provenance.signing_key import SigningCredentials
from lianpu.errors import LabellingError

# A thumbnail would show the face that was there before.
_BUILDER = {"builder": {"thumbnail": {"enabled": False}}}
_OFFLINE = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
_ACTIONS = {DigitalSource.SWAP: "c2pa.edited", DigitalSource.ENHANCEMENT: "c2pa.enhanced"}
_MARK_ASSERTION = "org.lianpu.mark"


@dataclass(frozen=True, slots=True)
class ManifestReport:
    """What a file's newest manifest says."""

    is_valid: bool
    """The signature is whole, and the file is the one that was signed."""
    is_trusted: bool
    """Valid, and signed by this installation or one that it trusts."""
    issuer: str | None
    generator: str | None
    digital_source: str | None
    """URI of a digital source type."""
    mark: int | None
    problems: tuple[str, ...]
    """C2PA's codes, such as `assertion.dataHash.mismatch`."""


def is_available() -> bool:
    """Whether the library has a wheel for this machine."""
    return _library() is not None


class ManifestSigner:
    """For any number of threads. Blocks."""

    def __init__(self, credentials: SigningCredentials) -> None:
        self._credentials = credentials
        self._key = cast(ec.EllipticCurvePrivateKey, serialization.load_pem_private_key(credentials.key, None))

    def sign(self, source: IO[bytes], target: IO[bytes], media_type: str, origin: Origin) -> None:
        """Copy `source` to `target` with a manifest that says how it was made.

        Raises:
            LabellingError: the library is not there, or does not take the file.
        """
        library = _library()
        if library is None:
            raise LabellingError("There is no c2pa-python for this machine, so that outputs cannot be signed.")
        try:
            context = library.Context.from_dict(_BUILDER | _OFFLINE)
            builder = library.Builder(json.dumps(_manifest(origin)), context=context)
            signer = library.Signer.from_callback(
                self._signature, library.C2paSigningAlg.ES256, self._credentials.chain.decode(), None
            )
            with builder, signer:
                builder.set_intent(library.C2paBuilderIntent.EDIT)
                builder.sign(signer, media_type, source, target)
        except library.C2paError as error:
            raise LabellingError(f"The output could not be signed: {error}") from error

    def _signature(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(hashes.SHA256()))


def read_manifest(source: IO[bytes], media_type: str, anchors: bytes) -> ManifestReport | None:
    """None: there is none that can be read.

    Args:
        anchors: PEM certificates of those who are trusted.
    """
    library = _library()
    if library is None:
        return None
    settings = _OFFLINE | {"trust": {"user_anchors": anchors.decode()}}
    try:
        with library.Reader(media_type, source, context=library.Context.from_dict(settings)) as reader:
            document = json.loads(reader.json())
    except library.C2paError:
        return None
    active = document.get("manifests", {}).get(document.get("active_manifest"))
    if active is None:
        return None
    state = document.get("validation_state")
    return ManifestReport(
        is_valid=state in {"Valid", "Trusted"},
        is_trusted=state == "Trusted",
        issuer=active.get("signature_info", {}).get("issuer"),
        generator=next((info.get("name") for info in active.get("claim_generator_info") or ()), None),
        digital_source=_digital_source(active),
        mark=_mark(active),
        problems=_problems(document),
    )


def _library() -> ModuleType | None:
    try:
        import c2pa  # pyright: ignore[reportMissingTypeStubs]
    except ImportError:
        return None
    return cast(ModuleType, c2pa)


def _manifest(origin: Origin) -> dict[str, Any]:
    action = {
        "action": _ACTIONS[origin.source],
        "digitalSourceType": origin.source.uri,
        "softwareAgent": {"name": f"Lianpu {origin.engine}", "version": origin.engine_version},
    }
    return {
        "claim_generator_info": [{"name": "Lianpu", "version": lianpu.__version__}],
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": _MARK_ASSERTION, "data": {"mark": origin.mark_hex}},
        ],
    }


def _assertions(manifest: dict[str, Any], label: str) -> list[dict[str, Any]]:
    return [
        item.get("data") or {} for item in manifest.get("assertions") or () if item.get("label", "").startswith(label)
    ]


def _digital_source(manifest: dict[str, Any]) -> str | None:
    actions = [action for data in _assertions(manifest, "c2pa.actions") for action in data.get("actions") or ()]
    return next((action["digitalSourceType"] for action in actions if "digitalSourceType" in action), None)


def _mark(manifest: dict[str, Any]) -> int | None:
    for data in _assertions(manifest, _MARK_ASSERTION):
        text = data.get("mark")
        if isinstance(text, str) and len(text) == 16 and set(text) <= set("0123456789abcdef"):
            return int(text, 16)
    return None


def _problems(document: dict[str, Any]) -> tuple[str, ...]:
    results = document.get("validation_results", {}).get("activeManifest", {})
    return tuple(sorted({item.get("code", "") for item in results.get("failure") or ()}))


def sign_file(signer: ManifestSigner, source: Path, target: Path, media_type: str, origin: Origin) -> None:
    """
    Raises:
        LabellingError: as `ManifestSigner.sign`.
    """
    with source.open("rb") as reading, target.open("w+b") as writing:
        signer.sign(reading, writing, media_type, origin)
