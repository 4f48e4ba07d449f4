#!/usr/bin/python3
"""Legacy systems that are away or refuse the credentials: what becomes of the others, and what the status says.

    sync_systems_test.py BANYAN STORE_HOLDER

Each test has a PostgreSQL, one or two REST systems in memory, and one or two Banyans on it.
"""
import contextlib
import http.server
import json
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from banyan_process import BanyanProcess, free_port  # noqa: E402

BANYAN = ""
HOLDER = ""
PATIENCE = 300  # seconds
QUIET = 4  # seconds in which nothing may happen
MINUTE = 60  # seconds until Banyan asks a system again that refuses the credentials, if nobody resumes

ADAPTER = """\
base_url: http://127.0.0.1:{port}
auth: {{bearer: "file:token"}}
types:
  accounts:
    id: {{at: /id, form: number}}
    stamp: {{at: /at, time: iso, precision: 1us}}
    fields: {{name: {{type: text}}}}
    list: {{path: /accounts, paging: {{style: page, position: page, limit: limit, size: 100}}}}
    changes: {{query: {{since: "{{stamp}}"}}, order: oldest_first}}
    get: {{path: "/accounts/{{id}}"}}
  products:
    id: {{at: /id, form: number}}
    stamp: {{at: /at, time: iso, precision: 1us}}
    fields: {{name: {{type: text}}, unit: {{type: integer}}}}
    list: {{path: /products, paging: {{style: page, position: page, limit: limit, size: 100}}}}
    changes: {{query: {{since: "{{stamp}}"}}, order: oldest_first}}
    get: {{path: "/products/{{id}}"}}
  units:
    id: {{at: /id, form: number}}
    fields: {{code: {{type: text}}}}
    list: {{path: /units, paging: {{style: page, position: page, limit: limit, size: 100}}}}
    get: {{path: "/units/{{id}}"}}
"""
MAPPING = """\
tables:
  units: {type: units, key: code}
entities:
  account:
    type: accounts
    creates: to_modern
    deletes: to_modern
    fields: {name: {legacy: name, direction: to_modern}}
  product:
    type: products
    creates: to_modern
    deletes: to_modern
    fields:
      name: {legacy: name, direction: to_modern}
      unit: {legacy: unit, table: units, as: number, direction: to_modern}
"""


class Crm:
    """A legacy system; while it is not running, connections are refused."""

    def __init__(self):
        self.port = free_port()
        self.rows = {"accounts": [], "products": [], "units": [{"id": 1, "code": "h"}]}
        self.refuses = False
        self.asked = []  # when, for each request so far
        self._server = None

    def put(self, kind, name):
        now = time.time()
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{round(now % 1 * 1e6) % 1000000:06}Z"
        self.rows[kind].append({"id": len(self.rows[kind]) + 1, "name": name, "unit": 1, "at": at})

    def start(self):
        crm = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                crm.asked.append(time.monotonic())
                parts = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(parts.query))
                kind, _, identifier = parts.path.strip("/").partition("/")
                if crm.refuses or self.headers["Authorization"] != "Bearer letmein":
                    return self.answer(401, {"error": "who are you?"})
                rows = [row for row in list(crm.rows[kind]) if row.get("at", "") >= query.get("since", "")]
                if identifier:
                    found = [row for row in rows if row["id"] == int(identifier)]
                    return self.answer(200 if found else 404, found[0] if found else {})
                return self.answer(200, rows if query.get("page", "1") == "1" else [])

            def answer(self, status, body):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
        self._server = None


