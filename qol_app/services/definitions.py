"""Loading what the study asks: each version is stored once, whole, and never changed."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel
from sqlalchemy import select

from qol_app.db.tables import Definition, Site
from qol_app.definition.instrument import load_instruments
from qol_app.definition.protocol import Protocol, load_protocol, load_protocol_versions
from qol_app.definition.wording import Wording, load_wordings, refuse_gaps
from qol_app.errors import DefinitionError, NotAllowed
from qol_app.services import audit
from qol_app.services.context import Context


def load(ctx: Context, folder: Path, protocol_code: str) -> Iterator[str]:
    """Store every definition of a folder that is new, and the sites of the protocol.

    Parameters
    ----------
    folder : Path
        Holds ``instruments/`` and ``protocols/``.
    protocol_code : str
        The protocol this installation runs.

    Yields
    ------
    str
        One line for each version stored, and a note where a demo lacks an instrument.

    Raises
    ------
    DefinitionError
        If a file is wrong, or there is no protocol of that code.
    """
    for instrument in load_instruments(folder / "instruments").values():
        yield from _store(ctx, "instrument", instrument.code, instrument.version, instrument)
        for wording in load_wordings(folder / "instruments" / instrument.code).values():
            refuse_gaps(instrument, wording)
            yield from store_wording(ctx, wording)
    protocols = load_protocol_versions(folder / "protocols", demo_may_lack=True)
    if protocol_code not in protocols:
        raise DefinitionError(
            f"protocol: found {protocol_code!r}; known: {', '.join(sorted(protocols))}"
        )
    yield from _lacking(folder / "protocols")
    for protocol in protocols[protocol_code]:
        yield from _store(ctx, "protocol", protocol.code, protocol.version, protocol)
    _sites(ctx, protocol)


def _lacking(folder: Path) -> Iterator[str]:
    """Yield what a demo goes on without, because an instrument's folder was taken away."""
    for path in sorted(folder.glob("*.yaml")):
        try:
            load_protocol(path)
        except DefinitionError as error:
            yield f"note: {error}; as a demo it goes on without"


def store_wording(ctx: Context, wording: Wording) -> Iterator[str]:
    """Store one version of a wording with its licence and certificate."""
    yield from _store(
        ctx,
        "wording",
        wording.instrument,
        wording.checksum[:12],
        wording,
        language=wording.language,
        sha256=wording.checksum,
        stand_in=wording.stand_in,
        licence_reference=wording.licence_reference or "",
        certificate=wording.certificate or "",
    )


def _store(
    ctx: Context, kind: str, code: str, version: str, model: BaseModel, **columns: str | bool
) -> Iterator[str]:
    sha256 = columns.pop("sha256", None) or model.sha256  # type: ignore[attr-defined]
    language = columns.pop("language", "")
    known = ctx.session.scalar(
        select(Definition.id).where(
            Definition.kind == kind,
            Definition.code == code,
            Definition.language == language,
            Definition.sha256 == sha256,
        )
    )
    if known is not None:
        return
    row = Definition(
        kind=kind,
        code=code,
        language=language,
        version=version,
        sha256=sha256,
        body=json.loads(model.model_dump_json()),
        loaded_at=ctx.now,
        **columns,
    )
    ctx.session.add(row)
    ctx.session.flush()
    audit.record(
        ctx,
        "definition.load",
        "definition",
        row.id,
        new={"kind": kind, "code": code, "language": language, "sha256": sha256},
    )
    yield " ".join(filter(None, (kind, code, str(language), version, str(sha256)[:12])))


def _sites(ctx: Context, protocol: Protocol) -> None:
    for site in protocol.sites:
        row = ctx.session.scalar(select(Site).where(Site.code == site.code))
        values = {
            "name": site.name,
            "phone": site.phone,
            "email": site.email,
            "timezone": site.timezone or protocol.timezone,
        }
        if row is None:
            row = Site(code=site.code, **values)
            ctx.session.add(row)
            ctx.session.flush()
            audit.record(ctx, "site.add", "site", row.id, new=values, site=site.code)
        elif any(getattr(row, name) != value for name, value in values.items()):
            old = {name: getattr(row, name) for name in values}
            for name, value in values.items():
                setattr(row, name, value)
            audit.record(ctx, "site.change", "site", row.id, old=old, new=values, site=site.code)


def protocol_versions(ctx: Context, code: str) -> list[tuple[int, Protocol]]:
    """Return row number and content of every loaded version of a protocol, oldest first.

    Where a version was loaded again with other content, the last loaded one counts.
    """
    ids = ctx.session.scalars(
        select(Definition.id)
        .where(Definition.kind == "protocol", Definition.code == code)
        .order_by(Definition.id)
    )
    by_version = {
        protocol.version: (id_, protocol)
        for id_ in ids
        for protocol in [ctx.library.protocol(ctx.session, id_)]
    }
    return sorted(by_version.values(), key=lambda pair: pair[1].effective_on)


def protocol_in_force(ctx: Context, code: str) -> tuple[int, Protocol]:
    """Return the row number and content of the protocol version that enrolment uses.

    Raises
    ------
    NotAllowed
        If no version is loaded and effective yet.
    """
    effective = [
        (id_, protocol)
        for id_, protocol in protocol_versions(ctx, code)
        if protocol.effective_on <= ctx.today(protocol.timezone)
    ]
    if not effective:
        raise NotAllowed(
            f"protocol {code}: found no version in force; run 'flask definitions load'"
        )
    return effective[-1]
