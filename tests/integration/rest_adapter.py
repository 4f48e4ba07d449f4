#!/usr/bin/python3
"""Starts json-server and the habits server on free ports and runs the REST adapter's tests against them.

    rest_adapter.py [--suite habits|conformance] PROGRAM [ARGUMENT...]
"""

import argparse
import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parents[1] / "demo"))
from world.ports import free_port  # noqa: E402

JSON_SERVER = HERE / "rest/node_modules/json-server/lib/cli/bin.js"
SUITES = {"habits": "RestHabits.*", "conformance": "-RestHabits.*"}


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for(what, process, ready):
    for _ in range(2400):
        if ready():
            return
        if process.poll() is not None:
            sys.exit(f"rest_adapter.py: {what} ended with status {process.returncode}")
        time.sleep(0.05)
    sys.exit(f"rest_adapter.py: {what} did not start within 120 s")


def answers(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--suite", choices=SUITES)
    parser.add_argument("program")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not JSON_SERVER.exists():
        sys.exit("rest_adapter.py: json-server is not installed: run tools/install-packages test")
    with tempfile.TemporaryDirectory() as directory, contextlib.ExitStack() as stack:
        folder = pathlib.Path(directory)
        (folder / "db.json").write_text('{"contacts": [], "deals": []}', encoding="utf-8")
        log = stack.enter_context(open(folder / "json-server.log", "wb"))
        port = free_port()
        command = ["node", str(JSON_SERVER), "--quiet", "--host", "127.0.0.1", "--port", str(port), "--middlewares",
                   str(HERE / "rest/stamp.cjs"), "--", str(folder / "db.json")]
        json_server = stack.enter_context(running(command, stdout=log, stderr=log, cwd=folder))
        port_file = folder / "habits.port"
        habits = stack.enter_context(running([HERE.parent / "support/habits_server.py", str(port_file)]))
        wait_for("json-server", json_server, lambda: answers(port))
        wait_for("the habits server", habits, port_file.exists)
        environment = {**os.environ, "BANYAN_JSON_SERVER_URL": f"http://127.0.0.1:{port}",
                       "BANYAN_HABITS_URL": f"http://127.0.0.1:{port_file.read_text(encoding='utf-8')}"}
        arguments = options.arguments
        if options.suite:
            arguments = [f"--gtest_filter={SUITES[options.suite]}", *arguments]
        return subprocess.run([options.program, *arguments], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
