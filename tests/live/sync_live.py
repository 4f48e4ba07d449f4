#!/usr/bin/python3
"""The live test of record sync: real Tryton, real PostgreSQL, the shipped binary, people on both sides, and chaos.

First one Banyan with its private PostgreSQL, while it is killed, its PostgreSQL restarted, Tryton stopped and the line
to it made bad; then two Banyan processes that share a store and of which one after the other is killed. At the end of
each part all comes to rest, and compare.py, which knows nothing of sync, must find no difference, no duplicate and no
lost edit, and must find the faults that it plants itself.
"""

import argparse
import contextlib
import http.client
import random
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "demo"))

import observed  # noqa: E402
import psycopg2  # noqa: E402
from chaos import Chaos  # noqa: E402
from fail_over import FailOver  # noqa: E402
from journal import Journal  # noqa: E402
from people import Agent, Person, Register, Staff  # noqa: E402
from rig import Site  # noqa: E402
from world.failure import Failure  # noqa: E402
from world.process import tail  # noqa: E402
from world.world import World  # noqa: E402

REST_SECONDS = 900  # a net: what the machine is busy with beside this is not known
FAILOVERS = 6  # three of each process
OBSERVED_WRITES = 200


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="how long people work in all")
    parser.add_argument("--seed", type=int, default=None, help="of what is random, but for how threads interleave")
    parser.add_argument("--banyan", default=HERE.parents[1] / "build/release/banyan", type=Path, metavar="FILE")
    parser.add_argument("--state", metavar="DIR", help="keep everything here, to look at it afterwards")
    parser.add_argument("--observed-writes", type=int, default=OBSERVED_WRITES)
    parser.add_argument(
        "--fail-over", type=float, default=5, metavar="SECONDS", help="fail if sync stands still for longer after a kill"
    )
    options = parser.parse_args()
    options.banyan = options.banyan.absolute()
    if options.seed is None:
        options.seed = random.randrange(1_000_000)
    return options


def say(text):
    print(f"  {text}", flush=True)


def main():
    options = arguments()
    print(f"live test of sync: {options.seconds:g} s, --seed {options.seed}", flush=True)
    with World(state=options.state, fresh=True) as world:
        try:
            alone(world, options)
            together(world, options)
        except (Failure, AssertionError, psycopg2.Error, OSError, http.client.HTTPException) as error:
            print(f"FAILED with --seed {options.seed}: {error}")
            tell_logs(world)
            return 1
        except BaseException:
            tell_logs(world)
            raise
    print("live test of sync: no difference, no duplicate, no lost edit")
    return 0


def tell_logs(world):
    for log in sorted(world.places.log.glob("banyan-*.log")):
        print(f"the end of {log.name}:\n{tail(log, 25)}")


def site_of(world, options, database, nodes=1):
    # What a long test has made takes long to sweep.
    pace = {"sweep_seconds": min(max(options.seconds / 12, 5), 60), "poll_interval": "500ms"}
    return Site(world, options.banyan, options.seed, database=database, nodes=nodes, **pace)


def alone(world, options):
    """One process with a store of its own, and chaos."""
    with site_of(world, options, world.database) as site:
        begun = time.monotonic()
        site.wait_for_backfill(REST_SECONDS)
        say(f"backfilled after {time.monotonic() - begun:.1f} s")
        site.what_waits()  # else only a test that fails would show whether it works
        if options.observed_writes:
            spans = observed.measure(site, options.observed_writes, options.seed)
            p50, p95 = (observed.percentile(spans, share) * 1000 for share in (0.5, 0.95))
            say(f"observed writes visible in the store: {len(spans)} writes, p50 {p50:.0f} ms, p95 {p95:.0f} ms")
        with people_at_work(site, world, options, "alone") as journal:
            chaos = Chaos(site, options.seed, say)
            chaos.work(options.seconds * 0.8)
            say(f"mischief: {dict(chaos.counts)}; answers lost on the way: {site.link.cut}")
        judge(site, journal)
        run_compare(site, journal, "compare.py misses planted faults", "--self-test")


def together(world, options):
    """Two processes on one store; whichever is killed, the other goes on."""
    with site_of(world, options, world.fresh_database(), nodes=2) as site:
        site.wait_for_backfill(REST_SECONDS)
        alone_with_it = FailOver(site)
        for _ in range(FAILOVERS):
            alone_with_it.kill_one()
        say(f"fail-over: {alone_with_it.told()}")
        # Nothing else slows people down here, and a queue that only grows would hide what a kill does.
        with people_at_work(site, world, options, "together", pause_seconds=(0.3, 1.5)) as journal:
            among_people = FailOver(site)
            end = time.monotonic() + options.seconds * 0.2
            while not among_people.taken or time.monotonic() < end:
                among_people.kill_one()
            say(f"fail-over while people work: {among_people.told()}")
        judge(site, journal)
        # How long edits take among those of many others is no matter of the kill. And of the kills of one process the
        # median: one may be long because the machine was busy with something else.
        shown = (alone_with_it.taken, alone_with_it.standstills)
        for spans in (*(of_all[node::2] for of_all in shown for node in (0, 1)), among_people.taken):
            if statistics.median(spans) > options.fail_over:
                told = ", ".join(f"{span:.1f}" for span in spans)
                raise Failure(f"after kills sync stood still for {told} s; promised: {options.fail_over:g} s")


@contextlib.contextmanager
def people_at_work(site, world, options, name, pause_seconds=Person.pause_seconds):
    journal = Journal(world.places.log / f"journal-{name}.jsonl")
    register = Register()
    staff = [("clara", 1.0), ("tomas", 0.5), ("ines", 0.0)]
    people = [Staff(f"staff {login}", site, journal, register, options.seed, login, share) for login, share in staff]
    people += [Agent(f"agent {number}", site, journal, register, options.seed) for number in range(3)]
    try:
        for person in people:
            person.pause_seconds = pause_seconds
            person.start()
        yield journal
    finally:
        for person in people:
            person.stop()
        for person in people:
            person.join()
        journal.close()
    faults = [f"{person.name}: {person.fault!r}" for person in people if person.fault]
    if faults:
        raise Failure("; ".join(faults))
    say(f"edits: {journal.counts}")


def judge(site, journal):
    idle, swept = site.wait_for_rest(REST_SECONDS)
    say(f"nothing under way after {idle:.1f} s; at rest, and swept twice, after {swept:.1f} s")
    run_compare(site, journal, "compare.py found faults")


def run_compare(site, journal, failure, *options):
    command = [HERE / "compare.py", "--legacy", site.legacy_dsn, "--store", site.store_dsn, "--journal", journal.path]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    for line in (done.stdout + done.stderr).splitlines()[:200]:
        say(line)
    if done.returncode != 0:
        raise Failure(failure)


if __name__ == "__main__":
    sys.exit(main())
