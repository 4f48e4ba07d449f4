#!/usr/bin/python3
"""A legacy REST system that can be told to have each bad habit seen in the field.

    habits_server.py PORT_FILE      listens on a free port of loopback and writes the port into the file

Records of type "contacts" live in memory. A test talks to it through its back door, which no habit touches:

    PUT  /_habits   {"empty_is_404": true, ...}   forgets all records and habits, then has these
    POST /_rows     [{...}, ...]                  puts rows in as they are, stamps too; answers their ids
    POST /_remove   [1, 2]                        rows vanish without a trace
    POST /_fault    {"method": "GET", "path": "/contacts", "kind": "html", "times": 1}
    GET  /_log                                    the requests so far: method, path, headers in lower case, body
    GET  /_rows                                   all rows as they are

Faults of one request: html, truncated, wrong_types, huge, limited, limited_after, slow, cut_after_effect, error_500,
bare_401. Habits: see HABITS.
"""

import datetime
import email.utils
import http.server
import json
import os
import re
import socketserver
import sys
import threading
import time
import urllib.parse

HABITS = {
    "auth": "",  # "oauth2", "basic", "bearer" or "key": who is let in
    "token_lifetime": 3600,  # seconds; as told in expires_in
    "list_key": "",  # rows stand below this member instead of at the top
    "empty_is_404": False,
    "create_answer": "object",  # or: bare, bare_text, location, nothing
    "duplicate_is_500": False,  # ext_ref must be unique; a second one breaks the server
    "rewrite": False,  # names are trimmed, phone numbers lose their spaces
    "ignore": [],  # fields that are dropped without a word
    "stamp": "iso",  # or: seconds, epoch, epoch_ms, local (two hours ahead of UTC, no zone)
    "numbers_as_text": False,
    "filter": "inclusive",  # or: exclusive, ignored
    "ignores_order": False,
    "paging": "page",  # or: offset, cursor, link
    "clamp": 100,  # rows of a page at most, whatever was asked for
    "cap": 0,  # rows of a list at most; asking beyond it is a 400. 0: no cap
    "vanish_after_list": 0,  # so many lists are each followed by the deletion of the first row
    "etag": False,
    "version_field": False,  # the body of a write must hold the current version
    "soft_delete": False,
    "delete_log": False,
    "whole_object_only": False,  # no PATCH
    "latin1": False,  # answers are ISO 8859-1, whatever JSON says
    "success_false": False,  # refused values give status 200 with {"success": false, "error": ...}
}
PAGE_OF_HTML = "<!DOCTYPE html><html><body><h1>Maintenance</h1></body></html>"


