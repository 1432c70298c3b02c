"""Licensed wording: an owner's texts taken into the study from a file, as a version of its own."""

from collections.abc import Iterator
from pathlib import Path

from qol_app.definition.wording_packs import load_wording_pack
from qol_app.services.context import Context
from qol_app.services.definitions import store_wording
from qol_app.services.library import newest


def load_pack(
    ctx: Context,
    path: Path,
    code: str,
    language: str,
    licence_reference: str,
    certificate: str | None = None,
) -> Iterator[str]:
    """Store a wording pack for the version of the instrument in force.

    Forms begun from then on show it; forms begun before keep the wording they have. The same
    texts loaded again change nothing.

    Yields
    ------
    str
        One line for the version stored, if it is new.

    Raises
    ------
    NotAllowed
        If the instrument is not loaded.
    DefinitionError
        If the pack does not fit the instrument item by item.
    """
    row = newest(ctx.session, "instrument", code)
    instrument = ctx.library.instrument(ctx.session, row.id)
    wording = load_wording_pack(path, instrument, language, licence_reference, certificate)
    yield from store_wording(ctx, wording)
