"""Facts out of the database, some participants at a time, for exports and reports.

A share of participants costs the same few queries however many rows they return, and all
shares are read in one transaction, which sees one state of the study. Identity is never read.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
from alembic.runtime.migration import MigrationContext
from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute

from qol_app import __version__
from qol_app.db.tables import (
    Assessment,
    Definition,
    Form,
    MissingReason,
    Participant,
    ParticipantEvent,
    Response,
    Site,
    Submission,
)
from qol_app.definition.instrument import Instrument
from qol_app.export.facts import Facts
from qol_app.export.folder import appearing, write_files
from qol_app.export.longtables import long_tables
from qol_app.export.manifest import Occasion
from qol_app.export.study import DefinitionUsed, Part, Study
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.definitions import protocol_in_force
from qol_app.services.library import newest
from qol_app.services.participants import Course, courses, visible, visible_sites

# So many that the work per share outweighs its queries, so few that memory stays bounded.
PEOPLE_AT_ONCE = 250
Watch = Callable[[Iterator[Part], int], Iterator[Part]]


@dataclass(frozen=True)
class Opened:
    """A study ready to be read: what it is, how many participants, and their tables."""

    study: Study
    n_participants: int
    parts: Iterator[Part]


def open_study(
    ctx: Context,
    protocol_code: str,
    *,
    by_arm: bool = True,
    people_at_once: int = PEOPLE_AT_ONCE,
    language: str = "en",
) -> Opened:
    """Return the study as the actor may see it; rows are read as ``parts`` is consumed.

    Parameters
    ----------
    protocol_code : str
        The protocol this installation runs.
    by_arm : bool
        Whether to tell who was allocated to what.
    language : str
        Of titles in the codebook, and of the habits of spreadsheets.
    """
    see_one_state(ctx)
    rows = participant_rows(ctx)
    study = _study(ctx, protocol_code, language)
    parts = (
        long_tables(facts, __version__, by_arm=by_arm)
        for facts in read_facts(ctx, rows, people_at_once)
    )
    return Opened(study, len(rows), parts)


def export_to(
    ctx: Context,
    folder: Path,
    protocol_code: str,
    formats: Sequence[str],
    record: Callable[[dict[str, Any]], None],
    *,
    by_arm: bool = True,
    language: str = "en",
    watch: Watch | None = None,
) -> dict[str, Any]:
    """Write what the actor may see into a new folder, and return its manifest.

    Parameters
    ----------
    record : callable
        Called with the manifest before the folder appears: puts the export on the trail, in
        a transaction of its own, so that no lock is held while files are written.
    watch : callable, optional
        Wraps the parts to show progress; takes them and the number of participants.

    Raises
    ------
    DataFileError
        If the folder holds something already.
    """
    with appearing(folder) as made:
        opened = open_study(ctx, protocol_code, by_arm=by_arm, language=language)
        parts = watch(opened.parts, opened.n_participants) if watch else opened.parts
        content = write_files(made, opened.study, parts, formats, occasion(ctx, by_arm))
        record(content)
    return content


def occasion(ctx: Context, by_arm: bool) -> Occasion:
    """Return when, by whom and of what the actor exports."""
    sites = ", ".join(sorted(site.code for site in visible_sites(ctx)))
    return Occasion(
        exported_at=ctx.now,
        exported_by=f"{ctx.actor.name} ({ctx.actor.role})",
        schema_revision=schema_revision(ctx),
        scope="study" if ctx.actor.site_ids is None else f"sites: {sites}",
        by_arm=by_arm,
    )


def record_export(ctx: Context, action: str, name: str, content: dict[str, Any]) -> None:
    """Put an export on the trail: who took what, and the checksum of every file."""
    kept = ("scope", "arm_included", "formats", "rows", "files", "data_until")
    audit.record(
        ctx, action, "export", name, new={one: content[one] for one in kept if one in content}
    )


def schema_revision(ctx: Context) -> str:
    """Return the revision of the database's schema."""
    found = MigrationContext.configure(ctx.session.connection()).get_current_revision()
    return found or ""


def see_one_state(ctx: Context) -> None:
    """Make all queries of this unit of work see the study as it is at the first of them.

    SQLite does so by itself. Has to come before the first query.
    """
    if ctx.session.get_bind().dialect.name == "postgresql" and not ctx.session.in_transaction():
        ctx.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


# --- reading ---------------------------------------------------------------------------


def participant_rows(ctx: Context) -> list[Any]:
    """Return the participants the actor may see, by study number."""
    query = (
        visible(ctx)
        .join(Site, Site.id == Participant.site_id)
        .with_only_columns(
            Participant.id,
            Participant.study_number,
            Site.code.label("site"),
            Participant.language,
            Participant.timezone,
            Participant.protocol_id,
            Participant.enrolled_at,
        )
        .order_by(Participant.study_number)
    )
    return list(ctx.session.execute(query))


def read_facts(ctx: Context, rows: Sequence[Any], people_at_once: int) -> Iterator[Facts]:
    """Yield the facts of these participants, so many at a time."""
    for first in range(0, len(rows), people_at_once):
        yield _facts(ctx, rows[first : first + people_at_once])


