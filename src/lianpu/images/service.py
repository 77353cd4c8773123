"""How routes get at images and inference."""

from typing import Annotated

from fastapi import Depends, Request

from lianpu.images.images import Images
from lianpu.images.inference import Inference


async def _images(request: Request) -> Images:
    # Not `def`: FastAPI would send it through a thread.
    images: Images = request.app.state.images
    return images


async def _inference(request: Request) -> Inference:
    inference: Inference = request.app.state.inference
    return inference


ImagesDep = Annotated[Images, Depends(_images)]
InferenceDep = Annotated[Inference, Depends(_inference)]
