"""Searching by int8 codes first: the bounds hold, and the answers are those of a float32 scan, whatever the vectors."""

import sys
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianpu.packs.metric import Metric
from lianpu.vectors.codes import LARGEST_CODE, ProbeBounds, encoded
from lianpu.vectors.exact import ExactIndex
from lianpu.vectors.index import PersonHit
from lianpu.vectors.int8 import (
    MIN_DIMENSION,
    PAIRWISE_DIMENSION,
    VECTOR_CAPABILITIES,
    ProbeProducts,
    int8_choice,
    int8_library,
)

numkong = pytest.importorskip("numkong")
RANDOM = np.random.default_rng(11)


def random(count: int, dimension: int) -> np.ndarray:
    return RANDOM.standard_normal((count, dimension)).astype(np.float32)


def clustered(count: int, dimension: int, *, spread: float) -> np.ndarray:
    centres = random(5, dimension)
    return centres[RANDOM.integers(5, size=count)] + np.float32(spread) * random(count, dimension)


def of_mixed_lengths(count: int, dimension: int) -> np.ndarray:
    """Of 10⁻¹⁵ to 10¹⁵, which is more than codes are made of, and less than float32 cannot square; and zeros."""
    vectors = random(count, dimension) * np.float32(10.0) ** RANDOM.integers(-9, 9, (count, 1)).astype(np.float32)
    vectors[::17] = 0.0
    vectors[1::31] *= np.float32(1e-6)
    vectors[2::37] *= np.float32(1e6)
    return vectors


def with_peaks(count: int, dimension: int) -> np.ndarray:
    """One number is far greater than all others, which round to nothing."""
    vectors = random(count, dimension)
    vectors[np.arange(count), RANDOM.integers(dimension, size=count)] *= 1000.0
    return vectors


FAMILIES: dict[str, Callable[[int, int], np.ndarray]] = {
    "random": random,
    "wide clusters": lambda count, dimension: clustered(count, dimension, spread=0.3),
    "clusters that codes cannot tell apart": lambda count, dimension: clustered(count, dimension, spread=0.03),
    "duplicates": lambda count, dimension: clustered(count, dimension, spread=0.0),
    "mixed lengths": of_mixed_lengths,
    "peaks": with_peaks,
    "tiny": lambda count, dimension: random(count, dimension) * np.float32(1e-11),
    "huge": lambda count, dimension: random(count, dimension) * np.float32(1e10),
}


@pytest.fixture(params=FAMILIES)
def family(request: pytest.FixtureRequest) -> Callable[[int, int], np.ndarray]:
    return FAMILIES[request.param]


def both(dimension: int, metric: Metric) -> tuple[ExactIndex, ExactIndex]:
    made = [ExactIndex(dimension, metric, threads=2, block_rows=1024, with_codes=has) for has in (True, False)]
    assert [index._library is not None for index in made] == [True, False]
    return made[0], made[1]


def assert_same(found: list[list[PersonHit]], wanted: list[list[PersonHit]]) -> None:
    """Values are equal to the last digit; persons of equal value may stand for each other."""
    for ours, theirs in zip(found, wanted, strict=True):
        assert [hit.raw_value for hit in ours] == [hit.raw_value for hit in theirs]
        for mine, other in zip(ours, theirs, strict=True):
            is_tied = sum(hit.raw_value == mine.raw_value for hit in theirs) > 1 or mine is ours[-1]
            assert is_tied or mine == other


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning", "ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize("metric", Metric)
@pytest.mark.parametrize("dimension", [MIN_DIMENSION, PAIRWISE_DIMENSION + 3])
def test_R_LIB_11_codes_change_no_answer(
    family: Callable[[int, int], np.ndarray], metric: Metric, dimension: int
) -> None:
    """Half of the rows are one person's each, the others belong to a few; a third is removed, and some come back."""
    by_codes, by_floats = both(dimension, metric)
    vectors = family(3000, dimension)
    ids = [f"e{at}" for at in range(3000)]
    persons = [f"p{at if at % 2 else at // 60}" for at in range(3000)]
    for index in (by_codes, by_floats):
        index.add_matrix(ids, persons, vectors)
        index.remove(ids[::3])
        index.add_matrix(ids[3:600:3], persons[300:499], vectors[-199:])
    for probes in (vectors[1000:1001], np.concatenate((family(4, dimension), vectors[1:600:100]))):
        for top_k in (1, 9, 60):
            assert_same(by_codes.search(probes, top_k), by_floats.search(probes, top_k))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    metric=st.sampled_from(list(Metric)),
    dimension=st.integers(1, 700),
    exponents=st.tuples(st.integers(-20, 20), st.integers(-20, 20)),
    sparse=st.booleans(),
)
def test_R_LIB_11_no_distance_is_beyond_its_bound(
    seed: int, metric: Metric, dimension: int, exponents: tuple[int, int], sparse: bool
) -> None:
    """In float64, so that what float32 adds to the bound is seen to be small, too."""
    random = np.random.default_rng(seed)
    rows, probes = random.standard_normal((50, dimension)), random.standard_normal((6, dimension))
    if sparse:
        rows *= random.random(rows.shape) < 0.05
    rows, probes = (
        (vectors * 10.0**exponent).astype(np.float32)
        for vectors, exponent in zip((rows, probes), exponents, strict=True)
    )
    codes, of_probes = encoded(rows), encoded(probes)
    bounds = ProbeBounds(of_probes, metric)
    at, row = (index.ravel() for index in np.indices((6, 50)))
    slack = bounds.of_pairs(at, codes.errors[row], codes.lengths[row]).reshape(6, 50)
    # An infinite length times a zero one is no bound at all; so is everything about vectors without a code.
    has_code = np.isfinite(codes.errors)[None] & np.isfinite(of_probes.errors)[:, None]
    assert not np.isfinite(slack[~has_code]).any()
    whole = (codes.steps[:, None] * codes.values.astype(np.float64), of_probes.steps[:, None] * of_probes.values)
    rounded, exact = whole[1] @ whole[0].T, probes.astype(np.float64) @ rows.T.astype(np.float64)
    times = 2.0 if metric is Metric.EUCLIDEAN else 1.0
    assert (np.abs(times * (rounded - exact)) <= slack)[has_code].all()
    with np.errstate(invalid="ignore"):
        of_all = bounds.of_all(float(codes.errors.max()), float(codes.lengths.max()))
        assert not (slack > of_all[:, None]).any()


