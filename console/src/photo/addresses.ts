const part = encodeURIComponent;

/** The image is named, not just the person: the address changes with the photo, so no cache shows an old one. */
export function thumbnailOf(person: { person_id: string; primary_image_id: string | null }): string | null {
  return person.primary_image_id === null ? null : imageThumbnail(person.person_id, person.primary_image_id);
}

export function imageThumbnail(personId: string, imageId: string): string {
  return `/api/v1/faces/${part(personId)}/images/${part(imageId)}/thumbnail`;
}

/** Of whoever's primary photo is not known here. */
export function personThumbnail(personId: string): string {
  return `/api/v1/faces/${part(personId)}/thumbnail`;
}

export function imageContent(personId: string, imageId: string): string {
  return `/api/v1/faces/${part(personId)}/images/${part(imageId)}/content`;
}
