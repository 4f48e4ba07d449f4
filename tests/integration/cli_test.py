#!/usr/bin/python3
"""The command line as a user meets it: exit codes, what is printed where, and that no secret is ever printed."""
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import unittest

BANYAN = ""
SECRET = "correct-horse-battery-staple"

GOOD = """\
listen: [{address: "127.0.0.1:0"}]
upstreams:
  legacy: {endpoints: ["http://127.0.0.1:1"]}
"""

BAD = """\
listen: [{address: "127.0.0.1:0"}]
upstreams:
  legacy:
    hots: keep
    endpoints: ["http://127.0.0.1:1"]
  billing: {endpoints: []}
"""


class CommandLineTest(unittest.TestCase):
    def setUp(self):
        self._directory = tempfile.TemporaryDirectory()
        self.addCleanup(self._directory.cleanup)
        self.directory = pathlib.Path(self._directory.name)

    def settings(self, text, name="banyan.yaml"):
        (self.directory / name).write_text(text, encoding="utf-8")

    def banyan(self, *arguments, **environment):
        result = subprocess.run(
            [BANYAN, *arguments], cwd=self.directory, env={**os.environ, **environment}, capture_output=True,
            text=True, timeout=120, check=False)
        self.assertNotIn(SECRET, result.stdout + result.stderr)
        return result


class CheckConfig(CommandLineTest):
    def test_good_settings_exit_0(self):
        self.settings(GOOD)
        result = self.banyan("check-config")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout, "banyan.yaml: good: 0 functions, 1 upstream\n")

    def test_bad_settings_exit_2_with_every_fault_and_their_number(self):
        self.settings(BAD, "crm.yaml")
        result = self.banyan("check-config", "--config", "crm.yaml")
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stdout.splitlines(), [
            "crm.yaml:4: upstreams.legacy.hots: unknown key; expected one of endpoints, host, request_body or "
            'retry_after_failure; did you mean "host"?',
            "crm.yaml:6: upstreams.billing.endpoints: an empty list; expected at least 1 element",
            "crm.yaml: 2 faults"])

    def test_faults_as_json(self):
        self.settings(BAD)
        result = self.banyan("check-config", "--json")
        self.assertEqual(result.returncode, 2)
        report = json.loads(result.stdout)
        self.assertFalse(report["valid"])
        fault = report["faults"][0]
        self.assertEqual((fault["file"], fault["line"], fault["path"]), ("banyan.yaml", 4, "upstreams.legacy.hots"))
        self.assertEqual((fault["found"], fault["hint"]), ("unknown key", 'did you mean "host"?'))

    def test_good_settings_as_json(self):
        self.settings(GOOD)
        report = json.loads(self.banyan("check-config", "--json").stdout)
        self.assertEqual((report["valid"], report["faults"]), (True, []))

    def test_a_missing_file_is_named(self):
        result = self.banyan("check-config", "--config", "absent.yaml")
        self.assertEqual(result.returncode, 2)
        self.assertIn("cannot read absent.yaml: No such file or directory", result.stdout)

    def test_text_that_is_not_yaml_is_placed(self):
        self.settings("listen: [\nupstreams: }\n")
        result = self.banyan("check-config")
        self.assertEqual(result.returncode, 2)
        self.assertRegex(result.stdout, r"^banyan\.yaml:\d+: not YAML: ")


class Secrets(CommandLineTest):
    def check(self, more, code, *arguments, **environment):
        self.settings(GOOD + more)
        for flags in ([], ["--json"]):
            result = self.banyan("check-config", *flags, *arguments, **environment)
            self.assertEqual(result.returncode, code, result.stdout)

    def test_of_the_environment_are_not_printed(self):
        self.check('admin: {address: "0.0.0.0:0", token: "env:TOKEN"}\n', 0, TOKEN=SECRET)

    def test_of_a_file_beside_the_settings_are_not_printed(self):
        (self.directory / "token").write_text(SECRET + "\n", encoding="utf-8")
        self.check('admin: {address: "0.0.0.0:0", token: "file:token"}\n', 0)

    def test_written_out_are_refused_and_not_printed(self):
        self.check(f'admin: {{address: "0.0.0.0:0", token: "{SECRET}"}}\n', 2)
        self.check(f'admin: {{address: "0.0.0.0:0", tokn: "{SECRET}"}}\n', 2)
        self.check(f'store: {{url: "postgresql://u:{SECRET}@127.0.0.1/b"}}\n', 2)
        self.check(f'store: "postgresql://u:{SECRET}@127.0.0.1/b"\n', 2)

    def test_beside_other_faults_are_not_printed(self):
        self.check('admin: {address: "0.0.0.0:0", token: "env:TOKEN"}\ncolour: red\n', 2, TOKEN=SECRET)


class Serve(CommandLineTest):
    def test_reports_bad_settings_and_exits_2(self):
        self.settings(BAD)
        result = self.banyan("serve")
        self.assertEqual(result.returncode, 2)
        self.assertIn("banyan.yaml: 2 faults", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_without_a_store_makes_nothing_in_the_data_directory(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]  # of another process: serve gives up when all else is there
            self.settings(GOOD.replace(":0\"", f":{port}\"") + "store: none\n")
            result = self.banyan("serve")
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertFalse((self.directory / "var").exists())

    def test_refuses_roles_that_cannot_be(self):
        shared = "store: {url: postgresql://127.0.0.1/banyan}\n"
        for settings, roles, complaint in [(GOOD, "proxy,work", "the role work comes with a later version"),
                                           (GOOD, "proxy,contrl", 'did you mean "control"?'),
                                           (GOOD, "control", "needs a store that it shares with others: store.url"),
                                           (GOOD, "sync", "needs a store that it shares with others: store.url"),
                                           (GOOD + shared, "sync", "the role sync needs the key sync")]:
            self.settings(settings)
            result = self.banyan("serve", "--roles", roles)
            self.assertEqual(result.returncode, 2, roles)
            self.assertIn(complaint, result.stderr)


class Usage(CommandLineTest):
    def test_help_shows_commands_settings_and_examples(self):
        result = self.banyan("--help")
        self.assertEqual(result.returncode, 0)
        for words in ("serve", "check-config", "version", "upstreams:", "--config crm.yaml", "Exit codes"):
            self.assertIn(words, result.stdout)

    def test_version_as_text_and_json(self):
        text = self.banyan("version").stdout
        self.assertRegex(text, r"^banyan \d+\.\d+\.\d+\n$")
        self.assertEqual(self.banyan("--version").stdout, text)
        report = json.loads(self.banyan("version", "--json").stdout)
        self.assertEqual(f"{report['name']} {report['version']}\n", text)

    def test_wrong_use_exits_2(self):
        for arguments in ([], ["sevre"], ["serve", "--nope"], ["check-config", "--config"]):
            result = self.banyan(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertEqual(result.stdout, "")
            self.assertNotEqual(result.stderr, "")


if __name__ == "__main__":
    BANYAN = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
