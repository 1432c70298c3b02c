"""Python looks for litter only among what tests make, not among modules and collected tests.

Those stay to the end; to go through a million of them again and again finds nothing.
"""

import gc

import pytest

gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Set aside what is there before the first test, and look for litter from now on."""
    gc.freeze()
    gc.enable()
