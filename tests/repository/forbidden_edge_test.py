#!/usr/bin/python3
"""CMake refuses to configure a module that knows what the dependency table forbids it."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

from source_tree import ROOT

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(planted LANGUAGES NONE)
function(add_library)
endfunction()
function(target_include_directories)
endfunction()
function(target_link_libraries)
endfunction()
include({root}/cmake/BanyanModule.cmake)
banyan_module({module} SOURCES a.cpp KNOWS {knows})
"""


def configure(module, knows):
    """Configures a project of one module; the targets themselves are left out, as no compiler is needed for them."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "CMakeLists.txt").write_text(PROJECT.format(root=ROOT, module=module, knows=knows))
        return subprocess.run(
            ["cmake", "-S", folder, "-B", f"{folder}/build"], capture_output=True, text=True, check=False
        )


class ALinkEdge(unittest.TestCase):
    def test_that_the_table_lists_configures(self):
        outcome = configure("gateway/proxy", "gateway/base migration/catalog")
        self.assertEqual(0, outcome.returncode, outcome.stderr)

    def test_that_the_table_does_not_list_stops_configure(self):
        outcome = configure("migration/catalog", "gateway/base gateway/proxy")
        self.assertNotEqual(0, outcome.returncode)
        self.assertIn("'migration/catalog' may not know 'gateway/proxy'", " ".join(outcome.stderr.split()))

    def test_of_an_unlisted_module_stops_configure(self):
        outcome = configure("gateway/unheard_of", "gateway/base")
        self.assertNotEqual(0, outcome.returncode)
        self.assertIn("has no line in cmake/dependencies.cmake", " ".join(outcome.stderr.split()))

    def test_to_an_unlisted_module_stops_configure(self):
        self.assertNotEqual(0, configure("gateway/app", "gateway/unheard_of").returncode)


if __name__ == "__main__":
    sys.exit(unittest.main())
