"""How long sync stands still when one of two processes is killed."""

import contextlib
import http.client
import time

import psycopg2
from people import MovingClient
from world import seed
from world.failure import Failure
from world.ports import LOOPBACK

_PROBES = (
    ("account", "party.party", "name"),
    ("address", "party.address", "street"),
    ("contact_point", "party.contact_mechanism", "comment"),
    ("opportunity", "sale.opportunity", "comment"),
)
_PATIENCE_SECONDS = 300

_ARRIVED = """
    select 1 from banyan.link l join banyan.stream s on s.id = l.stream
    join banyan.record r on r.entity = s.entity and r.id = l.record_id
    where s.entity = %s and l.legacy_id = %s and r.data ->> %s = %s"""
_RECORD_OF = """
    select l.record_id::text from banyan.link l join banyan.stream s on s.id = l.stream
    where s.entity = 'address' and l.legacy_id = %s and l.base is not null"""
_HELD_BY = "select array_agg(stream order by stream) from banyan.lease where owner like %s and expires_at > now()"
_HELD_BY_OTHERS = """
    select count(*) from banyan.lease
    where stream = any(%s) and owner <> '' and owner not like %s and expires_at > now()"""


class FailOver:
    """Kills one of the two nodes of a site, again and again. Runs in the main thread, as all that starts children."""

    def __init__(self, site):
        self.taken = []  # for each kill: seconds until another held each stream of the one that was killed
        self.across = []  # and until edits made after the kill were across, both ways, of each entity
        self.calm = []  # the latter just before, while both were there
        self._site = site
        self._client = MovingClient(LOOPBACK, site.world.tryton.port, site.database)
        self._client = self._client.login(seed.STAFF[0].login, seed.PASSWORD)
        self._rows = {}  # the oldest, which are not those that people work on
        for entity, model, _ in _PROBES:
            self._rows[entity] = self._client.model(model, "search", [], 0, 50, [["id", "ASC"]])
        # An employee's name is that of the party, and part of other records.
        staff = self._client.model("company.employee", "search_read", [], 0, None, None, ["party"])
        employees = {employee["party"] for employee in staff}
        self._rows["account"] = [party for party in self._rows["account"] if party not in employees]
        self._back = self._rows["address"][-1]

    @property
    def standstills(self):
        """For each kill: seconds by which it delayed what came after it, beside what crossing takes anyway."""
        return [across - calm for across, calm in zip(self.across, self.calm, strict=True)]

    def told(self):
        parts = {"all taken over after": self.taken, "edits across after": self.across, "before the kill": self.calm}
        return "; ".join(f"{what} {', '.join(f'{span:.1f}' for span in spans)} s" for what, spans in parts.items())

    def kill_one(self):
        number = len(self.taken)
        killed, left = (self._site.nodes[(number + i) % 2] for i in range(2))
        with self._opened(self._site.store_dsn) as store, self._opened(self._site.legacy_dsn) as legacy:
            owners = [f"%:{node.child.pid}:%" for node in (killed, left)]
            pid = owners[0]
            self._wait_for_shares(store, owners)
            calm = _wait(self._edits(store, legacy, left, f"before kill {number}"))
            streams = self._wait_for_shares(store, owners)
            begun = time.monotonic()
            killed.kill()
            checks = self._edits(store, legacy, left, f"after kill {number}")
            taken = {"all taken over": lambda: _ask(store, _HELD_BY_OTHERS, streams, pid)[0][0] == len(streams)}
            spans = _wait(taken | checks, begun)
        self.taken.append(spans.pop("all taken over"))
        self.across.append(max(spans.values()))
        self.calm.append(max(calm.values()))
        killed.start()

    def _wait_for_shares(self, store, owners):
        """Waits until each process has streams, and keeps them; returns those of the first."""
        shares = {}

        def has_any(owner):
            [[shares[owner]]] = _ask(store, _HELD_BY, owner)
            return shares[owner]

        while True:
            before = dict(shares)
            _wait({f"streams of {owner}": lambda owner=owner: has_any(owner) for owner in owners})
            if shares == before:
                return shares[owners[0]]
            time.sleep(1)  # they may still be sharing out

    def _edits(self, store, legacy, node, value):
        """Edits one record of each entity in Tryton and one on the modern side; how to see that each is across."""
        checks = {}
        for entity, model, field in _PROBES:
            row = self._rows[entity][len(self.taken) % (len(self._rows[entity]) - 1)]
            self._client.model(model, "write", [row], {field: value})
            checks[f"{entity} {row}"] = lambda key=(entity, str(row), field, value): _ask(store, _ARRIVED, *key)
        [[record]] = _ask(store, _RECORD_OF, str(self._back))
        _wait({"an edit at the process that is left": lambda: _is_patched(node, record, {"city": value})})
        sql = "select 1 from party_address where id = %s and city = %s"
        checks["the way back"] = lambda: _ask(legacy, sql, self._back, value)
        return checks

    @contextlib.contextmanager
    def _opened(self, dsn):
        with contextlib.closing(psycopg2.connect(dsn)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor


def _is_patched(node, record, data):
    try:
        return node.api("PATCH", f"/api/records/address/{record}", {"data": data}, {"If-Match": "*"})[0] == 200
    except (OSError, http.client.HTTPException):
        return False  # a repeat changes nothing


def _ask(cursor, sql, *values):
    cursor.execute(sql, values)
    return cursor.fetchall()


def _wait(checks, begun=None):
    """Seconds from `begun` (default: now) until each was so."""
    begun = time.monotonic() if begun is None else begun
    spans = {}
    while len(spans) < len(checks):
        for what, is_so in checks.items():
            if what not in spans and is_so():
                spans[what] = time.monotonic() - begun
        if time.monotonic() - begun > _PATIENCE_SECONDS:
            missing = ", ".join(checks.keys() - spans.keys())
            raise Failure(f"not within {_PATIENCE_SECONDS} s: {missing}")
        time.sleep(0.02)
    return spans
