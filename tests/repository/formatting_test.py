#!/usr/bin/python3
"""Every C++ file is as clang-format leaves it."""

import pathlib
import subprocess
import tempfile
import unittest

import source_tree


def unformatted(root, paths):
    """clang-format's complaints, one line each; empty when every file is well formatted."""
    outcome = subprocess.run(
        ["clang-format-14", f"--style=file:{source_tree.ROOT / '.clang-format'}", "--dry-run", "--Werror", *paths],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    complaints = [line for line in outcome.stderr.splitlines() if "error:" in line]
    if outcome.returncode != 0 and not complaints:
        raise RuntimeError(f"clang-format-14 failed: {outcome.stderr}")
    return complaints


class Formatting(unittest.TestCase):
    def test_is_clang_formats(self):
        paths = [str(path) for path in source_tree.cpp_files()]
        self.assertTrue(paths, "no C++ file found")
        complaints = unformatted(source_tree.ROOT, paths)
        self.assertEqual([], complaints, "'make format' puts it right")

    def test_fault_is_caught(self):
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "bad.cpp").write_text("int   main( ){return 0 ;}\n")
            self.assertTrue(unformatted(folder, ["bad.cpp"]))


if __name__ == "__main__":
    unittest.main()
