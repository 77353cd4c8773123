"""The whole way of a photo: faces, background, identity, metadata, limits. Restorers are stand-ins, faces are real."""

import gc
import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.engines.image import ImageLimits, decode_image, encode_jpeg, encode_png
from lianpu.engines.restore import enhancer as enhancer_module
from lianpu.engines.restore.enhancement import (
    EnhancedPhoto,
    EnhancementCancelled,
    EnhancementOptions,
    IdentityStatus,
    OutputFormat,
    Stage,
)
from lianpu.engines.restore.enhancer import EnhancementLimits, PackPhotoEnhancer
from lianpu.errors import (
    EnhancementEngineNotFoundError,
    EnhancementTooLargeError,
    FieldsInvalidError,
    ImageDamagedError,
    ImageTooLargeError,
)
from lianpu.packs.registry import PackRegistry
from lianpu.runtime.sessions import Sessions
from tests.engines.restore import stand_ins
from tests.engines.restore.conftest import AddPack, Image, needs_embedded_upscalers

pytestmark = pytest.mark.slow

PLAIN = {"restorer": "none", "upscaler": "lanczos"}


def enhance(enhancer: PackPhotoEnhancer, data: bytes, **options: Any) -> EnhancedPhoto:
    return enhancer.enhance(data, EnhancementOptions(**options), lambda *_: None, lambda: False)


def opened(photo: EnhancedPhoto) -> PillowImage.Image:
    return PillowImage.open(io.BytesIO(photo.data))


def pixels_of(photo: EnhancedPhoto) -> Image:
    return np.asarray(opened(photo).convert("RGB"))


@pytest.fixture(scope="module")
def blurred(astronaut: Image) -> Image:
    """The astronaut at 256 pixels, out of focus: a real face that is worth restoring."""
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.GaussianBlur(small, (0, 0), 1.0))


