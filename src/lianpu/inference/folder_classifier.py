"""A dropped-in folder as an inference model: the generic classifier with the folder's manifest and labels."""

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, create_model

from lianpu.engines.classify.classifier import OnnxClassifier
from lianpu.engines.classify.preparation import Preparation
from lianpu.inference.manifest import ModelManifest
from lianpu.inference.model import Image, InferenceModel, ModelContext, Parameters


class FolderClassifier(InferenceModel):
    """Answers `{"classes": [{"label", "index", "score"}, …]}`, best first."""

    def __init__(self, manifest: ModelManifest, labels: tuple[str, ...], preparation: Preparation) -> None:
        self.name = manifest.name
        self.version = manifest.version
        self.title = manifest.title
        self.description = manifest.description
        self.licence = manifest.licence
        self.labels = labels
        count = len(labels)
        self.parameters = create_model(
            "ClassifierParameters",
            __base__=Parameters,
            top_k=(Annotated[int, Field(ge=1, le=count, description="Classes to answer.")], min(manifest.top_k, count)),
        )
        self._manifest = manifest
        self._labels = labels
        self._preparation = preparation

    def load_model(self, context: ModelContext) -> None:
        session = context.session(self._manifest.network)
        self._classifier = OnnxClassifier(session, self._labels, self._preparation, softmax=self._manifest.softmax)

    def preprocess(self, image: Image, parameters: Any) -> NDArray[np.float32]:
        del parameters
        return self._classifier.prepare(image)

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._classifier.scores(inputs)

    def postprocess(self, outputs: NDArray[np.float32], parameters: Any) -> Mapping[str, Any]:
        best = self._classifier.best(outputs, parameters.top_k)
        return {"classes": [{"label": one.label, "index": one.index, "score": one.score} for one in best]}
