"""A private PostgreSQL cluster, where its programs are installed."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Cluster:
    """Where a cluster listens; ``loader`` may write, ``reader`` may only read."""

    folder: Path
    port: int

    def url(self, role: str, database: str = "postgres") -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.folder}&port={self.port}"

    def dsn(self, role: str) -> str:
        return f"host={self.folder} port={self.port} user={role} dbname=postgres"


def _programs() -> Path | None:
    """Where initdb and pg_ctl are; Debian keeps them out of PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb")
    # PostgreSQL refuses to run as root, and another user cannot enter pytest's folders.
    user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="workbench-pg-"))
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        owner = {} if user is None else {"user": user.pw_uid, "group": user.pw_gid}
        done = subprocess.run(
            command,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            timeout=120,
            **owner,
        )
        assert done.returncode == 0, done.stderr

    data, port = folder / "data", _free_port()
    settings = (
        f"-c unix_socket_directories={folder} -c listen_addresses=127.0.0.1 -c port={port} "
        "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB"
    )
    run("initdb", "-D", str(data), "-U", "loader", "-A", "trust", "--no-sync", "-E", "UTF8")
    run("pg_ctl", "-D", str(data), "-o", settings, "-l", str(folder / "log"), "-w", "start")
    try:
        run("createuser", "-h", str(folder), "-p", str(port), "-U", "loader", "reader")
        yield Cluster(folder, port)
    finally:
        run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)
