"""Locking a data set under a name, and reading it back for a report, however much later."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sqlalchemy import select

from qol_app.db.tables import AuditEvent
from qol_app.errors import DataFileError
from qol_app.export.folder import appearing, write_files
from qol_app.export.frozen import FORMATS, read_frozen, write_definitions
from qol_app.export.longtables import pooled
from qol_app.export.manifest import MANIFEST, sha256
from qol_app.report.data import gathered
from qol_app.services import audit
from qol_app.services.context import Context
from qol_app.services.exporting import Watch, occasion, open_study
from qol_app.services.reporting import Read, interpretations_of
from qol_app.settings import Settings

ACTION = "export.freeze"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def freeze_folder(settings: Settings, name: str) -> Path:
    """Return where a freeze of this name stands; DataFileError if it cannot be a name."""
    if not NAME.fullmatch(name):
        raise DataFileError(
            f"freeze: found the name {name!r}; wanted a letter or digit and up to 63 more of "
            "letters, digits, dot, dash, underscore, such as final-2027-03"
        )
    return settings.instance / "freezes" / name


def freeze(
    ctx: Context, settings: Settings, name: str, record: Callable[[str], None], watch: Watch
) -> Path:
    """Write the whole study by arm, with its definitions, into a folder that stands from now on.

    Parameters
    ----------
    record : callable
        Called with the manifest's SHA-256 before the folder appears: puts it on the trail.

    Raises
    ------
    DataFileError
        If the name is taken, or cannot be one.
    """
    folder = freeze_folder(settings, name)
    if folder.exists():
        raise DataFileError(
            f"freeze: found {name!r} at {folder}; wanted a new name, since a freeze stays as it is"
        )
    with appearing(folder) as made:
        opened = open_study(ctx, settings.protocol)
        write_definitions(
            made, opened.study, interpretations_of(opened.study, settings.questionnaires)
        )
        as_of = ctx.today(opened.study.protocol.timezone)
        about = replace(occasion(ctx, True), freeze={"name": name, "as_of": as_of.isoformat()})
        parts = watch(opened.parts, opened.n_participants)
        write_files(made, opened.study, parts, FORMATS, about)
        for path in made.rglob("*"):
            path.chmod(0o500 if path.is_dir() else 0o400)
        record(sha256(made / MANIFEST))
    return folder


def record_freeze(ctx: Context, name: str, manifest_sha256: str) -> None:
    """Put a freeze on the trail with the hash of its manifest, which names every other file."""
    audit.record(ctx, ACTION, "freeze", name, new={"manifest_sha256": manifest_sha256})


def read_freeze(ctx: Context, settings: Settings, name: str, *, by_arm: bool) -> Read:
    """Return what a report needs from a freeze alone; the trail only vouches for its manifest.

    Raises
    ------
    DataFileError
        If there is none of this name, or a file of it is not as it was frozen.
    """
    frozen = read_frozen(freeze_folder(settings, name))
    query = select(AuditEvent.new).where(AuditEvent.action == ACTION, AuditEvent.subject_id == name)
    for new in filter(None, ctx.session.scalars(query)):
        if new["manifest_sha256"] != frozen.manifest_sha256:
            raise DataFileError(
                f"freeze {name}: {MANIFEST} is not the one on the audit trail; wanted SHA-256 "
                f"{new['manifest_sha256'][:12]}, found {frozen.manifest_sha256[:12]}"
            )
    part = frozen.part if by_arm else pooled(frozen.part)
    return Read(frozen.study, gathered([part]), frozen.interpretations, frozen.as_of)
