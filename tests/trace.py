"""Which tests show which requirement: ``make trace`` writes docs/validation.md from the markers.

A test says what it shows with ``@pytest.mark.requirement("A3")``.
"""

from collections import defaultdict
from pathlib import Path

import pytest
import yaml

REQUIREMENTS: dict[str, str] = yaml.safe_load(
    (Path(__file__).parent / "requirements.yaml").read_text()
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--trace-to", help="write the table of requirements and tests to this file")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    shown = shown_by(items)
    unknown = set(shown) - set(REQUIREMENTS)
    if unknown:
        raise pytest.UsageError(
            f"requirement marker: found {sorted(unknown)}; known: tests/requirements.yaml"
        )
    if config.getoption("--trace-to"):
        Path(config.getoption("--trace-to")).write_text(table(shown))


def shown_by(items: list[pytest.Item]) -> dict[str, list[str]]:
    """Return the tests of each requirement, without their parameters."""
    found: dict[str, list[str]] = defaultdict(list)
    for item in items:
        name = item.nodeid.partition("[")[0]
        for marker in item.iter_markers("requirement"):
            for requirement in marker.args:
                if name not in found[requirement]:
                    found[requirement].append(name)
    return found


def table(shown: dict[str, list[str]]) -> str:
    """Return the Markdown of docs/validation.md."""
    lines = [
        "# Validation: requirement → test",
        "",
        "Made by `make trace` from the tests themselves. A requirement without a test is not met.",
        "",
        "| Id | Requirement | Shown by |",
        "|---|---|---|",
    ]
    for requirement, sentence in REQUIREMENTS.items():
        tests = "<br>".join(f"`{name}`" for name in sorted(shown.get(requirement, ())))
        lines.append(f"| {requirement} | {sentence} | {tests or 'no test yet'} |")
    return "\n".join(lines) + "\n"
