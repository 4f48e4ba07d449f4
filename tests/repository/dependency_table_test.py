#!/usr/bin/python3
"""No module includes what the dependency table does not allow it."""

import pathlib
import tempfile
import unittest

import dependency_rules
import source_tree

SMALL_TABLE = """
set(BANYAN_DEPENDENCY_TABLE
  "gateway/base:"
  "gateway/net: gateway/base"
  "gateway/app: *"
)
set(BANYAN_EXTERNAL_TABLE
  "boost: gateway/app"
  "boost/asio: gateway/net"
  "expat: gateway/base"
  "nlohmann: *"
  "posix: gateway/net"
)
"""


def faults_of(path, *includes):
    """The faults of one planted file in an otherwise empty tree."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        (root / path).parent.mkdir(parents=True)
        (root / path).write_text("".join(f"#include {include}\n" for include in includes))
        table = dependency_rules.parse_table(SMALL_TABLE)
        return dependency_rules.faults(table, root, [pathlib.Path(path)])


class TheRepository(unittest.TestCase):
    def test_includes_only_what_the_table_allows(self):
        text = (source_tree.ROOT / "cmake/dependencies.cmake").read_text()
        paths = source_tree.cpp_files()
        self.assertTrue(any(path.parts[0] == "gateway" for path in paths), "no source file found")
        self.assertEqual([], dependency_rules.faults(dependency_rules.parse_table(text), source_tree.ROOT, paths))


class TheCheck(unittest.TestCase):
    def test_allows_what_the_table_allows(self):
        self.assertEqual([], faults_of("gateway/net/a.cpp", '"gateway/net/a.hpp"', '"gateway/base/error.hpp"'))
        self.assertEqual([], faults_of("gateway/net/a.cpp", "<vector>", "<boost/asio/buffer.hpp>"))
        self.assertEqual([], faults_of("gateway/base/a.cpp", "<expat.h>", "<nlohmann/json.hpp>"))
        self.assertEqual([], faults_of("gateway/app/a.cpp", '"gateway/net/a.hpp"'))

    def test_catches_a_forbidden_module(self):
        self.assertEqual(
            ["gateway/base/a.cpp:2: 'gateway/base' may not know 'gateway/net' (gateway/net/a.hpp)"],
            faults_of("gateway/base/a.cpp", "<vector>", '"gateway/net/a.hpp"'),
        )

    def test_catches_a_forbidden_module_in_angle_brackets(self):
        self.assertEqual(1, len(faults_of("gateway/base/a.cpp", "<gateway/net/a.hpp>")))

    def test_catches_an_external_header_outside_its_modules(self):
        self.assertEqual(1, len(faults_of("gateway/base/a.cpp", "<boost/asio/buffer.hpp>")))

    def test_prefers_the_longest_prefix_of_an_external_header(self):
        self.assertEqual(1, len(faults_of("gateway/app/a.cpp", "<boost/asio/buffer.hpp>")))
        self.assertEqual([], faults_of("gateway/app/a.cpp", "<boost/version.hpp>"))

    def test_catches_the_operating_system_in_a_pure_module(self):
        self.assertEqual(1, len(faults_of("gateway/base/a.cpp", "<sys/socket.h>")))
        self.assertEqual([], faults_of("gateway/net/a.cpp", "<sys/socket.h>"))

    def test_catches_a_library_that_is_not_listed(self):
        self.assertEqual(1, len(faults_of("gateway/base/a.cpp", "<curl/curl.h>")))

    def test_catches_an_include_that_does_not_start_at_the_root(self):
        self.assertEqual(1, len(faults_of("gateway/base/a.cpp", '"error.hpp"')))

    def test_catches_a_file_outside_every_module(self):
        self.assertEqual(1, len(faults_of("gateway/store/a.cpp", "<vector>")))


if __name__ == "__main__":
    unittest.main()
