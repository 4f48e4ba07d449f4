#!/usr/bin/python3
"""The soak's own checks: against an origin with a planted fault they must complain, against a good one they must not.

The origin is loaded directly and stands for the proxy, so only the client's own defects are planted in the load.
"""

import argparse
import pathlib
import sys
import tempfile
import unittest

import soak

sys.path.insert(0, str(soak.ROOT / "tests" / "bench"))
import processes  # noqa: E402

PROGRAMS = pathlib.Path()
REQUESTS = 20_000


def complaints_about(fault):
    """What the soak says about an origin with this fault."""
    soak.SETTLE_SECONDS = 2 if fault == "leak" else 60  # what has leaked never goes
    with tempfile.TemporaryDirectory(prefix="banyan-soak-") as directory:
        command = [PROGRAMS / "soak_origin", *(["--fault", fault] if fault else [])]
        origin = processes.Process("origin", command, f"{directory}/origin.log", pipe=True, environment=soak.ENVIRONMENT)
        try:
            target = soak.Target(origin, origin.read_json_line()["port"], lambda: {}, ("--client-defects-only",))
            _, complaints = soak.soak(target, PROGRAMS, REQUESTS, 32, 1, 8192)
        finally:
            origin.stop()
            origin.child.stdout.close()
    return "\n".join(complaints)


class Checker(unittest.TestCase):
    def test_has_nothing_against_a_good_target(self):
        self.assertEqual(complaints_about(""), "")

    def test_catches_replies_to_the_wrong_client(self):
        self.assertIn("wrong client", complaints_about("swap-replies"))

    def test_catches_corrupt_bodies(self):
        self.assertIn("corrupt body", complaints_about("corrupt-bodies"))

    def test_catches_shortened_bodies(self):
        self.assertIn("wrong length", complaints_about("shorten-bodies"))

    def test_catches_lost_requests(self):
        self.assertIn("lost", complaints_about("drop-requests"))

    def test_catches_leaks_of_memory_and_descriptors(self):
        complaints = complaints_about("leak")
        self.assertIn("memory grew", complaints)
        self.assertIn("open descriptors", complaints)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=pathlib.Path, required=True)
    PROGRAMS = parser.parse_args().programs
    unittest.main(argv=sys.argv[:1], verbosity=2)
