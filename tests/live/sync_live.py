#!/usr/bin/python3
"""The live test of record sync: real Tryton, real PostgreSQL, the shipped binary, people on both sides, and chaos.

First one Banyan with its private PostgreSQL, while it is killed, its PostgreSQL restarted, Tryton stopped and the line
to it made bad; then two Banyan processes that share a store and of which one after the other is killed. At the end of
each part all comes to rest, and compare.py, which knows nothing of sync, must find no difference, no duplicate and no
lost edit, and must find the faults that it plants itself.
"""

import argparse
import contextlib
import random
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "demo"))

import observed  # noqa: E402
import psycopg2  # noqa: E402
from chaos import Chaos  # noqa: E402
from journal import Journal  # noqa: E402
from people import Agent, Item, MovingClient, Register, Staff  # noqa: E402
from rig import Site  # noqa: E402
from world import seed  # noqa: E402
from world.failure import Failure  # noqa: E402
from world.ports import LOOPBACK  # noqa: E402
from world.process import tail  # noqa: E402
from world.world import World  # noqa: E402

REST_SECONDS = 240
FAILOVER_SECONDS = 5
OBSERVED_WRITES = 200


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=120, help="how long people work in all")
    parser.add_argument("--seed", type=int, default=None, help="of what is random, but for how threads interleave")
    parser.add_argument("--banyan", default=HERE.parents[1] / "build/release/banyan", type=Path, metavar="FILE")
    parser.add_argument("--state", metavar="DIR", help="keep everything here, to look at it afterwards")
    parser.add_argument("--observed-writes", type=int, default=OBSERVED_WRITES)
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
        except (Failure, AssertionError, psycopg2.Error) as error:
            print(f"FAILED with --seed {options.seed}: {error}")
            for log in sorted(world.places.log.glob("banyan-*.log")):
                print(f"the end of {log.name}:\n{tail(log, 25)}")
            return 1
    print("live test of sync: no difference, no duplicate, no lost edit")
    return 0


def site_of(world, options, database, nodes=1):
    # What a long test has made takes long to sweep.
    sweep_seconds = min(max(options.seconds / 24, 5), 60)
    return Site(world, options.banyan, options.seed, database=database, nodes=nodes, sweep_seconds=sweep_seconds)


def alone(world, options):
    """One process with a store of its own, and chaos."""
    with site_of(world, options, world.database) as site:
        say(f"backfilled after {site.wait_for_rest(REST_SECONDS):.1f} s")
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
        site.wait_for_rest(REST_SECONDS)
        with people_at_work(site, world, options, "together") as journal:
            spans = []
            end = time.monotonic() + options.seconds * 0.2
            while not spans or time.monotonic() < end:
                spans.append(fail_over(site, len(spans)))
            say(f"goes on after a kill: {', '.join(f'{span:.1f}' for span in spans)} s")
        late = [span for span in spans if span > FAILOVER_SECONDS]
        if late:
            raise Failure(f"after a kill the other process went on only after {max(late):.1f} s")
        judge(site, journal)


def fail_over(site, number):
    """Kills one of the two and says how long it takes until edits of each entity get across again, both ways."""
    killed, left = (site.nodes[(number + i) % 2] for i in range(2))
    client = MovingClient(LOOPBACK, site.world.tryton.port, site.database).login(seed.STAFF[0].login, seed.PASSWORD)
    probes = {}
    for entity, model, field in (
        ("account", "party.party", "name"),
        ("address", "party.address", "street"),
        ("contact_point", "party.contact_mechanism", "comment"),
        ("opportunity", "sale.opportunity", "comment"),
    ):
        [id_] = client.model(model, "search", [], number, 1, [["id", "ASC"]])
        probes[entity] = (model, field, id_)
    time.sleep(2.5)  # both hold their share
    killed.kill()
    begun = time.monotonic()
    for model, field, id_ in probes.values():
        client.model(model, "write", [id_], {field: f"after kill {number}"})
    for entity, (_, field, id_) in probes.items():
        until(lambda e=entity, f=field, i=id_: arrived(site, e, f, i, f"after kill {number}"), f"{entity} {id_}")
    span = time.monotonic() - begun
    record = site.rows(
        "select l.record_id::text from banyan.link l join banyan.stream s on s.id = l.stream "
        "where s.entity = 'address' and l.legacy_id = %s", str(probes["address"][2]))[0][0]
    begun_back = time.monotonic()
    change = {"data": {"city": f"Back {number}"}}
    status, _, answer = left.api("PATCH", f"/api/records/address/{record}", change, {"If-Match": "*"})
    if status != 200:
        raise Failure(f"the process that is left answers {status}: {answer}")
    row = probes["address"][2]
    until(lambda: client.model("party.address", "read", [row], ["city"])[0]["city"] == f"Back {number}", "the way back")
    killed.start()
    return max(span, time.monotonic() - begun_back)


def arrived(site, entity, field, legacy_id, value):
    return site.rows(
        "select 1 from banyan.link l join banyan.stream s on s.id = l.stream "
        "join banyan.record r on r.entity = s.entity and r.id = l.record_id "
        "where s.entity = %s and l.legacy_id = %s and r.data ->> %s = %s", entity, str(legacy_id), field, value)


def until(is_so, what, seconds=30):
    end = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > end:
            raise Failure(f"{what} did not get across within {seconds} s")
        time.sleep(0.02)


@contextlib.contextmanager
def people_at_work(site, world, options, name):
    journal = Journal(world.places.log / f"journal-{name}.jsonl")
    register = Register()
    staff = [("clara", 1.0), ("tomas", 0.5), ("ines", 0.0)]
    people = [Staff(f"staff {login}", site, journal, register, options.seed, login, share) for login, share in staff]
    people += [Agent(f"agent {number}", site, journal, register, options.seed) for number in range(3)]
    try:
        for person in people:
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
    say(f"at rest after {site.wait_for_rest(REST_SECONDS):.1f} s")
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
