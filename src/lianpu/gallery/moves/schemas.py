"""What the API takes and gives when images change hands, and when persons go."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from lianpu.gallery.moves.moves import Merged
from lianpu.gallery.moves.receipts import DeletionReceipt
from lianpu.gallery.schemas import Answer, Metadata, PersonAnswer, PersonId, PersonImageAnswer, PersonName, Strict

MANY_AT_MOST = 1000


class MergeFields(Strict):
    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    merged: Annotated[
        list[PersonId],
        Field(alias="from", min_length=1, max_length=MANY_AT_MOST, description="Persons who become part of this one."),
    ]


class NewPerson(Strict):
    person_id: PersonId | None = None
    name: PersonName
    metadata: Metadata | None = None


class MoveFields(Strict):
    """Exactly one of `to_person_id` and `new_person`."""

    to_person_id: PersonId | None = None
    new_person: NewPerson | None = None
    delete_empty: bool = Field(default=False, description="Remove the person it comes from when no image is left.")

    @model_validator(mode="after")
    def _one_target(self) -> Self:
        if (self.to_person_id is None) == (self.new_person is None):
            raise ValueError("give either to_person_id or new_person")
        return self


class DeleteManyFields(Strict):
    person_ids: Annotated[list[str], Field(min_length=1, max_length=MANY_AT_MOST)]


class MetadataConflictAnswer(BaseModel):
    key: str
    kept: Any
    dropped: Any


class MergeAnswer(Answer):
    person: PersonAnswer
    images_moved: int
    duplicates_dropped: int = Field(description="Images that the person had already, byte for byte.")
    persons_removed: list[str]
    metadata_conflicts: list[MetadataConflictAnswer] = Field(description="Keys of which the person's own value stays.")

    @classmethod
    def of(cls, merged: Merged, person: PersonAnswer, request_id: str) -> "MergeAnswer":
        return cls(
            person=person,
            images_moved=merged.images_moved,
            duplicates_dropped=merged.duplicates_dropped,
            persons_removed=list(merged.persons_removed),
            metadata_conflicts=[
                MetadataConflictAnswer(key=item.key, kept=item.kept, dropped=item.dropped)
                for item in merged.metadata_conflicts
            ],
            request_id=request_id,
        )


class MoveAnswer(Answer):
    person: PersonAnswer = Field(description="Who has the image now.")
    image: PersonImageAnswer
    person_removed: bool = Field(description="The person it came from had no other image and is gone.")


class DeletionReceiptAnswer(BaseModel):
    """What is gone. It holds no name and no image, so that it can be kept."""

    receipt_id: str
    person_id: str
    deleted_at: datetime
    images: int
    embeddings: dict[str, int] = Field(description="How many by pack.", examples=[{"dlib@1": 3}])
    files: int
    remaining_files: int = Field(
        description="Held by another program; they are tried again every hour and at every start."
    )
    verified: bool = Field(description="Database, files and indexes were looked at afterwards: nothing is left.")

    @classmethod
    def of(cls, receipt: DeletionReceipt) -> "DeletionReceiptAnswer":
        return cls(
            receipt_id=receipt.receipt_id,
            person_id=receipt.person_id,
            deleted_at=receipt.deleted_at,
            images=receipt.images,
            embeddings=receipt.embeddings,
            files=receipt.files,
            remaining_files=len(receipt.remaining_files),
            verified=receipt.verified,
        )


class DeletionAnswer(Answer):
    receipt: DeletionReceiptAnswer


class DeletionOutcome(BaseModel):
    person_id: str
    status: Literal["deleted", "not_found"]
    receipt: DeletionReceiptAnswer | None


class DeleteManyAnswer(Answer):
    deleted: int
    items: list[DeletionOutcome]
