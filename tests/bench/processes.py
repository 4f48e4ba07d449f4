"""Child processes of the benchmark and the soak: started on free ports, watched through /proc, ended by their id."""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time

sys.path.append(str(pathlib.Path(__file__).resolve().parents[2] / "demo"))
from world.ports import free_port as free_port  # noqa: E402


class Broken(Exception):
    """The run itself is broken: a program does not start, a request fails, a body is wrong."""


def unwind_at_sigterm():
    """Lets SIGTERM end this program as Ctrl-C does, so that it ends what it has started."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


class Process:
    """One program and the children that it forks. Its output goes to `log`, or to a pipe when `pipe` is set."""

    def __init__(self, name, command, log, pipe=False, environment=None):
        self.name = name
        self.log = pathlib.Path(log)
        with self.log.open("ab") as sink:
            self.child = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if pipe else sink,
                stderr=sink,
                text=True,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self):
        return self.child.pid

    def pids(self):
        """The program and all its descendants."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop()
            found.append(pid)
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += [int(child) for child in task.read_text().split()]
        return found

    def wait_for_port(self, port, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            select.select([], [], [], 0.02)
        raise Broken(f"{self.name} does not listen on port {port}:\n{self.tail()}")

    def read_json_line(self, seconds=120):
        """The next line of its piped output."""
        ready, _, _ = select.select([self.child.stdout], [], [], seconds)
        line = self.child.stdout.readline() if ready else ""
        if not line:
            raise Broken(f"{self.name} said nothing:\n{self.tail()}")
        return json.loads(line)

    def alive(self):
        return self.child.poll() is None

    def stop(self, seconds=120):
        """Ends it with SIGTERM and returns its exit status; kills it after `seconds`."""
        if self.alive():
            self.child.send_signal(signal.SIGTERM)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Broken(f"{self.name} did not end within {seconds} s of SIGTERM") from None

    def tail(self, lines=15):
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def memory_kib(pids):
    """Proportional and resident set size of the processes, in KiB."""
    pss = rss = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                pss += int(line.split()[1])
            elif line.startswith("Rss:"):
                rss += int(line.split()[1])
    return {"pss": pss, "rss": rss}


def open_descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
