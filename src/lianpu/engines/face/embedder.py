"""Face embedder of the ArcFace family: aligned crops to vectors."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lianpu.engines.face.alignment import align
from lianpu.engines.face.face import Embeddings, Image, Landmarks
from lianpu.engines.face.letterbox import Colour, to_planes
from lianpu.errors import PackDamagedError, PackInvalidError
from lianpu.observability.stages import Stage, stage
from lianpu.runtime.session import Session

# Enough to fill every core; more would only take memory.
_LARGEST_BATCH = 32
_NODES_SEARCHED = 8


class ArcFaceEmbedder:
    """ArcFace (Deng et al. 2018, https://arxiv.org/abs/1801.07698) and all recognisers of its contract.

    Five-point alignment, then a network from [n, 3, s, s] to [n, dimension]; size, dimension and batch are the graph's.
    Implements `FaceEmbedder`, and gives the numbers of InsightFace's ArcFaceONNX.
    """

    def __init__(
        self,
        session: Session,
        *,
        model_path: Path | None = None,
        mean: float | None = None,
        std: float | None = None,
        colour: Colour = "rgb",
    ) -> None:
        """Wrap a loaded network.

        Args:
            model_path: the network's file; needed where mean or std is None, to read them from its graph.
            mean, std: (x - mean) / std on 0…255 pixels.
            colour: channel order that the network was trained with.

        Raises:
            PackInvalidError: the network's input is not [n, 3, s, s].
            PackDamagedError: the graph cannot be read.
        """
        spec = session.inputs[0]
        if len(spec.shape) != 4 or spec.shape[1] not in {3, None} or spec.shape[2] != spec.shape[3]:
            raise PackInvalidError(f"An embedder's input is [n, 3, s, s]; this network's {spec.name} is {spec.shape}")
        if mean is None or std is None:
            if model_path is None:
                raise ValueError("without mean and std an embedder needs the network's file, to read them from")
            mean, std = read_normalisation(model_path)
        self._session = session
        self._input_name = spec.name
        self._batch = spec.shape[0]
        self._size_px = spec.shape[2] or 112
        self._mean, self._std = mean, std
        self._colour: Colour = colour
        width = session.outputs[0].shape[-1] if session.outputs[0].shape else None
        self._dimension = width or self._run([np.zeros((self._size_px, self._size_px, 3), np.uint8)]).shape[1]

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return self._dimension

    @property
    def input_size(self) -> int:
        """Side of the aligned crop in pixels."""
        return self._size_px

    @property
    def normalisation(self) -> tuple[float, float]:
        """(mean, std) in use."""
        return self._mean, self._std

    def embed(self, image: Image, faces: Sequence[Landmarks]) -> Embeddings:
        """Align each face by its landmarks and embed all of them: [len(faces), dimension] float32, not normalised.

        Raises:
            PackInvalidError: landmarks are not ArcFace's five points.
            FaceNotFoundError: a face's points coincide.
        """
        with stage(Stage.ALIGN):
            crops = [align(image, face, self._size_px) for face in faces]
        return self.embed_aligned(crops)

    def embed_aligned(self, crops: Sequence[Image]) -> Embeddings:
        """Embed crops that are aligned already, each [input_size, input_size, 3] RGB."""
        step = self._batch or _LARGEST_BATCH
        parts = [self._run(crops[start : start + step]) for start in range(0, len(crops), step)]
        return np.concatenate([np.empty((0, self._dimension), np.float32), *parts])

    def _run(self, crops: Sequence[Image]) -> Embeddings:
        planes = to_planes(crops, self._mean, self._std, self._colour)
        missing = (self._batch or len(crops)) - len(crops)
        if missing:
            planes = np.concatenate([planes, np.zeros((missing, *planes.shape[1:]), np.float32)])
        return self._session.run({self._input_name: planes})[0].reshape(len(planes), -1)[: len(crops)]


def read_normalisation(model_path: Path) -> tuple[float, float]:
    """(mean, std) of an ArcFace network, found as InsightFace finds it.

    Networks from MXNet subtract and multiply in their first nodes (named Sub… or _minus…, Mul… or _mul…) and take raw
    pixels; all others take (x - 127.5) / 127.5.

    Raises:
        PackDamagedError: the file is no ONNX graph.
    """
    return (0.0, 1.0) if takes_raw_pixels(first_node_names(model_path)) else (127.5, 127.5)


def takes_raw_pixels(node_names: Sequence[str]) -> bool:
    """Whether a graph begins as those from MXNet do, which normalise by themselves."""
    subtracts = any(name.startswith(("Sub", "_minus")) for name in node_names)
    multiplies = any(name.startswith(("Mul", "_mul")) for name in node_names)
    return subtracts and multiplies


def first_node_names(model_path: Path) -> list[str]:
    """Names of the first nodes of a graph, in its order.

    Raises:
        PackDamagedError: the file is no ONNX graph.
    """
    import onnx
    from google.protobuf.message import DecodeError

    try:
        graph = onnx.ModelProto.FromString(model_path.read_bytes()).graph
    except (DecodeError, OSError, ValueError) as error:
        raise PackDamagedError(f"{model_path.name} is no ONNX graph", context={"path": str(model_path)}) from error
    return [node.name for node in graph.node[:_NODES_SEARCHED]]
