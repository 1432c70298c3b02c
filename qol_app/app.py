"""The application: settings, database and pages put together."""

from typing import Any

import click
from flask import Flask, g
from flask_wtf.csrf import CSRFProtect
from jinja2 import StrictUndefined

from qol_app import i18n
from qol_app.cli import register_commands
from qol_app.errors import SettingsError
from qol_app.runtime import Clock, Runtime, open_runtime, utc_now
from qol_app.settings import Settings, load_settings
from qol_app.web import BLUEPRINTS, DEMO_BLUEPRINTS, SIGNED_BLUEPRINTS, assets, failures
from qol_app.web.guard import check_routes
from qol_app.web.language import page_language
from qol_app.web.security import secure

csrf = CSRFProtect()


def wsgi_app() -> Flask:
    """Return the application for a server, or its commands alone where settings are missing.

    Commands that need no study (``flask score``, ``flask plan`` ...) run without any
    settings; a server without them stops with one line.
    """
    try:
        app = make_app()
    except SettingsError as error:
        if click.get_current_context(silent=True) is None:
            raise SystemExit(f"error: {error}") from error
        app = Flask("qol_app", static_folder=None)
        app.extensions["qol_app_missing"] = error
        register_commands(app)
        return app
    if click.get_current_context(silent=True) is None:
        _check_before_serving(app)
    return app


def _check_before_serving(app: Flask) -> None:
    try:
        app.extensions["qol_app"].check()
    except SettingsError as error:
        raise SystemExit(f"error: {error}") from error


def make_app(settings: Settings | None = None, clock: Clock = utc_now) -> Flask:
    """Return the application, ready to serve.

    Parameters
    ----------
    settings : Settings, optional
        Read from the environment where left out.
    clock : callable
        Returns the present instant, aware UTC; tests and the simulator move it.

    Raises
    ------
    SettingsError
        If a setting is missing or wrong, or a route has no declared right.
    """
    settings = settings or load_settings()
    return web_app(open_runtime(settings, clock))


def web_app(runtime: Runtime) -> Flask:
    """Return the pages of one running installation."""
    app = Flask("qol_app", static_folder=None, template_folder="web/templates")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["qol_app"] = runtime
    secure(app, runtime.settings)
    csrf.init_app(app)
    _languages(app)
    assets.register(app)
    failures.register(app)
    for blueprint in (*BLUEPRINTS, *SIGNED_BLUEPRINTS):
        app.register_blueprint(blueprint)
    for blueprint in SIGNED_BLUEPRINTS:
        csrf.exempt(blueprint)
    for blueprint in DEMO_BLUEPRINTS if runtime.settings.demo else ():
        app.register_blueprint(blueprint)
    register_commands(app)
    check_routes(app)
    return app


def _languages(app: Flask) -> None:
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: i18n.translations(page_language()).gettext(text),
        lambda one, many, n: i18n.translations(page_language()).ngettext(one, many, n),
        newstyle=True,
    )

    @app.context_processor
    def _page() -> dict[str, Any]:
        return {
            "language": page_language(),
            "nonce": g.get("nonce", ""),
            "day": lambda value: i18n.day(value, page_language()),
            "day_and_year": lambda value: i18n.day_and_year(value, page_language()),
            "moment": lambda value, zone: i18n.moment(value, page_language(), zone),
            "languages": {code: i18n.language_name(code) for code in i18n.languages()},
        }
