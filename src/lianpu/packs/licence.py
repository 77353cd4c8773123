"""Under which terms weights come: what a given licence allows, and what has to be accepted before installing."""

import json
from datetime import UTC, datetime

from lianpu.errors import PackLicenceError
from lianpu.packs.manifest import Licence

INSIGHTFACE_NON_COMMERCIAL = Licence(
    id="LicenseRef-InsightFace-NonCommercial",
    commercial=False,
    acceptance=True,
    url="https://github.com/deepinsight/insightface#license",
)
UNKNOWN = Licence(id="LicenseRef-Unknown", commercial=False, acceptance=True)

# SPDX ids that are known to allow commercial use; what is not among them is taken not to.
_COMMERCIAL = frozenset(
    licence.casefold()
    for licence in (
        "0BSD",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "BSL-1.0",
        "CC-BY-4.0",
        "CC0-1.0",
        "ISC",
        "MIT",
        "MIT-0",
        "MPL-2.0",
        "Unlicense",
        "Zlib",
    )
)


def licence_of_spdx(spdx: str) -> Licence:
    """What a person's word about a licence means: commercial use only where the id is known to allow it."""
    commercial = spdx.casefold() in _COMMERCIAL
    return Licence(id=spdx, commercial=commercial, acceptance=not commercial)


def format_acceptance(licence: Licence) -> str:
    """The text of the `licence.json` that keeps with a pack what was accepted, and when."""
    accepted_at = datetime.now(UTC).isoformat(timespec="seconds")
    content = {"licence": licence.id, "url": licence.url, "accepted_at": accepted_at}
    return json.dumps(content, ensure_ascii=False, indent=2) + "\n"


def check_accepted(licence: Licence, *, pack: str, accepted: bool) -> None:
    """Let weights whose terms need no acceptance, or were accepted, pass.

    Raises:
        PackLicenceError: the terms must be accepted first; the text says what they are.
    """
    if not licence.acceptance or accepted:
        return
    terms = "allow commercial use" if licence.commercial else "do not allow commercial use"
    if licence.id == UNKNOWN.id:
        terms = "are not known, so nothing may be assumed to be allowed"
    where = f" Read them at {licence.url}." if licence.url else ""
    raise PackLicenceError(
        f"The terms of pack '{pack}' ({licence.id}) {terms}.{where} "
        "Ask again with --accept-licence (`accept_licence` in the API) if you accept them.",
        context={"licence": licence.id, "commercial": licence.commercial, "url": licence.url},
    )
