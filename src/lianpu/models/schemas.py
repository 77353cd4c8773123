"""What the API takes and gives about pulling, loading and removing packs."""

from pydantic import BaseModel, Field

from lianpu.engines.face.analyzer import FaceAnalyzer
from lianpu.gallery.indexes import PackKey
from lianpu.gallery.packs.schemas import NamedPack
from lianpu.gallery.schemas import Answer, Strict
from lianpu.models.shelf import AvailablePack, RemovedPack
from lianpu.packs.manifest import Family


class PullFields(Strict):
    name: NamedPack
    accept_licence: bool = Field(default=False, description="You accept the terms of the weights.")


class LoadFields(Strict):
    name: NamedPack


class AvailableLicence(BaseModel):
    id: str = Field(examples=["Apache-2.0"])
    commercial: bool = Field(description="Whether the weights may be used commercially.")
    acceptance: bool = Field(description="Whether a pull needs `accept_licence`.")
    url: str | None


class AvailableFile(BaseModel):
    path: str = Field(examples=["buffalo_l.zip"])
    sha256: str
    size_bytes: int | None = Field(description="Null: not known before it is downloaded.")
    sources: list[str] = Field(description="Its addresses, in the order in which they are tried; mirrors come first.")


class AvailableModel(BaseModel):
    """A pack of the catalogue."""

    name: str = Field(examples=["buffalo_l"])
    version: str = Field(examples=["0.7"])
    family: Family = Field(description="What its weights do; those of `face` can be loaded as a face pack.")
    summary: str
    licence: AvailableLicence
    size_bytes: int | None = Field(description="Of the whole download; null: not known.")
    files: list[AvailableFile]
    installed: bool = Field(description="A usable pack of that name and version is there.")
    installable: bool = Field(description="Whether it can be pulled.")
    detail: str | None = Field(description="Why it cannot be pulled.")
    sources: list[str] = Field(description="All addresses of all files.")

    @classmethod
    def of(cls, pack: AvailablePack) -> "AvailableModel":
        entry = pack.entry
        return cls(
            name=entry.name,
            version=entry.version,
            family=entry.family,
            summary=entry.summary,
            licence=AvailableLicence(**entry.licence.model_dump()),
            size_bytes=entry.size_bytes,
            files=[
                AvailableFile(path=file.path, sha256=file.sha256, size_bytes=file.bytes, sources=list(sources))
                for file, sources in zip(entry.files, pack.sources, strict=True)
            ],
            installed=pack.is_installed,
            installable=pack.problem is None,
            detail=pack.problem,
            sources=list(dict.fromkeys(url for sources in pack.sources for url in sources)),
        )


class AvailableModelsAnswer(Answer):
    models: list[AvailableModel]

    @classmethod
    def of(cls, packs: list[AvailablePack], request_id: str) -> "AvailableModelsAnswer":
        return cls(models=[AvailableModel.of(pack) for pack in packs], request_id=request_id)


class LoadedModelAnswer(Answer):
    name: str
    version: str
    provider: str = Field(description="What runs it.", examples=["cpu"])
    dimension: int = Field(description="Length of its embeddings.", examples=[512])

    @classmethod
    def of(cls, analyzer: FaceAnalyzer, request_id: str) -> "LoadedModelAnswer":
        return cls(
            name=analyzer.pack_name,
            version=analyzer.pack_version,
            provider=analyzer.providers[0],
            dimension=analyzer.dimension,
            request_id=request_id,
        )


class UnloadedModelAnswer(Answer):
    name: str
    version: str
    was_loaded: bool

    @classmethod
    def of(cls, unloaded: tuple[PackKey, bool], request_id: str) -> "UnloadedModelAnswer":
        (name, version), was_loaded = unloaded
        return cls(name=name, version=version, was_loaded=was_loaded, request_id=request_id)


class RemovedModelAnswer(Answer):
    name: str
    version: str
    embeddings: int = Field(description="Images embedded by it; their vectors stay stored and come back with it.")

    @classmethod
    def of(cls, removed: RemovedPack, request_id: str) -> "RemovedModelAnswer":
        name, version = removed.key
        return cls(name=name, version=version, embeddings=removed.embeddings, request_id=request_id)
