#!/usr/bin/python3
"""The rules of the live test's judge: what it must find, and what it must let pass."""

import unittest

from journal import Edit
from judge import differences, duplicates, is_between_people, lost_edits
from sides import LEGACY, Matter, Sides

FIELD = "street"


def edit(number, *, side="legacy", at=0, end=..., kind="edit", refused=False, parent="", item="[i1]"):
    fields = [] if kind == "delete" else [FIELD]
    return Edit(f"[e{number}]", item, "address", kind, fields, side, parent, at, at if end is ... else end, refused)


def both_hold(street, modern=...):
    """Address 7 of Tryton, coupled with record r7."""
    sides = Sides({e: {} for e in LEGACY}, {e: {} for e in LEGACY}, {}, {}, {}, [], {})
    sides.legacy["address"]["7"] = {"name": "[i1]", FIELD: street}
    sides.modern["address"]["r7"] = {"name": "[i1]", FIELD: street if modern is ... else modern}
    sides.record_of["address", "7"] = "r7"
    sides.legacy_of["address", "r7"] = "7"
    return sides


def nobody_holds_it():
    sides = both_hold("")
    sides.legacy["address"].clear()
    sides.modern["address"].clear()
    return sides


def matter(state="resolved", winner="legacy", error_class="edit_edit", **values):
    answer = None if state == "open" else {FIELD: winner}
    found = {"legacy": None, "modern": None, **values}
    return Matter("address", "7", "r7", "conflict", state, error_class, "", found["legacy"], found["modern"], answer)


class Differences(unittest.TestCase):
    def test_equal_sides_have_none(self):
        self.assertEqual(differences(both_hold("A")), [])

    def test_a_value_that_differs_is_one(self):
        self.assertEqual(len(differences(both_hold("A", "B"))), 1)

    def test_a_record_on_one_side_only_is_one(self):
        for side in ("legacy", "modern"):
            with self.subTest(side):
                sides = both_hold("A")
                getattr(sides, side)["address"].clear()
                self.assertEqual(len(differences(sides)), 1)

    def test_a_record_without_a_couple_is_one_for_each_side(self):
        sides = both_hold("A")
        sides.record_of.clear()
        sides.legacy_of.clear()
        self.assertEqual(len(differences(sides)), 2)

    def test_a_reference_to_another_record_is_one(self):
        sides = both_hold("A")
        sides.legacy["address"]["7"]["account"] = ("account", "1")
        sides.modern["address"]["r7"]["account"] = ("account", "r2")
        sides.record_of["account", "1"] = "r1"
        self.assertEqual(len(differences(sides)), 1)

    def test_what_waits_for_a_person_is_none(self):
        sides = both_hold("A", "B")
        sides.matters.append(matter("open"))
        self.assertEqual(differences(sides), [])
        sides.matters[0].state = "resolved"
        self.assertEqual(len(differences(sides)), 1)

    def test_what_refers_to_something_that_waits_for_a_person_is_none(self):
        sides = both_hold("A", "B")
        sides.held_back.add(("address", "r7"))
        self.assertEqual(differences(sides), [])
        sides.record_of.clear()
        sides.legacy_of.clear()
        sides.legacy["address"].clear()
        self.assertEqual(differences(sides), [])


class Duplicates(unittest.TestCase):
    def test_one_mark_on_two_records_is_one(self):
        for side in ("legacy", "modern"):
            with self.subTest(side):
                sides = both_hold("A")
                getattr(sides, side)["address"]["8"] = {"name": "[i1]"}
                self.assertEqual(len(duplicates(sides)), 1)

    def test_a_record_with_two_counterparts_is_one(self):
        sides = both_hold("A")
        sides.record_of["address", "8"] = "r7"
        self.assertEqual(len(duplicates(sides)), 1)


