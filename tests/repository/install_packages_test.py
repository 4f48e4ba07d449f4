#!/usr/bin/python3
"""tools/install-packages asks for what is missing only, and leaves no trace of how it kept services from starting."""

import pathlib
import subprocess
import tempfile
import unittest

from source_tree import ROOT

INSTALLER = ROOT / "tools/install-packages"
TOOLS = ("bash", "sh", "sed", "grep", "sort", "dirname", "cat", "rm", "mv", "tee", "chmod", "env")


class Sandbox:
    """A PATH of stand-ins: dpkg-query knows the given packages, apt-get and update-rc.d only write down their calls."""

    def __init__(self, folder, installed, user_id=0):
        self.folder = pathlib.Path(folder)
        self.calls = self.folder / "calls"
        self.policy = self.folder / "policy-rc.d"
        self.calls.touch()
        for tool in TOOLS:
            self.program(tool, f'exec /bin/{tool} "$@"' if pathlib.Path("/bin", tool).exists() else f'exec /usr/bin/{tool} "$@"')
        known = "\n".join(f"installed {name}" for name in installed)
        self.program("dpkg-query", f"echo '{known}'")
        self.program("id", f"echo {user_id}")
        self.program("apt-get", f'echo "apt-get $*" >>{self.calls}; sh {self.policy}; echo "policy $?" >>{self.calls}')
        self.program("update-rc.d", f'echo "update-rc.d $*" >>{self.calls}')

    def program(self, name, line):
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{line}\n")
        path.chmod(0o755)

    def install(self, purpose):
        variables = {"PATH": str(self.folder / "bin"), "POLICY_RC_D": str(self.policy)}
        return subprocess.run(
            [INSTALLER, purpose], env=variables, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
        )


def packages_of(purpose):
    outcome = subprocess.run([INSTALLER, "--list", purpose], capture_output=True, text=True, check=True)
    return outcome.stdout.split()


class InstallPackages(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def test_does_nothing_when_nothing_is_missing(self):
        sandbox = Sandbox(self.folder, packages_of("demo"), user_id=1000)
        outcome = sandbox.install("demo")
        self.assertEqual((0, "", ""), (outcome.returncode, outcome.stdout, sandbox.calls.read_text()), outcome.stderr)

    def test_refreshes_the_lists_then_installs_what_is_missing(self):
        sandbox = Sandbox(self.folder, set(packages_of("build")) - {"ccache"})
        outcome = sandbox.install("build")
        calls = [line for line in sandbox.calls.read_text().splitlines() if line.startswith("apt-get")]
        self.assertEqual(0, outcome.returncode, outcome.stderr)
        self.assertTrue(calls[0].endswith("update"), calls)
        self.assertTrue(calls[1].endswith("install -y --no-install-recommends ccache"), calls)

    def test_forbids_service_starts_while_it_installs_and_puts_the_policy_back(self):
        sandbox = Sandbox(self.folder, set(packages_of("demo")) - {"postgresql"})
        sandbox.policy.write_text("echo before")
        outcome = sandbox.install("demo")
        calls = sandbox.calls.read_text()
        self.assertEqual(0, outcome.returncode, outcome.stderr)
        self.assertEqual(2, calls.count("policy 101"), calls)
        self.assertIn("update-rc.d postgresql disable", calls)
        self.assertEqual("echo before", sandbox.policy.read_text())

    def test_leaves_no_policy_behind_when_the_installation_fails(self):
        sandbox = Sandbox(self.folder, [])
        sandbox.program("apt-get", "exit 100")
        outcome = sandbox.install("build")
        self.assertEqual(1, outcome.returncode)
        self.assertIn("apt-get update failed", outcome.stderr)
        self.assertFalse(sandbox.policy.exists())

    def test_says_what_to_do_without_root_and_sudo(self):
        sandbox = Sandbox(self.folder, set(packages_of("build")) - {"ccache"}, user_id=1000)
        outcome = sandbox.install("build")
        self.assertEqual(1, outcome.returncode)
        self.assertIn("apt-get install --no-install-recommends ccache", outcome.stderr)
        self.assertEqual("", sandbox.calls.read_text())

    def test_refuses_an_unknown_purpose(self):
        self.assertEqual(1, Sandbox(self.folder, []).install("everything").returncode)


if __name__ == "__main__":
    unittest.main()
