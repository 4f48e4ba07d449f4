#!/usr/bin/python3
"""Starts a real Tryton and runs the tests of its adapter against it: tryton_adapter.py PROGRAM [OPTIONS OF GOOGLETEST]."""

import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from demo.world import seed  # noqa: E402
from demo.world.world import World  # noqa: E402


def main(program, *options):
    with World() as world:
        where = {
            "TRYTON_PORT": str(world.tryton.port),
            "TRYTON_DATABASE": world.database,
            "TRYTON_PASSWORD": seed.PASSWORD,
        }
        return subprocess.run([program, *options], env={**os.environ, **where}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
