#!/usr/bin/python3
"""`banyan sync` against an admin API that answers as docs/reference/sync-api.md says: what is asked of the server, what is
printed, and the exit codes."""
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import unittest

BANYAN = ""
MANUAL = pathlib.Path(__file__).resolve().parents[2] / "docs" / "reference" / "sync-api.md"


def documented(heading):
    """The first JSON block below a heading of the manual."""
    below = MANUAL.read_text(encoding="utf-8").split(f"\n{heading}\n", 1)[1]
    return json.loads(re.search(r"```json\n(.*?)\n```", below, re.DOTALL)[1])


class AdminApi:
    """An HTTP server on a free port. `answers`: (method, path) to a list of (status, document), the last one repeated."""

    def __init__(self, answers):
        self.answers = answers
        self.requests = []
        self.authors = []
        api = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                length = int(self.headers.get("Content-Length", 0))
                body = self.rfile.read(length)
                path, _, query = self.path.partition("?")
                api.requests.append((self.command, path, query, json.loads(body) if body else None,
                                     self.headers.get("Authorization")))
                api.authors.append(self.headers.get("X-Banyan-Author"))
                queue = api.answers.get((self.command, path), [(404, {"detail": "There is nothing at this path."})])
                status, document = queue.pop(0) if len(queue) > 1 else queue[0]
                payload = document if isinstance(document, bytes) else json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            do_GET = do_POST = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def bodies(self, path):
        return [body for method, at, _, body, _ in self.requests if (method, at) == ("POST", path)]


def status_with(kind, stream=None, **members):
    """GET /api/sync with one stream, whose run of that kind has these members."""
    stream = {"entity": "account", "state": "running", kind: members, **(stream or {})}
    return 200, {"systems": [{"system": "tryton", "state": "running", "streams": [stream]}]}


STARTED = (202, {"started": [{"system": "tryton", "entity": "account"}]})


