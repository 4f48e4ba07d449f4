"""World: a real PostgreSQL, a real Tryton and a believable company in it.

    with World() as world:
        client = world.client().login("clara", seed.PASSWORD)
        client.model("party.party", "search", [["name", "ilike", "%bakery%"]], 0, 10, None)

A world has ports and directories of its own; any number may run side by side. Leaving it stops what it started.
"""

import contextlib
import os
import shutil
import tempfile

from . import cache, ports, seed
from .places import Places
from .postgres import Postgres
from .process import unprivileged_user
from .tryton import ROLE, Tryton, require_packages

DATABASE = "tryton"


class SilentProgress:
    """What a world tells of its steps; this one keeps it to itself."""

    @contextlib.contextmanager
    def step(self, text):
        yield

    def note(self, text):
        pass


class World:
    """Options: `state`, a directory to keep everything in (default: a temporary one, removed at the end); `seed_cache`;
    the two ports (default: free ones); `progress`, told of each step; `fresh`, to begin with the seed in a kept state.

    After entering, `database` names a database that Tryton serves at `tryton.port`. In a kept state it is the one of
    the last time, with all that users did, unless the seed has changed since.
    """

    def __init__(
        self, *, state=None, seed_cache=None, postgres_port=None, tryton_port=None, progress=None, fresh=False
    ):
        self._state = state
        self._cache = seed_cache or cache.SeedCache()
        self._wanted_ports = (postgres_port, tryton_port)
        self._progress = progress or SilentProgress()
        self._fresh = fresh
        self._cleanup = contextlib.ExitStack()
        self._clones = 0
        self._seed_key = None
        self.database = DATABASE
        self.places = None
        self.postgres = None
        self.tryton = None

    def __enter__(self):
        with contextlib.ExitStack() as cleanup:  # a failure on the way undoes what was done
            self._start(cleanup)
            self._cleanup = cleanup.pop_all()
        return self

    def __exit__(self, *failure):
        self._cleanup.close()

    def client(self, database=None):
        """A client that is not logged in, straight to Tryton."""
        return self.tryton.client(database or self.database)

    def database_identity(self):
        """A text that no other database has, not even one that later takes this one's name."""
        sql = (
            "select system_identifier || '-' || oid from pg_control_system(), pg_database "
            f"where datname = '{self.database}'"
        )
        return "".join(self.postgres.query(sql))

    def fresh_database(self):
        """The name of a new clone of the seeded database, which the running Tryton serves too. Takes 0.2 s."""
        self._clones += 1
        name = f"{DATABASE}_{self._clones}"
        self._clone(name)
        return name

    def children(self):
        return [server.child for server in (self.tryton, self.postgres) if server and server.child]

    def _start(self, cleanup):
        require_packages()
        state = self._state
        if state is None:
            state = tempfile.mkdtemp(prefix="banyan-world-", dir="/var/tmp")
            cleanup.callback(shutil.rmtree, state)
            os.chmod(state, 0o711)  # PostgreSQL and Tryton must get to their own directories in it
        account = unprivileged_user("postgres")
        self.places = Places(state, account)
        self._seed_key = cache.key()
        postgres_port, tryton_port = (port or ports.free_port() for port in self._wanted_ports)
        self.postgres = Postgres(self.places, postgres_port)
        cleanup.callback(self.postgres.stop)
        with self._progress.step(f"Starting PostgreSQL on port {postgres_port}"):
            self.postgres.start()
        self.tryton = Tryton(self.places, self.postgres, tryton_port)
        cleanup.callback(self.tryton.stop)
        self.tryton.configure()
        self._provide_database()
        with self._progress.step(f"Starting Tryton on port {tryton_port}"):
            self.tryton.start(self.database)

    def _provide_database(self):
        databases = self.postgres.databases()
        if self.database in databases and self._seed_key_of(self.database) == self._seed_key and not self._fresh:
            return
        self._provide_template(databases)
        with self._progress.step("Cloning the seeded database"):
            self.postgres.drop_database(self.database)
            self._clone(self.database)

    def _provide_template(self, databases):
        if self._template in databases and self._seed_key_of(self._template) == self._seed_key:
            return
        for name in databases:
            if name.startswith("seed_"):
                self.postgres.drop_database(name)
        with self._cache.locked():
            dump = self._cache.path(self._seed_key)
            if dump.exists():
                with self._progress.step("Restoring the seeded database from the cache"):
                    self.postgres.create_database(self._template, ROLE)
                    self.postgres.restore(self._template, dump)
            else:
                self._make_seed(dump)
        self.postgres.mark_template(self._template)
        self._set_seed_key(self._template)

    def _make_seed(self, dump):
        name = self._template
        with self._progress.step("Installing Tryton's modules (about a minute, this once)"):
            self.postgres.create_database(name, ROLE)
            self.tryton.install_modules(name, seed.PASSWORD, lambda module: self._progress.note(f"module {module}"))
        with self._progress.step("Seeding company, users, parties, opportunities and quotes"):
            self.tryton.start(name)
            try:
                seed.apply(lambda: self.tryton.client(name))
            finally:
                self.tryton.stop()
        with self._progress.step("Keeping the seeded database for the next time"):
            self.postgres.dump(name, dump)
            self._cache.forget_others(self._seed_key)

    def _clone(self, name):
        self.postgres.create_database(name, ROLE, template=self._template)
        self._set_seed_key(name)

    @property
    def _template(self):
        return f"seed_{self._seed_key}"

    # The key is kept as the database's comment, so that it goes wherever the database goes. It is set last: a
    # database that was half made when the power went has none.
    def _set_seed_key(self, database):
        self.postgres.query(f"comment on database \"{database}\" is '{self._seed_key}'")

    def _seed_key_of(self, database):
        sql = f"select shobj_description(oid, 'pg_database') from pg_database where datname = '{database}'"
        return "".join(self.postgres.query(sql))