class LostEdits(unittest.TestCase):
    def test_these_are_lost(self):
        table = {
            "nothing of it is left": (both_hold("Old Road"), [edit(1)]),
            "an earlier one is there instead": (both_hold("[e1]"), [edit(1, at=1), edit(2, at=2)]),
            "one side has it": (both_hold("[e1]", "Old Road"), [edit(1)]),
            "the record is gone": (nobody_holds_it(), [edit(1)]),
            "the record was deleted before": (nobody_holds_it(), [edit(1, at=5), edit(2, at=1, kind="delete")]),
            "a delete that was refused explains nothing": (
                nobody_holds_it(),
                [edit(1, at=1), edit(2, at=5, kind="delete", refused=True)],
            ),
            "a delete that did not last": (both_hold("[e1]"), [edit(1, at=1), edit(2, at=5, kind="delete")]),
        }
        for name, (sides, edits) in table.items():
            with self.subTest(name):
                self.assertNotEqual(lost_edits(sides, edits), [])

    def test_these_are_not(self):
        table = {
            "it is final": (both_hold("[e1]"), [edit(1)]),
            "a later one is there": (both_hold("[e2]"), [edit(1, at=1), edit(2, at=2, side="modern")]),
            "one that was under way at the same time": (both_hold("[e1]"), [edit(1, at=1, end=3), edit(2, at=2)]),
            "a later one that nobody heard of": (both_hold("[e2]"), [edit(1, at=1), edit(2, at=2, end=None)]),
            "it was refused": (both_hold("Old Road"), [edit(1, refused=True)]),
            "nobody knows whether it took place": (both_hold("Old Road"), [edit(1, end=None)]),
            "the record was deleted after": (nobody_holds_it(), [edit(1, at=1), edit(2, at=5, kind="delete")]),
            "its parent was deleted after": (
                nobody_holds_it(),
                [edit(1, at=1, parent="[i2]"), edit(2, at=5, kind="delete", item="[i2]")],
            ),
        }
        for name, (sides, edits) in table.items():
            with self.subTest(name):
                self.assertEqual(lost_edits(sides, edits), [])

    def test_the_loser_of_a_conflict_is_on_record_and_its_winner_is_not(self):
        edits = [edit(1, at=1), edit(2, at=2, side="modern")]
        sides = both_hold("[e1]")
        sides.matters.append(matter(winner="legacy", legacy={FIELD: "[e1]"}, modern={FIELD: "[e2]"}))
        self.assertEqual(lost_edits(sides, edits), [])
        sides.matters[0].answer = {FIELD: "modern"}
        self.assertNotEqual(lost_edits(sides, edits), [])

    def test_what_is_gone_with_its_record_is_on_record_with_the_last_edit_of_the_field(self):
        edits = [edit(1, at=1, kind="delete"), edit(2, at=2), edit(3, at=3)]
        sides = nobody_holds_it()
        sides.matters.append(matter(state="superseded", error_class="delete_edit", legacy={FIELD: "[e3]"}))
        self.assertEqual(lost_edits(sides, edits), [])
        sides.matters[0].legacy = {FIELD: "[e2]"}
        self.assertNotEqual(lost_edits(sides, edits), [])

    def test_what_is_edited_in_a_part_goes_with_the_whole_when_its_delete_gets_across(self):
        for deleted_on, edited_on, is_lost in (
            ("modern", "legacy", False),
            ("modern", "modern", False),
            ("legacy", "legacy", True),
            ("legacy", "modern", True),
        ):
            with self.subTest(deleted_on=deleted_on, edited_on=edited_on):
                whole = edit(1, at=1, kind="delete", item="[i2]", side=deleted_on)
                part = edit(2, at=5, parent="[i2]", side=edited_on)
                self.assertEqual(bool(lost_edits(nobody_holds_it(), [whole, part])), is_lost)
                whole_is_there = nobody_holds_it()
                whole_is_there.modern["address"]["r2"] = {"name": "[i2]"}
                self.assertTrue(any("[e2]" in fault for fault in lost_edits(whole_is_there, [whole, part])))

    def test_what_lost_another_field_is_no_excuse(self):
        sides = both_hold("Old Road")
        sides.matters.append(matter(modern={"city": "[e1]"}))
        self.assertNotEqual(lost_edits(sides, [edit(1)]), [])

    def test_an_edit_that_a_lost_one_had_overwritten_is_not_lost(self):
        sides = both_hold("[e3]")
        sides.matters.append(matter(winner="legacy", legacy={FIELD: "[e3]"}, modern={FIELD: "[e2]"}))
        edits = [edit(1, at=1, side="modern"), edit(2, at=2, side="modern"), edit(3, at=0)]
        self.assertEqual(lost_edits(sides, edits), [])

    def test_a_delete_in_tryton_counts_from_when_the_two_were_a_couple(self):
        for coupled_at, is_lost in ((4, True), (6, False)):
            for side in ("legacy", "modern"):
                with self.subTest(side=side, coupled_at=coupled_at):
                    sides = both_hold("[e1]")
                    sides.coupled_at["address", "r7"] = coupled_at
                    made = edit(1, at=1, side="modern", kind="create")
                    found = lost_edits(sides, [made, edit(2, at=5, side=side, kind="delete")])
                    self.assertEqual(bool(found), is_lost or side == "modern")

    def test_what_staff_edited_in_a_row_that_was_never_seen_went_with_it(self):
        made, deleted = edit(1, at=1, side="modern", kind="create"), edit(3, at=5, kind="delete")
        by_staff = edit(1, at=1, kind="create")
        cases = {
            "before the delete": (6, made, edit(2, at=3), False),
            "of the row that was made again": (6, made, edit(2, at=5.5), True),
            "by an agent": (6, made, edit(2, at=3, side="modern"), True),
            "of a row that was seen": (4, made, edit(2, at=3), True),
            "of a row that staff have made": (6, by_staff, edit(2, at=3), True),
        }
        for name, (coupled_at, created, edited, is_lost) in cases.items():
            with self.subTest(name):
                sides = both_hold("[e1]")
                sides.coupled_at["address", "r7"] = coupled_at
                found = [fault for fault in lost_edits(sides, [created, edited, deleted]) if "[e2]" in fault]
                self.assertEqual(bool(found), is_lost)

    def test_a_delete_that_lost_against_an_edit_is_on_record(self):
        sides = both_hold("[e1]")
        sides.matters.append(matter(error_class="delete_edit"))
        self.assertEqual(lost_edits(sides, [edit(1, at=1), edit(2, at=5, kind="delete")]), [])


class LeftToAPerson(unittest.TestCase):
    def test_who_deletes_what_another_edits_has_a_matter_with_them(self):
        dispute = matter("open", error_class="delete_edit", modern={"name": "[i1]"})
        cases = {
            "the record was deleted": ([edit(1, side="modern"), edit(2, kind="delete")], True),
            "its whole was": ([edit(1, side="modern", parent="[i9]"), edit(2, kind="delete", item="[i9]")], True),
            "nobody deleted it": ([edit(1, side="modern"), edit(2, kind="delete", item="[i9]")], False),
            "nobody else edited it": ([edit(1), edit(2, kind="delete")], False),
            "the delete was refused": ([edit(1, side="modern"), edit(2, kind="delete", refused=True)], False),
        }
        for name, (edits, is_theirs) in cases.items():
            with self.subTest(name):
                self.assertEqual(is_between_people(dispute, edits), is_theirs)

    def test_what_sync_could_not_do_is_none_of_it(self):
        failed = matter("open", error_class="rejected", modern={"name": "[i1]"})
        self.assertFalse(is_between_people(failed, [edit(1, side="modern"), edit(2, kind="delete")]))


if __name__ == "__main__":
    unittest.main()
