#!/usr/bin/python3
"""Compares a Tryton with a Banyan by reading the databases of both: what differs, what is there twice, which edits of
the journal are lost. Knows nothing of Banyan but its tables.

usage: compare.py --legacy DSN --store DSN --journal FILE [--self-test]

Prints one line for each fault. Exit status: 0 none, 1 some. With --self-test it plants faults of every kind by SQL, one
at a time in a transaction that is rolled back, and exits with 1 unless each is found.
"""

import argparse
import collections
import sys

import judge
import journal
import psycopg2
import sides

# What may wait for a person at the end, as a share of all records that the journal knows. More would be hiding. What is
# between people, of whom one deletes what another edits, is not counted.
MOST_OPEN = 0.05
EXPLAINED = 5


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--legacy", required=True, metavar="DSN", help="Tryton's database")
    parser.add_argument("--store", required=True, metavar="DSN", help="Banyan's database")
    parser.add_argument("--journal", required=True, metavar="FILE", help="what was done, by sync_live.py")
    parser.add_argument("--self-test", action="store_true", help="plant faults and see whether they are found")
    options = parser.parse_args()
    edits = journal.read(options.journal)
    with psycopg2.connect(options.legacy) as legacy, psycopg2.connect(options.store) as store:
        for connection in (legacy, store):
            connection.set_session(isolation_level="REPEATABLE READ")
        faults = self_test(legacy, store, edits) if options.self_test else report(legacy, store, edits)
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def report(legacy, store, edits):
    both = _read(legacy, store)
    items = {edit.item for edit in edits}
    matters = [matter for matter in both.matters if matter.is_open]
    classes = collections.Counter(f"{matter.kind} {matter.error_class}" for matter in matters)
    outcomes = collections.Counter(_outcome(edit) for edit in edits)
    rows = {entity: (len(both.legacy[entity]), len(both.modern[entity])) for entity in sides.LEGACY}
    print(f"compare: {len(edits)} edits of {len(items)} items: {dict(outcomes)}")
    print(f"compare: records in Tryton and in the store: {rows}")
    print(f"compare: left to a person: {dict(classes) or 'nothing'}")
    faults = judge_all(both, edits)
    matters = [matter for matter in matters if not judge.is_between_people(matter, edits)]
    if len(matters) > max(5, MOST_OPEN * len(items)):
        faults.append(f"{len(matters)} matters are left to a person, which is too many")
        faults += sorted({f"{matter.error_class}: {matter.message}" for matter in matters})[:20]
    return faults + list(explain(store, faults, edits))


def explain(store, faults, edits):
    """For the first faults: what the journal and the store know of the items in them."""
    marks = list(dict.fromkeys(mark for fault in faults for mark in judge.ITEM.findall(fault)))[:EXPLAINED]
    for mark in marks:
        yield from (f"  journal: {edit}" for edit in edits if edit.item == mark)
        with store.cursor() as cursor:
            cursor.execute(
                """with ids as (select distinct id from banyan.record_history where changed::text like %s)
                   select at, 'history', id::text || ' @' || version, side || ' ' || kind, changed::text
                   from banyan.record_history where id in (select id from ids)
                   union all select created_at, 'link', record_id::text, legacy_id, base::text
                   from banyan.link where record_id in (select id from ids)
                   union all select i.at, 'inbox', i.legacy_id, i.via || ' ' || i.outcome, i.ref
                   from banyan.inbox i join banyan.link l using (stream, legacy_id)
                   where l.record_id in (select id from ids)
                   union all select at, kind, state || ' ' || error_class, legacy_id, concat(legacy, ' / ', modern)
                   from banyan.parked where record_id in (select id from ids) order by 1""",
                (f"%{mark}%",),
            )
            yield from (f"  {mark} {' | '.join(str(part)[:200] for part in row)}" for row in cursor.fetchall())
        store.rollback()


def judge_all(both, edits):
    unfinished = [f"not at rest: {count} {what}" for what, count in both.unfinished.items()]
    return unfinished + judge.differences(both) + judge.duplicates(both) + judge.lost_edits(both, edits)


