"""Banyan in front of a world, with the demo's settings."""

import http.client
from pathlib import Path

from .failure import Failure
from .ports import LOOPBACK
from .process import Child

SETTINGS = Path(__file__).resolve().parents[1] / "banyan.yaml"


class Banyan:
    """One `banyan serve`. Keeps its copy of the settings, its data and its logs in the places given."""

    def __init__(self, binary, places, *, port, admin_port, legacy_port):
        self.port = port
        self.admin_port = admin_port
        self.access_log = places.log / "access.jsonl"
        self.settings = places.run / "banyan.yaml"
        self._binary = Path(binary).absolute()
        self._data = places.state / "banyan"
        self._log = places.log / "banyan.log"
        self._legacy_port = legacy_port
        self.child = None

    def start(self):
        if not self._binary.exists():
            raise Failure(f"{self._binary} is missing. `make build` makes it; --no-banyan does without.")
        self.settings.write_text(self._adapted_settings(), encoding="utf-8")
        command = [self._binary, "serve", "--config", self.settings, "--data-dir", self._data]
        self._data.mkdir(exist_ok=True)
        self.child = Child("Banyan", command, self._log, cwd=self._data)
        self.child.wait_until(self._is_ready, 30, "becoming ready")

    def stop(self):
        if self.child is not None:
            self.child.stop()

    def _adapted_settings(self):
        """The committed settings with our ports and paths. Each of the values must be there exactly once."""
        text = SETTINGS.read_text(encoding="utf-8")
        replacements = {
            f"{LOOPBACK}:8080": f"{LOOPBACK}:{self.port}",
            f"{LOOPBACK}:9090": f"{LOOPBACK}:{self.admin_port}",
            f"http://{LOOPBACK}:8001": f"http://{LOOPBACK}:{self._legacy_port}",
            "path: access.jsonl": f"path: {self.access_log}",
        }
        for committed, ours in replacements.items():
            if text.count(committed) != 1:
                raise Failure(f"{SETTINGS} must contain `{committed}` exactly once, so that it can be replaced.")
            text = text.replace(committed, ours)
        return text

    def _is_ready(self):
        connection = http.client.HTTPConnection(LOOPBACK, self.admin_port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
