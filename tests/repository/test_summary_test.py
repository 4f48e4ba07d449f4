#!/usr/bin/python3
"""The last line of `make test` counts what ctest really saw."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from source_tree import ROOT

sys.path.insert(0, str(ROOT / "tools"))
from test_summary import read_summary  # noqa: E402

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES NONE)
enable_testing()
add_test(NAME good COMMAND true)
add_test(NAME bad COMMAND false)
add_test(NAME never_built COMMAND {folder}/no-such-program)
add_test(NAME skips_itself COMMAND sh -c "exit 77")
set_tests_properties(skips_itself PROPERTIES SKIP_RETURN_CODE 77)
add_test(NAME says_it_skips COMMAND echo "[  SKIPPED ]")
set_tests_properties(says_it_skips PROPERTIES SKIP_REGULAR_EXPRESSION "SKIPPED")
add_test(NAME switched_off COMMAND true)
set_tests_properties(switched_off PROPERTIES DISABLED ON)
add_test(NAME hangs COMMAND sleep 60)
set_tests_properties(hangs PROPERTIES TIMEOUT 1)
"""


class TheSummary(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "CMakeLists.txt").write_text(PROJECT.format(folder=folder))
            subprocess.run(["cmake", "-S", folder, "-B", f"{folder}/build"], capture_output=True, check=True)
            results = f"{folder}/results.xml"
            subprocess.run(
                ["ctest", "--test-dir", f"{folder}/build", "-j4", "--output-junit", results],
                capture_output=True,
                check=False,
            )
            cls.summary = read_summary(results)

    def test_counts_a_test_that_could_not_start_as_failed(self):
        self.assertEqual({"bad", "never_built", "hangs"}, {name for name, _ in self.summary.failed})

    def test_names_every_skipped_test(self):
        self.assertEqual({"skips_itself", "says_it_skips", "switched_off"}, {n for n, _ in self.summary.skipped})

    def test_line_adds_up(self):
        self.assertEqual("1 passed, 3 failed, 3 skipped", self.summary.line())


if __name__ == "__main__":
    unittest.main()
