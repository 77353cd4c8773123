"""InsightFace's inswapper contract on our runtime: a 128-pixel crop and an identity in, the crop with that face out."""

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from lianpu.engines.face.alignment import arcface_template, estimate_similarity
from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.face.face import DetectedFace, Image, Landmarks, LandmarkScheme
from lianpu.engines.swap.blending import box_mask, ellipse, match_colour, paste
from lianpu.errors import FaceNotFoundError, PackDamagedError, PackInvalidError, StorageError
from lianpu.packs.inswapper import LATENT, inswapper_inputs
from lianpu.runtime.session import Session

_EMAP = "emap.npy"
_PIN = "emap.json"
# The network draws the crop's rim as it was; the jaw ends about here.
_OVAL = ((0.5, 0.53), (0.44, 0.47))
_FEATHER = 0.10


@dataclass(frozen=True, slots=True)
class Identity:
    """Of a source face: [1, 512] float32 of length 1."""

    latent: NDArray[np.float32]


class InswapperPainter:
    """Paints by a network of the inswapper contract; implements `FacePainter`."""

    def __init__(self, session: Session, emap: NDArray[np.float32], analyzer: FaceAnalyzer) -> None:
        """
        Args:
            emap: [512, 512] of the same file (`read_emap`).
            analyzer: gives the source's embedding; it must be the recogniser that the network was trained with.

        Raises:
            PackInvalidError: the network or the recogniser is of another contract.
        """
        found = inswapper_inputs(session.inputs, session.outputs)
        if found is None:
            raise PackInvalidError(
                "The network is no inswapper: it takes [1, 3, 128, 128] and [1, 512], and gives [1, 3, 128, 128]."
            )
        if emap.shape != (LATENT, LATENT):
            raise PackInvalidError(f"The last initializer of the network is {emap.shape}, not (512, 512).")
        check_recogniser(analyzer)
        self._session = session
        self._inputs = found
        self._emap = emap
        self._analyzer = analyzer

    @property
    def provider(self) -> str | None:
        return self._session.provider

    @property
    def max_yaw_degrees(self) -> None:
        return None

    def prepare(self, picture: Image, face: DetectedFace) -> object:
        embedding = self._analyzer.embed(picture, [face])[0].astype(np.float64)
        return Identity(latent_of(embedding, self._emap))

    def paint(self, source: object, frame: Image, face: DetectedFace) -> Image:
        if not isinstance(source, Identity):
            raise TypeError("the source was prepared by another engine")
        landmarks = face.landmarks
        if landmarks is None or landmarks.scheme is not LandmarkScheme.ARCFACE5:
            raise FaceNotFoundError("The face of the target has no landmarks of the ArcFace scheme.")
        return self._paint(source, frame, landmarks)

    def _paint(self, source: Identity, frame: Image, landmarks: Landmarks) -> Image:
        side = self._inputs.side_px
        to_crop = estimate_similarity(landmarks.points, arcface_template(side))
        crop = cast(Image, cv2.warpAffine(frame, to_crop, (side, side), borderMode=cv2.BORDER_REPLICATE))
        planes = (crop.astype(np.float32) / 255).transpose(2, 0, 1)[None]
        made = self._session.run({self._inputs.picture: planes, self._inputs.latent: source.latent})[0]
        if made.shape != planes.shape or not np.isfinite(made).all():
            raise PackDamagedError(f"The network answered with shape {list(made.shape)}, or with no numbers.")
        painted = np.clip(np.rint(made[0].transpose(1, 2, 0) * 255), 0, 255).astype(np.uint8)
        centre = (_OVAL[0][0] * side, _OVAL[0][1] * side)
        radii = (_OVAL[1][0] * side, _OVAL[1][1] * side)
        mask = ellipse(side, centre, radii, feather_px=_FEATHER * side, power=2.4) * box_mask(side, 0.15)
        return paste(frame, match_colour(painted, crop, mask), mask, to_crop)


def check_recogniser(analyzer: FaceAnalyzer) -> None:
    """
    Raises:
        PackInvalidError: its embeddings cannot be what such a network takes.
    """
    if analyzer.scheme is not LandmarkScheme.ARCFACE5 or analyzer.dimension != LATENT:
        raise PackInvalidError(
            f"Pack '{analyzer.pack_name}' gives {analyzer.dimension} numbers a face by '{analyzer.scheme}' landmarks; "
            f"inswapper takes the {LATENT} of ArcFace w600k_r50 (pack buffalo_l)."
        )


def latent_of(embedding: NDArray[np.float64], emap: NDArray[np.float32]) -> NDArray[np.float32]:
    """normalise(normalise(embedding) · emap): [1, 512] float32.

    Raises:
        FaceNotFoundError: the embedding is zero.
    """
    length = float(np.linalg.norm(embedding))
    if not length > 0:
        raise FaceNotFoundError("The source's face has an embedding of length 0.")
    latent = (embedding / length)[None] @ emap.astype(np.float64)
    return (latent / np.linalg.norm(latent)).astype(np.float32)


def read_emap(model: Path, model_sha256: str, cache: Path) -> NDArray[np.float32]:
    """The matrix that turns embeddings into identities: the last initializer of the graph, [512, 512] float32.

    Taken out of the file once and kept beside its digest, because tools that optimise a graph move its initializers;
    what is kept is bound to the digest of the file it came from, and is taken anew where it does not match its own.

    Raises:
        PackDamagedError: the file is no ONNX graph, or its last initializer is not [512, 512].
        StorageError: the cache cannot be written.
    """
    folder = cache / model_sha256
    kept = _kept_emap(folder)
    if kept is not None:
        return kept
    emap = _last_initializer(model)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".npy", delete=False) as stream:
            np.save(stream, emap)
        Path(stream.name).replace(folder / _EMAP)
        (folder / _PIN).write_text(json.dumps({"network_sha256": model_sha256, "emap_sha256": _digest(emap)}), "utf-8")
    except OSError as error:
        raise StorageError(f"{folder} cannot be written: {error.strerror or error}") from error
    return emap


def _kept_emap(folder: Path) -> NDArray[np.float32] | None:
    try:
        pin = json.loads((folder / _PIN).read_text("utf-8"))
        emap = np.load(folder / _EMAP, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    is_it = isinstance(pin, dict) and cast(dict[str, Any], pin).get("network_sha256") == folder.name
    return emap if is_it and cast(dict[str, Any], pin).get("emap_sha256") == _digest(emap) else None


def _digest(emap: NDArray[np.float32]) -> str:
    return hashlib.sha256(np.ascontiguousarray(emap, np.float32).tobytes()).hexdigest()


def _last_initializer(model: Path) -> NDArray[np.float32]:
    import onnx
    from google.protobuf.message import DecodeError

    try:
        # External weights, if any, stay where they are: the matrix lies in the file itself.
        graph: Any = onnx.ModelProto.FromString(model.read_bytes()).graph
        emap = cast(Any, onnx.numpy_helper).to_array(graph.initializer[-1])
    except (DecodeError, OSError, ValueError, IndexError) as error:
        raise PackDamagedError(f"{model.name} is no ONNX graph with initializers") from error
    if emap.shape != (LATENT, LATENT):
        raise PackDamagedError(f"The last initializer of {model.name} is {list(emap.shape)}, not [512, 512]")
    return np.asarray(emap, np.float32)
