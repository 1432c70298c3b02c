"""What most tests stand on: a study database on each engine, a movable clock, a client."""

import os
import re
import shutil
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import psycopg
import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.engine import make_url

from qol_app.crypto import Hasher, Vault
from qol_app.db import engine as engine_module
from qol_app.db.engine import Database
from qol_app.db.migrate import migrate
from qol_app.runtime import Runtime
from qol_app.services import definitions
from qol_app.services.context import Actor, Context
from qol_app.services.library import Library
from qol_app.settings import ROOT, Settings
from tests.made_once import engine_that_knows_its_sql, pages_of
from tests.postgres import NotInstalled, postgresql

# Folders of instruments may be taken away: their owners claim different rights. Tests that tell
# the story of the shipped trial need the questionnaires it asks for; all others go on.
QUESTIONNAIRES = ROOT / "questionnaires"
ASKED = re.findall(
    r"[a-z0-9-]+",
    " ".join(
        re.findall(
            r"instruments: \[(.*?)\]",
            (QUESTIONNAIRES / "protocols" / "breclim-2.yaml").read_text(encoding="utf-8"),
        )
    ),
)
ABSENT = sorted({code for code in ASKED if not (QUESTIONNAIRES / "instruments" / code).is_dir()})
ABOUT_THE_TRIAL = (
    *("browser", "cli/test_check_command.py", "cli/test_plan_command.py"),
    *("cli/test_wording_command.py", "db", "definition/test_message_lint.py"),
    *("definition/test_protocol.py", "definition/test_protocol_docs.py", "delivery", "faults"),
    *("definition/test_event_fields.py", "simulation", "test_cli_freeze.py", "test_cli_report.py"),
    *("flows", "export", "report", "schedule", "services", "test_cli_audit.py"),
    *("test_cli_export.py", "test_cli_staff.py", "test_promises.py", "web", "worker"),
)

pytest_plugins = (
    *("tests.trace", "tests.chromium", "tests.litter", "tests.pure", "tests.read_once"),
)

ENGINES = ("sqlite", "postgresql")
# PostgreSQL; on a machine that has none, the rest is still run on SQLite.
DEPLOYMENT = "deployment"
# Where the engine is not the claim a story is told on one, and with this setting on the other.
TELL_ON_THE_OTHER = os.environ.get("QOL_TEST_ENGINE") == "other"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
KEY = bytes(range(7, 39))


# How long a case takes says more about the machine than about the program. A case that fails is
# printed, not kept in a file: that would be taken for a file of the test's own where it is pure.
hypothesis.settings.register_profile("calm", deadline=None, database=None, print_blob=True)
hypothesis.settings.load_profile("calm")

engine_module.create_engine = engine_that_knows_its_sql


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what is about the trial where a questionnaire of the trial is not here."""
    here = Path(__file__).parent
    about_the_trial = any(collection_path == here / one for one in ABOUT_THE_TRIAL)
    return True if ABSENT and about_the_trial else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Have each process begin with its share of the slow tests: none is left over at the end."""
    n = getattr(config, "workerinput", {}).get("workercount", 1)
    slow = [one for one in items if one.get_closest_marker("slow")]
    quick = [one for one in items if not one.get_closest_marker("slow")]
    shares = [[*share(slow, k, n), *share(quick, k, n)] for k in range(n)]
    items[:] = [one for mine in shares for one in mine]


