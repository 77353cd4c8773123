"""R-OPS 3: each figure of the capacity on real networks and a real index; none asserts how fast anything is."""

import threading
from collections import Counter
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from lianpu.capacity.example import FILM_FPS, enlarged_jpeg, portrait_jpeg, write_film
from lianpu.capacity.faces import faces_rate
from lianpu.capacity.rate import rate_of, warm_up
from lianpu.capacity.searches import made_up_index, searches_rate
from lianpu.capacity.streams import StreamCost, stream_cost
from lianpu.engines.face.analyzer import FaceAnalyzer, load_analyzer
from lianpu.engines.image import decode_image, encode_png
from lianpu.packs.metric import Metric
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.onnx import OnnxSessionFactory
from lianpu.runtime.sessions import Sessions
from lianpu.streams.decoding import HardwareDecoding


@pytest.fixture
def analyzer(translated_packs: Path, tmp_path: Path) -> FaceAnalyzer:
    onnx = OnnxSessionFactory(["cpu"])
    return load_analyzer(PackRegistry(tmp_path, translated_packs, onnx).get("dlib"), Sessions(onnx))


def test_R_OPS_3_as_many_callers_as_are_asked_for_are_at_it_at_once() -> None:
    calls: Counter[int] = Counter()
    together = threading.Barrier(3, timeout=30)

    def call() -> None:
        calls[threading.get_ident()] += 1
        together.wait()

    warm_up(call, 3)
    assert sorted(calls.values()) == [1, 1, 1]
    rate = rate_of(call, 3, 0)
    assert rate.per_s == pytest.approx(3 / rate.measured_s)
    assert rate.times(4).per_s == pytest.approx(4 * rate.per_s)


def test_R_OPS_3_the_portrait_shows_one_face_and_can_be_enlarged(analyzer: FaceAnalyzer) -> None:
    assert len(analyzer.detect(decode_image(portrait_jpeg()).pixels)) == 1
    height, width = decode_image(enlarged_jpeg(portrait_jpeg(), 1.0)).pixels.shape[:2]
    assert height * width == pytest.approx(1e6, rel=0.01)
    assert width / height == pytest.approx(512 / 600, rel=0.01)


def test_R_OPS_3_the_film_has_no_cut_where_it_begins_again(tmp_path: Path) -> None:
    write_film(portrait_jpeg(), tmp_path / "film.mp4", 1)
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert film.streams.video[0].average_rate == FILM_FPS
        pictures = [frame.to_ndarray(format="rgb24").astype(np.int16) for frame in film.decode(video=0)]
    assert [picture.shape for picture in pictures] == [(720, 1280, 3)] * FILM_FPS
    steps = [
        float(np.abs(one - other).mean()) for one, other in zip(pictures, pictures[1:] + pictures[:1], strict=True)
    ]
    assert min(steps) > 0
    assert steps[-1] <= 1.5 * max(steps[:-1])


def test_R_OPS_3_faces_are_counted_and_a_photo_without_any_gives_no_figure(analyzer: FaceAnalyzer) -> None:
    rate = faces_rate(analyzer, portrait_jpeg(), 2, 0)
    assert rate is not None
    # Two callers, a photo each, a face each.
    assert rate.per_s * rate.measured_s == pytest.approx(2)
    both = np.hstack([decode_image(portrait_jpeg()).pixels] * 2)
    twice = faces_rate(analyzer, encode_png(both), 1, 0)
    assert twice is not None
    assert twice.per_s * twice.measured_s == pytest.approx(2)
    assert faces_rate(analyzer, encode_png(np.full((64, 64, 3), 128, np.uint8)), 1, 0) is None


@pytest.mark.parametrize("metric", Metric)
def test_R_OPS_3_the_made_up_gallery_is_a_real_index_of_two_rows_a_person(metric: Metric) -> None:
    index = made_up_index(8, metric, threads=1, rows=40_000)
    assert len(index) == 40_000
    assert len(set(index.owners().values())) == 20_000
    rate = searches_rate(index, 3, 0)
    assert rate.per_s * rate.measured_s == pytest.approx(3)


def test_R_OPS_3_streams_are_what_fits_into_the_cores_or_beside_a_busy_device() -> None:
    cost = StreamCost(cpu_s=0.5, wall_s=0.4, measured_s=3)
    assert cost.streams(4, is_cpu_alone=True) == pytest.approx(0.7 * 8)
    assert cost.streams(4, is_cpu_alone=False) == pytest.approx(0.7 * 2.5)


@pytest.mark.slow
def test_R_OPS_3_a_stream_is_read_decoded_and_looked_at(analyzer: FaceAnalyzer, tmp_path: Path) -> None:
    cv2.setNumThreads(1)
    film = tmp_path / "film.mp4"
    write_film(portrait_jpeg(), film, 1)
    cost = stream_cost(analyzer, film, 1, 2, 0, HardwareDecoding())
    # One second of film, looked through twice.
    assert cost.wall_s == pytest.approx(cost.measured_s / 2)
    assert cost.cpu_s > 0
