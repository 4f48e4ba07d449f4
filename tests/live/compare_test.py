#!/usr/bin/python3
"""compare.py as a program, on two small databases of its own: it is content with sides that are the same, and finds
each fault that is planted in a copy of them.

The tables of Tryton are made here as far as compare.py reads them; those of Banyan by Banyan's own schema files.
"""

import contextlib
import io
import subprocess
import sys
import tempfile
import unittest
import unittest.mock
import uuid
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "demo"))

import compare  # noqa: E402
import psycopg2  # noqa: E402
import psycopg2.extras  # noqa: E402
from journal import Journal  # noqa: E402
from world.places import Places  # noqa: E402
from world.ports import LOOPBACK, free_port  # noqa: E402
from world.postgres import Postgres  # noqa: E402
from world.process import unprivileged_user  # noqa: E402

SCHEMA = (
    ROOT / "adapters/records/schema/0001_records.sql",
    ROOT / "adapters/sync/schema/0002_sync.sql",
    ROOT / "adapters/sync/schema/0003_sync_shares.sql",
)

TRYTON = """
    create table party_party (id serial primary key, name text, code text, active boolean, replaced_by integer);
    create table ir_lang (id serial primary key, code text);
    create table party_party_lang (id serial primary key, party integer, lang integer);
    create table country_country (id serial primary key, code text);
    create table country_subdivision (id serial primary key, code text);
    create table party_address (id serial primary key, party integer, name text, street text, postal_code text,
        city text, country integer, subdivision integer, active boolean);
    create table party_contact_mechanism (id serial primary key, party integer, type text, value text, name text,
        comment text, active boolean);
    create table company_company (id serial primary key, currency integer);
    create table currency_currency (id serial primary key, code text);
    create table company_employee (id serial primary key, party integer);
    create table sale_opportunity (id serial primary key, description text, number text, reference text, party integer,
        address integer, state text, amount numeric, conversion_probability float, start_date date, end_date date,
        lost_reason text, comment text, company integer, employee integer);
    create table sale_sale (id serial primary key, number text, reference text, description text, party integer,
        invoice_address integer, shipment_address integer, state text, sale_date date, currency integer, comment text);
    insert into currency_currency (code) values ('EUR');
    insert into company_company (currency) values (1)"""

COUPLES = 8  # of each entity


class Pair:
    """Both sides of one small company, and the journal of those who made it."""

    def __init__(self, legacy, store, journal):
        self._legacy = legacy
        self._store = store
        self._journal = journal
        self._streams = {}
        legacy.execute(TRYTON)
        store.execute("create schema banyan")
        for path in SCHEMA:
            store.execute(path.read_text(encoding="utf-8"))
        for entity in ("account", "address", "contact_point", "opportunity"):
            store.execute("insert into banyan.stream (system, entity) values ('tryton', %s) returning id", (entity,))
            [self._streams[entity]] = store.fetchone()

    def fill(self):
        for _ in range(COUPLES):
            mark, edit = self._begin("account", ["name"])
            name = f"{mark} Alder {edit.token}"
            account = self._couple("account", "party_party", {"name": name, "active": True})
            self._address(account)
            mark, edit = self._begin("contact_point", ["value"])
            values = {"name": mark, "value": f"Birch {edit.token}", "active": True}
            theirs = {"party": account[0], "type": "other"}
            self._couple("contact_point", "party_contact_mechanism", values, theirs, account=account[1], kind="other")
            self._opportunity(account)

    def _address(self, account):
        mark, made = self._begin("address", ["street", "city"])
        edit = self._journal.begin(mark, "address", "edit", ["street"], "modern")
        self._journal.acknowledged(edit)
        values = {"name": mark, "street": f"Cedar {edit.token}", "city": f"Elm {made.token}", "active": True}
        self._couple("address", "party_address", values, {"party": account[0]}, account=account[1])

    def _opportunity(self, account):
        mark, edit = self._begin("opportunity", ["name", "comment"])
        values = {"reference": mark, "comment": f"Hazel {edit.token}", "amount": 1200}
        theirs = {"description": f"Rowan {edit.token}", "party": account[0], "state": "lead", "company": 1}
        theirs["conversion_probability"] = 0.5
        ours = {"name": theirs["description"], "stage": "lead", "account": account[1], "currency": "EUR"}
        self._couple("opportunity", "sale_opportunity", values, theirs, probability=50, **ours)

    def _begin(self, entity, fields):
        mark = self._journal.new_item()
        edit = self._journal.begin(mark, entity, "create", fields, "legacy")
        self._journal.acknowledged(edit)
        return mark, edit

    def _couple(self, entity, table, values, theirs=(), **ours):
        row = {**values, **dict(theirs)}
        marks = ", ".join(["%s"] * len(row))
        self._legacy.execute(
            f"insert into {table} ({', '.join(row)}) values ({marks}) returning id", list(row.values())
        )
        [legacy_id] = self._legacy.fetchone()
        record_id = str(uuid.uuid4())
        data = psycopg2.extras.Json({**values, **ours})
        self._store.execute(
            "insert into banyan.record (entity, id, version, data) values (%s, %s, 1, %s)", (entity, record_id, data)
        )
        self._store.execute(
            "insert into banyan.link (stream, legacy_id, record_id, base_hash, record_hash, base) "
            "values (%s, %s, %s, 1, 1, %s)",
            (self._streams[entity], str(legacy_id), record_id, data),
        )
        return legacy_id, record_id


