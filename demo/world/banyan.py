"""Banyan in front of a world, with the demo's settings."""

import contextlib
import http.client
import json
import os
import shutil
import signal
import time
from pathlib import Path

from . import seed
from .failure import Failure
from .ports import LOOPBACK
from .process import Child

SETTINGS = Path(__file__).resolve().parents[1] / "banyan.yaml"
MAPPING = "adapters/legacy/tryton/tryton-crm.yaml"
_PASSWORD_VARIABLE = "BANYAN_TRYTON_PASSWORD"
_STOP_SECONDS = 60  # requests under way have ten of them, then its PostgreSQL writes a checkpoint


class Banyan:
    """One `banyan serve`, which keeps the world's records in sync. Its copy of the settings, its data and its logs are
    in the world's places."""

    def __init__(self, binary, world, *, port, admin_port):
        places = world.places
        self.binary = Path(binary).absolute()
        self.port = port
        self.admin_port = admin_port
        self.access_log = places.log / "access.jsonl"
        self.settings = places.run / "banyan.yaml"
        self._world = world
        self._data = places.passable("banyan")  # its PostgreSQL may run as another account
        self._log = places.log / "banyan.log"
        self.child = None

    def start(self):
        if not self.binary.exists():
            raise Failure(f"{self.binary} is missing. `make build` makes it; --no-banyan does without.")
        self.settings.write_text(self._adapted_settings(), encoding="utf-8")
        self._stop_postgres()
        self._forget_other_databases()
        command = [self.binary, "serve", "--config", self.settings, "--data-dir", self._data]
        environment = dict(os.environ, **{_PASSWORD_VARIABLE: seed.PASSWORD})
        self.child = Child("Banyan", command, self._log, cwd=self._data, environment=environment)
        self.child.wait_until(self._is_ready, 300, "becoming ready")

    def stop(self):
        """Stops it and its PostgreSQL, which it leaves running if it is killed."""
        if self.child is not None:
            self.child.stop(_STOP_SECONDS)
            self._stop_postgres()

    def wait_for_backfill(self, on_progress=lambda streams: None):
        """Waits until all that Tryton holds has been copied; tells, now and then, of {entity: records read so far}.
        Raises Failure if it cannot be done."""
        seen = {}

        def done():
            status, answer = self.get("/api/sync")
            if status != 200:
                return False
            streams = [stream for system in answer["systems"] for stream in system["streams"]]
            runs = {stream["entity"]: stream["backfill"] for stream in streams}  # none until it knows its systems
            failed = [f"{entity}: {run['message']}" for entity, run in runs.items() if run["state"] == "failed"]
            if failed:
                raise Failure(f"Banyan could not copy what Tryton holds. {'; '.join(failed)}\nIts log is {self._log}")
            so_far = {entity: run["scanned"] for entity, run in runs.items()}
            if so_far != seen.get("figures"):
                seen["figures"] = so_far
                on_progress(so_far)
            time.sleep(0.1)
            return bool(runs) and all(run["state"] == "done" for run in runs.values())

        self.child.wait_until(done, 900, "copying what Tryton holds")

    def get(self, path):
        """(status, JSON) of one call on the admin address; status 0 if there was no answer."""
        connection = http.client.HTTPConnection(LOOPBACK, self.admin_port, timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
            return response.status, json.loads(body) if "json" in response.getheader("Content-Type", "") else None
        except (OSError, http.client.HTTPException):
            return 0, None
        finally:
            connection.close()

    def _forget_other_databases(self):
        """Removes what was kept of a Tryton database that is no more: its ids mean other records in the one of now."""
        note = self._data / "of-database"
        identity = self._world.database_identity()
        if note.exists() and note.read_text(encoding="ascii") == identity:
            return
        note.unlink(missing_ok=True)  # first, lest a start that is broken off here be taken for a good one
        shutil.rmtree(self._data / "postgres", ignore_errors=True)
        note.write_text(identity, encoding="ascii")

    def _stop_postgres(self):
        """Ends the PostgreSQL of a Banyan that was killed, if there is one."""
        data = self._data / "postgres" / "data"
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((data / "postmaster.pid").read_text(encoding="ascii").split()[0])
            if not os.path.samefile(f"/proc/{pid}/cwd", data):  # an old file, whose number is another process's by now
                return
            os.kill(pid, signal.SIGINT)
            end = time.monotonic() + _STOP_SECONDS
            while os.path.exists(f"/proc/{pid}") and time.monotonic() < end:
                time.sleep(0.05)

    def _adapted_settings(self):
        """The committed settings with our ports and paths. Each of the values must be there exactly so often."""
        text = SETTINGS.read_text(encoding="utf-8")
        legacy = f"http://{LOOPBACK}:8001"
        replacements = (
            (f"{LOOPBACK}:8080", f"{LOOPBACK}:{self.port}", 1),
            (f"{LOOPBACK}:9090", f"{LOOPBACK}:{self.admin_port}", 1),
            (legacy, f"http://{LOOPBACK}:{self._world.tryton.port}", 2),  # where traffic goes, and what is kept in sync
            ("database: tryton", f"database: {self._world.database}", 1),
            (f"../{MAPPING}", str(SETTINGS.parents[1] / MAPPING), 1),
            ("path: access.jsonl", f"path: {self.access_log}", 1),
        )
        for committed, ours, times in replacements:
            if text.count(committed) != times:
                raise Failure(f"{SETTINGS} must contain `{committed}` {times} times, so that it can be replaced.")
            text = text.replace(committed, ours)
        return text

    def _is_ready(self):
        return self.get("/readyz")[0] == 200
