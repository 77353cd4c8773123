"""ONNX Runtime behind the session port: loads network files and runs them."""

import contextlib
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast
from weakref import WeakSet

import numpy as np
import onnxruntime as ort  # pyright: ignore[reportMissingTypeStubs]
from numpy.typing import NDArray

from lianpu.errors import PackDamagedError, PackError
from lianpu.runtime.conversion import converted_feeds, first_line, given_dtype
from lianpu.runtime.providers import Provider, ProviderChoice, choose_providers, usable_cores
from lianpu.runtime.session import TensorSpec

# onnxruntime ships no types; this module is the only one that touches it.
_ort = cast(Any, ort)
_SEVERITY_ERROR = 3
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
    "tensor(bool)": "bool",
}


class OnnxSession:
    """One network loaded by ONNX Runtime; implements `Session`."""

    def __init__(self, model: Path, session: Any, *, serialised: bool) -> None:
        self._model = model
        self._session = session
        self._inputs = tuple(_spec(argument) for argument in session.get_inputs())
        self._outputs = tuple(_spec(argument) for argument in session.get_outputs())
        self._provider = str(session.get_providers()[0])
        self._dtypes = {spec.name: spec.dtype for spec in self._inputs}
        self._turn: contextlib.AbstractContextManager[object] = (
            threading.Lock() if serialised else contextlib.nullcontext()
        )

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        return self._inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        return self._outputs

    @property
    def provider(self) -> str:
        return self._provider

    def run(self, feeds: Mapping[str, NDArray[np.generic]]) -> list[NDArray[np.float32]]:
        """Outputs in graph order, as numpy arrays.

        Feeds are converted to the graph's element type, and float16 outputs to float32, so that engines write float32
        alone and half-precision files of a network work too.

        Raises:
            PackError: the runtime refused the feeds or failed.
        """
        converted = converted_feeds(feeds, self._dtypes)
        try:
            with self._turn:
                outputs = cast(list[NDArray[np.generic]], self._session.run(None, converted))
        except Exception as error:  # onnxruntime's exceptions share no base class but Exception
            raise PackError(f"{self._model.name} did not run: {first_line(error)}") from error
        return [cast(NDArray[np.float32], output.astype(given_dtype(output), copy=False)) for output in outputs]