class Compare(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        state = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="banyan-compare-", dir="/var/tmp"))
        Path(state).chmod(0o711)
        cls.places = Places(state, unprivileged_user("postgres"))
        cls.postgres = Postgres(cls.places, free_port())
        cls.addClassCleanup(cls.postgres.stop)
        cls.postgres.start()
        for name in ("legacy", "store"):
            cls.postgres.create_database(name, "postgres")
        cls.journal = cls.places.log / "journal.jsonl"
        journal = Journal(cls.journal)
        with cls.opened("legacy") as legacy, cls.opened("store") as store:
            Pair(legacy, store, journal).fill()
        journal.close()

    @classmethod
    def dsn(cls, database):
        password = (cls.places.run / "postgres.password").read_text(encoding="ascii")
        return f"host={LOOPBACK} port={cls.postgres.port} dbname={database} user=postgres password={password}"

    @classmethod
    @contextlib.contextmanager
    def opened(cls, database):
        with contextlib.closing(psycopg2.connect(cls.dsn(database))) as connection:
            with connection, connection.cursor() as cursor:
                yield cursor

    def compare(self, *options, legacy="legacy", store="store"):
        command = [ROOT / "tests/live/compare.py", "--legacy", self.dsn(legacy), "--store", self.dsn(store)]
        done = subprocess.run(
            [*command, "--journal", self.journal, *options], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.stderr, "")
        return done

    def test_sides_that_are_the_same_have_no_fault(self):
        done = self.compare()
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_each_fault_that_is_planted_in_a_copy_is_found(self):
        edits = compare.journal.read(self.journal)
        for number, (name, plant, judgement) in enumerate(compare.PLANTED):
            with self.subTest(name):
                copies = {side: f"{side}_{number}" for side in ("legacy", "store")}
                for side, copy in copies.items():
                    self.postgres.create_database(copy, "postgres", template=side)
                with self.opened(copies["legacy"]) as legacy, self.opened(copies["store"]) as store:
                    plant(legacy, store, compare.sample_of(compare.sides.read(legacy, store), edits))
                done = self.compare(**copies)
                self.assertEqual(done.returncode, 1)
                words = {"difference": "store", "duplicate": "is there 2 times", "lost edit": "lost|nobody deleted"}
                self.assertRegex(done.stdout, words[judgement])

    def test_the_self_test_finds_all_that_it_plants_and_leaves_nothing_behind(self):
        done = self.compare("--self-test")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(done.stdout.count("self-test: "), len(compare.PLANTED))
        self.assertEqual(self.compare().returncode, 0)

    def test_the_self_test_fails_for_a_judge_who_sees_nothing(self):
        edits = compare.journal.read(self.journal)
        for judgement, planted in (("differences", 5), ("duplicates", 2), ("lost_edits", 2)):
            with self.subTest(judgement), unittest.mock.patch.object(compare.judge, judgement, lambda *_: []):
                with contextlib.closing(psycopg2.connect(self.dsn("legacy"))) as legacy:
                    with contextlib.closing(psycopg2.connect(self.dsn("store"))) as store:
                        with contextlib.redirect_stdout(io.StringIO()):
                            missed = compare.self_test(legacy, store, edits)
                self.assertEqual(len(missed), planted)

    def test_what_is_under_way_is_no_rest(self):
        self.postgres.create_database("busy", "postgres", template="store")
        with self.opened("busy") as store:
            store.execute("insert into banyan.outbox values (1, gen_random_uuid(), 1, 1, 0)")
        done = self.compare(store="busy")
        self.assertEqual((done.returncode, "not at rest: 1 outbox" in done.stdout), (1, True))


if __name__ == "__main__":
    unittest.main()
