"""The gallery as metrics: how much it holds, and the indexes in memory."""

from collections.abc import Iterable

from prometheus_client.core import Metric

from lianpu.gallery.gallery import Gallery
from lianpu.observability.metrics import Read, gauge


def gallery_reading(gallery: Gallery) -> Read:
    async def read() -> Iterable[Metric]:
        persons, images, embeddings = await gallery.persons.counts()
        return [
            gauge("lianpu_gallery_persons", "Persons enrolled.", persons),
            gauge("lianpu_gallery_images", "Photos of persons.", images),
            gauge("lianpu_gallery_embeddings", "Embeddings stored, of all packs.", embeddings),
        ]

    return read


def index_reading(gallery: Gallery) -> Read:
    async def read() -> Iterable[Metric]:
        sizes = {(f"{name}@{version}",): float(size) for (name, version), size in gallery.indexes.sizes().items()}
        text = "Embeddings of an index in the memory of this process."
        return [gauge("lianpu_index_embeddings", text, sizes, ("pack",))]

    return read
