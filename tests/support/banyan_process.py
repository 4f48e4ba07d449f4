"""A Banyan of one's own: settings in a temporary directory, free ports, ready when the context is entered.

    with BanyanProcess(binary, settings) as banyan:
        ... connect to banyan.proxy ...
        banyan.require_healthy()

Leaving the context sends SIGTERM and requires a clean exit: status 0 (which covers the leak check of a sanitizer
build), nothing reported by a sanitizer, no child left behind.
"""

import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "demo"))
from world.ports import LOOPBACK, free_port  # noqa: E402

START_SECONDS = 120
STOP_SECONDS = 120


class BanyanFailure(Exception):
    """Banyan did not start, did not stay alive or did not stop as it should; the text holds its output."""


def free_address():
    return f"{LOOPBACK}:{free_port()}"


def split_address(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def set_path(settings, path, value):
    """Sets settings["a"]["b"] for the path "a.b"."""
    *parents, last = path.split(".")
    for parent in parents:
        settings = settings.setdefault(parent, {})
    settings[last] = value


class BanyanProcess:
    def __init__(self, binary, settings, arguments=()):
        self.proxy = free_address()
        self.admin = free_address()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="banyan-test-"))
        self.access_log = self.directory / "access.log"
        self._output_path = self.directory / "output.log"
        self._command = [binary, "serve", *arguments]
        # Settings are YAML, of which JSON is a part.
        self._settings = {
            "listen": [{"address": self.proxy}],
            "admin": {"address": self.admin},
            "data_dir": str(self.directory / "data"),
            "store": "none",
            "access_log": {"path": str(self.access_log)},
        } | settings
        self._process = None
        self._stopped = False

    def __enter__(self):
        config = self.directory / "banyan.yaml"
        config.write_text(json.dumps(self._settings, indent=2))
        with open(self._output_path, "wb") as output:
            self._process = subprocess.Popen(
                [*self._command, "--config", str(config)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        try:
            self._await_ready()
        except BaseException:
            self._kill()
            shutil.rmtree(self.directory)
            raise
        return self

    def __exit__(self, exc_type, exc, traceback):
        try:
            self.stop(exc_type is None)
        finally:
            shutil.rmtree(self.directory)

    @property
    def pid(self):
        return self._process.pid

    def output(self):
        return self._output_path.read_text(errors="replace")

    def admin_get(self, path):
        """(status, body) of a GET on the admin address."""
        connection = http.client.HTTPConnection(*split_address(self.admin), timeout=60)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def require_healthy(self):
        if self._process.poll() is not None:
            raise BanyanFailure(f"Banyan ended by itself with {self._process.returncode}:\n{self.output()}")
        status, body = self.admin_get("/readyz")
        if status != 200:
            raise BanyanFailure(f"/readyz answers {status}: {body}")

    def peak_memory_kib(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1])
        raise BanyanFailure("no VmHWM in /proc")

    def access_lines(self):
        if not self.access_log.exists():
            return []
        return [json.loads(line) for line in self.access_log.read_text().splitlines()]

    def stop(self, check=True):
        """Ends Banyan; every access-log line is written when this returns. Stopping twice is safe."""
        if self._stopped:
            return
        self._stopped = True
        if self._process.poll() is not None:
            if check:
                raise BanyanFailure(f"Banyan ended by itself with {self._process.returncode}:\n{self.output()}")
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            status = self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._kill()
            if check:
                raise BanyanFailure(f"Banyan did not stop within {STOP_SECONDS} s:\n{self.output()}") from None
            return
        left = self._session_is_alive()
        self._kill()
        if not check:
            return
        if status != 0 or "Sanitizer" in self.output() or "runtime error:" in self.output():
            raise BanyanFailure(f"Banyan stopped with {status}:\n{self.output()}")
        if left:
            raise BanyanFailure("Banyan left a child process behind")

    def _await_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                if self.admin_get("/readyz")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                pass
            try:
                status = self._process.wait(0.02)
            except subprocess.TimeoutExpired:
                continue
            raise BanyanFailure(f"Banyan ended with {status} before it was ready:\n{self.output()}")
        raise BanyanFailure(f"Banyan was not ready within {START_SECONDS} s:\n{self.output()}")

    def _session_is_alive(self):
        try:
            os.killpg(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def _kill(self):
        """Ends whatever is left of the session that was started here."""
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()