class OnnxSessionFactory:
    """Opens ONNX files with the chosen execution providers; implements `SessionFactory`."""

    def __init__(
        self,
        providers: Literal["auto"] | Sequence[str] = "auto",
        threads: int | None = None,
        *,
        spinning: bool = False,
        gpu_memory_bytes: int | None = None,
        device_id: int = 0,
        strict: bool = True,
    ) -> None:
        """Choose the providers once; `choice` says which and why.

        Args:
            providers: "auto", or short names (`cpu`, `cuda`, `tensorrt`, `openvino`, `directml`, `coreml`) in order of
                preference.
            threads: intra-op threads of one run; None takes every core the process may use. One run is fastest with
                all cores; many runs at once do the most work with one thread each, the session shared.
            spinning: let idle threads spin. Up to a third faster for one caller, at the price of cores that are busy
                while they do nothing.
            gpu_memory_bytes: most memory CUDA may take; None sets no limit.
            device_id: which GPU.
            strict: refuse where a provider that is named does not run; else the next one does, and `choice` says so.

        Raises:
            ProviderError: a provider named explicitly is unknown; or, where strict, not installed or does not start on
                this machine.
        """
        _ort.set_default_logger_severity(_SEVERITY_ERROR)
        self.threads = threads or usable_cores()
        self._spinning = spinning
        self._gpu_memory_bytes = gpu_memory_bytes
        self._device_id = device_id
        self._strict = strict
        self._open: WeakSet[OnnxSession] = WeakSet()
        self._choice = self._choose(providers)

    @property
    def choice(self) -> ProviderChoice:
        return self._choice

    @property
    def version(self) -> str:
        """Of ONNX Runtime, whichever of its packages is installed."""
        return str(_ort.__version__)

    @property
    def running(self) -> dict[str, int]:
        """Networks that are loaded now, by the provider that their sessions say runs them."""
        return dict(Counter(session.provider for session in list(self._open)))

    def open(self, model: Path, *, may_round: bool = False) -> OnnxSession:  # noqa: ARG002 (it rounds nothing)
        """Load an ONNX file.

        Raises:
            PackDamagedError: the file is missing or is no network that ONNX Runtime can load.
        """
        if not model.is_file():
            raise PackDamagedError(f"{model.name} is missing", context={"path": str(model)})
        try:
            session = self._create(str(model), self._choice.chosen)
        except Exception as error:  # onnxruntime's exceptions share no base class but Exception
            # The folder stays out of the text, which clients read; operators find it in the context.
            cause = first_line(error).replace(str(model), model.name)
            raise PackDamagedError(f"{model.name} cannot be loaded: {cause}", context={"path": str(model)}) from error
        # DirectML allows one run of a session at a time (ONNX Runtime's documentation of that provider).
        opened = OnnxSession(model, session, serialised=Provider.DIRECTML in self._choice.chosen)
        self._open.add(opened)
        return opened

    def _choose(self, requested: Literal["auto"] | Sequence[str]) -> ProviderChoice:
        """Choose, then start the choice for real: a GPU wheel lists CUDA also where there is no GPU."""
        available = cast(list[str], _ort.get_available_providers())
        failed: dict[Provider, str] = {}
        while True:
            choice = choose_providers(requested, available, failed, strict=self._strict)
            broken = self._first_broken(choice.chosen)
            if broken is None:
                return choice
            failed.update([broken])

    def _first_broken(self, providers: Sequence[Provider]) -> tuple[Provider, str] | None:
        for provider in providers:
            if provider is Provider.CPU:
                continue
            try:
                session = self._create(probe_network(), (provider, Provider.CPU))
            except Exception as error:  # onnxruntime's exceptions share no base class but Exception
                return provider, first_line(error)
            if session.get_providers()[0] != provider.ort_name:
                return provider, "its libraries or its device are missing"
        return None

    def _create(self, model: str | bytes, providers: Sequence[Provider]) -> Any:
        options = _ort.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = _SEVERITY_ERROR
        options.add_session_config_entry("session.intra_op.allow_spinning", "1" if self._spinning else "0")
        options.enable_mem_pattern = Provider.DIRECTML not in providers
        # Without enable_fallback=0 a failing provider is replaced by the CPU with nothing but a print.
        return _ort.InferenceSession(
            model,
            options,
            providers=[provider.ort_name for provider in providers],
            provider_options=[self._provider_options(provider) for provider in providers],
            enable_fallback=0,
        )

    def _provider_options(self, provider: Provider) -> dict[str, str]:
        options: dict[str, str] = {}
        if provider in {Provider.CUDA, Provider.TENSORRT, Provider.DIRECTML}:
            options["device_id"] = str(self._device_id)
        if provider is Provider.CUDA and self._gpu_memory_bytes is not None:
            options["gpu_mem_limit"] = str(self._gpu_memory_bytes)
            # The default doubles the arena at each step, and so meets the limit long before it is needed.
            options["arena_extend_strategy"] = "kSameAsRequested"
        return options


def _spec(argument: Any) -> TensorSpec:
    shape = tuple(axis if isinstance(axis, int) and axis >= 0 else None for axis in argument.shape)
    return TensorSpec(str(argument.name), _DTYPES.get(argument.type, str(argument.type)), shape)


def probe_network() -> bytes:
    """The smallest network there is: one Identity node."""
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "probe",
        [value("x", TensorProto.FLOAT, [1])],
        [value("y", TensorProto.FLOAT, [1])],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8).SerializeToString()
