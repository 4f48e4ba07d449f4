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
    ROOT / "adapters/sync/schema/0004_sync_scans.sql",
)

TRYTON = """
    create table party_party (id serial primary key, name text, code text, active boolean, replaced_by integer);
    create table ir_lang (id serial primary key, code text);
    create table party_party_lang (id serial primary key, party integer, lang integer);
    create table country_country (id serial primary key, code text);
    create table country_subdivision (id serial primary key, code text);
    create table party_address (id serial primary key, party integer, name text, party_name text, street text, postal_code text,
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
        invoice_address integer, shipment_address integer, state text, sale_date date, shipping_date date,
        payment_term integer, origin text, currency integer, comment text);
    create table sale_line (id serial primary key, sale integer, sequence integer, type text, product integer,
        description text, quantity float, unit integer, unit_price numeric, note text);
    create table account_invoice_payment_term (id serial primary key, name text);
    create table product_uom (id serial primary key, symbol text);
    create table product_template (id serial primary key, name text, type text, default_uom integer, salable boolean);
    create table product_product (id serial primary key, template integer, code text, description text);
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
        for entity in ("account", "address", "contact_point", "opportunity", "quote", "quote_line"):
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
            self._quote(account)

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

    def _quote(self, account):
        mark, edit = self._begin("quote", ["comment"])
        line_mark, line_edit = self._begin("quote_line", ["quantity"])
        count = int(line_edit.token.strip("[e]"))
        values = {"reference": mark, "comment": f"Larch {edit.token}", "state": "draft"}
        ours = {"account": account[1], "currency": "EUR", "untaxed_amount": str(2 * count)}
        quote = self._couple("quote", "sale_sale", values, {"party": account[0], "currency": 1}, **ours)
        values = {"description": line_mark, "quantity": count, "unit_price": 2}
        theirs = {"sale": quote[0], "type": "line"}
        self._couple("quote_line", "sale_line", values, theirs, kind="line", quote=quote[1])

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

    def test_the_self_test_takes_no_sample_whose_loss_a_matter_would_excuse(self):
        self.postgres.create_database("disputed", "postgres", template="store")
        with self.opened("disputed") as store:
            for number, state in enumerate(("open", "resolved")):
                store.execute(
                    "insert into banyan.parked (stream, kind, state, side, legacy_id, record_id, error_class, message, fields, "
                    "  modern, epoch, legacy_changes, modern_changes, at) "
                    "select stream, 'conflict', %s, 'legacy', legacy_id, record_id, 'edit_edit', '', array['street'], "
                    "  jsonb_build_object('street', base->'street'), 1, 1, 1, now() "
                    "from banyan.link join banyan.stream s on s.id = stream where entity = 'address' "
                    "order by legacy_id::int offset %s limit 1",
                    (state, number),
                )
        done = self.compare("--self-test", store="disputed")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_self_test_fails_for_a_judge_who_sees_nothing(self):
        edits = compare.journal.read(self.journal)
        for judgement, planted in (("differences", 5), ("duplicates", 2), ("lost_edits", 2)):
            with self.subTest(judgement), unittest.mock.patch.object(compare.judge, judgement, lambda *_: []):
                with contextlib.closing(psycopg2.connect(self.dsn("legacy"))) as legacy:
                    with contextlib.closing(psycopg2.connect(self.dsn("store"))) as store:
                        with contextlib.redirect_stdout(io.StringIO()):
                            missed = compare.self_test(legacy, store, edits)
                self.assertEqual(len(missed), planted)

    def test_what_refers_to_something_that_tryton_lacks_and_a_person_has_to_decide_about_is_at_rest(self):
        copies = {"legacy": "held_legacy", "store": "held_store"}
        for side, copy in copies.items():
            self.postgres.create_database(copy, "postgres", template=side)
        with self.opened("held_store") as store:
            store.execute(
                "insert into banyan.parked (stream, kind, state, side, legacy_id, record_id, error_class, message, fields, "
                "  epoch, legacy_changes, modern_changes, at) "
                "select l.stream, 'conflict', 'open', 'legacy', l.legacy_id, l.record_id, 'delete_edit', '', array['*'], 1, 1, 1, "
                "  now() from banyan.link l join banyan.stream s on s.id = l.stream where entity = 'quote' limit 1 "
                "returning legacy_id, record_id"
            )
            [(sale, quote)] = store.fetchall()
            store.execute(
                "insert into banyan.outbox (stream, record_id, version, changes, hops) "
                "select s.id, r.id, 1, 3, 0 from banyan.record r join banyan.stream s using (entity) "
                "where entity = 'quote_line' and r.data->>'quote' = %s returning record_id",
                (quote,),
            )
            [(line,)] = store.fetchall()
        self.assertIn("not at rest", self.compare(**copies).stdout, "Tryton has the quote: its line can be written")
        with self.opened("held_store") as store, self.opened("held_legacy") as legacy:
            legacy.execute("delete from sale_line where sale = %s", (sale,))
            legacy.execute("delete from sale_sale where id = %s", (sale,))
            store.execute("update banyan.link set base = null, base_hash = 0 where record_id = %s", (quote,))
            store.execute("delete from banyan.link where record_id = %s", (line,))
        done = self.compare(**copies)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_what_is_under_way_is_no_rest(self):
        self.postgres.create_database("busy", "postgres", template="store")
        with self.opened("busy") as store:
            store.execute("insert into banyan.outbox values (1, gen_random_uuid(), 1, 1, 0)")
        done = self.compare(store="busy")
        self.assertEqual((done.returncode, "not at rest: 1 outbox" in done.stdout), (1, True))


if __name__ == "__main__":
    unittest.main()
