"""What every test needs and none changes, made once per process: compiled SQL, routes, templates.

Each test has a database, and with it an engine, of its own; statements and pages are the same.
"""

from typing import Any

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import make_url

from qol_app.app import web_app
from qol_app.runtime import Runtime

_engines: dict[tuple[str, Any], Engine] = {}
_apps: dict[Any, tuple[Flask, dict[str, Any]]] = {}


def engine_that_knows_its_sql(url: Any, **options: Any) -> Engine:
    """Return a new engine that shares what earlier ones of its kind have compiled.

    The compiled SQL of a statement is found by the statement and the dialect.
    """
    engine = create_engine(url, **options)
    kind = (make_url(url).drivername, options.get("isolation_level"))
    first = _engines.setdefault(kind, engine)
    if first is not engine:
        engine.dialect, engine._compiled_cache = first.dialect, first._compiled_cache
    return engine


def pages_of(runtime: Runtime) -> Flask:
    """Return the pages, as shipped, now of this installation."""
    settings = runtime.settings
    kind = (settings.secret_key, settings.behind_proxy, settings.demo)
    if kind not in _apps:
        app = web_app(runtime)
        app.jinja_env.bytecode_cache = CompiledTemplates()
        app.testing = True
        _apps[kind] = app, dict(app.config)
    app, config = _apps[kind]
    app.config.clear()
    app.config.update(config)
    app.extensions["qol_app"] = runtime
    app.extensions.pop("qol_health", None)
    return app


class CompiledTemplates(BytecodeCache):
    """Templates compiled once for both kinds of application, demo and study."""

    _code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take the code of a template from an earlier application, if there was one."""
        if bucket.key in self._code:
            bucket.bytecode_from_string(self._code[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep the code of a template for later applications."""
        self._code[bucket.key] = bucket.bytecode_to_string()
