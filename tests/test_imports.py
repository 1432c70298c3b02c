"""The program is one line, left to right; each stage knows those before it and none after."""

import ast
from pathlib import Path

import pytest

from qol_app.settings import ROOT

PACKAGE = ROOT / "qol_app"
LINE = ("definition", "schedule", "assessment", "scoring", "analysis", "export", "report")
FORBIDDEN_IN_CORE = {"flask", "sqlalchemy", "apscheduler", "httpx", "requests", "smtplib", "socket"}
EVERYBODY = {"errors", "files"}

# What each stage outside the line may know of the package, besides the line itself.
EDGES = {
    "db": set(),
    "delivery": set(),
    "services": {"db", "delivery", "clean", "crypto", "i18n", "permissions", "settings"},
}


def _stage(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _modules(stage: str) -> list[Path]:
    return [path for path in sorted(PACKAGE.rglob("*.py")) if _stage(path) == stage]


def _imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; wanted an absolute one"
            names.add(node.module or "")
            if node.module == "qol_app":
                names |= {f"qol_app.{alias.name}" for alias in node.names}
    return names


def _stages_used(path: Path) -> set[str]:
    return {
        name.split(".")[1]
        for name in _imported(path)
        if name.startswith("qol_app.") and name != "qol_app.__version__"
    }


@pytest.mark.parametrize("stage", LINE)
def test_a_stage_knows_only_the_stages_before_it(stage):
    allowed = {*LINE[: LINE.index(stage) + 1], *EVERYBODY}
    for path in _modules(stage):
        assert _stages_used(path) <= allowed, path


@pytest.mark.parametrize("stage", LINE)
def test_the_core_knows_no_web_database_or_network(stage):
    for path in _modules(stage):
        used = {name.split(".")[0] for name in _imported(path)}
        assert not used & FORBIDDEN_IN_CORE, path


@pytest.mark.parametrize("stage", EDGES)
def test_database_and_channels_know_no_rules(stage):
    allowed = {stage, *EDGES[stage], *EVERYBODY}
    if stage == "services":
        allowed |= set(LINE)
    for path in _modules(stage):
        assert _stages_used(path) <= allowed, path


def test_services_do_not_know_the_web():
    assert _modules("services")
    for path in _modules("services"):
        assert not {"flask", "werkzeug"} & {name.split(".")[0] for name in _imported(path)}, path
