"""How long after the answer of a write through the proxy the store holds it."""

import contextlib
import random
import time

import psycopg2
from people import MovingClient
from world import seed
from world.failure import Failure
from world.ports import LOOPBACK


def measure(site, writes, random_seed=1):
    """Seconds from the answer to the record, sorted; one for each write. Each is seen before the next begins."""
    rng = random.Random(random_seed)
    user = MovingClient(LOOPBACK, site.world.tryton.port, site.database).login(seed.STAFF[0].login, seed.PASSWORD)
    client = user.at(site.nodes[0].port)
    parties = client.model("party.party", "search", [["active", "=", True]], 0, 50, None)
    spans = []
    with contextlib.closing(psycopg2.connect(site.store_dsn)) as store, store.cursor() as cursor:
        store.autocommit = True
        for number in range(writes):
            name = f"Observed {number} {rng.getrandbits(32):08x}"
            party = rng.choice(parties)
            client.model("party.party", "write", [party], {"name": name})
            answered = time.perf_counter()
            while not _is_there(cursor, party, name):
                if time.perf_counter() - answered > 30:
                    raise Failure(f"an observed write did not arrive in the store within 30 s: party {party}, {name}")
                time.sleep(0.002)
            spans.append(time.perf_counter() - answered)
            time.sleep(rng.uniform(0, 0.25))  # writes fall anywhere between two polls
    return sorted(spans)


def percentile(spans, share):
    return spans[min(len(spans) - 1, int(share * len(spans)))]


def _is_there(cursor, party, name):
    cursor.execute(
        """select r.data ->> 'name' = %s from banyan.link l join banyan.stream s on s.id = l.stream
           join banyan.record r on r.entity = s.entity and r.id = l.record_id
           where s.entity = 'account' and l.legacy_id = %s""",
        (name, str(party)),
    )
    row = cursor.fetchone()
    return bool(row and row[0])
