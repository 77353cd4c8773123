"""Which of a photo's EXIF data its enhanced copy carries: when and how it was taken, not where."""

from PIL import Image as PillowImage

# Image description, make, model, resolution and its unit, software, date, artist, copyright. All others of the first
# directory describe how the old file stored its pixels, or hold previews and data of other kinds (XMP, IPTC).
_FIRST_TAGS = (0x010E, 0x010F, 0x0110, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x8298)
_EXIF_DIRECTORY, _GPS_DIRECTORY = 0x8769, 0x8825
# Notes in the maker's own format may hold anything, positions and previews among it.
_MAKER_NOTE, _INTEROPERABILITY, _RELATED_SOUND = 0x927C, 0xA005, 0xA004
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xA002, 0xA003


def kept_exif(image: PillowImage.Image, width: int, height: int, *, keep_gps: bool) -> bytes | None:
    """The EXIF block for the enhanced copy; None: there is nothing to keep, or nothing that can be read.

    The copy is stored upright, so no orientation is in it.

    Args:
        width, height: of the copy, in pixels.
    """
    try:
        source = image.getexif()
        kept = PillowImage.Exif()
        for tag in _FIRST_TAGS:
            if tag in source:
                kept[tag] = source[tag]
        details = dict(source.get_ifd(_EXIF_DIRECTORY))
        for tag in (_MAKER_NOTE, _INTEROPERABILITY, _RELATED_SOUND):
            details.pop(tag, None)
        if details:
            details |= {_PIXEL_WIDTH: width, _PIXEL_HEIGHT: height}
            kept[_EXIF_DIRECTORY] = details
        position = dict(source.get_ifd(_GPS_DIRECTORY)) if keep_gps else {}
        if position:
            kept[_GPS_DIRECTORY] = position
        return kept.tobytes() if len(kept) else None
    except Exception:  # broken EXIF data raises nearly any class, and does not harm the pixels
        return None
