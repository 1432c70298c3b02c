"""A PostgreSQL of the tests' own: started in a fresh folder, gone afterwards."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class NotInstalled(Exception):
    """There is no PostgreSQL server on this machine."""


def _binaries() -> Path:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    raise NotInstalled("PostgreSQL server: not installed (Debian: apt-get install postgresql)")


def _as_ordinary_user(command: list[str]) -> list[str]:
    # PostgreSQL refuses to run as root.
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def _folder() -> Path:
    # In memory where possible: the tests ask for durable settings, not for a slow disk.
    parent = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    folder = Path(tempfile.mkdtemp(prefix="qol-postgresql-", dir=parent))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    return folder


@contextmanager
def postgresql() -> Iterator[str]:
    """Yield the URL of a running server's maintenance database; stop it in the end.

    Raises
    ------
    NotInstalled
        If the machine has no PostgreSQL.
    """
    binaries, folder = _binaries(), _folder()
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run(
            _as_ordinary_user([str(binaries / command[0]), *command[1:]]),
            check=True,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    try:
        run(
            "initdb",
            "-D",
            str(data),
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
        )
        options = (
            f"-c listen_addresses='' -c unix_socket_directories={folder} -c max_connections=300"
        )
        run("pg_ctl", "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
