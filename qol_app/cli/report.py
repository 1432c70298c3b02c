"""``flask report DIR``: tables, figures and text of the whole study as one page and PDF."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from qol_app.cli.current import reading, runtime, writing
from qol_app.cli.export import watch_participants
from qol_app.cli.progress import watched
from qol_app.errors import QolError
from qol_app.i18n import decimal_mark, languages, translations

if TYPE_CHECKING:
    from qol_app.report.speech import Speech


@click.command("report")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--language", default="en", show_default=True, help="Of the report: en or sv.")
@click.option("--unblinded", is_flag=True, help="By arm; needs --as.")
@click.option("--as", "email", metavar="EMAIL", help="The statistician who asks.")
@click.option("--reference", default="", help="Arm to compare with (the protocol's last).")
@click.option("--freeze", metavar="NAME", help="Read only what 'flask freeze NAME' locked.")
@click.option("--pdf/--no-pdf", default=True, help="Whether to make the PDF too.")
def report_command(
    folder: Path,
    language: str,
    unblinded: bool,
    email: str | None,
    reference: str,
    freeze: str | None,
    pdf: bool,
) -> None:
    """Write the study's report into a new folder DIR.

    All participants together, unless a statistician asks by name; that is recorded. DIR gets
    report.html, report.pdf, every table as CSV and every figure as SVG and PNG, and appears
    only when all of them are complete.
    """
    from qol_app.export.folder import appearing
    from qol_app.report.data import report_data
    from qol_app.report.model import Options
    from qol_app.report.page import write_report
    from qol_app.report.registry import SECTIONS, written
    from qol_app.services import freezing, reporting

    if unblinded != bool(email):
        raise QolError("--unblinded and --as EMAIL belong together; found only one of them")
    options = Options(
        language=language,
        blinded=not unblinded,
        say=_speech(language),
        reference_arm=reference,
    )
    installation = runtime()
    installation.check()
    with appearing(folder) as made:
        with reading() as ctx:
            actor = reporting.named_reader(ctx, email) if email else ctx.actor
            ctx = ctx.acting_as(actor)
            read = (
                freezing.read_freeze(ctx, installation.settings, freeze, by_arm=unblinded)
                if freeze
                else reporting.read_study(
                    ctx,
                    installation.settings.protocol,
                    installation.settings.questionnaires,
                    by_arm=unblinded,
                    watch=watch_participants,
                )
            )
        data = report_data(read.study, read.facts, read.interpretations, read.as_of, options)
        sections = list(watched(written(data, _jobs()), len(SECTIONS), "sections"))
        done = write_report(made, data, sections, pdf=pdf)
        with writing() as ctx:
            about = {"data_sha256": data.sha256, "language": language, "files": len(done.files)}
            about |= {"freeze": freeze} if freeze else {}
            reporting.record_report(ctx.acting_as(actor), folder.name, about, by_arm=unblinded)
    for line in done.without:
        click.echo(line)
    scope = "by arm" if unblinded else "all participants together"
    click.echo(f"{folder}: {len(sections)} sections, {scope}; open report.html")


def _jobs() -> int:
    return min(2, os.cpu_count() or 1)


def _speech(language: str) -> "Speech":
    from qol_app.report.speech import Speech

    if language not in languages():
        raise QolError(f"--language: found {language!r}; wanted {' or '.join(languages())}")
    return Speech(translations(language).gettext, decimal_mark(language))
