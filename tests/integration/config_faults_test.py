#!/usr/bin/python3
"""Malformed ontology, mapping and adapter files: `banyan check-config` refuses each with file, line, path and reason.

    config_faults_test.py BANYAN

Three good files and the settings that name them; each row of a table breaks one of the files in one way.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BANYAN = ""

SETTINGS = """\
listen: [{address: "127.0.0.1:0"}]
upstreams:
  legacy: {endpoints: ["http://127.0.0.1:1"]}
ontology: [own.yaml]
sync:
  systems:
    crm:
      rest: crm.yaml
      mapping: mapping.yaml
"""

ONTOLOGY = """\
entities:
  ticket:
    label: Ticket
    label_field: title
    key: [number]
    fields:
      number: {type: text, required: true}
      title: {type: text}
      state: {type: choice, values: [open, closed]}
      account: {type: reference, to: account}
      due: {type: date}
"""

MAPPING = """\
conflict: newest
entities:
  ticket:
    type: tickets
    match: [number]
    fields:
      number: number
      title: {legacy: title, transforms: [trim]}
      state: {legacy: state, values: {o: open, c: closed}}
      due: {legacy: due, transforms: [{date_format: "%d.%m.%Y"}]}
"""

ADAPTER = """\
base_url: https://crm.example/api
types:
  tickets:
    id: {at: /id}
    stamp: {at: /updated_at, time: iso, precision: 1s}
    fields:
      number: {type: text}
      title: {type: text}
      state: {type: text}
      due: {type: text}
    list: {path: /tickets}
    changes: {query: {since: "{stamp}"}}
    get: {path: "/tickets/{id}"}
