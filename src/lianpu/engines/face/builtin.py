"""The built-in face engines, as the entry points of Lianpu's own package name them."""

from typing import Any

from lianpu.engines.face.attributes import GenderAge
from lianpu.engines.face.dlib_embedder import DlibEmbedder
from lianpu.engines.face.embedder import ArcFaceEmbedder
from lianpu.engines.face.engine import (
    AttributesEngine,
    DetectorEngine,
    EmbedderEngine,
    LandmarksEngine,
    LivenessEngine,
    LoadedDetector,
    LoadedEmbedder,
    check_options,
)
from lianpu.engines.face.face import FaceAttributePredictor, FaceLiveness, LandmarkPredictor, LandmarkScheme
from lianpu.engines.face.landmarks import Dlib5Landmarks
from lianpu.engines.face.liveness import MiniFasNet
from lianpu.engines.face.mmod import MmodDetector
from lianpu.engines.face.scrfd import ScrfdDetector
from lianpu.engines.face.yunet import YunetDetector
from lianpu.packs.manifest import AttributesRole, DetectorRole, EmbedderRole, LandmarksRole, LivenessRole, Pack
from lianpu.runtime.session import SessionFactory


def _scrfd(role: DetectorRole, pack: Pack, sessions: SessionFactory) -> LoadedDetector:
    check_options(dict(role.options), {})
    detector = ScrfdDetector(sessions.open(pack.path_of(role.file), may_round=True), **_square(role))
    return LoadedDetector(detector, LandmarkScheme.ARCFACE5 if detector.has_landmarks else None)


def _yunet(role: DetectorRole, pack: Pack, sessions: SessionFactory) -> LoadedDetector:
    check_options(dict(role.options), {})
    detector = YunetDetector(sessions.open(pack.path_of(role.file), may_round=True), **_square(role))
    return LoadedDetector(detector, LandmarkScheme.ARCFACE5)


def _mmod(role: DetectorRole, pack: Pack, sessions: SessionFactory) -> LoadedDetector:
    options: dict[str, Any] = dict(role.options)
    check_options(options, {"smallest_face_px": int, "max_pixels": int})
    detector = MmodDetector(
        sessions.open(pack.path_of(role.file), may_round=True),
        score_threshold=role.score_threshold,
        iou_threshold=role.iou_threshold,
        **options,
    )
    return LoadedDetector(detector, None)


def _dlib5(role: LandmarksRole, pack: Pack, _sessions: SessionFactory) -> LandmarkPredictor:
    check_options(dict(role.options), {})
    return Dlib5Landmarks(pack.path_of(role.file))


def _arcface(role: EmbedderRole, pack: Pack, sessions: SessionFactory) -> LoadedEmbedder:
    check_options(dict(role.options), {})
    path = pack.path_of(role.file)
    embedder = ArcFaceEmbedder(
        sessions.open(path, may_round=True), model_path=path, mean=role.mean, std=role.std, colour=role.colour
    )
    return LoadedEmbedder(embedder, LandmarkScheme.ARCFACE5)


def _dlib_resnet(role: EmbedderRole, pack: Pack, sessions: SessionFactory) -> LoadedEmbedder:
    check_options(dict(role.options), {})
    return LoadedEmbedder(DlibEmbedder(sessions.open(pack.path_of(role.file), may_round=True)), LandmarkScheme.DLIB5)


def _minifasnet(role: LivenessRole, pack: Pack, sessions: SessionFactory) -> FaceLiveness:
    check_options(dict(role.options), {})
    return MiniFasNet([(sessions.open(pack.path_of(network.file)), network.scale) for network in role.networks])


def _genderage(role: AttributesRole, pack: Pack, sessions: SessionFactory) -> FaceAttributePredictor:
    check_options(dict(role.options), {})
    path = pack.path_of(role.file)
    return GenderAge(sessions.open(path), model_path=path)


def _square(role: DetectorRole) -> dict[str, Any]:
    return {
        "input_size": role.input_size,
        "score_threshold": role.score_threshold,
        "iou_threshold": role.iou_threshold,
    }


SCRFD = DetectorEngine(_scrfd)
YUNET = DetectorEngine(_yunet)
MMOD = DetectorEngine(_mmod)
DLIB5 = LandmarksEngine(_dlib5)
ARCFACE = EmbedderEngine(_arcface)
DLIB_RESNET = EmbedderEngine(_dlib_resnet)
MINIFASNET = LivenessEngine(_minifasnet)
GENDERAGE = AttributesEngine(_genderage)
