"""The contract of inference models: what their authors implement, and what they are given; see docs/plugins.md."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from lianpu.engines.face.face import Image
from lianpu.errors import InferenceModelUnavailableError
from lianpu.runtime.session import Session, SessionFactory

__all__ = ["Image", "InferenceModel", "ModelContext", "Parameters", "Session"]

MODEL_NAME_PATTERN = r"^[a-z0-9][a-z0-9._-]{0,62}$"


class Parameters(BaseModel):
    """What a request may set. A model with parameters derives its own class; every field needs a default.

    Names that are not fields are refused with the nearest one, and values are checked by the fields' types, before the
    model sees anything. The JSON schema is shown to users.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, slots=True)
class ModelContext:
    """What a model is given when it is loaded."""

    name: str
    folder: Path
    """The model's own folder, `HOME/models/<name>`: for weights that whoever runs the server puts there. It may be
    missing; models only read from it."""
    sessions: SessionFactory

    def session(self, network: str | Path) -> Session:
        """Load an ONNX file with the execution providers of this installation.

        Args:
            network: an absolute path, such as one inside the model's own package, or one relative to `folder`.

        Returns:
            A session whose `run` may be called from several threads at once. It takes a mapping of input names to
            arrays (converted to the graph's element types) and gives the outputs in graph order, float16 as float32.

        Raises:
            InferenceModelUnavailableError: a relative path leads out of the folder.
            PackDamagedError: the file is missing or is no network that can be loaded.
        """
        path = self.folder / network
        if not Path(network).is_absolute() and not path.resolve().is_relative_to(self.folder.resolve()):
            raise InferenceModelUnavailableError(f"{network} leads out of the folder of inference model '{self.name}'")
        return self.sessions.open(path)


class InferenceModel(ABC):
    """One way to turn an image into data.

    One instance serves all users: after `load_model` it must not change, because `preprocess`, `predict` and
    `postprocess` are called from several threads at once, in this order for each image. What one returns is handed to
    the next as it is, so whatever belongs to one image travels there and never on `self`.

    The constructor takes no arguments and does next to nothing: instances are also made only to be described.

    What the methods may raise:
        InvalidInputError (lianpu.errors), or one of its kind such as FaceNotFoundError: this image, or these
        parameters, cannot be used. The caller reads its text and code.
        InferenceFailedError: the model itself failed, in words for the caller.
        Anything else counts as the latter, without words: the caller reads the name of the method and the class of the
        error, the server's log has the traceback.
    """

    name: str
    """Unique; a-z 0-9 . _ -, at most 63. The entry point has the same name."""
    version: str
    """Kept with every result; changes whenever results do."""
    title: str = ""
    """For people; empty: the name."""
    description: str = ""
    licence: str = ""
    """Of the weights: an SPDX id or `LicenseRef-…`; empty where there are none or nothing is known."""
    labels: Sequence[str] | None = None
    """The classes it tells apart, in the order of the network's outputs; None: it is no classifier."""
    parameters: type[Parameters] = Parameters
    """What a request may set; by default nothing."""

    @abstractmethod
    def load_model(self, context: ModelContext) -> None:
        """Get ready: open networks by `context.session`, read files. Called once, before anything else, by one thread.

        Runs at the first use. An unloaded model (idle, or on request) is dropped as a whole, and a new instance is made
        and loaded at the next use. Whatever it raises, the model is told as unavailable, and the next use tries again.
        """

    @abstractmethod
    def preprocess(self, image: Image, parameters: Any) -> Any:
        """From the image to what `predict` takes.

        Args:
            image: [height, width, 3] uint8 RGB (not BGR), upright (EXIF turn applied), contiguous, read-only.
            parameters: an instance of the class `parameters`.
        """

    @abstractmethod
    def predict(self, inputs: Any) -> Any:
        """Run the network: from what `preprocess` returned to what `postprocess` takes."""

    @abstractmethod
    def postprocess(self, outputs: Any, parameters: Any) -> Mapping[str, Any]:
        """From what `predict` returned to the result.

        Returns:
            What JSON can hold: mappings with text keys, sequences, text, numbers, True, False, None. No arrays and no
            numpy scalars, nothing that is NaN or infinite, at most 1 MiB as JSON. Coordinates are pixels of the image
            that `preprocess` got, origin at its top-left corner.
        """

    def problem(self, context: ModelContext) -> str | None:
        """Why the model cannot be used as things are, as a sentence for people; None: nothing is known against it.

        Asked for every list of models and before every use, without `load_model`: it looks whether a file is there and
        does no more. May be left away.
        """
        del context
        return None
