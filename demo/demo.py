#!/usr/bin/python3
"""`make demo`: a real legacy CRM (Tryton, with a company and its customers in it) and Banyan in front of it."""

import argparse
import contextlib
import fcntl
import os
import select
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from world import cache, ports, seed  # noqa: E402
from world.banyan import Banyan  # noqa: E402
from world.failure import Failure  # noqa: E402
from world.tryton import require_packages  # noqa: E402
from world.world import World  # noqa: E402

REPOSITORY = Path(__file__).resolve().parents[1]

EPILOG = """\
Each port can also be chosen in the environment: BANYAN_PORT, ADMIN_PORT, TRYTON_PORT, POSTGRES_PORT.
What users do in the demo is kept in the state directory and is there again at the next start; --fresh
begins anew. The first start takes about a minute and a half, each later one a few seconds.
Exit status: 0 stopped by Ctrl-C or SIGTERM, 1 something failed, 2 wrong use.
"""


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or SIGHUP: raised wherever the program is, so that everything is undone on the way out."""


class Progress:
    """One line per step, with the time since the start in front and the step's own behind."""

    def __init__(self):
        self._start = time.monotonic()

    @property
    def seconds(self):
        return time.monotonic() - self._start

    @contextlib.contextmanager
    def step(self, text):
        begin = self.seconds
        print(f"[{begin:6.1f} s] {text} ...", flush=True)
        yield
        self.note(f"done in {self.seconds - begin:.1f} s")

    def note(self, text):
        print(f"[{self.seconds:6.1f} s]   {text}", flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        prog="demo.py", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for flag, variable, default, purpose in (
        ("--banyan-port", "BANYAN_PORT", 8080, "web client through Banyan"),
        ("--admin-port", "ADMIN_PORT", 9090, "Banyan's records, metrics and health"),
        ("--tryton-port", "TRYTON_PORT", 8001, "Tryton itself"),
        ("--postgres-port", "POSTGRES_PORT", 15432, "the demo's PostgreSQL"),
    ):
        # A text from the environment goes through `type` like one from the command line, and gets the same message.
        chosen = os.environ.get(variable) or default
        parser.add_argument(flag, type=int, metavar="PORT", default=chosen, help=f"{purpose} ({default})")
    parser.add_argument("--state", metavar="DIR", default=REPOSITORY / "var" / "demo", help="where everything is kept")
    parser.add_argument("--seed-cache", metavar="DIR", default=cache.DEFAULT_DIRECTORY, help="seeded databases")
    parser.add_argument(
        "--banyan", metavar="FILE", default=REPOSITORY / "build" / "release" / "banyan", help="Banyan's program"
    )
    parser.add_argument("--no-banyan", action="store_true", help="only PostgreSQL and Tryton")
    parser.add_argument("--fresh", action="store_true", help="forget what users did and begin with the seed")
    parser.add_argument("--exit-after-ready", action="store_true", help="stop as soon as all is up (for tests)")
    return parser.parse_args()


def wanted_ports(options):
    chosen = [
        ports.Port(options.tryton_port, "Tryton", "--tryton-port", "TRYTON_PORT"),
        ports.Port(options.postgres_port, "PostgreSQL", "--postgres-port", "POSTGRES_PORT"),
    ]
    if not options.no_banyan:
        chosen.insert(0, ports.Port(options.banyan_port, "Banyan", "--banyan-port", "BANYAN_PORT"))
        chosen.insert(1, ports.Port(options.admin_port, "Banyan's admin address", "--admin-port", "ADMIN_PORT"))
    return chosen


@contextlib.contextmanager
def only_one(state):
    """Keeps a second demo from using the same state."""
    Path(state).mkdir(parents=True, exist_ok=True)
    with open(Path(state) / "lock", "a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise Failure(
                f"A demo already runs on {state} (pid {file.read().strip()}). Stop it first, or give --state DIR and "
                "other ports."
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def run(options):
    progress = Progress()
    require_packages()
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(only_one(options.state))
        ports.require_free(wanted_ports(options))
        cleanup.callback(lambda: print("All stopped.", flush=True))
        world = World(
            state=options.state,
            seed_cache=cache.SeedCache(options.seed_cache),
            postgres_port=options.postgres_port,
            tryton_port=options.tryton_port,
            progress=progress,
            fresh=options.fresh,
        )
        cleanup.enter_context(world)
        children = world.children()
        banyan = None
        if not options.no_banyan:
            banyan = start_banyan(options, world, progress, cleanup)
            children.append(banyan.child)
        tell(options, world, banyan, progress)
        if not options.exit_after_ready:
            watch(children)


def start_banyan(options, world, progress, cleanup):
    banyan = Banyan(options.banyan, world, port=options.banyan_port, admin_port=options.admin_port)
    cleanup.callback(banyan.stop)
    with progress.step(f"Starting Banyan on port {options.banyan_port}, and its PostgreSQL"):
        banyan.start()
    with progress.step("Copying Tryton's records into Banyan's store, where they have not been"):
        tell_backfill(banyan, progress)
    return banyan


def tell_backfill(banyan, progress):
    """Waits for the backfill and says how far it is, about once a second."""
    last = {"at": progress.seconds, "figures": {}}

    def on_progress(figures):
        if progress.seconds - last["at"] >= 1:
            last["at"] = progress.seconds
            progress.note(records(figures))
        last["figures"] = figures

    banyan.wait_for_backfill(on_progress)
    progress.note(f"in sync: {records(last['figures'])}")


def records(figures):
    counts = [f"{entity} {count}" for entity, count in figures.items() if count]
    return ", ".join(counts) or "nothing yet"


def watch(children):
    """Waits until one of the children ends, which none should."""
    descriptors = {os.pidfd_open(child.pid): child for child in children}
    try:
        ended, _, _ = select.select(list(descriptors), [], [])
        raise descriptors[ended[0]].failure()
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def tell(options, world, banyan, progress):
    direct = f"http://{ports.LOOPBACK}:{options.tryton_port}/"
    print(f"\nReady after {progress.seconds:.1f} s.\n")
    if banyan:
        print(f"  Open        http://{ports.LOOPBACK}:{options.banyan_port}/   Tryton's web client, through Banyan")
        print(f"  Compare     {direct}   the same without Banyan")
    else:
        print(f"  Open        {direct}   Tryton's web client")
    print(f"  Log in      database {world.database}, password {seed.PASSWORD}, and one of the users")
    for user in seed.USERS:
        print(f"              {user.login:<8}{user.name}, {user.role}")
    if banyan:
        admin = f"http://{ports.LOOPBACK}:{options.admin_port}"
        print(f"  Records     {admin}/api/records/account   what Tryton holds; edits go both ways")
        print(f"  Sync        {admin}/api/sync, or: {sync_status_command(options)}")
        print(f"  Metrics     {admin}/metrics")
        print(f"  Access log  tail -f {banyan.access_log}")
        print(f"  Settings    {banyan.settings}")
    print(f"  Other logs  {world.places.log}")
    print("" if options.exit_after_ready else "\nCtrl-C to stop.", flush=True)


def sync_status_command(options):
    elsewhere = "" if options.admin_port == 9090 else f" --admin http://{ports.LOOPBACK}:{options.admin_port}"
    return f"{options.banyan} sync status{elsewhere}"


def stop_on_signals():
    wanted = [signal.SIGINT, signal.SIGTERM]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # else we were started with nohup
        wanted.append(signal.SIGHUP)

    def stop(number, frame):
        for every in wanted:  # a second Ctrl-C must not break off the stopping
            signal.signal(every, signal.SIG_IGN)
        print("\nStopping ...", flush=True)
        raise Stopped

    for number in wanted:
        signal.signal(number, stop)


def main():
    options = arguments()
    stop_on_signals()
    try:
        run(options)
    except Stopped:
        return 0
    except Failure as failure:
        print(f"\ndemo: {failure}", file=sys.stderr)
        return 1
    except PermissionError as error:
        print(f"\ndemo: {error}\nWas it made by another user? --state and --seed-cache choose others.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