"""

# What stands in the good file, what stands there instead, and the fault: line, path, reason.
ONTOLOGY_FAULTS = [
    ("type: date", "type: day", 11, "entities.ticket.fields.due.type", '"day"; expected one of text, choice,'),
    ("to: account", "to: nobody", 10, "entities.ticket.fields.account.to", 'the unknown entity "nobody"'),
    ("label_field: title", "label_field: name", 4, "entities.ticket.label_field", 'the unknown field "name"'),
    ("key: [number]", "key: [nummer]", 5, "entities.ticket.key", 'did you mean "number"?'),
    ("values: [open, closed]", "vales: [open]", 9, "entities.ticket.fields.state.vales", "unknown key"),
    ("[open, closed]", "[open, open]", 9, "entities.ticket.fields.state.values[1]", '"open" a second time'),
    ("required: true", "required: soon", 7, "entities.ticket.fields.number.required", '"soon"; expected one of true'),
    ("due: {", "version: {", 11, "entities.ticket.fields.version", "every record has this by itself"),
    ("  ticket:", "  Ticket-1:", 2, "entities.Ticket-1", "expected a name of lower-case letters"),
    ("  ticket:", "  account:", 3, "entities.account.label", "a second definition"),
    ("title: {type: text}", "title: text", 8, "entities.ticket.fields.title", '"text"; expected a field: a mapping'),
    ("type: date", "type: date, scale: 2", 11, "entities.ticket.fields.due.scale", "`scale` with a decimal only"),
    ("  ticket:", "  ticket: 5\n  other:", 2, "entities.ticket", '"5"; expected'),
]

MAPPING_FAULTS = [
    ("newest", "latest", 1, "conflict", '"latest"; expected one of newest, legacy'),
    ("  ticket:", "  tiket:", 3, "entities.tiket", 'unknown entity; expected an entity of the ontology'),
    ("      title:", "      titel:", 8, "entities.ticket.fields.titel", 'did you mean "title"?'),
    ("[trim]", "[trimm]", 8, "entities.ticket.fields.title.transforms[0]", '"trimm"; expected trim,'),
    ("%d.%m.%Y", "%d.%q", 10, "entities.ticket.fields.due.transforms[0].date_format", "the directive %q"),
    ("c: closed", "c: shut", 9, "entities.ticket.fields.state.values.c", '"shut"; expected'),
    ("c: closed", "c: open", 9, "entities.ticket.fields.state.values", '"open" for "o" and "c"'),
    ("match: [number]", "match: [nummer]", 5, "entities.ticket.match", 'did you mean "number"?'),
    ("type: tickets", "type: tickts", 4, "entities.ticket.type", 'did you mean "tickets"?'),
    ("    type: tickets\n", "", 3, "entities.ticket.type", "the key is missing"),
    ("number: number", "number: nummer", 7, "entities.ticket.fields.number", 'did you mean "number"?'),
    ("number: number", "number: /a~2", 7, "entities.ticket.fields.number", '"/a~2"; expected'),
    ("{legacy: title,", "{legacy: number,", 8, "entities.ticket.fields.title.legacy", "which number is written to"),
    ("legacy: title,", "legacy: title, lookup: account,", 8, "entities.ticket.fields.title.lookup", "expected"),
    ("      number: number\n", "      code: number\n", 6, "entities.ticket.fields.number", "the key is missing"),
]

ADAPTER_FAULTS = [
    ("https://crm.example/api", "ftp://crm.example", 1, "base_url", "expected a URL such as https://crm.example/api"),
    ("types:", "ca_file: none.pem\ntypes:", 2, "ca_file", "none.pem: No such file or directory"),
    ("types:", "ca_file: own.yaml\ntypes:", 2, "ca_file", "expected a PEM file of certificates"),
    ("types:", "ca_file: .\ntypes:", 2, "ca_file", "expected a PEM file of certificates"),
    ("at: /id", "at: id", 4, "types.tickets.id.at", '"id"; expected a JSON pointer'),
    ("    id: {at: /id}\n", "", 3, "types.tickets.id", "the key is missing"),
    ("time: iso", 'time: "%Q"', 5, "types.tickets.stamp.time", "a pattern with %Q is not known"),
    ("precision: 1s", "precision: 3s", 5, "types.tickets.stamp.precision", '"3s"; expected one of 1us,'),
    ("number: {type: text}", "number: {type: string}", 7, "types.tickets.fields.number.type", '"string"; expected'),
    ("/tickets/{id}", "/tickets", 13, "types.tickets.get.path", "a path without {id}"),
    ("{stamp}", "{moment}", 12, "types.tickets.changes.query.since", "{moment}, which has no meaning here"),
    ("{path: /tickets}", "{path: tickets}", 11, "types.tickets.list.path", "a path that begins with /"),
    ("{path: /tickets}", "{path: /t, paging: {style: up}}", 11, "types.tickets.list.paging.style", '"up"; expected'),
    ("types:", "auth: {bearer: abc}\ntypes:", 2, "auth.bearer", "a secret written out in the file"),
    ("types:", "calls_per_second: 0\ntypes:", 2, "calls_per_second", '"0"; expected a number from 0.001'),
]

# Of any file: what is put behind its text, and the fault: lines after the last good one, reason.
BYTES_FAULTS = [
    (b"colour: red\n", 1, "colour: unknown key; expected"),
    (b"x: [1, 2\n", 2, "not YAML: "),
    (b"# caf\xe9\n", 1, "the byte 0xE9; expected text in UTF-8"),
    (b'x: "a\x00b"\n', 1, "the byte 0x00; expected text in UTF-8"),
    (b"x: *nothing\n", 1, "not YAML: "),
    (b"x: !!binary aGk=\n", 1, "the tag "),
    (b"---\nx: 1\n", 2, "a second document; expected one document"),
    (b"x: " + b"[" * 5000, 1, "nesting deeper than "),
]
# Whole files. Line 0: of the file as a whole.
WHOLE_FAULTS = [
    (None, 0, "No such file or directory"),
    (b"", 0, "nothing in the file"),
    (b"- a\n", 1, "a list; expected "),
    (b"<html><body>Maintenance</body></html>\n", 1, '"<html><body>Maintenance</body></html>"; expected '),
    (b"\xff\xfee\x00n\x00", 1, "the byte 0xFF; expected text in UTF-8"),
    (b"x: " + b"y" * 5_000_000, 0, "is larger than 4194304 bytes"),
    (b"a: &a [x,x,x,x,x,x,x,x,x,x]\n"
     + b"".join(b"%c: &%c [%s]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 10)) for i in range(9)),
     6, "more than 1000000 values"),
]

GOOD = {"own.yaml": ONTOLOGY, "mapping.yaml": MAPPING, "crm.yaml": ADAPTER}
TABLES = {"own.yaml": ONTOLOGY_FAULTS, "mapping.yaml": MAPPING_FAULTS, "crm.yaml": ADAPTER_FAULTS}


class ConfigFaults(unittest.TestCase):
    def check(self, name=None, content=None):
        """Exit code and report with one of the good files replaced; None: it is not there."""
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory)
            (folder / "banyan.yaml").write_text(SETTINGS, encoding="utf-8")
            for good, text in GOOD.items():
                if good != name:
                    (folder / good).write_text(text, encoding="utf-8")
                elif content is not None:
                    (folder / good).write_bytes(content)
            plain = self.run_banyan(folder)
            told = self.run_banyan(folder, "--json")
        self.assertEqual(plain.returncode, told.returncode)
        self.assertEqual((plain.stderr, told.stderr), (b"", b""))
        report = json.loads(told.stdout)
        self.assertEqual([fault["message"] for fault in report["faults"]],
                         plain.stdout.decode().splitlines()[:-1] if report["faults"] else [])
        return plain.returncode, report["faults"]

    @staticmethod
    def run_banyan(folder, *arguments):
        return subprocess.run([BANYAN, "check-config", *arguments], cwd=folder, capture_output=True, timeout=60,
                              check=False)

    def refused(self, name, content, line, path, reason):
        code, faults = self.check(name, content)
        self.assertEqual(code, 2)
        self.assertEqual({fault["file"] for fault in faults}, {name})
        place = (f"{name}:{line}: " if line else f"{name}: ") + (f"{path}: " if path else "")
        messages = [fault["message"] for fault in faults]
        self.assertTrue(any(text.startswith(place) and reason in text for text in messages), (place, messages))

    def test_the_good_files_are_good(self):
        self.assertEqual(self.check(), (0, []))

    def test_each_fault_of_content_has_its_place_and_reason(self):
        for name, table in TABLES.items():
            for good, bad, line, path, reason in table:
                with self.subTest(file=name, bad=bad):
                    self.assertIn(good, GOOD[name])
                    content = GOOD[name].replace(good, bad, 1)
                    self.refused(name, content.encode(), line, path, reason)

    def test_each_fault_of_a_tryton_server_has_its_place_and_reason(self):
        access = 'tryton: {url: "%s", database: crm, user: banyan, password: "env:NONE", ca_file: %s}'
        for url, ca_file, key, reason in (
                ("tryton.example:8000", "", "url", "expected a URL such as https://crm.example/api"),
                ("https://banyan@tryton.example", "", "url", "expected a URL such as"),
                ("https://tryton.example", "none.pem", "ca_file", "none.pem: No such file or directory"),
                ("https://tryton.example", "banyan.yaml", "ca_file", "expected a PEM file of certificates")):
            with self.subTest(url=url, ca_file=ca_file), tempfile.TemporaryDirectory() as directory:
                folder = pathlib.Path(directory)
                given = (access % (url, ca_file)).replace(", ca_file: }", "}")
                settings = SETTINGS.replace("rest: crm.yaml", given)
                (folder / "banyan.yaml").write_text(settings, encoding="utf-8")
                for good, text in GOOD.items():
                    (folder / good).write_text(text, encoding="utf-8")
                faults = json.loads(self.run_banyan(folder, "--json").stdout)["faults"]
                place = f"banyan.yaml:{settings.splitlines().index('      ' + given) + 1}: sync.systems.crm.tryton.{key}: "
                messages = [fault["message"] for fault in faults]
                self.assertTrue(any(text.startswith(place) and reason in text for text in messages), (place, messages))

    def test_each_fault_of_form_has_its_place_and_reason(self):
        for name, text in GOOD.items():
            for more, lines, reason in BYTES_FAULTS:
                with self.subTest(file=name, more=more[:40]):
                    self.refused(name, text.encode() + more, text.count("\n") + lines, "", reason)

    def test_files_that_are_something_else_are_refused(self):
        for name in GOOD:
            for content, line, reason in WHOLE_FAULTS:
                with self.subTest(file=name, content=(content or b"")[:40]):
                    self.refused(name, content, line, "", reason)

    def test_the_faults_of_all_files_are_told_at_once(self):
        with tempfile.TemporaryDirectory() as directory:
            folder = pathlib.Path(directory)
            (folder / "banyan.yaml").write_text(SETTINGS, encoding="utf-8")
            for name, text in GOOD.items():
                good, bad = TABLES[name][0][:2]
                (folder / name).write_text(text.replace(good, bad, 1), encoding="utf-8")
            faults = json.loads(self.run_banyan(folder, "--json").stdout)["faults"]
        # Without an ontology there is nothing to hold a mapping against.
        self.assertEqual({fault["file"] for fault in faults}, {"own.yaml", "crm.yaml"})

    def test_serve_refuses_the_same_and_makes_nothing(self):
        for name, table in TABLES.items():
            good, bad, line, path, _ = table[0]
            with self.subTest(file=name), tempfile.TemporaryDirectory() as directory:
                folder = pathlib.Path(directory)
                (folder / "banyan.yaml").write_text(SETTINGS, encoding="utf-8")
                for other, text in GOOD.items():
                    text = text.replace(good, bad, 1) if other == name else text
                    (folder / other).write_text(text, encoding="utf-8")
                result = subprocess.run([BANYAN, "serve"], cwd=folder, capture_output=True, timeout=60, check=False)
                self.assertEqual(result.returncode, 2)
                self.assertIn(f"{name}:{line}: {path}: ".encode(), result.stderr)
                self.assertEqual({entry.name for entry in folder.iterdir()}, {"banyan.yaml", *GOOD})


if __name__ == "__main__":
    BANYAN = str(pathlib.Path(sys.argv.pop(1)).resolve())
    unittest.main()
