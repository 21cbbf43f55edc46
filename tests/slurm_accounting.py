"""The accounting of the tests' Slurm: a database and slurmdbd of its own, below one folder, on loopback only."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

PROGRAMS = ("slurmdbd", "mariadbd", "mariadb", "mariadb-install-db")
STORAGE = """\
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={port}
AccountingStoragePass={root}/munge.sock
"""
_CONF = """\
AuthType=auth/munge
AuthInfo=socket={root}/munge.sock
DbdAddr=127.0.0.1
DbdHost=localhost
DbdPort={port}
CommunicationParameters=NoInAddrAny
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=127.0.0.1
StoragePort={storage_port}
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
LogFile={root}/slurmdbd.log
PidFile={root}/slurmdbd.pid
"""
_SQL = "create database slurm_acct_db; create user slurm@'{host}' identified by 'slurm'; " \
       "grant all on slurm_acct_db.* to slurm@'{host}'"  # fmt: skip


def installed(path: str) -> bool:
    """Whether this machine can keep accounts; without them only the controller's memory is asked."""
    return all(shutil.which(program, path=path) for program in PROGRAMS)


def start(root: Path, port: int, storage_port: int) -> None:
    """Start the database and slurmdbd, whose munge listens already; their pids are in `root`."""
    data, socket = root / "db", root / "mariadb.sock"
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", "--user=root", f"--datadir={data}", "--skip-test-db",
         "--auth-root-authentication-method=normal"], check=True, **quiet,
    )  # fmt: skip
    subprocess.Popen(
        ["mariadbd", "--no-defaults", "--user=root", f"--datadir={data}", "--bind-address=127.0.0.1",
         f"--port={storage_port}", f"--socket={socket}", f"--pid-file={root}/mariadbd.pid",
         "--innodb-buffer-pool-size=16M", "--innodb-lock-wait-timeout=900"], start_new_session=True, **quiet,
    )  # fmt: skip
    client = ["mariadb", "--no-defaults", "-S", str(socket), "-e"]
    _until(lambda: subprocess.run([*client, "select 1"], check=False, **quiet).returncode == 0)
    subprocess.run([*client, _SQL.format(host="127.0.0.1")], check=True, **quiet)
    conf = root / "slurmdbd.conf"
    conf.write_text(_CONF.format(root=root, port=port, storage_port=storage_port))
    conf.chmod(0o600)
    subprocess.run(["slurmdbd"], check=True)
    _until(lambda: subprocess.run(["sacctmgr", "-n", "show", "cluster"], check=False, **quiet).returncode == 0)
    subprocess.run(["sacctmgr", "-i", "add", "cluster", "hourcast"], check=True, **quiet)


def _until(done: Callable[[], bool]) -> None:
    until = time.monotonic() + 60
    while not done():
        if time.monotonic() > until:
            raise TimeoutError("the accounting has not started within a minute")
        time.sleep(0.1)
