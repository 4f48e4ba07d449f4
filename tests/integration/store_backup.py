#!/usr/bin/python3
"""The commands of docs/guides/backup-and-restore.md, as they stand there: back up, lose everything, restore, same rows."""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guides/backup-and-restore.md"
BLOCK = re.compile(r"<!-- test: ([^>]*) -->\n```sh\n(.*?)```", re.S)
ROWS = "SELECT string_agg(id || ' ' || data, E'\\n' ORDER BY id) FROM banyan.note"
SCHEMA = """
CREATE TABLE banyan.note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, data jsonb NOT NULL);
INSERT INTO banyan.note (data)
  SELECT jsonb_build_object('name', 'Ärzte & Söhne ' || n, 'amount', n / 7.0) FROM generate_series(1, 500) n;
"""

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--holder", required=True)


def programs():
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    return str(max((path.parent for path in found), key=lambda path: int(path.parent.name)))


class Server:
    """The private PostgreSQL of a directory, started and stopped as Banyan does it."""

    def __init__(self, data_dir):
        command = [OPTIONS.holder, str(data_dir), "serve"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.owner_url = self._process.stdout.readline().strip()
        self.app_url = self._process.stdout.readline().strip()
        if not self.app_url:
            raise RuntimeError("the private PostgreSQL does not start")

    def stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        status = self._process.wait(timeout=90)
        if status != 0:
            raise RuntimeError(f"the private PostgreSQL does not stop: {status}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def psql(url, sql):
    command = [f"{programs()}/psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class TheGuide(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="banyan-backup-"))
        self.directory.chmod(0o755)
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.data_dir = self.directory / "data"
        self.blocks = dict(BLOCK.findall(GUIDE.read_text()))

    def follow(self, step, **variables):
        environment = {
            "PATH": os.environ["PATH"],
            "PG": programs(),
            "AS": "runuser -u postgres --" if os.geteuid() == 0 else "",
            "DATA_DIR": str(self.data_dir),
            "BACKUP": str(self.directory),
            **variables,
        }
        command = ["sh", "-eu", "-c", self.blocks[step]]
        done = subprocess.run(command, env=environment, cwd=self.directory, capture_output=True, text=True, timeout=120)
        self.assertEqual(0, done.returncode, f"{step}: {done.stdout}{done.stderr}")

    def assert_in_use_again(self, server, rows):
        """The same rows, and the running program may do what it could do before, no more."""
        self.assertEqual(rows, psql(server.app_url, ROWS))
        psql(server.app_url, "INSERT INTO banyan.note (data) VALUES ('{}')")
        self.assertEqual("501\n", psql(server.app_url, "SELECT max(id) FROM banyan.note"))
        psql(server.owner_url, "CREATE TABLE banyan.later (id int)")
        psql(server.app_url, "INSERT INTO banyan.later VALUES (1)")
        with self.assertRaises(subprocess.CalledProcessError):
            psql(server.app_url, "DROP TABLE banyan.note")

    def test_brings_back_a_private_postgresql_of_which_nothing_is_left(self):
        with Server(self.data_dir) as server:
            psql(server.owner_url, SCHEMA)
            rows = psql(server.app_url, ROWS)
            self.follow("back up private")
            psql(server.app_url, "DELETE FROM banyan.note")
        shutil.rmtree(self.data_dir)
        self.data_dir.mkdir()
        self.follow("restore private")
        with Server(self.data_dir) as server:
            self.assert_in_use_again(server, rows)

    def test_brings_back_an_external_postgresql(self):
        with Server(self.data_dir) as server:
            psql(server.owner_url, SCHEMA)
            rows = psql(server.app_url, ROWS)
            self.follow("back up external", STORE_URL=server.owner_url)
            psql(server.owner_url, "DROP TABLE banyan.note; CREATE TABLE banyan.stray (id int)")
            self.follow("restore external", STORE_URL=server.owner_url)
            self.assert_in_use_again(server, rows)
            stray = psql(server.owner_url, "SELECT count(*) FROM pg_tables WHERE tablename = 'stray'")
            self.assertEqual("0\n", stray)


if __name__ == "__main__":
    OPTIONS, REST = ARGUMENTS.parse_known_args()
    unittest.main(argv=[__file__, *REST])
