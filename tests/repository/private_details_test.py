#!/usr/bin/python3
"""Nothing committed names a place that exists on one machine only, or where packages were downloaded from."""

import re
import unittest

import source_tree

# Each pattern is written so that it does not match its own text here.
PRIVATE = {
    "a home folder": re.compile(r"(?<![\w.$}>])/(?:root|home/[a-z][\w-]*)/\w"),
    "a working folder of one machine": re.compile(r"(?<![\w.$}>/*-])/wor[k]/\w"),
    "a package registry": re.compile(r"\bregistry\.[\w.-]+|https?://[\w.:-]*(?:npm|pypi|artifactory|nexus)[\w.-]*/"),
    "an address of a private network": re.compile(r"\b(?:10\.\d+|192\.168|172\.(?:1[6-9]|2\d|3[01]))\.\d+\.\d+(?!\d)"),
}
# Examples and tests need private addresses for their proxies and clients.
MAY_HOLD_ADDRESSES = ("tests/", "docs/", "examples/", "demo/", "gateway/", "migration/")


def faults(path, text):
    """"line: kind: what was found" for every private detail in one file."""
    found = []
    for kind, pattern in PRIVATE.items():
        if "address" in kind and path.startswith(MAY_HOLD_ADDRESSES):
            continue
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            found.append(f"{path}:{line}: {kind}: {match.group()}")
    return found


def text_of(path):
    try:
        return (source_tree.ROOT / path).read_text()
    except UnicodeDecodeError:  # a fuzzer's corpus and images are no text
        return ""


class CommittedFiles(unittest.TestCase):
    def test_name_no_private_detail(self):
        own = "tests/repository/private_details_test.py"
        paths = [str(path) for path in source_tree.files() if str(path) != own]
        self.assertEqual([], [fault for path in paths for fault in faults(path, text_of(path))])


class TheCheck(unittest.TestCase):
    def test_catches_each_kind(self):
        for text in (
            "cd /" + "root/banyan",
            "see /" + "home/jane/x",
            "cp /" + "work/main/a b",
            '"resolved": "https://registry.' + 'npmjs.org/x.tgz"',
            "mirror http://nexus.corp.example/npm/",
            "upstream 192.168.4.7",
        ):
            self.assertEqual(1, len(faults("README.md", text)), text)

    def test_lets_ordinary_text_pass(self):
        for text in ("127.0.0.1:8080", "a/" + "root/b", "path: /" + "workers", "https://www.rfc-editor.org/", "homework/x"):
            self.assertEqual([], faults("README.md", text), text)


if __name__ == "__main__":
    unittest.main()
