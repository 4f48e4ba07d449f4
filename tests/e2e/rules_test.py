#!/usr/bin/python3
"""The parts of the whole-system tests that decide something: the check of the access log, and the made-up figures."""

import json
import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "demo"))

import access_log  # noqa: E402
from world import figures, seed  # noqa: E402


def log_line(number, **changes):
    line = {name: "x" if kind is str else 1 for name, kind in access_log.FIELDS.items()}
    line |= {"request_id": str(number), "method": "POST", "stage": "legacy", "served_by": "legacy"}
    return json.dumps(line | changes)


def complete_log():
    return [log_line(number, function=name) for number, name in enumerate(sorted(access_log.EXPECTED))]


class AccessLogCheck(unittest.TestCase):
    def test_a_log_that_names_everything_is_good(self):
        self.assertEqual(access_log.faults(complete_log()), [])

    def test_a_request_that_the_browser_left_is_no_fault_but_proves_nothing(self):
        left = log_line(1000, function="bus", status=0, served_by="none")
        self.assertEqual(access_log.faults([*complete_log(), left]), [])
        without = [line for line in complete_log() if '"bus"' not in line]
        self.assertEqual(access_log.faults([*without, left]), ["no answered request was named `bus`"])

    def test_a_function_that_is_missing_is_a_fault(self):
        lines = [line for line in complete_log() if "party.write" not in line]
        self.assertEqual(access_log.faults(lines), ["no answered request was named `party.write`"])

    def test_each_of_these_lines_is_a_fault(self):
        table = {
            "an RPC that nobody named": {"function": "unmapped"},
            "an RPC caught by a net": {"function": "other.model"},
            "a number that is a text": {"function": "bus", "status": "200"},
            "a field that is missing": {"function": "bus", "upstream": None},
            "a function that was moved": {"function": "bus", "served_by": "modern"},
            "a request id given twice": {"function": "bus", "request_id": "0"},
        }
        for name, changes in table.items():
            with self.subTest(name):
                self.assertEqual(len(access_log.faults([*complete_log(), log_line(1000, **changes)])), 1)


class MadeUpFigures(unittest.TestCase):
    def setUp(self):
        self.parties = figures.parties(seed.SEED)
        self.opportunities = figures.opportunities(seed.SEED, self.parties)

    def test_the_same_seed_gives_the_same_figures_and_another_gives_others(self):
        self.assertEqual(figures.parties(seed.SEED), self.parties)
        self.assertEqual(figures.opportunities(seed.SEED, self.parties), self.opportunities)
        self.assertNotEqual(figures.parties(seed.SEED + 1), self.parties)

    def test_names_of_parties_are_unique(self):
        self.assertEqual(len({party.name for party in self.parties}), len(self.parties))

    def test_nobody_real_can_be_reached(self):
        reserved = tuple(place.phone for place in figures.PLACES)
        for party in self.parties:
            for kind, value in party.contacts:
                with self.subTest(party=party.name, kind=kind):
                    self.assertTrue(value.startswith(reserved) or value.endswith(".example"), value)

    def test_what_is_closed_has_an_end_after_its_start_and_not_in_the_future(self):
        for opportunity in self.opportunities:
            if opportunity.state not in ("lead", "opportunity"):
                with self.subTest(opportunity.title):
                    self.assertLess(opportunity.start, opportunity.end)
                    self.assertLessEqual(opportunity.end, figures.LAST_DAY)


if __name__ == "__main__":
    unittest.main()
