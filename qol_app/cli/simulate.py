"""``flask simulate``: years of a synthetic trial through the real services, in minutes."""

import gc
import logging
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, time
from pathlib import Path

import click

from qol_app.cli.progress import watched
from qol_app.errors import QolError
from qol_app.settings import ROOT
from qol_app.simulation.closing import Claim, claims, fingerprint
from qol_app.simulation.lives import FIRST_DAY
from qol_app.simulation.trial import DIFFERS, Trial
from qol_app.simulation.world import Clock, installation

SHOWN = 5


@click.command("simulate")
@click.option("--participants", type=click.IntRange(1, 5000), default=200, show_default=True)
@click.option("--years", type=click.FloatRange(0.1, 20), default=5.0, show_default=True)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="The same seed, the same trial."
)
@click.option("--protocol", default="breclim-2", show_default=True)
@click.option(
    "--questionnaires",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="QUESTIONNAIRES",
    default=ROOT / "questionnaires",
    show_default="the program's own",
)
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="An empty folder in which the database stays; otherwise it is thrown away.",
)
def simulate_command(
    participants: int,
    years: float,
    seed: int,
    protocol: str,
    questionnaires: Path,
    keep: Path | None,
) -> None:
    """Live a made-up trial with a moved clock, and say what holds at its end.

    People answer, answer late, use two telephones, are ill, withdraw and die; staff record
    events late and wrongly and correct them; providers fail. Services, worker and database
    are the real ones, in an installation of its own: the study's own data are not touched.
    """
    # Its providers fail on purpose: what comes of that is looked at in the end.
    logging.getLogger("qol_app.worker").setLevel(logging.CRITICAL)
    with _ends_tidily(), ExitStack() as stack:
        folder = _folder(stack, keep)
        clock = Clock(datetime.combine(FIRST_DAY, time(), UTC))
        runtime = stack.enter_context(installation(folder, clock, protocol, questionnaires))
        trial = Trial.prepared(runtime, clock, participants, years, seed)
        # The trial keeps hundreds of thousands of answers to compare with in the end: looking
        # through them for rubbish again and again would take a sixth of the time.
        gc.set_threshold(100_000, 50, 100)
        _live(trial)
        click.echo("\n".join(_story(trial)))
        found = claims(trial)
    for claim in found:
        click.echo(_line(claim))
    failed = sum(not claim.holds for claim in found)
    if failed:
        raise QolError(f"simulation, seed {seed}: {failed} of {len(found)} claims fail")


@contextmanager
def _ends_tidily() -> Iterator[None]:
    """Have SIGTERM leave the block as an error would, so that the folder is thrown away."""

    def leave(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_IGN)  # a second one must not interrupt the tidying
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _folder(stack: ExitStack, keep: Path | None) -> Path:
    if keep is None:
        # In memory where there is such a place and no other is wished for: the settings are
        # durable, the trial is not.
        memory = "TMPDIR" not in os.environ and os.access("/dev/shm", os.W_OK)
        parent = "/dev/shm" if memory else None
        return Path(stack.enter_context(tempfile.TemporaryDirectory("qol-simulation", dir=parent)))
    if keep.exists() and any(keep.iterdir()):
        raise QolError(f"--keep: {keep} holds files already; wanted an empty folder")
    keep.mkdir(parents=True, exist_ok=True)
    return keep


def _live(trial: Trial) -> None:
    days = int((trial.ends_at - trial.clock.now).days)
    last = trial.clock.now

    def passed(now: datetime) -> int:
        nonlocal last
        gone = (now - last).days
        last = now if gone else last
        return gone

    for _ in watched(trial.live(), days, "days lived", passed):
        pass


def _story(trial: Trial) -> Iterator[str]:
    """Yield in a few lines what happened, so that nobody takes an empty trial for a good one."""
    refused = Counter(trial.office.refused)
    for one in trial.residents.values():
        refused += one.refused
    yield (
        f"{len(trial.residents)} participants, {FIRST_DAY} to {trial.ends_at:%Y-%m-%d},"
        f" seed {trial.seed}, course {fingerprint(trial)}"
    )
    receipts = sum(len(one.receipts) for one in trial.residents.values())
    lived = {**trial.counts, "handed in": receipts, **trial.office.done}
    yield "lived: " + ", ".join(f"{what} {n:,}" for what, n in lived.items())
    yield "refused: " + (", ".join(f"{what} {n}" for what, n in refused.items() if n) or "nothing")
    yield "not as in life: " + "; ".join(DIFFERS)
    yield ""


def _line(claim: Claim) -> str:
    word = "FAILS" if claim.against else "holds" if claim.checked else "nothing to check"
    lines = [f"{word:>16}  {claim.checked:>9,} checks  {claim.text}"]
    lines += [f"{'':>16}  against: {one}" for one in claim.against[:SHOWN]]
    if len(claim.against) > SHOWN:
        lines.append(f"{'':>16}  and {len(claim.against) - SHOWN} more")
    return "\n".join(lines)
