"""R reads what was written, where it is installed; else the test says that it was not run."""

import functools
import shutil
import subprocess

import pytest


@functools.cache
def _has(package: str) -> bool:
    ask = f"quit(status = system.file(package = '{package}') == '')"
    return subprocess.run(["Rscript", "-e", ask], check=False, capture_output=True).returncode == 0


def require_r(package: str = "base") -> None:
    """Skip the test, with what to install, if R or this package of it is not here."""
    if shutil.which("Rscript") is None:
        pytest.skip("not run: R is not installed here (Debian: apt-get install r-base-core)")
    if package != "base" and not _has(package):
        name = f"r-cran-{package.lower()}"
        pytest.skip(f"not run: {package} of R is not installed here (Debian: {name})")