def self_test(legacy, store, edits):
    """Names the planted faults that were not found."""
    missed = []
    before = judge_all(_read(legacy, store), edits)
    if before:
        return ["the self-test needs two sides that are the same", *before]
    for name, plant, judgement in PLANTED:
        both = sides.read(legacy.cursor(), store.cursor())
        try:
            plant(legacy.cursor(), store.cursor(), sample_of(both, edits))
            planted = sides.read(legacy.cursor(), store.cursor())
            found = {
                "difference": judge.differences(planted),
                "duplicate": judge.duplicates(planted),
                "lost edit": judge.lost_edits(planted, edits),
            }[judgement]
        finally:
            legacy.rollback()
            store.rollback()
        print(f"self-test: {name}: {found[0] if found else 'NOT FOUND'}")
        if not found:
            missed.append(f"not found: {name}")
    return missed


def _outcome(edit):
    return "refused" if edit.refused else "unknown" if edit.end is None else "acknowledged"


def _read(legacy, store):
    both = sides.read(legacy.cursor(), store.cursor())
    legacy.rollback()
    store.rollback()
    return both


def sample_of(both, edits):
    """An address that both sides have, whose street somebody has edited, and with nothing that would excuse a fault of
    it, such as a delete, an open matter or a conflict about the street: its two ids."""
    deleted = {edit.item for edit in edits if edit.kind == "delete"}
    losers = {token for token, field in judge.recorded_losers(both) if field == "street"}
    disputed = {edit.item for edit in edits if edit.token in losers}
    edited = {edit.item: edit for edit in edits if edit.kind == "edit" and edit.end and "street" in edit.fields}
    edited = {mark: edit for mark, edit in edited.items() if not (deleted | disputed) & {mark, edit.parent}}
    waiting = judge.matters_of_people(both)
    for mark, (legacy_id, *_) in judge.items_by_mark(both.legacy)["address"].items():
        record_id = both.record_of.get(("address", legacy_id))
        if judge.is_parked(both, mark) or waiting & {("address", "legacy", legacy_id), ("address", "modern", record_id)}:
            continue
        street = both.legacy["address"][legacy_id].get("street", "")
        if mark in edited and record_id in both.modern["address"] and edited[mark].token in street:
            return legacy_id, record_id
    raise SystemExit("self-test: no address has an edited street; let the test run for longer")


# Each plants one fault; what it takes is (cursor of Tryton, cursor of the store, the sample).
def _value_in_tryton(legacy, _store, sample):
    legacy.execute("update party_address set city = coalesce(city, '') || 'x' where id = %s", (sample[0],))


def _value_in_store(_legacy, store, sample):
    store.execute("update banyan.record set data = data || '{\"city\": \"elsewhere\"}' where id = %s", (sample[1],))


def _reference(legacy, _store, sample):
    legacy.execute("update party_address set party = (select max(id) from party_party) where id = %s", (sample[0],))


def _record_gone(_legacy, store, sample):
    store.execute("update banyan.record set deleted = true where id = %s", (sample[1],))


def _row_gone(legacy, _store, sample):
    legacy.execute("update sale_opportunity set address = null where address = %s", (sample[0],))
    legacy.execute("delete from party_address where id = %s", (sample[0],))


def _row_twice(legacy, _store, sample):
    legacy.execute("insert into party_address (party, name, active) select party, name, active from party_address "
                   "where id = %s", (sample[0],))


def _record_twice(_legacy, store, sample):
    store.execute("insert into banyan.record (entity, id, version, data) "
                  "select entity, gen_random_uuid(), version, data from banyan.record where id = %s", (sample[1],))


def _edit_lost_by_both(legacy, store, sample):
    legacy.execute("update party_address set street = 'Old Road 1' where id = %s", (sample[0],))
    store.execute("update banyan.record set data = data || '{\"street\": \"Old Road 1\"}' where id = %s", (sample[1],))


def _record_lost_by_both(legacy, store, sample):
    _row_gone(legacy, store, sample)
    _record_gone(legacy, store, sample)


PLANTED = (
    ("a value that differs in Tryton", _value_in_tryton, "difference"),
    ("a value that differs in the store", _value_in_store, "difference"),
    ("a reference to another record", _reference, "difference"),
    ("a record that the store has lost", _record_gone, "difference"),
    ("a row that Tryton has lost", _row_gone, "difference"),
    ("a record that Tryton has twice", _row_twice, "duplicate"),
    ("a record that the store has twice", _record_twice, "duplicate"),
    ("an edit that both sides have lost", _edit_lost_by_both, "lost edit"),
    ("a record that both sides have lost", _record_lost_by_both, "lost edit"),
)


if __name__ == "__main__":
    sys.exit(main())
