"""Every route names the right it needs; one that does not stops the program at start."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from flask import Flask, abort, current_app, redirect, request, url_for

from qol_app.errors import SettingsError
from qol_app.permissions import RIGHTS, may
from qol_app.web.visitor import current_visitor

View = TypeVar("View", bound=Callable[..., Any])


def needs(right: str) -> Callable[[View], View]:
    """Declare the right a route needs; without it a visitor learns nothing, not even 403.

    Nobody signed in is sent to the page where one signs in. A staff member or
    participant without the right gets the same 404 as for a page that is not there.
    """
    if right not in RIGHTS:
        raise SettingsError(f"right: found {right!r}; known: {', '.join(RIGHTS)}")

    def decorate(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if right == "public":
                return view(*args, **kwargs)
            visitor = current_visitor()
            if visitor is None:
                return _to_sign_in(right)
            if not may(visitor.actor.role, right):
                abort(404)
            return view(*args, **kwargs)

        guarded.right = right  # type: ignore[attr-defined]
        return cast(View, guarded)

    return decorate


def _to_sign_in(right: str) -> Any:
    # A blueprint may take what was posted along to the sign-in, instead of losing it.
    rescue = current_app.extensions.get("qol_sign_in_rescue", {}).get(request.endpoint)
    if rescue is not None and request.method == "POST":
        return rescue(**(request.view_args or {}))
    if right == "own:answer":
        return redirect(url_for("participant.signed_out"))
    target = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("auth.sign_in", next=target))


def check_routes(app: Flask) -> None:
    """Refuse to start when a route does not say who may use it.

    Raises
    ------
    SettingsError
        Naming the routes.
    """
    open_ones = [
        f"{rule.rule} ({rule.endpoint})"
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "right", None) is None
    ]
    if open_ones:
        raise SettingsError(f"routes without a declared right: {', '.join(sorted(open_ones))}")
