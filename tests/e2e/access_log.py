"""What the access log must say after the working day in the browser."""

import collections
import json

# Each of these was done, so each must have been named at least once.
EXPECTED = {
    "session.databases",
    "session.login",
    "session.preferences",
    "session.logout",
    "party.search",
    "party.read",
    "party.form",
    "party.create",
    "party.write",
    "opportunity.search",
    "opportunity.read",
    "opportunity.form",
    "opportunity.create",
    "ui.menu",
    "ui.action",
    "ui.icon",
    "bus",
    "static",
}
# A net for calls that nobody has named; the web client's own calls all have a name.
NETS = ("unmapped", "other.")
FIELDS = {
    "time": str,
    "client": str,
    "method": str,
    "target": str,
    "host": str,
    "function": str,
    "stage": str,
    "served_by": str,
    "subject": str,
    "status": int,
    "request_bytes": int,
    "response_bytes": int,
    "duration_us": int,
    "upstream": str,
    "request_id": str,
}


def was_left(request):
    """A browser drops what it no longer needs: the long poll of a window that is closed, say."""
    return request.get("status") == 0


def faults(lines):
    """Every way in which the log fails to tell what happened; empty if it does."""
    found = []
    requests = [json.loads(line) for line in lines]
    for request in requests:
        for name, kind in FIELDS.items():
            if not isinstance(request.get(name), kind):
                found.append(f"field `{name}` is {request.get(name)!r}, not {kind.__name__}: {request}")
    named = {request.get("function") for request in requests if not was_left(request)}
    found += [f"no answered request was named `{function}`" for function in sorted(EXPECTED - named)]
    for request in requests:
        function = str(request.get("function"))
        if request.get("method") == "POST" and function.startswith(NETS):
            found.append(f"an RPC was named `{function}`: {request}")
        served_by = "none" if was_left(request) else "legacy"
        if request.get("served_by") != served_by or request.get("stage") != "legacy":
            found.append(f"not served by legacy, where every function stands: {request}")
    repeated = [id_ for id_, count in collections.Counter(r.get("request_id") for r in requests).items() if count > 1]
    found += [f"request id {id_} was given twice" for id_ in repeated]
    return found


def check(path):
    """Prints what was named, and each fault; returns whether there is none."""
    with open(path, encoding="utf-8") as log:
        lines = log.readlines()
    named = collections.Counter(json.loads(line).get("function") for line in lines)
    print("  " + ", ".join(f"{function} {count}" for function, count in sorted(named.items())))
    found = faults(lines)
    for fault in found[:30]:
        print(f"access log: {fault}")
    if len(found) > 30:
        print(f"access log: and {len(found) - 30} more")
    return not found
