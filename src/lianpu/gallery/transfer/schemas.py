"""What the API of the transfer takes and gives."""

from typing import Annotated, Any, Self

from pydantic import Field, SecretStr, model_validator

from lianpu.gallery.schemas import Answer, Strict
from lianpu.gallery.transfer.planning import OnConflict

MAX_PERSON_IDS = 10_000
PASSPHRASE_MIN_CHARS = 12


class ExportFilter(Strict):
    """As the list of persons is filtered; all that is given must hold."""

    name: str | None = Field(default=None, description="Part of the name.", examples=["张"])
    pack: str | None = Field(default=None, description="Persons with an embedding of this pack.", examples=["dlib"])
    metadata: dict[str, str] = Field(default_factory=dict[str, str], examples=[{"department": "R&D"}])


class ExportFields(Strict):
    person_ids: Annotated[list[str], Field(min_length=1, max_length=MAX_PERSON_IDS)] | None = Field(
        default=None, description="Only these persons; everyone when neither this nor `filter` is given."
    )
    filter: ExportFilter | None = None
    include_images: bool = Field(default=True, description="Without photos an archive restores names and ids alone.")
    include_embeddings: bool = True
    passphrase: Annotated[SecretStr, Field(min_length=PASSPHRASE_MIN_CHARS, max_length=1024)] | None = Field(
        default=None, description="Encrypts the archive. It is not kept: without it the archive cannot be opened."
    )

    @model_validator(mode="after")
    def _one_choice(self) -> Self:
        if self.person_ids is not None and self.filter is not None:
            raise ValueError("give person_ids or filter, not both")
        return self

    def parameters(self) -> dict[str, Any]:
        """Of the job; what is secret is left out."""
        said = ExportFilter() if self.filter is None else self.filter
        return {
            "person_ids": self.person_ids,
            "filter": said.model_dump(exclude_none=True),
            "include_images": self.include_images,
            "include_embeddings": self.include_embeddings,
        }


class ApplyFields(Strict):
    on_conflict: OnConflict = OnConflict.FAIL


class SigningKeyAnswer(Answer):
    fingerprint: str = Field(
        description="SHA-256 of the public key. Another installation takes archives of this one once it trusts it.",
        examples=["5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"],
    )
