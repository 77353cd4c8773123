"""dlib's serialisation: what is written is read back, and no bytes whatever raise anything but PackDamagedError."""

import math
import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lianpu.errors import PackDamagedError
from lianpu.packs.embedded.dlib_cascade import read_cascade
from lianpu.packs.embedded.dlib_layers import read_layers
from lianpu.packs.embedded.dlib_networks import detector_to_onnx, embedder_to_onnx
from lianpu.packs.embedded.dlib_stream import DlibStream


def write_integer(value: int) -> bytes:
    raw = abs(value).to_bytes(max(1, (abs(value).bit_length() + 7) // 8), "little")
    return bytes([len(raw) | (0x80 if value < 0 else 0)]) + raw


def write_real(value: float) -> bytes:
    fraction, exponent = math.frexp(value)
    return write_integer(int(math.ldexp(fraction, 53))) + write_integer(exponent - 53)


def write_tensor(values: np.ndarray) -> bytes:
    sizes = b"".join(write_integer(size) for size in values.shape)
    return write_integer(2) + sizes + values.astype("<f4").tobytes()


@given(st.lists(st.integers(-(2**63), 2**63)))
def test_R_LIB_6_integers_are_read_back(values: list[int]) -> None:
    stream = DlibStream(b"".join(map(write_integer, values)), "test")
    assert [stream.integer() for _ in values] == values
    assert stream.remaining == 0


@given(st.lists(st.integers(-(2**55), 2**55)))
def test_R_LIB_6_a_block_of_integers_is_read_back(values: list[int]) -> None:
    assert DlibStream(b"".join(map(write_integer, values)), "test").rest_as_integers().tolist() == values


@given(st.floats(allow_nan=False, allow_infinity=False), st.text(st.characters(codec="ascii"), max_size=200))
@example(5e-324, "")
@example(-1.7976931348623157e308, "")
def test_R_LIB_6_floats_and_strings_are_read_back(value: float, text: str) -> None:
    stream = DlibStream(write_real(value) + write_integer(len(text)) + text.encode(), "test")
    assert stream.real() == value
    assert stream.string() == text


def test_R_LIB_6_a_tensor_is_read_back() -> None:
    values = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5) / 7
    stream = DlibStream(write_tensor(values), "test")
    np.testing.assert_array_equal(stream.tensor(), values)
    assert stream.remaining == 0


READERS: dict[str, Callable[[bytes], object]] = {
    "integer": lambda data: DlibStream(data, "test").integer(),
    "real": lambda data: DlibStream(data, "test").real(),
    "string": lambda data: DlibStream(data, "test").string(),
    "tensor": lambda data: DlibStream(data, "test").tensor(),
    "alias tensor": lambda data: DlibStream(data, "test").alias_tensor(),
    "integers": lambda data: DlibStream(data, "test").rest_as_integers(),
    "layers": lambda data: list(read_layers(DlibStream(data, "test"))),
    "embedder": lambda data: embedder_to_onnx(data, "test"),
    "detector": lambda data: detector_to_onnx(data, "test"),
    "cascade": lambda data: read_cascade(data, "test"),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS.keys())
def test_R_LIB_6_any_bytes_are_read_or_refused_as_damaged(reader: Callable[[bytes], object]) -> None:
    tags = [b"\x01\x0aloss_mmod_", b"\x01\x05con_4", b"\x01\x07affine_", b"\x01\x07bn_con2", b"\x01\x05relu_"]
    pieces = st.one_of(
        st.binary(max_size=12),
        st.integers(-(2**40), 2**40).map(write_integer),
        st.sampled_from(tags),
        st.integers(0, 3).map(lambda size: write_tensor(np.ones((1, size, 1, 1)))),
    )

    @settings(max_examples=50)
    @given(st.lists(pieces, max_size=40).map(b"".join))
    def check(data: bytes) -> None:
        try:
            reader(data)
        except PackDamagedError:
            return

    check()


@pytest.mark.parametrize("size", [1 << 20, 1 << 31, 1 << 62])
def test_R_LIB_6_an_absurd_length_is_refused_before_anything_is_allocated(size: int) -> None:
    tensor = write_integer(2) + write_integer(size) * 4 + bytes(64)
    text = write_integer(size) + b"abc"
    forest = write_integer(1) + write_integer(-10) + write_integer(-1) + write_real(0.5) * 10 + write_integer(size)
    tracemalloc.start()
    try:
        for read, data in (("tensor", tensor), ("string", text), ("cascade", forest + write_integer(size))):
            with pytest.raises(PackDamagedError):
                READERS[read](data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1_000_000


@pytest.mark.parametrize(
    ("data", "read"),
    [
        (b"\x00", "integer"),
        (b"\x0f" + bytes(15), "integer"),
        (b"\x11\x01", "integer"),
        (b"\x04\x01\x02", "integer"),
        (write_integer(3) + b"\xff\xfe\xfd", "string"),
        (write_integer(1) + write_integer(32000), "real"),
        (write_tensor(np.array([[[[np.nan]]]])), "tensor"),
        (write_tensor(np.ones((1, 1, 1, 2)))[:-1], "tensor"),
        (b"\x01\x01\x00", "integers"),
        (b"\x01\x01\x02\x01", "integers"),
        (b"\x01\x06other_", "layers"),
    ],
)
def test_R_LIB_6_damage_is_refused_with_the_place(data: bytes, read: str) -> None:
    with pytest.raises(PackDamagedError, match=r"test is damaged: .* at byte"):
        READERS[read](data)
