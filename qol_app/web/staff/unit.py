"""What every staff route needs: who asks, a unit of work in their name, a page around it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar, cast

from flask import abort, redirect, render_template, request, url_for

from qol_app.permissions import may
from qol_app.services.context import Context
from qol_app.web.visitor import Visitor, current_visitor, runtime

View = TypeVar("View")
# How long a code counts as just given, before identity changes, exports and rights.
FRESH = timedelta(minutes=10)
# A form opened with a fresh code may be filled in at leisure.
FRESH_TO_SAVE = timedelta(minutes=20)


def visitor() -> Visitor:
    """Return who asks; the guard has let them in."""
    found = current_visitor()
    if found is None:
        abort(404)
    return found


def allowed(right: str) -> bool:
    """Return whether the one who asks has a right."""
    return may(visitor().actor.role, right)


@contextmanager
def reading() -> Iterator[Context]:
    """Yield a unit of work in the name of the one who asks, that changes nothing."""
    with runtime().reading(visitor().actor) as ctx:
        yield ctx


@contextmanager
def writing() -> Iterator[Context]:
    """Yield a unit of work in the name of the one who asks, committed at its end."""
    with runtime().writing(visitor().actor) as ctx:
        yield ctx


def fresh(view: View) -> View:
    """Ask for a code from the authenticator first, unless one was given just now."""

    @wraps(view)  # type: ignore[arg-type]
    def asked(*args: Any, **kwargs: Any) -> Any:
        limit = FRESH if request.method == "GET" else FRESH_TO_SAVE
        if runtime().clock() - visitor().factor_at > limit:
            return redirect(url_for("auth.confirm", next=back_to()))
        return view(*args, **kwargs)  # type: ignore[operator]

    return cast(View, asked)


def back_to() -> str:
    """Return where to go on after a code was asked for: this page, if it can be opened again."""
    return request.full_path.rstrip("?") if request.method == "GET" else url_for("staff.home")


def page(template: str, status: int = 200, **values: Any) -> Any:
    """Return a staff page; its frame knows who is signed in."""
    return render_template(f"staff/{template}.html", **values), status
