"""One instance for everybody: loaded once, shared, unloaded; names that clash; a start that nothing broken stops."""

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lianpu.errors import InferenceModelNotFoundError, InferenceModelUnavailableError
from lianpu.inference import InferenceModel, ModelContext
from lianpu.inference.offer import ModelSource, ModelState
from lianpu.inference.registry import InferenceRegistry
from lianpu.runtime.onnx import OnnxSession, OnnxSessionFactory
from tests.inference.conftest import PLUGIN, InstallPlugin
from tests.small_classifiers import drop_classifier

Grey = NDArray[np.uint8]


class Counting(OnnxSessionFactory):
    """Opens slowly, so that everybody who asks meanwhile has to wait, and counts."""

    def __init__(self) -> None:
        super().__init__(["cpu"])
        self.opened: list[str] = []
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.may_end.set()

    def open(self, model: Path, *, may_round: bool = False) -> OnnxSession:
        self.opened.append(model.parent.name)
        self.begun.set()
        assert self.may_end.wait(30)
        return super().open(model)


class Gate(InferenceModel):
    """Its predictions wait until somebody lets them go."""

    name = "gate"
    version = "1"

    def __init__(self, begun: threading.Event, may_end: threading.Event) -> None:
        self.begun, self.may_end = begun, may_end

    def load_model(self, context: ModelContext) -> None:
        self.context = context

    def preprocess(self, image: Any, parameters: Any) -> Any:
        return image.shape

    def predict(self, inputs: Any) -> Any:
        self.begun.set()
        assert self.may_end.wait(30)
        return inputs

    def postprocess(self, outputs: Any, parameters: Any) -> Mapping[str, Any]:
        return {"shape": list(outputs), "by": id(self)}


def test_R_INF_4_users_who_ask_at_once_share_one_session(tmp_path: Path, grey: Grey) -> None:
    sessions = Counting()
    registry = InferenceRegistry(tmp_path, sessions)
    drop_classifier(tmp_path, "one")
    drop_classifier(tmp_path, "two")
    sessions.may_end.clear()
    with ThreadPoolExecutor(8) as threads:
        runs = [threads.submit(registry.run, "one", grey) for _ in range(7)]
        assert sessions.begun.wait(30)
        # A model that loads does not keep the list waiting.
        assert [status.is_loaded for status in registry.list()] == [False, False]
        sessions.may_end.set()
        outputs = [run.result(30).output for run in runs]
    assert sessions.opened == ["one"]
    assert all(output == outputs[0] for output in outputs)
    registry.run("two", grey)
    registry.run("one", grey)
    assert sessions.opened == ["one", "two"]


def test_R_INF_4_a_loading_model_does_not_hold_up_another(tmp_path: Path, grey: Grey) -> None:
    sessions = Counting()
    registry = InferenceRegistry(tmp_path, sessions)
    drop_classifier(tmp_path, "ready")
    drop_classifier(tmp_path, "slow")
    registry.run("ready", grey)
    sessions.begun.clear()
    sessions.may_end.clear()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(registry.run, "slow", grey)
        assert sessions.begun.wait(30)
        assert registry.run("ready", grey).output
        assert not slow.done()
        sessions.may_end.set()
        assert slow.result(30).output


def test_R_INF_4_unloaded_on_request_and_loaded_again(tmp_path: Path, grey: Grey) -> None:
    sessions = Counting()
    registry = InferenceRegistry(tmp_path, sessions)
    drop_classifier(tmp_path)
    assert not registry.unload("colours")
    registry.run("colours", grey)
    assert registry.unload("colours")
    assert not registry.get("colours").is_loaded
    registry.run("colours", grey)
    assert sessions.opened == ["colours", "colours"]
    assert not registry.unload("nothing")


def test_R_INF_4_unloaded_when_idle_and_never_while_it_runs(tmp_path: Path, grey: Grey) -> None:
    now = 0.0
    begun, may_end = threading.Event(), threading.Event()
    registry = InferenceRegistry(
        tmp_path, Counting(), [partial(Gate, begun, may_end)], idle_unload_minutes=30, clock=lambda: now
    )
    drop_classifier(tmp_path)
    registry.run("colours", grey)
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(registry.run, "gate", grey)
        assert begun.wait(30)
        now = 29 * 60
        assert list(registry.unload_idle()) == []
        now = 30 * 60
        assert list(registry.unload_idle()) == ["colours"]
        may_end.set()
        assert run.result(30).output["shape"] == [10, 12, 3]
    # Idle counts from the end of the run.
    now = 59 * 60
    assert list(registry.unload_idle()) == []
    now = 60 * 60
    assert list(registry.unload_idle()) == ["gate"]


