"""Calls about packs."""

from lianpu.client.answers import (
    AvailableModel,
    DefaultPack,
    Job,
    LoadedModel,
    Model,
    ModelThreshold,
    RemovedModel,
    UnloadedModel,
)
from lianpu.client.operation import operation
from lianpu.client.request import Json, Request, given


class ModelCalls:
    """Packs: pulled, loaded, chosen, removed."""

    @operation
    def list(self) -> Request[tuple[Model, ...]]:
        """All packs: installed, usable, of which licence, and how they compare faces."""
        return Request("GET", "/api/v1/models", Json(tuple[Model, ...], "models"))

    @operation
    def available(self) -> Request[tuple[AvailableModel, ...]]:
        """The catalogue: packs that can be pulled, under which terms, from where. Asks no other server."""
        return Request("GET", "/api/v1/models/available", Json(tuple[AvailableModel, ...], "models"))

    @operation
    def pull(self, name: str, *, accept_licence: bool | None = None) -> Request[Job]:
        """Download a pack of the catalogue, check it and install it. Asking again while it runs gives the same job."""
        return Request(
            "POST",
            "/api/v1/models/pull",
            Json(Job, "job"),
            json=given({"name": name, "accept_licence": accept_licence}),
        )

    @operation
    def load(self, name: str) -> Request[LoadedModel]:
        """Load a face pack and its part of the gallery now rather than at its first use."""
        return Request("POST", "/api/v1/models/load", Json(LoadedModel), json=given({"name": name}))

    @operation
    def unload(self, name: str) -> Request[UnloadedModel]:
        """Free the memory of a pack; requests that have begun keep it. The default pack is refused (`pack_in_use`)."""
        return Request("POST", "/api/v1/models/unload", Json(UnloadedModel), json=given({"name": name}))

    @operation
    def remove(self, name: str, *, force: bool | None = None) -> Request[RemovedModel]:
        """Delete an imported pack: `name@version`, or `name` where one version is installed."""
        return Request(
            "DELETE", "/api/v1/models/{name}", Json(RemovedModel), path={"name": name}, query={"force": force}
        )

    @operation
    def set_default(self, pack: str, *, force: bool | None = None) -> Request[DefaultPack]:
        """Make a pack the default one. Refused (`pack_not_covered`) while images lack its embedding."""
        return Request("POST", "/api/v1/models/default", Json(DefaultPack), json=given({"pack": pack, "force": force}))

    @operation
    def set_threshold(self, name: str, threshold: float | None) -> Request[ModelThreshold]:
        """Set this gallery's own threshold of a pack, for all who have none of their own; null takes it back."""
        return Request(
            "PUT",
            "/api/v1/models/{name}/threshold",
            Json(ModelThreshold),
            path={"name": name},
            json={"threshold": threshold},
        )
