"""OpenVINO behind the session port: runs networks on the CPU, in bfloat16 where the processor multiplies it."""

import contextlib
import importlib.util
import logging
import queue
import threading
from collections import Counter
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, cast
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError, PackError
from lianpu.runtime.conversion import converted_feeds, first_line, given_dtype
from lianpu.runtime.rewriting import computes_the_same, widen_groups
from lianpu.runtime.session import TensorSpec

_log = logging.getLogger(__name__)

_DTYPES = {
    "f32": "float32",
    "f16": "float16",
    "f64": "float64",
    "u8": "uint8",
    "i8": "int8",
    "i32": "int32",
    "i64": "int64",
    "boolean": "bool",
}
# What OpenVINO's binding sets up in its first run is guarded by a lock of C++ and gives the interpreter's own lock away
# meanwhile: a second run that comes just then takes that one and waits for the other, and both stand still for ever.
_first_run = threading.Lock()
_has_run = threading.Event()
# What OpenVINO adds to the name of an output for the node that stands for it.
_OUTPUT_NODE = "/sink_port_0"


def is_installed() -> bool:
    return importlib.util.find_spec("openvino") is not None


class OpenVinoSession:
    """One network compiled by OpenVINO; implements `Session`."""

    def __init__(self, model: Path, compiled: Any) -> None:
        self._model = model
        self._compiled = compiled
        self._inputs = tuple(_spec(port) for port in compiled.inputs)
        self._outputs = tuple(_spec(port) for port in compiled.outputs)
        self._dtypes = {spec.name: spec.dtype for spec in self._inputs}
        self._provider = f"OpenVINO CPU ({_precision(compiled)})"
        # A request serves one caller at a time; there are never more than there were callers at once.
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs

    @property
    def provider(self) -> str:
        """`OpenVINO CPU (float32)`, or `(bfloat16)`: what most of the network is computed in."""
        return self._provider

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
        """As `OnnxSession.run`.

        Raises:
            PackError: the runtime refused the feeds or failed.
        """
        with _alone_if_first():
            return self._run(feeds)

    def _run(self, feeds: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
        converted = converted_feeds(feeds, self._dtypes)
        try:
            request = self._idle.get_nowait()
        except queue.Empty:
            request = self._compiled.create_infer_request()
        try:
            results = request.infer(converted, share_inputs=True, share_outputs=True)
            outputs = [cast(NDArray[np.generic], results[port]) for port in self._compiled.outputs]
            # The request's own memory: the next caller writes over it.
            return [cast(NDArray[np.float32], output.astype(given_dtype(output), copy=True)) for output in outputs]
        except (RuntimeError, TypeError, ValueError, KeyError) as error:
            raise PackError(f"{self._model.name} did not run: {first_line(error)}") from error
        finally:
            self._idle.put(request)


class OpenVinoSessionFactory:
    """Opens ONNX files for the CPU; implements `SessionFactory`."""

    def __init__(self, threads: int) -> None:
        """
        Args:
            threads: of one run, and of all runs of a network together.

        Raises:
            ImportError: the package openvino is not installed.
        """
        import openvino

        self.version = str(cast(Any, openvino).__version__)
        self._core: Any = cast(Any, openvino).Core()
        self._threads = threads
        self._open: WeakSet[OpenVinoSession] = WeakSet()

    @property
    def has_bfloat16(self) -> bool:
        """Whether this processor multiplies bfloat16 faster than float32."""
        return "BF16" in self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")

    @property
    def running(self) -> dict[str, int]:
        """As `OnnxSessionFactory.running`."""
        return dict(Counter(session.provider for session in list(self._open)))

    def open(self, model: Path, *, may_round: bool = False) -> OpenVinoSession:
        """
        Raises:
            PackDamagedError: the file is missing or is no network that OpenVINO can load.
        """
        if not model.is_file():
            raise PackDamagedError(f"{model.name} is missing", context={"path": str(model)})
        try:
            compiled = self._compile(model, may_round=may_round and self.has_bfloat16)
        except RuntimeError as error:
            cause = first_line(error).replace(str(model), model.name)
            raise PackDamagedError(f"{model.name} cannot be loaded: {cause}", context={"path": str(model)}) from error
        opened = OpenVinoSession(model, compiled)
        self._open.add(opened)
        return opened

    def _compile(self, model: Path, *, may_round: bool) -> Any:
        return self._core.compile_model(
            self._rewritten(model) if may_round else self._core.read_model(model),
            "CPU",
            {
                # Several callers share these threads: one stream carries a lone caller fastest, and many nearly so.
                "NUM_STREAMS": 1,
                "INFERENCE_NUM_THREADS": self._threads,
                "INFERENCE_PRECISION_HINT": "bf16" if may_round else "f32",
                # Every process, and every network in it, would be held to the same first cores.
                "ENABLE_CPU_PINNING": False,
            },
        )

    def _rewritten(self, model: Path) -> Any:
        """The network with wider groups, which bfloat16 makes the most of; as it is where that changes its answers."""
        rewritten = self._core.read_model(model)
        if not widen_groups(rewritten):
            return rewritten
        original = self._core.read_model(model)
        with _alone_if_first():
            is_same = computes_the_same(self._core, original, rewritten)
        if is_same:
            return rewritten
        _log.warning(
            "a network would answer differently with wider groups: it runs as it is", extra={"file": model.name}
        )
        return original


@contextlib.contextmanager
def _alone_if_first() -> Generator[None]:
    with contextlib.nullcontext() if _has_run.is_set() else _first_run:
        yield
    _has_run.set()


def _spec(port: Any) -> TensorSpec:
    shape = tuple(None if axis.is_dynamic else int(axis.get_length()) for axis in port.partial_shape)
    kind = port.element_type.get_type_name()
    # A port has every name that its tensor went by; that of its node is the graph's own.
    name = str(port.get_node().get_friendly_name()).removesuffix(_OUTPUT_NODE)
    return TensorSpec(name, _DTYPES.get(kind, str(kind)), shape)


def _precision(compiled: Any) -> str:
    kind = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    return "bfloat16" if kind == "bf16" else _DTYPES.get(kind, str(kind))
