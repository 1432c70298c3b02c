"""Promises about the repository and the application as a whole."""

import re

import pytest
from flask import Flask

from qol_app.errors import SettingsError
from qol_app.settings import ROOT
from qol_app.web.guard import check_routes, needs
from tests.made_once import pages_of

# What cannot be added to a running study later; docs/validation.md names a test for each.
CORE = (
    *("A1", "A2", "A3", "A4", "A5", "A7", "A8", "A9", "Z1", "Z2"),
    *("I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "C1", "C2", "C5"),
    *("T1", "T2", "T3", "D1", "D2", "D3", "D4", "D9", "D11", "M1", "M5", "O4"),
)


@pytest.mark.requirement("Z1")
def test_a_route_without_a_declared_right_stops_the_program():
    app = Flask("qol_app", static_folder=None)
    app.add_url_rule("/open", "open", lambda: "open to everybody by oversight")
    with pytest.raises(SettingsError, match=r"/open \(open\)"):
        check_routes(app)


@pytest.mark.requirement("Z1")
def test_an_unknown_right_stops_the_program():
    with pytest.raises(SettingsError, match="particpant:read"):
        needs("particpant:read")


@pytest.mark.requirement("Z1")
def test_every_route_of_the_application_declares_its_right(runtime):
    app = pages_of(runtime)
    check_routes(app)
    assert len(list(app.url_map.iter_rules())) > 40


@pytest.mark.requirement("S1")
@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_dependency_is_pinned_with_hashes(name):
    text = (ROOT / name).read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) > 50
    for line in lines:
        assert re.match(r"[A-Za-z0-9_.\-\[\]]+==\S+ ", line), line[:60]
        assert "--hash=sha256:" in line, line[:60]
        assert "index-url" not in line


@pytest.mark.requirement("S4")
def test_pages_name_no_other_origin():
    pages = [*(ROOT / "qol_app" / "web" / "templates").rglob("*.html")]
    assets = [path for path in (ROOT / "qol_app" / "web" / "static").rglob("*") if path.is_file()]
    loads = re.compile(
        r"""(?:src|href|action)=["']https?://|url\(["']?https?://|@import|from ["']https?:"""
    )
    for path in (*pages, *assets):
        found = loads.search(path.read_text(errors="ignore"))
        assert found is None, f"{path.name}: {found}"


@pytest.mark.requirement("S6")
@pytest.mark.parametrize("requirement", CORE)
def test_a_core_requirement_names_tests_that_exist(requirement):
    table = (ROOT / "docs" / "validation.md").read_text()
    row = next(line for line in table.splitlines() if line.startswith(f"| {requirement} |"))
    tests = re.findall(r"`([^`]+)::([^`]+)`", row)
    assert tests, f"{requirement}: no test shows it; run 'make trace' after adding one"
    for path, name in tests:
        function = name.rpartition("::")[2]
        assert f"def {function}(" in (ROOT / path).read_text(), f"{path}::{name}"
