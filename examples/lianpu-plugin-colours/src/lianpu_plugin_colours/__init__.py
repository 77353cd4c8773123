"""The dominant colours of an image: an example of an inference model that needs no weights."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lianpu.inference import Image, InferenceModel, ModelContext, Parameters

SIDE_PX = 128
ROUNDS = 10


class ColourParameters(Parameters):
    count: int = Field(5, ge=1, le=16, description="How many colours to answer at most.")
    min_share: float = Field(0.01, ge=0, le=1, description="Colours that cover less of the image are left out.")


class DominantColours(InferenceModel):
    name = "dominant-colours"
    version = "1.0"
    title = "Dominant colours"
    description = "The colours that cover most of an image, each with its share."
    parameters = ColourParameters

    def load_model(self, context: ModelContext) -> None:
        """A model with weights opens them here: `self._session = context.session("network.onnx")`."""

    def preprocess(self, image: Image, parameters: ColourParameters) -> tuple[NDArray[np.float32], int]:
        """[n, 3] pixels of the image scaled down, and how many colours are wanted."""
        factor = min(1.0, SIDE_PX / max(image.shape[:2]))
        size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
        return small.reshape(-1, 3).astype(np.float32), parameters.count

    def predict(self, inputs: tuple[NDArray[np.float32], int]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
        """k-means (Lloyd 1982) from the fullest cells of a 16x16x16 grid: the same image gives the same colours."""
        pixels, count = inputs
        cells = pixels.astype(np.uint8) >> 4
        found, sizes = np.unique(cells, axis=0, return_counts=True)
        centres = found[np.argsort(-sizes, kind="stable")[:count]].astype(np.float32) * 16 + 8
        nearest = np.zeros(len(pixels), np.intp)
        for _ in range(ROUNDS):
            nearest = np.stack([np.square(pixels - centre).sum(axis=1) for centre in centres]).argmin(axis=0)
            for index in np.unique(nearest):
                centres[index] = pixels[nearest == index].mean(axis=0)
        return centres, np.bincount(nearest, minlength=len(centres)) / len(pixels)

    def postprocess(
        self, outputs: tuple[NDArray[np.float32], NDArray[np.float64]], parameters: ColourParameters
    ) -> Mapping[str, Any]:
        centres, shares = outputs
        colours: list[dict[str, Any]] = []
        for index in np.argsort(-shares, kind="stable"):
            if shares[index] > parameters.min_share:
                red, green, blue = (int(value) for value in centres[index].round())
                hexadecimal = f"#{red:02x}{green:02x}{blue:02x}"
                share = round(float(shares[index]), 4)
                colours.append({"colour": hexadecimal, "red": red, "green": green, "blue": blue, "share": share})
        return {"colours": colours}
