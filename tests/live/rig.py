"""What the live test is made of: a World, a line that can be made bad, and Banyan processes that can be killed."""

import contextlib
import http.client
import json
import os
import secrets
import signal
import time

import psycopg2
from sides import HELD_BACK
from slow_link import SlowLink
from world import banyan, seed
from world.failure import Failure
from world.ports import LOOPBACK, free_port
from world.process import Child

INTEGRATION_USER = "banyan"

_MAPPING = banyan.SETTINGS.parents[1] / "adapters/legacy/tryton/tryton-crm.yaml"

_SETTINGS = """\
listen: [{{address: "{host}:{port}"}}]
admin: {{address: "{host}:{admin_port}"}}
{store}
access_log: {{path: "{log}/access.jsonl"}}
upstreams:
  legacy: {{endpoints: ["http://{host}:{legacy_port}"], host: keep, request_body: buffer}}
subject: [tryton, address]
sync:
  systems:
    tryton:
      tryton:
        url: "http://{host}:{legacy_port}"
        database: {database}
        user: {user}
        password: "env:LIVE_TRYTON_PASSWORD"
      mapping: {mapping}
      upstream: legacy
      backfill: auto
      poll_interval: {poll_interval}
      sweep_interval: {sweep_seconds:.0f}s
{functions}"""


def _functions():
    """The demo's functions: they say which calls write which records."""
    text = banyan.SETTINGS.read_text(encoding="utf-8")
    return text[text.index("\nfunctions:") + 1 :]


class Node:
    """One `banyan serve`. Without `store_url` it has a private PostgreSQL, which outlives a kill."""

    def __init__(self, binary, name, world, database, legacy_port, *, sweep_seconds, poll_interval, store_url=None):
        self.name = name
        self.port = free_port()
        self.admin_port = free_port()
        self.child = None
        self.log = world.places.log / f"{name}.log"
        self._binary = binary
        self._data = world.places.state / name
        self._data.mkdir(exist_ok=True)
        self._store_url = store_url
        self._settings = world.places.run / f"{name}.yaml"
        text = _SETTINGS.format(
            host=LOOPBACK,
            port=self.port,
            log=world.places.log,
            admin_port=self.admin_port,
            legacy_port=legacy_port,
            database=database,
            user=INTEGRATION_USER,
            mapping=_MAPPING,
            sweep_seconds=sweep_seconds,
            poll_interval=poll_interval,
            store='store: {url: "env:LIVE_STORE_URL"}' if store_url else "",
            functions=_functions(),
        )
        self._settings.write_text(text, encoding="utf-8")

    def start(self):
        environment = dict(os.environ, LIVE_TRYTON_PASSWORD=seed.PASSWORD, LIVE_STORE_URL=self._store_url or "")
        command = [self._binary, "serve", "--config", self._settings, "--data-dir", self._data]
        self.child = Child(self.name, command, self.log, cwd=self._data, environment=environment)
        self.child.wait_until(self._is_ready, 300, "becoming ready")

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.child.pid, signal.SIGKILL)
        self.child.stop()  # it is gone: this only collects its status

    def stop(self):
        """Stops it in order, and its PostgreSQL too if it was killed before."""
        if self.child is not None:
            self.child.stop(40)
        self.signal_postgres(signal.SIGINT)

    def signal_postgres(self, number):
        """Signals the postmaster of the private PostgreSQL, if there is one; returns whether there was."""
        try:
            pid = int((self._data / "postgres/data/postmaster.pid").read_text(encoding="ascii").split()[0])
            os.kill(pid, number)
        except (OSError, ValueError, IndexError):
            return False
        return True

    @property
    def store_dsn(self):
        if self._store_url:
            return self._store_url
        return f"host={self._data}/postgres/run user=postgres dbname=banyan connect_timeout=5"

    def api(self, method, path, body=None, headers=None, timeout=60):
        """(status, headers, JSON) of one call on the admin address. OSError and HTTPException as they come."""
        connection = http.client.HTTPConnection(LOOPBACK, self.admin_port, timeout=timeout)
        try:
            connection.connect()  # ConnectionRefusedError: nothing has been sent
            text = None if body is None else json.dumps(body)
            content_type = "application/merge-patch+json" if method == "PATCH" else "application/json"
            connection.request(method, path, text, {"Content-Type": content_type, **(headers or {})})
            response = connection.getresponse()
            answer = response.read()
            is_json = "json" in response.getheader("Content-Type", "")
            return response.status, response.headers, json.loads(answer) if is_json and answer else None
        finally:
            connection.close()

    def _is_ready(self):
        try:
            return self.api("GET", "/readyz", timeout=30)[0] == 200
        except (OSError, http.client.HTTPException):
            return False


