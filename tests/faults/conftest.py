"""How many times the fault tests kill: some in every build, all of them by ``make faults``."""

import pytest

CYCLES, FULL_CYCLES = 40, 10_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full-faults", action="store_true", help="the figures of a release")
    parser.addoption("--fault-cycles", type=int, help="so many kills, whatever else is asked")


@pytest.fixture
def fault_cycles(request: pytest.FixtureRequest) -> int:
    """How many workers are killed."""
    given = request.config.getoption("--fault-cycles")
    return given or (FULL_CYCLES if request.config.getoption("--full-faults") else CYCLES)
