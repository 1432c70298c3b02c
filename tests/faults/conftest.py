"""How many times the fault tests kill: a few by ``make test``, 10,000 by ``make faults``."""

from collections.abc import Iterator

import pytest

from tests.faults.pack import Zygote

# A first look; a build kills 1,000 besides, a release 10,000.
KILLS = 40


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=KILLS, help="how many workers are killed")


@pytest.fixture(scope="module")
def fault_cycles(request: pytest.FixtureRequest) -> int:
    """How many workers are killed."""
    return request.config.getoption("--kills")


@pytest.fixture(scope="session")
def zygote() -> Iterator[Zygote]:
    """The process that forks workers."""
    running = Zygote()
    yield running
    running.close()
