"""What wants doing now and then, and does no harm when left undone for a while."""

from datetime import timedelta

from sqlalchemy import bindparam, delete, exists, update

from qol_app.db.base import table_of
from qol_app.db.tables import Assessment, AttemptBudget, Submission
from qol_app.services.context import Context

BUDGETS_KEPT = timedelta(days=7)
# Windows are local days; somewhere a day lasts this much longer or has begun already.
ZONES = timedelta(days=1)

_row, _budget, _done = table_of(Assessment), table_of(AttemptBudget), table_of(Submission)
_HEAL = (
    update(_row)
    .where(
        _row.c.look_again_at.is_(None),
        _row.c.closes_on >= bindparam("closes_from"),
        _row.c.dropped_at.is_(None),
        _row.c.counted_by_id.is_(None),
        ~exists().where(_done.c.assessment_id == _row.c.id),
    )
    .values(look_again_at=bindparam("now"))
)
_FORGET = delete(_budget).where(_budget.c.period < bindparam("before"))


def keep_house(ctx: Context) -> str:
    """Mend what a sweep should look at, and forget old counts; return what was done."""
    mended = heal(ctx)
    forgotten = _forget_budgets(ctx)
    return f"mended {mended}, forgot {forgotten}"


def heal(ctx: Context) -> int:
    """Have every open, unanswered assessment looked at that nobody would look at.

    ``look_again_at`` is an index, not a fact: whatever lost it gets it back here.
    """
    ctx.session.flush()
    values = {"now": ctx.now, "closes_from": ctx.now.date() - ZONES}
    return ctx.session.connection().execute(_HEAL, values).rowcount


def _forget_budgets(ctx: Context) -> int:
    values = {"before": f"{ctx.now - BUDGETS_KEPT:%Y-%m-%d}"}
    return ctx.session.connection().execute(_FORGET, values).rowcount