@contextlib.contextmanager
def postgres(directory):
    process = subprocess.Popen([HOLDER, str(directory), "serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        for name in ("owner_url", "url"):
            (directory.parent / name).write_text(process.stdout.readline())
        yield {name: f"file:{directory.parent / name}" for name in ("owner_url", "url")}
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait(timeout=90)


class SystemsTest(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.directory = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.directory.chmod(0o755)
        (self.directory / "mapping.yaml").write_text(MAPPING)
        (self.directory / "token").write_text("letmein\n")
        self.store = self.stack.enter_context(postgres(self.directory / "store"))

    def crm(self, running=True):
        crm = Crm()
        self.addCleanup(crm.stop)
        if running:
            crm.start()
        return crm

    def banyan(self, systems, *arguments):
        entries = {}
        for name, crm in systems.items():
            adapter = self.directory / f"{name}.yaml"
            adapter.write_text(ADAPTER.format(port=crm.port))
            entries[name] = {"rest": str(adapter), "mapping": str(self.directory / "mapping.yaml"),
                             "backfill": "auto", "poll_interval": "200ms"}
        settings = {"store": self.store, "upstreams": {"legacy": {"endpoints": ["http://127.0.0.1:1"]}},
                    "sync": {"systems": entries}}
        return self.stack.enter_context(BanyanProcess(BANYAN, settings, arguments))

    def get(self, banyan, path):
        status, body = banyan.admin_get(path)
        self.assertIn(status, (200, 502, 503), body + banyan.output())
        return json.loads(body) if status == 200 else None

    def resume(self, banyan):
        request = urllib.request.Request(f"http://{banyan.admin}/api/sync/resume", b"{}", {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=60).close()

    def until(self, what, look):
        """What `look` gives, once it gives something."""
        last = None
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            last = look()
            if last:
                return last
            time.sleep(0.05)
        self.fail(f"not within {PATIENCE} s: {what() if callable(what) else what}")

    def names(self, banyan, entity):
        answer = self.get(banyan, f"/api/records/{entity}?limit=100")
        return {record["data"]["name"] for record in answer["records"]} if answer else set()

    def system(self, banyan, name):
        answer = self.get(banyan, "/api/sync")
        return next((system for system in (answer or {}).get("systems", []) if system["system"] == name), None)

    def arrives(self, banyan, entity, name):
        self.until(f"{name} in the store", lambda: name in self.names(banyan, entity))

    def when(self, banyan, name, fits):
        """The system's status, once it fits; it is there with both streams."""
        def look():
            system = self.system(banyan, name)
            return system if system and len(system["streams"]) == 2 and fits(system) else None
        return self.until(lambda: f"{name} in another state than {self.system(banyan, name)}", look)


class SystemThatIsAway(SystemsTest):
    def test_keeps_no_other_from_starting_and_says_why(self):
        away, shop = self.crm(running=False), self.crm()
        shop.put("products", "Lamp")
        away.put("accounts", "Dunmore")
        banyan = self.banyan({"away": away, "shop": shop})
        self.arrives(banyan, "product", "Lamp")
        self.when(banyan, "shop", lambda system: system["state"] == "running" and not system["reason"])
        status = self.when(banyan, "away", lambda system: system["state"] == "starting")
        self.assertIn(str(away.port), status["reason"])
        for stream in status["streams"]:
            self.assertEqual(stream["state"], "starting")
            self.assertIn(str(away.port), stream["reason"])
            self.assertTrue(stream["guarantees"])
        shop.put("accounts", "Ash")
        self.arrives(banyan, "account", "Ash")
        away.start()
        self.arrives(banyan, "account", "Dunmore")
        self.when(banyan, "away", lambda system: system["state"] == "running" and not system["reason"])

    def test_is_seen_to_lag_by_every_process_and_at_the_command_line(self):
        crm = self.crm()
        crm.put("accounts", "Dunmore")
        banyan = self.banyan({"crm": crm})
        self.arrives(banyan, "account", "Dunmore")
        watcher = self.banyan({"crm": crm}, "--roles", "control")
        self.when(watcher, "crm", lambda system: all(stream["lag_seconds"] == 0 for stream in system["streams"]))
        crm.stop()
        for each in (banyan, watcher):
            status = self.when(each, "crm", lambda system: all(
                stream["lag_seconds"] and stream["lag_seconds"] > 1 and stream["reason"] for stream in system["streams"]))
            for stream in status["streams"]:
                self.assertEqual(stream["state"], "running")
                self.assertTrue(stream["caught_up_at"])
                self.assertTrue(stream["guarantees"])
        shown = subprocess.run([BANYAN, "sync", "status", "--admin", f"http://{watcher.admin}"], capture_output=True,
                               text=True, timeout=120, check=True).stdout
        self.assertRegex(shown, r"account: running \(GET .*\), owner both \(epoch 1\), lag [1-9][0-9.]* s,")
        self.assertRegex(shown, r"feed read to its end at 20")
        lag = next(line for line in banyan.admin_get("/metrics")[1].splitlines()
                   if line.startswith("banyan_sync_lag_seconds") and 'entity="account"' in line)
        self.assertGreater(float(lag.split()[-1]), 1)
        crm.start()
        self.resume(watcher)
        self.when(watcher, "crm", lambda system: all(
            stream["lag_seconds"] == 0 and not stream["reason"] for stream in system["streams"]))


class SystemThatRefusesTheCredentials(SystemsTest):
    def is_refused(self, system):
        return system["state"] == "paused" and all(
            stream["state"] == "paused" and "credentials refused" in stream["reason"] for stream in system["streams"])

    def assert_left_alone(self, crm):
        asked = len(crm.asked)
        time.sleep(QUIET)
        self.assertEqual(len(crm.asked), asked)

    def resume_and_be_tried(self, banyan, crm):
        asked = len(crm.asked)
        self.resume(banyan)
        self.until("a try after the resume", lambda: len(crm.asked) > asked)
        self.assertLess(crm.asked[asked] - crm.asked[asked - 1], MINUTE, "without the resume it would have come, too")

    def test_at_start_is_asked_once_and_again_when_a_person_resumes(self):
        crm = self.crm()
        crm.refuses = True
        crm.put("accounts", "Dunmore")
        banyan = self.banyan({"crm": crm})
        self.when(banyan, "crm", self.is_refused)
        self.assertEqual(len(crm.asked), 1)
        self.assert_left_alone(crm)
        crm.refuses = False
        self.resume_and_be_tried(banyan, crm)
        self.arrives(banyan, "account", "Dunmore")
        self.when(banyan, "crm", lambda system: system["state"] == "running" and not system["reason"])

    def test_later_is_left_alone_by_all_streams_and_every_process_says_so(self):
        crm = self.crm()
        crm.put("accounts", "Dunmore")
        banyan = self.banyan({"crm": crm})
        self.arrives(banyan, "account", "Dunmore")
        watcher = self.banyan({"crm": crm}, "--roles", "control")
        crm.refuses = True
        for each in (banyan, watcher):
            self.when(each, "crm", self.is_refused)
        self.assert_left_alone(crm)
        asked = len(crm.asked)
        self.resume_and_be_tried(watcher, crm)
        self.assert_left_alone(crm)
        self.assertEqual(len(crm.asked), asked + 1, "one try for all streams")
        crm.refuses = False
        time.sleep(2)  # a person may try again after five seconds
        crm.put("accounts", "Ash")
        self.resume_and_be_tried(watcher, crm)
        self.arrives(banyan, "account", "Ash")


if __name__ == "__main__":
    HOLDER = sys.argv.pop()
    BANYAN = sys.argv.pop()
    unittest.main(verbosity=2)