class Crm:
    """The records and habits. One lock: requests are one at a time, as far as they touch it."""

    def __init__(self):
        self.lock = threading.RLock()
        self.reset({})

    def reset(self, habits):
        unknown = set(habits) - set(HABITS)
        if unknown:
            raise ValueError(f"no such habit: {unknown}")
        self.habits = {**HABITS, **habits}
        self.rows = {}
        self.next_id = 1
        self.deleted = []
        self.faults = []
        self.log = []
        self.tokens = {}
        self.token_count = 0
        self.last_stamp = 0

    def now(self):
        """Microseconds, never twice the same."""
        self.last_stamp = max(int(time.time() * 1_000_000), self.last_stamp + 1)
        return self.last_stamp

    def shown_stamp(self, micros):
        kind = self.habits["stamp"]
        if kind == "epoch":
            return micros // 1_000_000
        if kind == "epoch_ms":
            return micros // 1_000
        utc = datetime.datetime.fromtimestamp(micros // 1_000_000, datetime.timezone.utc)
        if kind == "local":
            return (utc + datetime.timedelta(hours=2)).strftime("%Y-%m-%d %H:%M:%S")
        if kind == "seconds":
            return utc.strftime("%Y-%m-%dT%H:%M:%SZ")
        return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{micros % 1_000_000:06d}Z"

    def shown(self, row):
        out = {key: value for key, value in row.items() if not key.startswith("_")}
        for name in ("created_at", "updated_at"):
            out[name] = self.shown_stamp(row["_" + name])
        if self.habits["numbers_as_text"]:
            out["amount"] = str(out.get("amount", ""))
        return out

    def stored(self, values):
        values = {key: value for key, value in values.items() if key not in self.habits["ignore"]}
        if self.habits["rewrite"]:
            if isinstance(values.get("name"), str):
                values["name"] = values["name"].strip()
            if isinstance(values.get("phone"), str):
                values["phone"] = values["phone"].replace(" ", "")
        return values

    def add(self, values, user):
        at = self.now()
        row = {"name": "", "phone": "", "tags": [], "points": [], **self.stored(values)}
        row.update({"id": self.next_id, "version": 1, "updated_by": user, "created_by": user, "_created_at": at,
                    "_updated_at": at})
        for number, point in enumerate(row["points"]):
            point.setdefault("id", self.next_id * 1000 + number)
        self.rows[self.next_id] = row
        self.next_id += 1
        return row

    def change(self, row, values, user, whole):
        kept = {"id": row["id"], "version": row["version"] + 1, "created_by": row["created_by"], "updated_by": user,
                "_created_at": row["_created_at"], "_updated_at": self.now()}
        values = {key: value for key, value in self.stored(values).items() if key not in ("created_at", "updated_at")}
        base = {"name": "", "phone": "", "tags": [], "points": []} if whole else row
        self.rows[row["id"]] = row = {**base, **values, **kept}
        taken = [point.get("id", 0) for point in row["points"]]
        for point in row["points"]:
            if not point.get("id"):
                point["id"] = max([*taken, row["id"] * 1000]) + 1
                taken.append(point["id"])
        return row

    def remove(self, identifier):
        row = self.rows[identifier]
        if self.habits["soft_delete"]:
            row.update({"is_deleted": True, "_updated_at": self.now()})
            return
        del self.rows[identifier]
        self.deleted.append({"id": identifier, "at": self.now()})


CRM = Crm()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    # ---- one request

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        self.raw = self.rfile.read(length)
        parts = urllib.parse.urlsplit(self.path)
        self.route = parts.path
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        with CRM.lock:
            if self.route.startswith("/_"):
                return self.back_door()
            CRM.log.append({"method": self.command, "path": self.path, "body": self.raw.decode("utf-8", "replace"),
                            "headers": {name.lower(): value for name, value in self.headers.items()}})
            fault = self.take_fault()
        if fault == "slow":
            time.sleep(600)
        if fault in ("html", "truncated", "wrong_types", "huge", "limited", "limited_after", "error_500", "bare_401"):
            return self.broken(fault)
        self.cut = fault == "cut_after_effect"
        with CRM.lock:
            self.business()

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

    def take_fault(self):
        for fault in CRM.faults:
            if fault["method"] == self.command and re.fullmatch(fault["path"], self.route):
                fault["times"] -= 1
                if fault["times"] == 0:
                    CRM.faults.remove(fault)
                return fault["kind"]
        return None

    def answer(self, status, body=None, headers=(), kind="application/json"):
        latin1 = CRM.habits["latin1"] and not self.route.startswith("/_")
        text = body if isinstance(body, (str, bytes)) else "" if body is None else json.dumps(body, ensure_ascii=not latin1)
        data = text if isinstance(text, bytes) else text.encode("latin-1" if latin1 else "utf-8")
        if getattr(self, "cut", False):
            self.close_connection = True
            return
        self.send_response_only(status)
        self.send_header("Date", email.utils.formatdate(usegmt=True))
        if body is not None:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def broken(self, fault):
        if fault == "html":
            return self.answer(200, PAGE_OF_HTML, kind="text/html")
        if fault == "truncated":
            return self.answer(200, '[{"id": 1, "name": "Anna", "pho')
        if fault == "wrong_types":
            return self.answer(200, {"id": {"is": "an object"}, "name": 7})
        if fault == "huge":
            return self.answer(200, b'{"id": 1, "name": "' + b"x" * 50_000_000 + b'"}')
        if fault == "limited":
            return self.answer(429, {"error": "slow down"})
        if fault == "limited_after":
            return self.answer(429, {"error": "slow down"}, [("Retry-After", "600")])
        if fault == "bare_401":
            return self.answer(401)
        return self.answer(500, "Fatal error: call to a member function on null", kind="text/plain")

    # ---- the back door

    def back_door(self):
        given = json.loads(self.raw) if self.raw else None
        if self.route == "/_habits":
            CRM.reset(given)
        elif self.route == "/_fault":
            CRM.faults.append({"times": 1, **given})
        elif self.route == "/_log":
            return self.answer(200, CRM.log)
        elif self.route == "/_remove":
            for identifier in given:
                CRM.rows.pop(identifier, None)
        elif self.route == "/_rows" and self.command == "POST":
            ids = []
            at = CRM.now()
            for values in given:
                row = CRM.add(values, "staff")
                row.update(values)
                row.setdefault("_updated_at", at)
                if "_updated_at" not in values:
                    row["_updated_at"] = at
                ids.append(row["id"])
            return self.answer(200, ids)
        elif self.route == "/_rows":
            return self.answer(200, [row for _, row in sorted(CRM.rows.items())])
        return self.answer(200, {})

    # ---- the legacy system

    def business(self):
        if self.route == "/oauth/token":
            return self.token()
        user = self.user()
        if user is None:
            return self.answer(401, {"error": "who are you?"})
        if self.route == "/deleted":
            return self.answer(200, [{"id": entry["id"]} for entry in CRM.deleted if entry["at"] >= self.since()])
        match = re.fullmatch(r"/contacts(?:/(\d+))?", self.route)
        if not match:
            return self.answer(404, {"error": "no such place"})
        if match[1] is None:
            return self.list() if self.command == "GET" else self.create(user)
        row = CRM.rows.get(int(match[1]))
        if row is None:
            return self.answer(404, {"error": "no such contact"})
        if self.command == "GET":
            return self.show(200, row)
        return self.write(row, user)

    def token(self):
        form = dict(urllib.parse.parse_qsl(self.raw.decode()))
        basic = self.headers.get("Authorization")
        good = basic == "Basic YmFueWFuOnMlMjZjcmV0" or (form.get("client_id"), form.get("client_secret")) == ("banyan", "s&cret")
        if not good or form.get("grant_type") != "client_credentials":
            return self.answer(401, {"error": "invalid_client"})
        CRM.token_count += 1
        token = f"token-{CRM.token_count}"
        CRM.tokens = {token: True}
        return self.answer(200, {"access_token": token, "token_type": "bearer", "expires_in": CRM.habits["token_lifetime"]})

    def user(self):
        """Who asks; None: nobody we know."""
        given = self.headers.get("Authorization", "")
        expected = {"": None, "basic": "Basic YmFueWFuOnMmY3JldA==", "bearer": "Bearer s&cret"}
        kind = CRM.habits["auth"]
        if kind == "oauth2":
            return "banyan" if CRM.tokens.get(given.removeprefix("Bearer ")) else None
        if kind == "key":
            return "banyan" if self.headers.get("X-Api-Key") == "s&cret" else None
        if kind and given != expected[kind]:
            return None
        return self.headers.get("X-User", "banyan")

    def since(self):
        text = self.query.get("since", "")
        if not text:
            return 0
        kind = CRM.habits["stamp"]
        if kind in ("epoch", "epoch_ms"):
            return int(text) * (1_000_000 if kind == "epoch" else 1_000)
        if kind == "local":
            local = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc)
            return round((local - datetime.timedelta(hours=2)).timestamp() * 1_000_000)
        form = "%Y-%m-%dT%H:%M:%S.%fZ" if "." in text else "%Y-%m-%dT%H:%M:%SZ"
        moment = datetime.datetime.strptime(text, form).replace(tzinfo=datetime.timezone.utc)
        return int(moment.replace(microsecond=0).timestamp()) * 1_000_000 + moment.microsecond

    def unit(self):
        return {"iso": 1, "epoch_ms": 1_000}.get(CRM.habits["stamp"], 1_000_000)

    def chosen(self):
        rows = [CRM.rows[key] for key in sorted(CRM.rows)]
        if "since" in self.query and CRM.habits["filter"] != "ignored":
            since = self.since()
            unit = self.unit()
            strict = CRM.habits["filter"] == "exclusive"
            rows = [row for row in rows
                    if (row["_updated_at"] // unit * unit > since if strict else row["_updated_at"] // unit * unit >= since)]
        if "at" in self.query:
            self.query["since"] = self.query["at"]
            rows = [row for row in rows if row["_updated_at"] // self.unit() * self.unit() == self.since()]
        if "after" in self.query:
            rows = [row for row in rows if row["id"] > int(self.query["after"])]
        if "ext_ref" in self.query:
            rows = [row for row in rows if row.get("ext_ref") == self.query["ext_ref"]]
        if CRM.habits["ignores_order"]:
            return rows
        if self.query.get("sort") == "updated_at":
            rows.sort(key=lambda row: (row["_updated_at"], row["id"]))
        if self.query.get("sort") == "-updated_at":
            rows.sort(key=lambda row: (row["_updated_at"], row["id"]), reverse=True)
        return rows

    def list(self):
        rows = self.chosen()
        total = len(rows)
        size = min(int(self.query.get("limit", 100)), CRM.habits["clamp"])
        style = CRM.habits["paging"]
        start = {"page": lambda: (int(self.query.get("page", 1)) - 1) * size,
                 "offset": lambda: int(self.query.get("offset", 0))}.get(style, lambda: int(self.query.get("c", 0)))()
        if CRM.habits["cap"] and start >= CRM.habits["cap"]:
            return self.answer(400, {"error": "too far"})
        shown = [CRM.shown(row) for row in rows[start:start + size]]
        headers = []
        more = start + size < total
        if style == "link" and more:
            query = urllib.parse.urlencode({**self.query, "c": start + size})
            headers.append(("Link", f'</contacts?first>; rel="first", </contacts?{query}>; rel="next"; title="a, b"'))
        body = shown
        if CRM.habits["list_key"]:
            body = {CRM.habits["list_key"]: shown, "next": str(start + size) if more else None}
        if CRM.habits["vanish_after_list"] and rows:
            CRM.habits["vanish_after_list"] -= 1
            del CRM.rows[rows[0]["id"]]
        if not shown and CRM.habits["empty_is_404"]:
            return self.answer(404, {"error": "No contact found"})
        return self.answer(200, body, headers)

    def show(self, status, row):
        headers = [("ETag", f'"v{row["version"]}"')] if CRM.habits["etag"] else []
        return self.answer(status, CRM.shown(row), headers)

    def refused(self, values):
        if values.get("name") == "":
            return "name is missing"
        return "name is no text" if not isinstance(values.get("name", "x"), str) else ""

    def refuse(self, why):
        if CRM.habits["success_false"]:
            return self.answer(200, {"success": False, "error": why})
        return self.answer(422, {"error": why})

    def create(self, user):
        values = json.loads(self.raw)
        why = self.refused(values) or ("" if "name" in values else "name is missing")
        if why:
            return self.refuse(why)
        if CRM.habits["duplicate_is_500"] and any(row.get("ext_ref") == values.get("ext_ref") for row in CRM.rows.values()):
            return self.answer(500, 'ERROR: duplicate key value violates unique constraint "contact_ext_ref"', kind="text/plain")
        at = self.headers.get("X-Stamp")
        row = CRM.add(values, user)
        if at:
            row["_updated_at"] = row["_created_at"] = int(at)
        kind = CRM.habits["create_answer"]
        if kind == "bare":
            return self.answer(201, row["id"])
        if kind == "bare_text":
            return self.answer(200, f'{row["id"]}\n', kind="text/plain")
        if kind == "location":
            return self.answer(201, None, [("Location", f'http://elsewhere.example/v1/contacts/{row["id"]}')])
        if kind == "nothing":
            return self.answer(201, {"result": "ok"})
        return self.show(201, row)

    def write(self, row, user):
        if CRM.habits["etag"] and self.headers.get("If-Match") not in (None, f'"v{row["version"]}"'):
            return self.answer(412, {"error": "changed meanwhile"})
        if self.command == "DELETE":
            CRM.remove(row["id"])
            return self.answer(204)
        if self.command == "PATCH" and CRM.habits["whole_object_only"]:
            return self.answer(405, {"error": "no PATCH here"})
        values = json.loads(self.raw)
        if CRM.habits["version_field"] and values.pop("version", row["version"]) != row["version"]:
            return self.answer(409, {"error": "changed meanwhile"})
        why = self.refused(values)
        if why:
            return self.refuse(why)
        return self.show(200, CRM.change(row, values, user, self.command == "PUT"))


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Clients that give up are part of the tests."""


def main():
    server = Server(("127.0.0.1", 0), Handler)
    port_file = sys.argv[1]
    with open(port_file + ".new", "w", encoding="utf-8") as out:
        out.write(str(server.server_port))
    os.rename(port_file + ".new", port_file)
    server.serve_forever()


if __name__ == "__main__":
    main()
