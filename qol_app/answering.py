"""Saving one answer as it comes from a telephone: the short way, or the whole one."""

from sqlalchemy.exc import DBAPIError, IntegrityError

from qol_app.runtime import Runtime
from qol_app.services.answers import Saved, Sent, save_by_name, save_ordinary
from qol_app.services.context import Actor


def save(installed: Runtime, actor: Actor, sent: Sent) -> Saved:
    """Store one answer durably and return what became of it.

    Raises
    ------
    ResponseError, NotFound
        As ``services.answers.save_by_name``.
    """
    try:
        return _save_once(installed, actor, sent)
    except DBAPIError as error:
        # A submission came in between, and now is there to be seen; or the connection was
        # lost, and there is a new one. An answer sent twice is one answer.
        if isinstance(error, IntegrityError) or error.connection_invalidated:
            return _save_once(installed, actor, sent)
        raise


def _save_once(installed: Runtime, actor: Actor, sent: Sent) -> Saved:
    with installed.database.alone() as alone:
        saved = save_ordinary(alone, installed.library, installed.clock(), sent)
    if saved is not None:
        return saved
    with installed.writing(actor) as ctx:
        return save_by_name(ctx, sent)
