"""A private PostgreSQL cluster on a loopback port. The cluster of the system is never touched."""

import os
import re
import secrets
import shutil
import signal
from pathlib import Path

from .failure import Failure
from .places import write_private
from .ports import LOOPBACK
from .process import Child, run, unprivileged_user

SUPERUSER = "postgres"
_PASSWORD_FILE = "postgres.password"

# Nothing here outlives a demo or a test that could not be made again, so durability is traded for speed.
_SETTINGS = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = ''
max_connections = 100
shared_buffers = 64MB
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum_naptime = 30s
log_min_messages = warning
log_line_prefix = '%m [%p] '
"""


def programs():
    """The directory of PostgreSQL's server programs, the newest if there are several."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: [int(n) for n in re.findall(r"\d+", path.parent.name)])
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise Failure("PostgreSQL's server programs (initdb) are missing. Debian's package is `postgresql`.")


class Postgres:
    """One cluster with its own data directory. `start` makes the cluster if there is none yet."""

    def __init__(self, places, port):
        self.port = port
        self.account = unprivileged_user("postgres")
        self._log = places.log / "postgres.log"
        self._directory = places.owned("postgres", self.account)
        self._data = self._directory / "data"
        self._password_path = places.run / _PASSWORD_FILE
        self._programs = programs()
        self.child = None

    def start(self):
        self._discard_other_version()
        if not (self._data / "PG_VERSION").exists() or not self._password_path.exists():
            self._initialise()
        self._write_settings()
        self.child = Child(
            "PostgreSQL",
            [self._programs / "postgres", "-D", self._data],
            self._log,
            account=self.account,
            cwd=self._directory,
            stop_signal=signal.SIGINT,  # "fast shutdown": open sessions are ended
        )
        ready = [self._programs / "pg_isready", "-q", "-h", LOOPBACK, "-p", self.port, "-d", "postgres"]
        self.child.wait_until(lambda: _succeeds(ready), 300, "accepting connections")

    def stop(self):
        if self.child is not None:
            self.child.stop()

    def query(self, sql, database="postgres"):
        """The rows of a statement, tab-separated, one per line."""
        output = self._client("psql", "-XAtq", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", sql)
        return output.splitlines()

    def databases(self):
        return set(self.query("select datname from pg_database"))

    def make_role(self, name, password):
        """Makes the role if there is none, and sets its password."""
        if not self.query(f"select 1 from pg_roles where rolname = '{name}'"):
            self.query(f"create role {name} login")
        self.query(f"alter role {name} password '{password}'")

    def create_database(self, name, owner, template="template0"):
        encoding = "encoding 'UTF8'" if template == "template0" else ""
        self.query(f'create database "{name}" owner {owner} template "{template}" {encoding}')

    def drop_database(self, name):
        self.query(f"update pg_database set datistemplate = false where datname = '{name}'")
        self.query(f'drop database if exists "{name}" with (force)')

    def mark_template(self, name):
        """Hides a database from Tryton's login dialog, which lists every database that is not a template."""
        self.query(f"update pg_database set datistemplate = true where datname = '{name}'")

    def dump(self, database, path):
        partial = Path(f"{path}.partial")
        self._client("pg_dump", "-Fc", "-d", database, "-f", partial)
        os.replace(partial, path)

    def restore(self, database, path):
        self._client("pg_restore", "--exit-on-error", "--single-transaction", "-d", database, path)

    def _client(self, program, *arguments):
        environment = dict(os.environ, PGPASSWORD=self._password_path.read_text(encoding="ascii"), LC_ALL="C.UTF-8")
        command = [self._programs / program, "-h", LOOPBACK, "-p", self.port, "-U", SUPERUSER, *arguments]
        return run(command, environment=environment, what=program)

    def _initialise(self):
        shutil.rmtree(self._data, ignore_errors=True)
        unfinished = self._directory / "data.unfinished"  # so that an initdb that was broken off is not taken for done
        shutil.rmtree(unfinished, ignore_errors=True)
        password = secrets.token_urlsafe(24)
        write_private(self._password_path, password)
        theirs = self._directory / _PASSWORD_FILE  # initdb may run as another account, which cannot read ours
        write_private(theirs, password, self.account)
        run(
            [
                self._programs / "initdb",
                "--no-sync",
                "--no-instructions",
                "--encoding=UTF8",
                "--locale=C.UTF-8",
                "--auth=scram-sha-256",
                f"--username={SUPERUSER}",
                f"--pwfile={theirs}",
                "-D",
                unfinished,
            ],
            account=self.account,
            cwd=self._directory,
            log=self._log,
            what="initdb",
        )
        theirs.unlink()
        unfinished.rename(self._data)

    def _write_settings(self):
        settings = _SETTINGS.format(host=LOOPBACK, port=self.port)
        write_private(self._data / "postgresql.auto.conf", settings, self.account)

    def _discard_other_version(self):
        version_file = self._data / "PG_VERSION"
        if not version_file.exists():
            return
        ours = run([self._programs / "postgres", "--version"], account=self.account, cwd="/").split()[2]
        if version_file.read_text(encoding="ascii").strip() != ours.split(".")[0]:
            shutil.rmtree(self._data)


def _succeeds(command):
    try:
        run(command)
    except Failure:
        return False
    return True