def test_R_LIB_11_a_vector_that_is_no_number_has_no_code() -> None:
    vectors = np.array([[np.nan, 1.0], [np.inf, 0.0], [1.0, 2.0], [0.0, 0.0]], np.float32)
    codes = encoded(vectors)
    assert np.isinf(codes.errors).tolist() == [True, True, False, False]
    assert codes.values[2:].tolist() == [[64, LARGEST_CODE], [0, 0]]
    assert encoded(np.empty((0, 3), np.float32)).values.shape == (0, 3)


@pytest.mark.parametrize("dimension", [MIN_DIMENSION, 127, PAIRWISE_DIMENSION, 512, 1027])
@pytest.mark.parametrize("probes", [1, 2, 5, 17, 32])
def test_R_LIB_11_products_are_right_to_the_last_digit(dimension: int, probes: int) -> None:
    rows = RANDOM.integers(-LARGEST_CODE, LARGEST_CODE + 1, (259, dimension), dtype=np.int8)
    rows[:2] = [[LARGEST_CODE], [-LARGEST_CODE]]
    some = rows[:probes].copy()
    wanted = some.astype(np.int64) @ rows.T.astype(np.int64)
    products = ProbeProducts(numkong, some, 300)
    for count in (259, 1, 64):
        assert np.array_equal(products.of(rows[:count]), wanted[:, :count])


@pytest.fixture
def fresh_choice() -> Iterator[None]:
    int8_choice.cache_clear()
    yield
    int8_choice.cache_clear()


def assert_searches_without(reason: str) -> None:
    assert reason in int8_choice().reason
    assert int8_library(512) is None
    index = ExactIndex(512, Metric.COSINE)
    vectors = random(30, 512)
    index.add_matrix([f"e{at}" for at in range(30)], [f"p{at}" for at in range(30)], vectors)
    assert index.search(vectors[7:8], 1)[0][0].person_id == "p7"


def test_R_OPS_3_without_the_library_an_index_searches_in_float32_and_says_so(
    fresh_choice: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "numkong", None)
    assert_searches_without("float32 alone: NumKong cannot be used")


def test_R_OPS_3_without_a_kernel_for_the_processor_an_index_searches_in_float32_and_says_so(
    fresh_choice: None,
) -> None:
    usable = [name for name, is_there in numkong.get_capabilities().items() if is_there and name in VECTOR_CAPABILITIES]
    try:
        for name in usable:
            numkong.disable_capability(name)
        assert_searches_without("no int8 kernel for this processor")
    finally:
        for name in usable:
            numkong.enable_capability(name)


def test_R_OPS_3_a_kernel_that_multiplies_wrongly_is_not_used(
    fresh_choice: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def saturating(first: np.ndarray, second: np.ndarray, _metric: str, *, out: np.ndarray) -> None:
        numkong.cdist(first, second, "dot", out=out)
        np.clip(out, -(2**15), 2**15 - 1, out=out)

    names = ("get_capabilities", "dots_pack", "dots_packed", "empty")
    broken = SimpleNamespace(cdist=saturating, **{name: getattr(numkong, name) for name in names})
    monkeypatch.setitem(sys.modules, "numkong", broken)
    assert_searches_without("multiplies int8 wrongly")


def test_R_OPS_3_short_vectors_are_compared_in_float32() -> None:
    assert int8_choice().reason.startswith("int8 first")
    assert int8_library(MIN_DIMENSION) is numkong
    assert int8_library(MIN_DIMENSION - 1) is None
