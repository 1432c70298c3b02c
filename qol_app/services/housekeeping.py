"""What wants doing now and then, and does no harm when left undone for a while."""

from datetime import timedelta

from sqlalchemy import CursorResult, delete, exists, update

from qol_app.db.tables import Assessment, AttemptBudget, Submission
from qol_app.services.context import Context

BUDGETS_KEPT = timedelta(days=7)
# Windows are local days; somewhere a day lasts this much longer or has begun already.
ZONES = timedelta(days=1)


def keep_house(ctx: Context) -> str:
    """Mend what a sweep should look at, and forget old counts; return what was done."""
    mended = heal(ctx)
    forgotten = _forget_budgets(ctx)
    return f"mended {mended}, forgot {forgotten}"


def heal(ctx: Context) -> int:
    """Have every open, unanswered assessment looked at that nobody would look at.

    ``look_again_at`` is an index, not a fact: whatever lost it gets it back here.
    """
    today = ctx.now.date()
    mended: CursorResult = ctx.session.execute(  # type: ignore[assignment]
        update(Assessment)
        .where(
            Assessment.look_again_at.is_(None),
            Assessment.closes_on >= today - ZONES,
            Assessment.dropped_at.is_(None),
            Assessment.counted_by_id.is_(None),
            ~exists().where(Submission.assessment_id == Assessment.id),
        )
        .values(look_again_at=ctx.now)
        .execution_options(synchronize_session=False)
    )
    return mended.rowcount


def _forget_budgets(ctx: Context) -> int:
    before = f"{ctx.now - BUDGETS_KEPT:%Y-%m-%d}"
    gone: CursorResult = ctx.session.execute(  # type: ignore[assignment]
        delete(AttemptBudget).where(AttemptBudget.period < before)
    )
    return gone.rowcount
