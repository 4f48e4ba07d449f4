#!/usr/bin/python3
"""Runs one varnishtest script against a Banyan of its own.

    run.py --banyan BINARY SCRIPT.vtc

The script finds these macros: ${proxy} (where Banyan listens), ${origin} (the only endpoint of the upstream `legacy`),
${origin2} (free, for a second endpoint or a modern side) and ${dead} (where nobody listens). Comment lines at its top
steer the run:

    # banyan: proxy.limits.header_bytes: 4096    a setting: dotted path, then a JSON value (macros are replaced)
    # access-log: {"status": 400}                every access-log line must hold these members (null: must lack it)
    # access-log-errors: ["syntax", null]        `error` of the access-log lines, in their order
    # access-log-count: 3                        so many requests must be logged

The run fails if the script fails, if Banyan is not alive and ready after it, or does not stop cleanly.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from banyan_process import BanyanFailure, BanyanProcess, free_address, set_path  # noqa: E402

SCRIPT_SECONDS = 120  # varnishtest gives each step half of it


class Directives:
    """What the comment lines at the top of a script ask for."""

    def __init__(self, script, macros):
        self.overrides = []
        self.log_members = None
        self.log_count = None
        self.log_errors = None
        for line in script.read_text().splitlines():
            match = re.fullmatch(r"# (banyan|access-log|access-log-count|access-log-errors): (.*)", line)
            if match:
                self._take(match[1], re.sub(r"\$\{(\w+)\}", lambda m: macros[m[1]], match[2]))

    def _take(self, name, text):
        if name == "banyan":
            path, value = text.split(": ", 1)
            self.overrides.append((path, json.loads(value)))
        elif name == "access-log":
            self.log_members = json.loads(text)
        elif name == "access-log-errors":
            self.log_errors = json.loads(text)
        else:
            self.log_count = int(text)

    def check_log(self, lines):
        if self.log_count is not None and len(lines) != self.log_count:
            raise BanyanFailure(f"{len(lines)} access-log lines instead of {self.log_count}: {lines}")
        errors = [line.get("error") for line in lines]
        if self.log_errors is not None and errors != self.log_errors:
            raise BanyanFailure(f"the access log tells of the errors {errors} instead of {self.log_errors}")
        for line in lines if self.log_members else []:
            if any(line.get(name) != value for name, value in self.log_members.items()):
                raise BanyanFailure(f"an access-log line lacks {self.log_members}: {line}")


def settings_for(macros, directives):
    settings = {
        # One thread, so that one client's upstream connection is the next client's.
        "proxy": {"threads": 1},
        "upstreams": {"legacy": {"endpoints": [f"http://{macros['origin']}"]}},
    }
    for path, value in directives.overrides:
        set_path(settings, path, value)
    return settings


def run_varnishtest(script, macros):
    """None, or the output of the failed run."""
    with tempfile.TemporaryDirectory(prefix="banyan-vtc-") as directory:
        command = ["varnishtest", "-t", str(SCRIPT_SECONDS), "-v"]
        for name, value in macros.items():
            command += ["-D", f"{name}={value}"]
        result = subprocess.run(command + [str(script)], env={"PATH": "/usr/bin:/bin:/usr/sbin", "TMPDIR": directory},
                                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                                timeout=SCRIPT_SECONDS + 10, check=False)
    return None if result.returncode == 0 else result.stdout + result.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banyan", required=True, help="the program under test")
    parser.add_argument("script", type=pathlib.Path)
    arguments = parser.parse_args()

    macros = {"origin": free_address(), "origin2": free_address(), "dead": free_address()}
    directives = Directives(arguments.script, macros)
    try:
        banyan = BanyanProcess(arguments.banyan, settings_for(macros, directives))
        with banyan:
            failure = run_varnishtest(arguments.script, macros | {"proxy": banyan.proxy})
            if failure:
                print(failure, "--- Banyan said:", banyan.output(), sep="\n")
                print("--- access log:", *banyan.access_lines(), sep="\n")
                return 1
            banyan.require_healthy()
            banyan.stop()
            directives.check_log(banyan.access_lines())
    except BanyanFailure as failure:
        print(failure)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