def share(items: list[pytest.Item], k: int, n: int) -> list[pytest.Item]:
    """Return the k-th of n equal parts; the tests of a file stay together, as its fixtures do."""
    return items[k * len(items) // n : (k + 1) * len(items) // n]


def pytest_report_header() -> list[str]:
    """Say what is left out, and why."""
    if not ABSENT:
        return []
    return [f"not run, since the trial asks for {', '.join(ABSENT)}: {' '.join(ABOUT_THE_TRIAL)}"]


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass: ``move(days=3)``."""
        self.now += timedelta(**by)


def make_settings(database_url: str, instance: Path, **other: object) -> Settings:
    """Return settings good enough to serve; override any by name."""
    values: dict[str, object] = {
        "database_url": database_url,
        "base_url": "https://qol.example.org",
        "secret_key": "only-for-tests-" + "k" * 40,
        "pepper": KEY,
        "field_keys": {"k1": KEY},
        "callback_key": "only-for-tests-" + "c" * 40,
        "mail_from": "qol@example.org",
        "instance": instance,
    }
    return Settings(**{**values, **other})  # type: ignore[arg-type]


def make_runtime(settings: Settings, clock: Clock) -> Runtime:
    """Return an installation whose Argon2id is quick enough for tests."""
    return Runtime(
        settings=settings,
        database=Database(settings.database_url),
        vault=Vault(settings.field_keys),
        hasher=Hasher(settings.pepper, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)),
        library=Library(),
        clock=clock,
    )


def fill_definitions(settings: Settings) -> None:
    """Migrate the database of these settings and load the definitions of the trial."""
    runtime = make_runtime(settings, Clock())
    migrate(runtime.database)
    with runtime.writing(Actor.system("tests")) as ctx:
        list(definitions.load(ctx, ROOT / "questionnaires", "breclim-2"))
    if runtime.database.is_sqlite:
        with runtime.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    runtime.database.close()


class Templates:
    """A filled, migrated database per engine, copied afresh for every test that wants one."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self._stack = folder, stack
        self._ready: dict[str, str] = {}

    def copy(self, engine: str, folder: Path) -> str:
        """Return the URL of a database of this test's own."""
        if engine == DEPLOYMENT:
            return self._copy_deployment(folder)
        if engine not in self._ready:
            self._ready[engine] = getattr(self, f"_make_{engine}")()
        return getattr(self, f"_copy_{engine}")(self._ready[engine], folder)

    def _copy_deployment(self, folder: Path) -> str:
        try:
            return self.copy("postgresql", folder)
        except NotInstalled:
            return self.copy("sqlite", folder)

    def empty(self, engine: str, folder: Path) -> str:
        """Return the URL of a database that holds nothing at all, not even tables."""
        if engine == "sqlite":
            return f"sqlite:///{folder / 'empty.db'}"
        return self._create(self.copy(engine, folder), None)

    def _make_sqlite(self) -> str:
        path = self.folder / "template.db"
        fill_definitions(make_settings(f"sqlite:///{path}", self.folder))
        return str(path)

    def _copy_sqlite(self, template: str, folder: Path) -> str:
        path = folder / "qol.db"
        shutil.copy(template, path)
        return f"sqlite:///{path}"

    def _make_postgresql(self) -> str:
        url = os.environ.get("QOL_TEST_POSTGRESQL") or self._stack.enter_context(postgresql())
        template = self._create(url, None)
        fill_definitions(make_settings(template, self.folder))
        return template

    def _copy_postgresql(self, template: str, folder: Path) -> str:
        return self._create(template, make_url(template).database)

    def _create(self, url: str, template: str | None) -> str:
        name = f"qol_{uuid.uuid4().hex[:16]}"
        with self._server(url) as connection:
            copied = f" TEMPLATE {template}" if template else ""
            # Small and kept in memory: copying files costs less than logging every page.
            how = " STRATEGY FILE_COPY" if connection.info.server_version >= 150_000 else ""
            connection.execute(f"CREATE DATABASE {name}{copied}{how}")
        return make_url(url).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Give back what a test's own database took of the server; files go with their folder."""
        if url.startswith("postgresql"):
            with self._server(url) as connection:
                connection.execute(f"DROP DATABASE {make_url(url).database} WITH (FORCE)")

    @staticmethod
    def _server(url: str) -> psycopg.Connection:
        plain = make_url(url).set(drivername="postgresql", database="postgres")
        return psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True)


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Templates]:
    """Databases that every test copies instead of migrating anew."""
    with ExitStack() as stack:
        yield Templates(tmp_path_factory.mktemp("templates"), stack)


def told_on(engine: str) -> list[str]:
    """Return the one engine of stories whose claim is not about engines."""
    other = DEPLOYMENT if engine == "sqlite" else "sqlite"
    return [other if TELL_ON_THE_OTHER else engine]


def fresh_study(engine: str, templates: Templates, folder: Path) -> Iterator[str]:
    """Yield the URL of a study database; drop it in the end."""
    try:
        url = templates.copy(engine, folder)
    except NotInstalled as error:
        pytest.skip(f"not run: {error}")
    yield url
    templates.drop(url)


@pytest.fixture(params=ENGINES)
def database_url(
    request: pytest.FixtureRequest, templates: Templates, tmp_path: Path
) -> Iterator[str]:
    """The URL of a fresh study database, once on each engine."""
    yield from fresh_study(request.param, templates, tmp_path)


@pytest.fixture(params=ENGINES)
def empty_url(request: pytest.FixtureRequest, templates: Templates, tmp_path: Path) -> str:
    """The URL of a database without tables, once on each engine."""
    try:
        return templates.empty(request.param, tmp_path)
    except NotInstalled as error:
        pytest.skip(f"not run: {error}")


@pytest.fixture
def clock() -> Clock:
    """Monday 23 November 2026, 10:00 in Stockholm, until moved."""
    return Clock()


@pytest.fixture
def runtime(database_url: str, clock: Clock, tmp_path: Path) -> Iterator[Runtime]:
    """An installation with the study's definitions loaded and nobody enrolled."""
    running = make_runtime(make_settings(database_url, tmp_path), clock)
    yield running
    running.database.close()


@pytest.fixture
def ctx(runtime: Runtime) -> Iterator[Context]:
    """A unit of work in the name of the program, seen by itself only."""
    with runtime.database.write() as session:
        yield Context(
            session,
            Actor.system("tests"),
            runtime.clock(),
            runtime.vault,
            runtime.hasher,
            runtime.library,
        )
        session.rollback()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    """The pages of that installation."""
    return pages_of(runtime)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without a screen, on the public HTTPS address."""
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    return client
