"""How many times the fault tests kill: 1,000 in every build, 10,000 by ``make faults``."""

from collections.abc import Iterator

import pytest

from tests.faults.pack import Zygote

CYCLES, FULL_CYCLES = 1_000, 10_000


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full-faults", action="store_true", help="the figures of a release")
    parser.addoption("--fault-cycles", type=int, help="so many kills, whatever else is asked")


@pytest.fixture(scope="module")
def fault_cycles(request: pytest.FixtureRequest) -> int:
    """How many workers are killed."""
    given = request.config.getoption("--fault-cycles")
    return given or (FULL_CYCLES if request.config.getoption("--full-faults") else CYCLES)


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """The process that forks workers."""
    running = Zygote()
    yield running
    running.close()