class Site:
    """A Tryton database with Banyan before it: `nodes` processes that share a store, or one with a store of its own.

    `has_link`: a SlowLink lies between the two; it costs time even when it is not made slow."""

    def __init__(
        self, world, binary, random_seed, *, database, nodes=1, sweep_seconds=5, poll_interval="200ms", has_link=True
    ):
        self.world = world
        self.database = database
        self.link = SlowLink(free_port(), world.tryton.port, random_seed) if has_link else None
        legacy_port = self.link.port if self.link else world.tryton.port
        url = self._shared_store() if nodes > 1 else None
        names = [f"banyan-{database}-{number}" for number in range(nodes)]
        pace = {"sweep_seconds": sweep_seconds, "poll_interval": poll_interval}
        self.nodes = [Node(binary, name, world, database, legacy_port, **pace, store_url=url) for name in names]

    def __enter__(self):
        self._make_integration_user()
        try:
            for node in self.nodes:
                node.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *failure):
        for node in self.nodes:
            node.stop()
        if self.link:
            self.link.stop()

    @property
    def legacy_dsn(self):
        """Tryton's database, read as its superuser."""
        password = (self.world.places.run / "postgres.password").read_text(encoding="ascii")
        return (
            f"host={LOOPBACK} port={self.world.postgres.port} dbname={self.database} user=postgres password={password}"
        )

    @property
    def store_dsn(self):
        return self.nodes[0].store_dsn

    def rows(self, sql, *values):
        with contextlib.closing(psycopg2.connect(self.store_dsn)) as store, store, store.cursor() as cursor:
            cursor.execute(sql, values or None)  # without values a % is a %
            return cursor.fetchall()

    def start_tryton(self):
        self.world.tryton.start(self.database)

    def wait_for_rest(self, seconds):
        """Waits until nothing is under way, and until each stream has been swept twice since now: what a sweep finds
        can make work for another stream. Raises Failure if it does not come to rest.

        Returns the seconds until nothing was under way for the first time, and until both sweeps were over."""
        begun = time.monotonic()
        end = begun + seconds
        self._until(end, lambda: self._unrest() == [])
        idle = time.monotonic() - begun
        for _ in range(2):
            self._wait_for_sweep(end)
        return idle, time.monotonic() - begun

    def wait_for_backfill(self, seconds):
        """Waits until every stream has been filled and nothing waits. Raises Failure if that does not come."""
        self._until(time.monotonic() + seconds, lambda: self._unrest() == [])

    def _wait_for_sweep(self, end):
        """Each stream's sweep is seen at its end; they need not stand still all at the same moment."""
        [[since]] = self._until(end, lambda: self.rows("select now()"))
        swept = set()

        def is_so():
            rows = self.rows("select stream, scan_phase = 'done' and scan_started > %s from banyan.stream_state", since)
            swept.update(stream for stream, is_swept in rows if is_swept)
            return len(swept) == len(rows) and self._unrest() == []

        self._until(end, is_so)

    def _until(self, end, is_so):
        why = None
        while True:
            try:
                if found := is_so():
                    return found
                why = None
            except (psycopg2.Error, OSError, http.client.HTTPException) as error:
                why = error
            if time.monotonic() > end:
                raise Failure("\n    ".join([f"no rest: {why or self._unrest()}", *([] if why else self.what_waits())]))
            time.sleep(0.2)

    def what_waits(self):
        """What the store knows of the first records that are still to be written, and of what they wait for."""
        told = self.rows(
            """select s.entity, o.record_id, o.version, o.changes, o.attempt, r.deleted, r.data,
                      l.legacy_id, l.held, l.pending,
                      (select json_agg(json_build_array(p.kind, p.state, p.error_class, p.message)) from banyan.parked p
                       where p.record_id = r.id or position(p.record_id::text in r.data::text) > 0)
               from banyan.outbox o join banyan.stream s on s.id = o.stream
               left join banyan.record r on r.entity = s.entity and r.id = o.record_id
               left join banyan.link l on l.stream = o.stream and l.record_id = o.record_id limit 10"""
        )
        for table in ("waiting", "intent", "stream_state"):
            told += self.rows(f"select '{table}', to_jsonb(t) from banyan.{table} t limit 10")
        return [str(row) for row in told]

    def _unrest(self):
        found = self.rows(
            HELD_BACK + """
               select 'streams', 'not all there' from banyan.stream_state having count(*) < 7
               union all select s.entity, 'not backfilled'
                         from banyan.stream_state t join banyan.stream s on s.id = t.stream
                         where t.backfilled_at = 'epoch'
               union all select s.entity, 'outbox' from banyan.outbox o join banyan.stream s on s.id = o.stream
                         where (o.stream, o.record_id) not in (select stream, record_id from held_back)
               union all select s.entity, 'waiting: ' || w.reason
                         from banyan.waiting w join banyan.stream s on s.id = w.stream
               union all select s.entity, 'intent' from banyan.intent i join banyan.stream s on s.id = i.stream"""
        )
        status, _, answer = self.nodes[0].api("GET", "/api/sync")
        if status != 200:
            return [*found, f"GET /api/sync: {status}"]
        held_back = dict(self.rows(HELD_BACK + "select entity, sum(changes) from held_back group by entity"))
        for system in answer["systems"]:
            for stream in system["streams"]:
                if stream["state"] != "running" or stream["in_flight"] != held_back.get(stream["entity"], 0):
                    found.append([stream[member] for member in ("entity", "state", "reason", "in_flight")])
        return found

    def _make_integration_user(self):
        """Banyan's writes are told from those of staff by it."""
        admin = self.world.client(self.database).login(seed.ADMIN.login, seed.PASSWORD)
        if admin.model("res.user", "search", [["login", "=", INTEGRATION_USER]], 0, 1, None):
            return
        groups = admin.model("res.group", "search", [], 0, None, None)
        values = {"login": INTEGRATION_USER, "name": "Banyan", "password": seed.PASSWORD, "groups": [["add", groups]]}
        [user] = admin.model("res.user", "create", [values])
        company = admin.context["company"]
        admin.model("res.user", "write", [user], {"companies": [["add", [company]]], "company": company})

    def _shared_store(self):
        postgres = self.world.postgres
        name = f"banyan_{self.database}"
        password = secrets.token_urlsafe(24)
        postgres.make_role("banyan", password)
        postgres.create_database(name, "banyan")
        return f"postgresql://banyan:{password}@{LOOPBACK}:{postgres.port}/{name}"