def test_R_INF_4_a_run_under_way_ends_although_its_model_is_unloaded(tmp_path: Path, grey: Grey) -> None:
    begun, may_end = threading.Event(), threading.Event()
    registry = InferenceRegistry(tmp_path, Counting(), [partial(Gate, begun, may_end)])
    with ThreadPoolExecutor(1) as threads:
        run = threads.submit(registry.run, "gate", grey)
        assert begun.wait(30)
        assert registry.unload("gate")
        may_end.set()
        first = run.result(30).output
    second = registry.run("gate", grey).output
    assert first["by"] != second["by"]


def test_R_INF_4_never_unloaded_where_no_time_is_set(tmp_path: Path, grey: Grey) -> None:
    now = 0.0
    registry = InferenceRegistry(tmp_path, Counting(), clock=lambda: now)
    drop_classifier(tmp_path)
    registry.run("colours", grey)
    now = 1e9
    assert list(registry.unload_idle()) == []


def test_R_INF_4_of_one_name_the_built_in_model_wins_then_the_package(
    tmp_path: Path, install_plugin: InstallPlugin, grey: Grey
) -> None:
    begun, may_end = threading.Event(), threading.Event()
    may_end.set()
    install_plugin(PLUGIN.replace('"brightness"', '"gate"'), name="gate", dist="lianpu-gate")
    install_plugin(dist="lianpu-first")
    install_plugin(dist="lianpu-second")
    registry = InferenceRegistry(tmp_path / "models", Counting(), [partial(Gate, begun, may_end)])
    drop_classifier(tmp_path / "models", "gate")
    drop_classifier(tmp_path / "models", "brightness")
    told = [(status.name, status.source, status.origin, status.state, status.detail) for status in registry.list()]
    taken = "The name '{}' is taken: {} has a {} model of that name."
    assert told == [
        ("brightness", ModelSource.PACKAGE, "lianpu-first 0.1", ModelState.READY, ""),
        *(
            (
                "brightness",
                source,
                origin,
                ModelState.UNAVAILABLE,
                taken.format("brightness", "lianpu-first 0.1", "package"),
            )
            for source, origin in (
                (ModelSource.PACKAGE, "lianpu-second 0.2"),
                (ModelSource.FOLDER, "folder models/brightness"),
            )
        ),
        ("gate", ModelSource.BUILT_IN, "Lianpu", ModelState.READY, ""),
        *(
            ("gate", source, origin, ModelState.UNAVAILABLE, taken.format("gate", "Lianpu", "built-in"))
            for source, origin in (
                (ModelSource.PACKAGE, "lianpu-gate 0.0"),
                (ModelSource.FOLDER, "folder models/gate"),
            )
        ),
    ]
    assert registry.run("gate", grey).output["shape"] == [10, 12, 3]
    assert registry.run("brightness", grey).output == {"brightness": 100.0}


def test_R_INF_4_models_that_are_not_there_are_told_with_those_that_are(tmp_path: Path, grey: Grey) -> None:
    registry = InferenceRegistry(tmp_path / "none", Counting())
    assert registry.list() == []
    drop_classifier(tmp_path / "none")
    for call in (registry.get, registry.check, partial(registry.run, image=grey)):
        with pytest.raises(InferenceModelNotFoundError, match=r"'colors'\. Available: colours") as caught:
            call("colors")
        assert caught.value.context == {"available": ["colours"]}


def test_R_INF_4_check_loads_nothing(tmp_path: Path) -> None:
    sessions = Counting()
    registry = InferenceRegistry(tmp_path, sessions)
    drop_classifier(tmp_path)
    assert registry.check("colours", {"top_k": 1}).state is ModelState.READY
    assert sessions.opened == []


def test_R_INF_4_a_network_that_the_runtime_refuses_is_told_at_the_next_list(tmp_path: Path, grey: Grey) -> None:
    """Its graph reads well; only loading it shows that it is wrong."""
    folder = drop_classifier(tmp_path)
    network = (folder / "model.onnx").read_bytes()
    assert network.count(b"MatMul") == 1
    (folder / "model.onnx").write_bytes(network.replace(b"MatMul", b"MatNul"))
    registry = InferenceRegistry(tmp_path, Counting())
    assert registry.get("colours").state is ModelState.READY
    with pytest.raises(InferenceModelUnavailableError, match=r"did not load: model\.onnx cannot be loaded"):
        registry.run("colours", grey)
    (listed,) = registry.list()
    assert (listed.state, listed.is_loaded) == (ModelState.UNAVAILABLE, False)
    assert "did not load" in listed.detail
    (folder / "model.onnx").write_bytes(network)
    assert registry.get("colours").state is ModelState.READY
    assert registry.run("colours", grey).output