def _facts(ctx: Context, people: Sequence[Any]) -> Facts:
    ids = [row.id for row in people]
    mine = Assessment.participant_id.in_(ids)
    known = courses(ctx, ids)
    assessments = _frame(ctx, _assessments(mine))
    forms = _frame(ctx, _forms(mine))
    return Facts(
        participants=pd.DataFrame(people, columns=list(people[0]._fields)),
        events=_events(known),
        assessments=assessments,
        forms=forms,
        responses=_frame(ctx, _responses(mine)),
        submissions=_frame(ctx, _of_assessments(Submission.submitted_at, mine)),
        reasons=_frame(ctx, _of_assessments(MissingReason.reason, mine, MissingReason.id)),
        histories={id_: one.history() for id_, one in known.items()},
        instruments={
            int(id_): ctx.library.instrument(ctx.session, int(id_))
            for id_ in forms["instrument_id"].unique()
        },
        protocols={
            int(id_): ctx.library.protocol(ctx.session, int(id_))
            for id_ in {row.protocol_id for row in people} | set(assessments["protocol_id"])
        },
        now=ctx.now,
    )


def _frame(ctx: Context, query: Any) -> pd.DataFrame:
    result = ctx.session.execute(query)
    # As objects: pandas would turn whole numbers with gaps into floats, and dates into instants.
    return pd.DataFrame(result.all(), columns=list(result.keys()), dtype=object)


def _assessments(mine: Any) -> Any:
    columns = [one for one in Assessment.__table__.columns if one.name != "look_again_at"]
    return select(*columns).where(mine)


def _forms(mine: Any) -> Any:
    return (
        select(
            Form.id,
            Form.assessment_id,
            Form.instrument,
            Form.position,
            Form.instrument_id,
            Form.language,
        )
        .join(Assessment, Assessment.id == Form.assessment_id)
        .where(mine)
    )


def _responses(mine: Any) -> Any:
    return (
        select(
            Response.form_id,
            Response.item,
            Response.status,
            Response.value,
            Response.counter,
            Response.event_id,
            Response.mode,
            Response.device,
            Response.shown_at,
            Response.client_at,
            Response.recorded_at,
        )
        .join(Form, Form.id == Response.form_id)
        .join(Assessment, Assessment.id == Form.assessment_id)
        .where(mine)
    )


def _of_assessments(
    wanted: InstrumentedAttribute[Any], mine: Any, *more: InstrumentedAttribute[Any]
) -> Any:
    table = wanted.class_
    return (
        select(table.assessment_id, wanted, *more)
        .join(Assessment, Assessment.id == table.assessment_id)
        .where(mine)
    )


def _events(known: dict[int, Course]) -> pd.DataFrame:
    names = ["id", "participant_id", "kind", "happened_on", "details", "corrected", "recorded_at"]
    rows = [_event(row) for one in known.values() for row in one.standing]
    return pd.DataFrame(rows, columns=names)


def _event(row: ParticipantEvent) -> tuple[Any, ...]:
    details = json.dumps(row.details, sort_keys=True, ensure_ascii=False)
    corrected = row.replaces_id is not None
    return (
        row.id,
        row.participant_id,
        row.kind,
        row.happened_on,
        details,
        corrected,
        row.recorded_at,
    )


# --- what the study is -----------------------------------------------------------------


def _study(ctx: Context, protocol_code: str, language: str) -> Study:
    _, protocol = protocol_in_force(ctx, protocol_code)
    used = _definitions_used(ctx, protocol_code)
    instruments: dict[tuple[str, str], Instrument] = {}
    for row in used:
        if row.kind == "instrument":
            instruments[row.code, row.sha256] = ctx.library.instrument(ctx.session, row.id)
    return Study(
        protocol=protocol,
        instruments=instruments,
        definitions=tuple(_definition(row) for row in used),
        data_until=_data_until(ctx),
        program_version=__version__,
        language=language,
    )


def _definitions_used(ctx: Context, protocol_code: str) -> list[Definition]:
    """Return every definition that a form, a plan or a package of the protocol rests on."""
    scope = visible(ctx).with_only_columns(Participant.id)
    forms = (
        select(Form.instrument_id, Form.wording_id)
        .join(Assessment)
        .where(Assessment.participant_id.in_(scope))
    )
    planned = select(Assessment.protocol_id).where(Assessment.participant_id.in_(scope))
    ids = {id_ for row in ctx.session.execute(forms.distinct()) for id_ in row}
    ids |= set(ctx.session.scalars(planned.distinct()))
    protocol_id, protocol = protocol_in_force(ctx, protocol_code)
    ids.add(protocol_id)
    for code in {code for package in protocol.packages for code in package.instruments}:
        ids.add(newest(ctx.session, "instrument", code).id)
    query = select(Definition).where(Definition.id.in_(ids))
    return list(
        ctx.session.scalars(
            query.order_by(Definition.kind, Definition.code, Definition.language, Definition.id)
        )
    )


def _definition(row: Definition) -> DefinitionUsed:
    return DefinitionUsed(
        kind=row.kind,
        code=row.code,
        language=row.language,
        version=row.version,
        sha256=row.sha256,
        stand_in=row.stand_in,
        licence_reference=row.licence_reference,
    )


def _data_until(ctx: Context) -> datetime:
    newest_facts = (
        select(func.max(Definition.loaded_at)),
        select(func.max(Participant.enrolled_at)),
        select(func.max(ParticipantEvent.recorded_at)),
        select(func.max(Submission.submitted_at)),
        select(Response.recorded_at).order_by(Response.id.desc()).limit(1),
    )
    found = [ctx.session.scalar(query) for query in newest_facts]
    return max(
        (one.astimezone(UTC) for one in found if one is not None),
        default=datetime.fromtimestamp(0, UTC),
    )
