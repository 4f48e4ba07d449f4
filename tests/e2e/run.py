#!/usr/bin/python3
"""The end-to-end test: a real browser works in a real Tryton through Banyan. The access log names what it did, and what
staff and agents write arrives on the other side."""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "demo"))

import access_log  # noqa: E402
from world import ports, seed  # noqa: E402
from world.banyan import Banyan  # noqa: E402
from world.failure import Failure  # noqa: E402
from world.world import World  # noqa: E402

USER = seed.STAFF[0]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--banyan", metavar="FILE", help="Banyan's program")
    target.add_argument("--direct", action="store_true", help="without Banyan: is the scenario itself sound?")
    parser.add_argument("--pictures", metavar="DIR", default="e2e-pictures", help="where screenshots of a failure go")
    parser.add_argument("--chromium", metavar="FILE", default="/usr/bin/chromium")
    return parser.parse_args()


def require_tools(options):
    missing = []
    if not Path(options.chromium).exists():
        missing.append(f"{options.chromium} (Debian: chromium)")
    for program in ("node", "npm"):
        if not shutil.which(program):
            missing.append(f"{program} (Debian: {'nodejs' if program == 'node' else program})")
    if missing:
        raise Failure("The browser test needs " + ", ".join(missing))
    installed = HERE / "node_modules" / ".package-lock.json"
    lock = HERE / "package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True)


def run_scenario(script, options, world, port, **more):
    """Returns whether the browser's script ended well."""
    about = {
        "site": f"http://{ports.LOOPBACK}:{port}/",
        "database": world.database,
        "login": USER.login,
        "name": USER.name,
        "password": seed.PASSWORD,
        "chromium": options.chromium,
        "pictures": str(Path(options.pictures).absolute()),
        **more,
    }
    command = ["node", script, json.dumps(about)]
    with subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, text=True) as browser:
        for line in browser.stdout:
            print(f"  {line}", end="", flush=True)
            if line.startswith("@notify "):
                notify(world, line.removeprefix("@notify ").strip())
    return browser.returncode == 0


def run_two_sides(options, world, banyan):
    """What needs Banyan's store: the same accounts in the browser and at the API."""
    banyan.wait_for_backfill()
    client = world.client().login(USER.login, seed.PASSWORD)
    party = client.model("party.party", "search_read", [["addresses", "!=", None]], 0, 1, None, ["name"])[0]
    return run_scenario(
        "two_sides.mjs",
        options,
        world,
        banyan.port,
        admin=f"http://{ports.LOOPBACK}:{banyan.admin_port}/",
        direct=f"http://{ports.LOOPBACK}:{world.tryton.port}/",
        party=party["id"],
        partyName=party["name"],
    )


def notify(world, title):
    """Publishes on Tryton's bus the way a module would: in a transaction of the server's own code."""
    program = f"""
from trytond.bus import notify
user, = pool.get('res.user').search([('login', '=', {USER.login!r})])
notify({title!r}, 'It has 345 parties.', user=user.id)
transaction.commit()
"""
    world.tryton.console(world.database, program)


def run(options):
    require_tools(options)
    shutil.rmtree(options.pictures, ignore_errors=True)
    with contextlib.ExitStack() as cleanup:
        world = cleanup.enter_context(World())
        if options.direct:
            return run_scenario("web_client.mjs", options, world, world.tryton.port)
        banyan = Banyan(options.banyan, world, port=ports.free_port(), admin_port=ports.free_port())
        cleanup.callback(banyan.stop)
        banyan.start()
        good = run_scenario("web_client.mjs", options, world, banyan.port)
        good = run_two_sides(options, world, banyan) and good
        banyan.stop()
        if banyan.child.exit_status() != "exit status 0":  # also how a sanitizer reports
            raise banyan.child.failure()
        if not good:
            Path(options.pictures).mkdir(parents=True, exist_ok=True)
            shutil.copy(banyan.access_log, options.pictures)
            shutil.copy(world.places.log / "banyan.log", options.pictures)
            print(f"Screenshots and the logs are in {os.path.abspath(options.pictures)}", file=sys.stderr)
            return False
        return access_log.check(banyan.access_log)


if __name__ == "__main__":
    try:
        sys.exit(0 if run(arguments()) else 1)
    except Failure as failure:
        sys.exit(str(failure))
