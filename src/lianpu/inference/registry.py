"""Every inference model of this installation by name: listed, loaded once at first use, shared, and unloaded."""

import asyncio
import logging
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from lianpu.errors import (
    FieldError,
    InferenceModelNotFoundError,
    InferenceModelUnavailableError,
    LianpuError,
)
from lianpu.inference.folders import ModelFolders
from lianpu.inference.model import Image, InferenceModel, ModelContext
from lianpu.inference.offer import MakeModel, ModelSource, ModelStatus, Offer, cause_of
from lianpu.inference.packages import package_offers
from lianpu.inference.running import InferenceResult, checked_parameters, run_model
from lianpu.runtime.session import SessionFactory

_IDLE_CHECK_S = 30.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Loaded:
    model: InferenceModel
    signature: object
    users: int
    """Runs under way."""
    used_at: float


@dataclass(frozen=True, slots=True)
class _Failure:
    """The last attempt to load a model; forgotten when its files change."""

    text: str
    signature: object


class InferenceRegistry:
    """Built-in models, those of installed packages, and folders dropped into `HOME/models`.

    Of several models with one name the built-in one counts, then that of a package; the others are listed as
    unavailable. Packages are looked for once, at first use; folders whenever models are listed or used.

    May be used from several threads. All calls but `run_unloading` block: keep them off the event loop.
    """

    def __init__(
        self,
        models_dir: Path,
        sessions: SessionFactory,
        built_in: Sequence[MakeModel] = (),
        *,
        idle_unload_minutes: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Nothing is read or loaded yet.

        Args:
            models_dir: need not exist.
            built_in: makers of models, such as `partial(FaceAnalysis, analyzers)`; each is called once right away, so
                that its model can be described, and again whenever it is loaded.
            idle_unload_minutes: a model that was not used for so long is unloaded; None: never.
            clock: seconds that never go back.
        """
        self._folders = ModelFolders(models_dir)
        self._sessions = sessions
        made = [Offer.of(make, ModelSource.BUILT_IN, "Lianpu") for make in built_in]
        self._built_in = {offer.name: offer for offer in made}
        self._packages: list[Offer] | None = None
        self._idle_s = None if idle_unload_minutes is None else idle_unload_minutes * 60
        self._clock = clock
        self._loaded: dict[str, _Loaded] = {}
        self._failures: dict[str, _Failure] = {}
        self._locks: dict[str, Lock] = {}
        self._lock = Lock()

    def list(self) -> list[ModelStatus]:
        """Every model, by name; one that is broken is listed with the reason, and never raised."""
        offers = [*self._built_in.values(), *self._package_offers()]
        owners: dict[str, Offer] = {}
        for offer in offers:
            owners.setdefault(offer.name, offer)
        for name in self._folders.names():
            # The folder of a plug-in holds its weights, and is no model of its own.
            if name not in owners or self._folders.is_described(name):
                offer = self._folders.offer(name)
                if offer is not None:
                    offers.append(offer)
                    owners.setdefault(name, offer)
        listed = [self._status(offer, owners[offer.name]) for offer in offers]
        return sorted(listed, key=lambda status: status.name)

    def get(self, name: str) -> ModelStatus:
        """One model, as `list` shows it.

        Raises:
            InferenceModelNotFoundError: there is none of that name; carries those there are.
        """
        offer = self._offer(name)
        return self._status(offer, offer)

    def check(self, name: str, parameters: Mapping[str, object] | None = None) -> ModelStatus:
        """Whether a run could begin: for requests that are to be run later. Loads nothing.

        Raises:
            InferenceModelNotFoundError: there is no such model.
            InferenceModelUnavailableError: it cannot be used.
            FieldsInvalidError: the parameters are not its own; `errors` names all of them.
        """
        offer = self._usable(name)
        assert offer.described is not None
        checked_parameters(offer.described, parameters)
        return self._status(offer, offer)

    def run(self, name: str, image: Image, parameters: Mapping[str, object] | None = None) -> InferenceResult:
        """Take one image through a model, which is loaded first where it is not yet.

        Args:
            image: [H, W, 3] uint8 RGB, upright.
            parameters: what the request sets; None and an empty mapping leave the model's defaults.

        Raises:
            InferenceModelNotFoundError, InferenceModelUnavailableError, FieldsInvalidError: as `check`; the second also
                where it does not load.
            InvalidInputError: the model cannot use this image.
            InferenceFailedError: the model failed.
            LianpuError: whatever else a built-in model raises on purpose.
        """
        offer = self._usable(name)
        assert offer.described is not None
        checked = checked_parameters(offer.described, parameters)
        with self._borrowed(offer) as model:
            return run_model(model, image, checked, is_built_in=offer.source is ModelSource.BUILT_IN)

    def unload(self, name: str) -> bool:
        """Forget a model's networks; runs that have begun keep them until they end. False: it was not loaded."""
        if name not in self._loaded:
            return False
        with self._lock_of(name):
            return self._loaded.pop(name, None) is not None

    def unload_idle(self) -> Sequence[str]:
        """Unload what was not used for `idle_unload_minutes`, and what is no longer there; the names of those."""
        unloaded: list[str] = []
        for name in tuple(self._loaded):
            with self._lock_of(name):
                loaded = self._loaded.get(name)
                if loaded is None or loaded.users:
                    continue
                is_idle = self._idle_s is not None and self._clock() - loaded.used_at >= self._idle_s
                if is_idle or self._find(name) is None:
                    del self._loaded[name]
                    unloaded.append(name)
        if unloaded:
            _log.info("inference models unloaded after idling: %s", ", ".join(unloaded))
        return unloaded

    async def run_unloading(self) -> None:
        """Unload idle models until cancelled."""
        while True:
            await asyncio.sleep(_IDLE_CHECK_S)
            try:
                await asyncio.to_thread(self.unload_idle)
            except Exception:  # the next turn may work, and nothing else depends on this one
                _log.exception("idle inference models were not unloaded")

    def _package_offers(self) -> Sequence[Offer]:
        with self._lock:
            if self._packages is None:
                self._packages = package_offers()
            return self._packages

    def _find(self, name: str) -> Offer | None:
        """The offer that has the name."""
        if name in self._built_in:
            return self._built_in[name]
        package = next((offer for offer in self._package_offers() if offer.name == name), None)
        return package or self._folders.offer(name)

    def _offer(self, name: str) -> Offer:
        offer = self._find(name)
        if offer is None:
            available = sorted({status.name for status in self.list()})
            raise InferenceModelNotFoundError(
                f"There is no inference model '{name}'. Available: {', '.join(available) or 'none'}.",
                context={"available": available},
            )
        return offer

    def _usable(self, name: str) -> Offer:
        offer = self._offer(name)
        problem = self._problem(offer)
        if problem:
            raise InferenceModelUnavailableError(problem, errors=offer.errors)
        return offer

    def _status(self, offer: Offer, owner: Offer) -> ModelStatus:
        if offer is not owner:
            text = f"The name '{offer.name}' is taken: {owner.origin} has a {owner.source} model of that name."
            return offer.status(text, is_loaded=False)
        problem = self._problem(offer)
        # A built-in model says by `problem` what it lacks, as things are now.
        failure = None if offer.source is ModelSource.BUILT_IN else self._failures.get(offer.name)
        if not problem and failure is not None and failure.signature == self._signature(offer):
            problem = failure.text
        return offer.status(problem, is_loaded=offer.name in self._loaded)

    def _problem(self, offer: Offer) -> str:
        """Why a model cannot be used, as far as is known without loading it; empty where nothing is known."""
        if offer.described is None:
            return offer.problem
        try:
            problem = offer.described.problem(self._context(offer.name))
        except (Exception, SystemExit) as error:  # somebody else's code
            _log.exception("inference model %r failed in problem", offer.name)
            problem = f"its method problem raised {cause_of(error)}"
        return f"Inference model '{offer.name}' cannot be used: {problem}" if problem else ""

    def _context(self, name: str) -> ModelContext:
        return ModelContext(name, self._folders.models_dir / name, self._sessions)

    def _signature(self, offer: Offer) -> object:
        """Of a plug-in the files that were put into its folder: new weights are to be used."""
        return self._folders.signature(offer.name) if offer.source is ModelSource.PACKAGE else offer.signature

    @contextmanager
    def _borrowed(self, offer: Offer) -> Generator[InferenceModel]:
        """The loaded model, which does not count as idle meanwhile."""
        lock = self._lock_of(offer.name)
        with lock:
            signature = self._signature(offer)
            loaded = self._loaded.get(offer.name)
            if loaded is None or loaded.signature != signature:
                loaded = _Loaded(self._load(offer, signature), signature, 0, self._clock())
                self._loaded[offer.name] = loaded
            loaded.users += 1
        try:
            yield loaded.model
        finally:
            with lock:
                loaded.users -= 1
                loaded.used_at = self._clock()

    def _load(self, offer: Offer, signature: object) -> InferenceModel:
        assert offer.make is not None
        errors: Sequence[FieldError] = ()
        try:
            model = offer.make()
            model.load_model(self._context(offer.name))
        except LianpuError as error:
            cause, errors = error.detail.removesuffix("."), error.errors
            reason: BaseException = error
        except (Exception, SystemExit) as error:  # somebody else's code
            cause, reason = cause_of(error).replace(str(self._folders.models_dir), "models"), error
        else:
            self._failures.pop(offer.name, None)
            return model
        _log.error("inference model %r of %s did not load", offer.name, offer.origin, exc_info=reason)
        text = f"Inference model '{offer.name}' of {offer.origin} did not load: {cause}."
        self._failures[offer.name] = _Failure(text, signature)
        raise InferenceModelUnavailableError(text, errors=errors) from reason

    def _lock_of(self, name: str) -> Lock:
        with self._lock:
            return self._locks.setdefault(name, Lock())