class SyncCommands(unittest.TestCase):
    def serve(self, answers):
        self.api = AdminApi(answers)
        self.addCleanup(self.api.close)

    def banyan(self, *arguments, **environment):
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BANYAN_")}
        return subprocess.run([BANYAN, "sync", *arguments], env={**clean, "BANYAN_ADMIN": self.api.url, **environment},
                              capture_output=True, text=True, timeout=60, check=False)

    def expect(self, result, code):
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_status_is_readable_and_whole_as_json(self):
        document = documented("## GET /api/sync")
        self.serve({("GET", "/api/sync"): [(200, document)]})
        result = self.expect(self.banyan("status"), 0)
        self.assertIn("tryton: running, 35 % of 10 calls/s used (this process; 20 for all 2)", result.stdout)
        self.assertIn("- A write of ours never overwrites an edit that we have not seen", result.stdout)
        self.assertEqual(json.loads(self.expect(self.banyan("status", "--json"), 0).stdout), document)

    def test_admin_option_goes_before_the_environment(self):
        self.serve({("GET", "/api/sync"): [(200, {"systems": []})]})
        result = self.banyan("status", "--admin", self.api.url + "/", BANYAN_ADMIN="http://127.0.0.1:1")
        self.expect(result, 0)

    def test_token_comes_from_the_environment_and_is_never_printed(self):
        self.serve({("GET", "/api/sync"): [(401, {"detail": "A valid bearer token is needed."})]})
        result = self.expect(self.banyan("status", BANYAN_ADMIN_TOKEN="hunter2"), 1)
        self.assertEqual(self.api.requests[0][4], "Bearer hunter2")
        self.assertIn("refuses the token of BANYAN_ADMIN_TOKEN", result.stderr)
        self.assertNotIn("hunter2", result.stdout + result.stderr)
        self.assertIn("set BANYAN_ADMIN_TOKEN", self.expect(self.banyan("status"), 1).stderr)

    def test_backfill_follows_the_run_to_its_end(self):
        self.serve({("POST", "/api/sync/backfill"): [STARTED], ("GET", "/api/sync"): [
            status_with("backfill", state="waiting"),
            (503, {"detail": "starting"}),
            status_with("backfill", state="running", scanned=50, total_estimate=100, rate_per_second=25.0, seconds_left=2),
            status_with("backfill", state="done", scanned=100, total_estimate=100, rate_per_second=25.0)]})
        result = self.expect(self.banyan("backfill", "account"), 0)
        self.assertEqual(self.api.bodies("/api/sync/backfill"), [{"entity": "account"}])
        self.assertEqual(result.stdout, "tryton account: backfill done: 100 records, 25/s\n")
        self.assertIn("tryton account: waiting", result.stderr)

    def test_backfill_that_fails_exits_1_and_says_why(self):
        self.serve({("POST", "/api/sync/backfill"): [STARTED], ("GET", "/api/sync"): [
            status_with("backfill", state="failed", scanned=3, message="the adapter is paused")]})
        self.assertIn("the adapter is paused", self.expect(self.banyan("backfill"), 1).stdout)

    def test_dry_run_shows_its_report_whatever_runs_meanwhile(self):
        report = documented("### A run: `backfill`, `dry_run` and `verify`")
        real = {"backfill": {"state": "running", "scanned": 1}}
        self.serve({("POST", "/api/sync/backfill"): [STARTED], ("GET", "/api/sync"): [
            status_with("dry_run", state="running", scanned=3),
            status_with("dry_run", stream=real, state="done", scanned=502, report=report)]})
        result = self.expect(self.banyan("backfill", "--dry-run"), 0)
        self.assertEqual(self.api.bodies("/api/sync/backfill"), [{"dry_run": True}])
        self.assertIn("tryton account: backfill (dry run) done: 502 records\n  would create 390", result.stdout)
        self.assertIn("2 records: stage: legacy field state: ", result.stdout)

    def test_run_under_way_exits_1(self):
        self.serve({("POST", "/api/sync/backfill"): [(409, {"detail": "A backfill of account is under way."})]})
        self.assertIn("is under way", self.expect(self.banyan("backfill", "account"), 1).stderr)

    def test_entity_that_was_left_out_is_named_and_exits_1(self):
        answer = {**STARTED[1], "skipped": [{"system": "tryton", "entity": "quote", "reason": "a backfill is under way"}]}
        self.serve({("POST", "/api/sync/verify"): [(202, answer)], ("GET", "/api/sync"): [
            status_with("verify", state="done", checked=5, differences=0, repaired=0)]})
        result = self.expect(self.banyan("verify"), 1)
        self.assertEqual(result.stdout, "tryton account: verify done: 5 records, 0 differences, 0 repaired\n"
                                        "tryton quote: left out: a backfill is under way\n")
        document = json.loads(self.expect(self.banyan("verify", "--json"), 1).stdout)
        self.assertEqual(document[1], {"system": "tryton", "entity": "quote", "skipped": "a backfill is under way"})
        self.assertIn("quote: left out", self.expect(self.banyan("verify", "--no-wait"), 1).stdout)

    def test_run_of_a_paused_system_ends_the_display_with_the_reason(self):
        paused = {"state": "paused", "reason": "by user:clara"}
        self.serve({("POST", "/api/sync/verify"): [STARTED], ("GET", "/api/sync"): [
            status_with("verify", state="waiting"),
            status_with("verify", stream=paused, state="waiting")]})
        self.assertEqual(self.expect(self.banyan("verify"), 1).stdout, "tryton account: verify has not ended: sync is "
                         "paused (by user:clara). It stays asked for.\n")
        stalled = json.loads(self.expect(self.banyan("verify", "--json"), 1).stdout)
        self.assertEqual(stalled[0]["stall"], "sync is paused (by user:clara)")

    def test_no_wait_returns_at_once(self):
        self.serve({("POST", "/api/sync/verify"): [STARTED]})
        result = self.expect(self.banyan("verify", "--no-wait", "--repair", "--system", "tryton"), 0)
        self.assertEqual(result.stdout, "tryton account: started\n")
        self.assertEqual(self.api.bodies("/api/sync/verify"), [{"repair": True, "system": "tryton"}])

    def test_verify_exits_1_as_long_as_a_difference_is_left(self):
        run = {**documented("## GET /api/sync")["systems"][0]["streams"][0]["verify"]}
        self.serve({("POST", "/api/sync/verify"): [STARTED], ("GET", "/api/sync"): [status_with("verify", **run)]})
        result = self.expect(self.banyan("verify"), 1)
        self.assertIn("1 difference, 0 repaired", result.stdout)
        self.assertIn('name: legacy "ACME Ltd", modern "ACME Limited"', result.stdout)
        self.api.answers[("GET", "/api/sync")] = [status_with("verify", **{**run, "repaired": 1})]
        result = self.expect(self.banyan("verify", "--repair", "--json"), 0)
        self.assertEqual(json.loads(result.stdout)[0]["verify"]["repaired"], 1)

    def test_conflicts_come_from_as_many_pages_as_needed(self):
        page = documented("## GET /api/sync/conflicts")
        last = {"conflicts": [{**page["conflicts"][0], "id": "11"}], "next": None}
        self.serve({("GET", "/api/sync/conflicts"): [(200, page), (200, last)]})
        result = self.expect(self.banyan("conflicts", "--json", "--entity", "account"), 0)
        self.assertEqual([each["id"] for each in json.loads(result.stdout)["conflicts"]], ["12", "11"])
        self.assertEqual([query for _, _, query, _, _ in self.api.requests],
                         ["state=open&entity=account&limit=50", "state=open&entity=account&limit=49&cursor=eyJ%E2%80%A6"])

    def test_conflict_is_shown_and_resolved_field_by_field(self):
        conflict = documented("## GET /api/sync/conflicts")["conflicts"][0]
        self.serve({("GET", "/api/sync/conflicts/12"): [(200, conflict)],
                    ("POST", "/api/sync/conflicts/12/resolve"): [(200, {**conflict, "state": "answered"})]})
        self.assertIn("Edited on both sides.", self.expect(self.banyan("conflicts", "show", "12"), 0).stdout)
        result = self.banyan("conflicts", "resolve", "--field", "name=legacy", "--field", "score:=7", "12")
        self.assertIn("edit_edit, answered", self.expect(result, 0).stdout)
        self.assertEqual(self.api.bodies("/api/sync/conflicts/12/resolve"),
                         [{"fields": {"name": "legacy", "score": {"value": 7}}}])

    def test_values_that_do_not_fit_exit_2_with_each_fault(self):
        self.serve({("POST", "/api/sync/conflicts/12/resolve"): [
            (422, {"detail": "The values do not fit.", "errors": [{"field": "score", "message": "not a number"}]})]})
        result = self.expect(self.banyan("conflicts", "resolve", "12", "--field", "score=x"), 2)
        self.assertIn("The values do not fit.\n  score: not a number", result.stderr)

    def test_dead_letters_are_listed_and_replayed(self):
        self.serve({("GET", "/api/sync/dead-letters"): [(200, documented("## GET /api/sync/dead-letters"))],
                    ("POST", "/api/sync/dead-letters/31/replay"): [(202, {"replayed": 1})],
                    ("POST", "/api/sync/dead-letters/replay"): [(202, {"replayed": 12})]})
        self.assertIn("31  tryton account", self.expect(self.banyan("dead-letters"), 0).stdout)
        self.expect(self.banyan("replay", "31", "--set", "vat=DE1", "--set", "note:=null"), 0)
        self.assertEqual(self.api.bodies("/api/sync/dead-letters/31/replay"), [{"values": {"vat": "DE1", "note": None}}])
        result = self.expect(self.banyan("replay", "--error-class", "rejected"), 0)
        self.assertEqual(result.stdout, "replayed: 12\n")
        self.expect(self.banyan("replay", "--all", "--entity", "account"), 0)
        self.assertEqual(self.api.bodies("/api/sync/dead-letters/replay"),
                         [{"error_class": "rejected"}, {"all": True, "entity": "account"}])

    def test_pause_and_resume_name_the_systems(self):
        answer = (200, {"systems": [{"system": "tryton", "state": "paused"}]})
        self.serve({("POST", "/api/sync/pause"): [answer], ("POST", "/api/sync/resume"): [answer]})
        self.assertEqual(self.expect(self.banyan("pause", "tryton"), 0).stdout, "tryton: paused\n")
        self.expect(self.banyan("resume"), 0)
        self.assertEqual([body for _, _, _, body, _ in self.api.requests], [{"system": "tryton"}, {}])

    def test_author_comes_from_the_environment(self):
        self.serve({("POST", "/api/sync/pause"): [(200, {"systems": []})]})
        self.expect(self.banyan("pause", BANYAN_AUTHOR="user:clara"), 0)
        self.expect(self.banyan("pause"), 0)
        self.assertEqual(self.api.authors, ["user:clara", None])

    def test_wrong_use_exits_2_and_asks_nothing_of_the_server(self):
        self.serve({})
        for arguments in ([], ["nonsense"], ["replay"], ["replay", "1", "--all"], ["replay", "--all", "--set", "a=b"],
                          ["replay", "1", "--set", "a"], ["conflicts", "resolve", "1"], ["conflicts", "show"],
                          ["conflicts", "resolve", "1", "--field", "a:=x"], ["conflicts", "--state", "odd"]):
            with self.subTest(arguments):
                self.expect(self.banyan(*arguments), 2)
        for arguments in (["verify"], ["backfill", "--dry-run"]):
            with self.subTest(arguments):
                refused = self.expect(self.banyan(*arguments, "--accept-deletes"), 2).stderr
                self.assertIn("deletes nothing, so it cannot accept deletes.", refused)
        self.assertEqual(self.api.requests, [])

    def test_answers_that_are_no_json_or_not_there_are_explained(self):
        self.serve({("GET", "/api/sync"): [(200, b"<html>")]})
        self.assertIn("is it Banyan's admin address?", self.expect(self.banyan("status"), 1).stderr)
        self.assertIn("There is nothing at this path.", self.expect(self.banyan("dead-letters"), 1).stderr)
        self.assertIn("Connection refused", self.banyan("status", BANYAN_ADMIN="http://127.0.0.1:1").stderr)
        self.expect(self.banyan("status", BANYAN_ADMIN="127.0.0.1:1"), 2)


if __name__ == "__main__":
    BANYAN = sys.argv.pop(1)
    unittest.main()