@pytest.mark.parametrize(("level", "scale"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_R_ENH_1_levels_are_once_to_eight_times(
    level: int, scale: int, enhancer: PackPhotoEnhancer, blurred: Image
) -> None:
    small = np.ascontiguousarray(blurred[:100, 60:180])
    photo = enhance(enhancer, encode_png(small), level=level, **PLAIN)
    assert opened(photo).size == (120 * scale, 100 * scale)
    report = photo.report
    assert (report.width_after, report.height_after, report.scale) == (120 * scale, 100 * scale, scale)
    assert (photo.media_type, photo.suffix) == ("image/png", ".png")
    back = cv2.resize(pixels_of(photo), (120, 100), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - small.astype(int)).mean() < 1


def test_R_ENH_3_with_the_embedded_packs_alone_a_face_is_restored_and_its_engines_are_named(
    enhancer: PackPhotoEnhancer, blurred: Image
) -> None:
    needs_embedded_upscalers()
    stages: list[tuple[Stage, float]] = []
    options = EnhancementOptions(level=2, upscaler="realesrgan-compact")
    photo = enhancer.enhance(encode_png(blurred), options, lambda *told: stages.append(told), lambda: False)
    report = photo.report
    assert (report.engines.restorer, report.engines.upscaler, report.engines.recogniser) == (
        "realesrgan-x4plus@1",
        "realesrgan-compact@1",
        "dlib@1",
    )
    (face,) = report.faces
    assert face.is_restored
    assert face.reason is None
    assert face.identity.status is IdentityStatus.KEPT
    assert face.identity.similarity is not None
    assert face.identity.threshold is not None
    assert face.identity.similarity >= face.identity.threshold
    assert face.sharpness_after > face.sharpness_before
    assert report.sharpness_after > report.sharpness_before
    assert report.enhancement_ratio == pytest.approx(report.sharpness_after / report.sharpness_before)
    assert [stage for stage, _ in stages] == sorted((stage for stage, _ in stages), key=list(Stage).index)
    assert {stage for stage, _ in stages} == {*Stage}
    shares = [done for _, done in stages]
    assert shares == sorted(shares)
    assert shares[-1] == 1
    # The colours of the whole and of the face are the photo's own.
    after = cv2.resize(pixels_of(photo), (256, 256), interpolation=cv2.INTER_AREA).astype(float)
    assert np.abs(after.mean(axis=(0, 1)) - blurred.mean(axis=(0, 1))).max() < 3
    x1, y1, x2, y2 = (round(side) for side in (face.box.x1, face.box.y1, face.box.x2, face.box.y2))
    shift = after[y1:y2, x1:x2].mean(axis=(0, 1)) - blurred[y1:y2, x1:x2].mean(axis=(0, 1))
    assert np.abs(shift).max() < 6


def test_R_ENH_3_pulled_restorers_go_before_the_embedded_one(
    enhancer: PackPhotoEnhancer, add_pack: AddPack, blurred: Image, tmp_path: Path
) -> None:
    add_pack(stand_ins.restorer(tmp_path / "g.onnx", names=("a", "b")), name="gpen-256")
    add_pack(stand_ins.restorer(tmp_path / "f.onnx"), name="gfpgan")
    names = [engine.name for engine in enhancer.engines() if engine.kind == "restorer"]
    assert names[:2] == ["gfpgan", "gpen-256"]
    assert [engine.name for engine in enhancer.engines()][-1] == "lanczos"
    photo = enhance(enhancer, encode_png(blurred), level=1)
    assert photo.report.engines.restorer == "gfpgan@1"
    assert photo.report.engines.upscaler is None
    (face,) = photo.report.faces
    assert face.is_restored
    # At the first level everything but the face stays as it was, to the bit.
    changed = np.abs(pixels_of(photo).astype(int) - blurred.astype(int)).max(axis=2) > 0
    y, x = np.nonzero(changed)
    assert 0 < len(y) < 0.2 * changed.size
    assert face.box.x1 - 30 < x.min()
    assert x.max() < face.box.x2 + 30


def test_R_ENH_4_the_fidelity_of_codeformer_reaches_it(
    enhancer: PackPhotoEnhancer, add_pack: AddPack, blurred: Image, tmp_path: Path
) -> None:
    add_pack(stand_ins.codeformer(tmp_path / "c.onnx"), name="codeformer")
    engine = next(engine for engine in enhancer.engines() if engine.name == "codeformer")
    assert (engine.kind, engine.has_fidelity, engine.licence) == ("restorer", True, "MIT")
    loose = {"restorer": "codeformer", "level": 1, "preserve_identity": False}
    kept = enhance(enhancer, encode_png(blurred), fidelity=1.0, **loose).report.faces[0]
    lost = enhance(enhancer, encode_png(blurred), fidelity=0.0, **loose).report.faces[0]
    assert kept.identity.similarity is not None
    assert lost.identity.similarity is not None
    assert kept.identity.similarity > lost.identity.similarity
    assert lost.identity.status is IdentityStatus.LOST
    assert lost.identity.restored_share == 1


@pytest.mark.parametrize("level", [1, 2])
def test_R_ENH_4_a_face_that_becomes_another_is_blended_back_until_it_is_the_same(
    level: int, enhancer: PackPhotoEnhancer, add_pack: AddPack, portraits: list[bytes], tmp_path: Path
) -> None:
    add_pack(stand_ins.codeformer(tmp_path / "c.onnx"), name="codeformer")
    add_pack(stand_ins.stranger(tmp_path / "s.onnx"), name="stranger")
    checked = shares = 0
    for portrait in portraits[:3]:
        soft = encode_jpeg(np.asarray(cv2.GaussianBlur(decode_image(portrait).pixels, (0, 0), 2.0)), quality=90)
        for restorer in ("codeformer", "stranger"):
            photo = enhance(
                enhancer, soft, level=level, restorer=restorer, fidelity=0.3, upscaler="lanczos", time_budget_s=1
            )
            for face in photo.report.faces:
                identity = face.identity
                if identity.status is IdentityStatus.NOT_MEASURABLE:
                    assert (face.is_restored, identity.restored_share) == (False, 0)
                    continue
                checked += 1
                shares += 0 < identity.restored_share < 1
                assert identity.status is IdentityStatus.KEPT
                assert identity.similarity is not None
                assert identity.threshold is not None
                assert identity.similarity >= identity.threshold
                assert face.is_restored == (identity.restored_share > 0)
                assert (face.reason is None) == face.is_restored
    assert checked >= 4
    # Somewhere in between, not only all or nothing.
    assert shares >= 1


def test_R_ENH_4_without_it_the_loss_is_reported(
    enhancer: PackPhotoEnhancer, add_pack: AddPack, blurred: Image, tmp_path: Path
) -> None:
    add_pack(stand_ins.stranger(tmp_path / "s.onnx"), name="stranger")
    (face,) = enhance(enhancer, encode_png(blurred), level=1, preserve_identity=False).report.faces
    assert (face.is_restored, face.identity.status, face.identity.restored_share) == (True, IdentityStatus.LOST, 1)
    strict = enhance(enhancer, encode_png(blurred), level=1, identity_threshold=0.9999)
    assert strict.report.faces[0].identity.threshold == 0.9999
    assert not strict.report.faces[0].is_restored
    np.testing.assert_array_equal(pixels_of(strict), blurred)


def test_R_ENH_4_a_face_too_poor_to_be_told_is_left_alone(
    enhancer: PackPhotoEnhancer, add_pack: AddPack, astronaut: Image, tmp_path: Path
) -> None:
    add_pack(stand_ins.restorer(tmp_path / "f.onnx"), name="gfpgan")
    tiny = np.asarray(cv2.resize(astronaut, (85, 85), interpolation=cv2.INTER_AREA))
    photo = enhance(enhancer, encode_png(tiny), level=1)
    assert photo.report.faces
    for face in photo.report.faces:
        assert face.identity.status is IdentityStatus.NOT_MEASURABLE
        assert face.identity.similarity is None
        assert not face.is_restored
        assert "too poor" in (face.reason or "")


def test_R_ENH_3_a_sharp_face_is_not_restored(
    enhancer: PackPhotoEnhancer, add_pack: AddPack, astronaut: Image, tmp_path: Path
) -> None:
    add_pack(stand_ins.restorer(tmp_path / "f.onnx"), name="gfpgan")
    photo = enhance(enhancer, encode_png(astronaut), level=1)
    assert photo.report.faces[0].reason == "The face is sharp already."
    assert "nothing was changed" in " ".join(photo.report.notes)
    np.testing.assert_array_equal(pixels_of(photo), astronaut)


def test_R_ENH_3_a_photo_without_a_face_is_enhanced_as_a_whole(enhancer: PackPhotoEnhancer, astronaut: Image) -> None:
    needs_embedded_upscalers()
    flag = np.ascontiguousarray(astronaut[:160, :120])
    soft = np.asarray(cv2.GaussianBlur(flag, (0, 0), 1.2))
    for level in (1, 2):
        report = enhance(enhancer, encode_png(soft), level=level, upscaler="realesrgan-compact").report
        assert report.faces == []
        assert report.engines.upscaler == "realesrgan-compact@1"
        assert report.engines.restorer is None
        assert report.engines.recogniser is None
        assert "No face was found" in report.notes[0]
        assert report.sharpness_after > report.sharpness_before


def test_R_ENH_9_orientation_profile_and_camera_are_kept_and_the_place_is_not(
    enhancer: PackPhotoEnhancer, blurred: Image
) -> None:
    exif = PillowImage.Exif()
    exif[0x0112], exif[0x010F] = 6, "A camera"
    exif[0x8769] = {0x9003: "2020:01:02 03:04:05", 0x927C: b"secret maker note"}
    exif[0x8825] = {1: "N", 2: (48.0, 51.0, 30.0)}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    stored = np.ascontiguousarray(np.rot90(blurred))
    buffer = io.BytesIO()
    PillowImage.fromarray(stored).save(buffer, "JPEG", quality=95, exif=exif, icc_profile=profile)
    photo = enhance(enhancer, buffer.getvalue(), level=2, **PLAIN)
    result = opened(photo)
    assert result.size == (512, 512)
    back = cv2.resize(pixels_of(photo), (256, 256), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - blurred.astype(int)).mean() < 3
    found = result.getexif()
    assert found.get(0x0112, 1) == 1
    assert found[0x010F] == "A camera"
    details = found.get_ifd(0x8769)
    assert details[0x9003] == "2020:01:02 03:04:05"
    assert (details[0xA002], details[0xA003]) == (512, 512)
    assert not found.get_ifd(0x8825)
    assert b"secret maker note" not in photo.data
    assert result.info["icc_profile"] == profile
    kept = opened(enhance(enhancer, buffer.getvalue(), level=1, keep_gps=True, **PLAIN))
    assert kept.getexif().get_ifd(0x8825)[1] == "N"


def test_R_ENH_9_transparency_is_enlarged_and_its_colours_have_no_white_edge(enhancer: PackPhotoEnhancer) -> None:
    alpha = np.zeros((80, 80), np.uint8)
    cv2.circle(alpha, (40, 40), 25, 255, -1, cv2.LINE_AA)
    red = np.dstack([np.full((80, 80), value, np.uint8) for value in (200, 30, 30)])
    buffer = io.BytesIO()
    PillowImage.fromarray(np.dstack([red, alpha])).save(buffer, "PNG")
    photo = enhance(enhancer, buffer.getvalue(), level=2, **PLAIN)
    result = np.asarray(opened(photo))
    assert result.shape == (160, 160, 4)
    expected = cv2.resize(alpha, (160, 160), interpolation=cv2.INTER_CUBIC).astype(int)
    assert np.abs(result[..., 3].astype(int) - expected).max() <= 1
    seen = result[result[..., 3] > 64]
    assert np.abs(seen[:, :3].astype(int) - (200, 30, 30)).mean() < 8
    flat = enhance(enhancer, buffer.getvalue(), level=1, output_format=OutputFormat.JPEG, **PLAIN)
    assert "laid on white" in " ".join(flat.report.notes)


@pytest.mark.parametrize(
    ("name", "suffix", "mode", "note"),
    [
        ("anim.gif", ".png", "RGB", "first picture"),
        ("anim.webp", ".webp", "RGB", "first picture"),
        ("avif.avif", ".jpg", "RGB", "AVIF is not written"),
        ("bmp24.bmp", ".png", "RGB", "BMP is not written"),
        ("cmyk.jpg", ".jpg", "RGB", None),
        ("grey.jpg", ".jpg", "L", None),
        ("grey_alpha.png", ".png", "RGBA", None),
        ("lossless.webp", ".webp", "RGB", None),
        ("one_pixel.png", ".png", None, None),
        ("png_16bit_alpha.png", ".png", "RGBA", "16 bits"),
        ("png_16bit_grey.png", ".png", "L", "16 bits"),
        ("png_1bit.png", ".png", "L", None),
        ("png_named.jpg", ".png", None, None),
        ("png_palette.png", ".png", None, None),
        ("progressive.jpg", ".jpg", "RGB", None),
        ("tiff_lzw.tif", ".png", None, "TIFF is not written"),
        ("extreme_aspect.jpg", ".jpg", None, None),
    ],
)
def test_R_ENH_1_awkward_files(
    name: str,
    suffix: str,
    mode: str | None,
    note: str | None,
    enhancer: PackPhotoEnhancer,
    testkit: Path,
) -> None:
    data = (testkit / "images/edge" / name).read_bytes()
    options = EnhancementOptions(level=2, **PLAIN)
    plan = enhancer.plan(data, options)
    photo = enhance(enhancer, data, level=2, **PLAIN)
    result = opened(photo)
    assert photo.suffix == suffix
    assert result.size == (plan.width_after, plan.height_after) == (photo.report.width_after, photo.report.height_after)
    assert mode is None or result.mode == mode
    if note is not None:
        assert note in " ".join(photo.report.notes)
    before = decode_image(data)
    after = decode_image(bytes(photo.data))
    # Looked at from afar: some of these files are dithered.
    size = (max(1, before.width // 4), max(1, before.height // 4))
    seen = [cv2.resize(pixels, size, interpolation=cv2.INTER_AREA) for pixels in (before.pixels, after.pixels)]
    assert np.abs(seen[0].astype(int) - seen[1].astype(int)).mean() < 8


def test_R_ENH_1_damaged_files_are_refused(enhancer: PackPhotoEnhancer, testkit: Path) -> None:
    with pytest.raises(ImageDamagedError):
        enhance(enhancer, (testkit / "images/edge/truncated.jpg").read_bytes(), **PLAIN)


def test_R_ENH_7_a_bomb_is_refused_before_anything_is_decoded(
    enhancer: PackPhotoEnhancer, testkit: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enhancer_module, "read_photo", None)
    bomb = (testkit / "images/edge/bomb_20000x20000_1bit.png").read_bytes()
    for call in (lambda: enhancer.plan(bomb, EnhancementOptions()), lambda: enhance(enhancer, bomb)):
        with pytest.raises(ImageTooLargeError, match="megapixels"):
            call()


def test_R_ENH_7_a_result_that_is_too_large_is_refused_with_the_greatest_level(
    registry: PackRegistry,
    sessions: Sessions,
    analyzer: FaceAnalyzer,
    blurred: Image,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    limits = EnhancementLimits(ImageLimits(max_pixels=100_000), max_output_pixels=300_000)
    small = PackPhotoEnhancer(registry, sessions, lambda: analyzer, limits=limits)
    monkeypatch.setattr(enhancer_module, "read_photo", None)
    data = encode_png(blurred)
    for call in (
        lambda: small.plan(data, EnhancementOptions(level=3)),
        lambda: enhance(small, data, level=4),
    ):
        with pytest.raises(EnhancementTooLargeError, match="greatest level for this photo is 2") as caught:
            call()
        assert caught.value.context["greatest_level"] == 2
    assert small.plan(data, EnhancementOptions(level=2, **PLAIN)).width_after == 512
    wide = encode_jpeg(np.zeros((4, 9000, 3), np.uint8))
    with pytest.raises(EnhancementTooLargeError, match="16383"):
        small.plan(wide, EnhancementOptions(level=2, output_format=OutputFormat.WEBP))


def test_R_ENH_7_options_outside_of_their_range_are_named(enhancer: PackPhotoEnhancer, blurred: Image) -> None:
    wrong = EnhancementOptions(level=5, fidelity=float("nan"), time_budget_s=0, identity_threshold=2)
    with pytest.raises(FieldsInvalidError) as caught:
        enhancer.plan(encode_png(blurred), wrong)
    assert {error.field for error in caught.value.errors} == {
        "level",
        "fidelity",
        "identity_threshold",
        "time_budget_s",
    }


def test_R_ENH_3_engines_that_are_not_there_are_refused_with_those_that_are(
    enhancer: PackPhotoEnhancer, add_pack: AddPack, blurred: Image, tmp_path: Path
) -> None:
    add_pack(stand_ins.restorer(tmp_path / "f.onnx"), name="gfpgan")
    data = encode_png(blurred)
    with pytest.raises(EnhancementEngineNotFoundError, match=r"'nobody'.*gfpgan"):
        enhancer.plan(data, EnhancementOptions(restorer="nobody"))
    with pytest.raises(EnhancementEngineNotFoundError, match="enlarges no photos"):
        enhancer.plan(data, EnhancementOptions(upscaler="gfpgan"))
    needs_embedded_upscalers()
    with pytest.raises(EnhancementEngineNotFoundError, match="not fit for faces"):
        enhancer.plan(data, EnhancementOptions(restorer="realesrgan-compact"))


def test_R_ENH_1_the_upscaler_is_the_best_that_keeps_the_time(enhancer: PackPhotoEnhancer, blurred: Image) -> None:
    needs_embedded_upscalers()
    data = encode_png(blurred)
    names = [
        enhancer.plan(data, EnhancementOptions(restorer="none", time_budget_s=budget_s)).engines.upscaler
        for budget_s in (1e-6, 1e6)
    ]
    assert names == ["realesrgan-compact@1", "realesrgan-x4plus@1"]
    plan = enhancer.plan(data, EnhancementOptions(restorer="none"))
    assert plan.estimated_s > 0
    hurried = enhance(enhancer, data, time_budget_s=1e-6).report
    assert hurried.engines.restorer == "realesrgan-x4plus@1"
    assert hurried.engines.upscaler is None
    assert "To keep within the time, the photo around the faces was interpolated." in hurried.notes
    assert plan.peak_bytes > 2 * 3 * blurred.size
    speeds = {engine.name: engine.seconds_per_megapixel for engine in enhancer.engines() if engine.kind == "upscaler"}
    assert 0 < (speeds["realesrgan-compact"] or 0) < (speeds["realesrgan-x4plus"] or 0)


def test_R_ENH_5_it_stops_between_two_steps_when_nobody_waits(enhancer: PackPhotoEnhancer, blurred: Image) -> None:
    told: list[Stage] = []
    for stop_after in range(1, 6):
        told.clear()
        with pytest.raises(EnhancementCancelled):
            enhancer.enhance(
                encode_png(blurred),
                EnhancementOptions(level=2, **PLAIN),
                lambda stage, _: told.append(stage),
                lambda count=stop_after: len(told) >= count,
            )
        assert len(told) == stop_after


def test_R_ENH_6_nothing_is_written(
    enhancer: PackPhotoEnhancer, blurred: Image, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    enhance(enhancer, encode_png(blurred), level=1, **PLAIN)  # loads and translates
    before = sorted(path for path in tmp_path.rglob("*"))

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(f"tempfile.{name}", refuse)
    for data in (encode_png(blurred), encode_jpeg(blurred)):
        for output in OutputFormat:
            enhance(enhancer, data, level=2, output_format=output, **PLAIN)
    gc.collect()
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_R_ENH_9_a_grey_photo_stays_grey(
    enhancer: PackPhotoEnhancer, add_pack: AddPack, blurred: Image, tmp_path: Path
) -> None:
    add_pack(stand_ins.restorer(tmp_path / "f.onnx"), name="gfpgan")
    grey = cv2.cvtColor(cv2.cvtColor(blurred, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    photo = enhance(enhancer, encode_png(np.asarray(grey)), level=1)
    assert photo.report.faces[0].is_restored
    assert opened(photo).mode == "L"
