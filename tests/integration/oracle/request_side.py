"""The oracle on requests: driver, Banyan, recording origin.

Each case ends in one of two ways. Either Banyan refuses: 4xx or 5xx and the connection closes. Or what the origin got
is, request by request, what an independent reader (h11) finds in the client's bytes, what the access log says, and
what the client has its own answers for.
"""

import re
import socket
import time

import h11
from banyan_process import split_address
from strict_http import Incomplete, NotStrict, h11_agrees, read_response

CLIENT_SECONDS = 60
IN_TIME_SECONDS = 0.3  # less than Banyan waits for a client
TRIES = 20
TOKEN = re.compile(rb"/[cfs](\d+)-")


def honest_reading(data):
    """The complete requests (method, path, body) that h11 finds in the bytes, up to the first that it refuses."""
    requests = []
    while True:
        # Empty lines before a request are to be ignored (RFC 9112 section 2.2); h11 refuses them.
        while data.startswith(b"\r\n"):
            data = data[2:]
        request, data = _first_request(data)
        if request is None:
            return requests
        requests.append(request)


def _first_request(data):
    """(request or None, the bytes behind it)."""
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(data)
    body = b""
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Request):
                start = event
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                last = start.http_version < b"1.1" or _closes(start)
                return ((bytes(start.method), _origin_form(bytes(start.target)), body),
                        b"" if last and not _keeps_alive(start) else reader.trailing_data[0])
            else:
                return None, b""
    except h11.RemoteProtocolError:
        return None, b""


def _connection_has(request, option):
    return any(name == b"connection" and option in [item.strip() for item in value.lower().split(b",")]
               for name, value in request.headers)


def _closes(request):
    return _connection_has(request, b"close")


def _keeps_alive(request):
    return _connection_has(request, b"keep-alive") and not _closes(request)


def _origin_form(target):
    return re.sub(rb"(?i)^https?://[^/?]*", b"", target) or b"/"


def drive(proxy, case):
    """Sends the case on a fresh connection; (what came back, whether Banyan closed the connection)."""
    for _ in range(TRIES):
        received, closed, in_time = _exchange(proxy, case)
        # Whoever sends nothing in time is rightly closed without a word: that says nothing of the case.
        if received or not closed or in_time:
            break
    return received, closed


def _exchange(proxy, case):
    """(what came back, whether Banyan closed the connection, whether the case was sent in time)."""
    received = b""
    in_time = False
    begun = time.monotonic()
    with socket.create_connection(split_address(proxy), timeout=CLIENT_SECONDS) as client:
        try:
            client.sendall(case.raw + case.follow_up)
            in_time = time.monotonic() - begun < IN_TIME_SECONDS
            while piece := client.recv(65536):
                received += piece
        except TimeoutError:
            return received, False, in_time
        except OSError:
            pass  # a reset is a close
    return received, True, in_time


def _answers(received, methods):
    """The final responses that the client got, read strictly."""
    answers = []
    while received:
        method = methods[len(answers)] if len(answers) < len(methods) else b"GET"
        answer = read_response(received, method, at_end=True)
        if method == b"HEAD" and answer.get(b"banyan-served-by") == b"none":
            # Of a request that cannot be read to its end Banyan need not know that it is a HEAD; it closes anyway.
            answer = read_response(received, b"GET", at_end=True)
        received = received[len(answer.raw):]
        if answer.start[0] >= 200:
            answers.append(answer)
    return answers


def judge(case, received, closed, forwarded):
    """None, or what is wrong. `forwarded`: the requests of this case that the origin got, in order."""
    if not closed:
        return "the connection was not closed"
    reading = honest_reading(case.raw + case.follow_up)
    got = [(m.start[0], m.start[1], m.body) for m in forwarded]
    if got != reading[:len(got)]:
        return f"the origin got {got}, an honest reading is {reading}"
    try:
        answers = _answers(received, [method for method, _, _ in reading])
    except (NotStrict, Incomplete) as fault:
        return f"the client got a malformed answer ({fault!r})"
    for answer, request in zip(answers, reading):
        if answer.get(b"banyan-served-by") == b"none":
            break
        expected = b"" if request[0] == b"HEAD" else b"served " + request[1]
        if not answer.complete or answer.body != expected:
            return f"the answer to {request[:2]} is {answer.body!r}"
    refusals = [a for a in answers if a.get(b"banyan-served-by") == b"none"]
    served = len(answers) - len(refusals)
    if refusals and (len(refusals) > 1 or answers[-1] is not refusals[0] or refusals[0].start[0] < 400):
        return f"answers behind a refusal: {[a.start for a in answers]}"
    if served > len(got) or (served < len(got) and not refusals):
        return f"{len(got)} requests forwarded, {served} answers: {[a.start for a in answers]}"
    if not answers and reading:
        return "no answer at all to a request that can be read"
    return None


def judge_log(exchanges, lines):
    """Faults of the access log against what the origin got: every forwarded request has its line and says the same."""
    by_id = {line["request_id"]: line for line in lines if line.get("request_id")}
    for exchange in exchanges:
        message = exchange.request
        line = by_id.get((message.get(b"x-request-id") or b"").decode())
        if line is None:
            yield f"no access-log line for {message.raw[:200]!r}"
        elif line["method"].encode() != message.start[0] or \
                _origin_form(line["target"].encode()) != message.start[1] or line["request_bytes"] != len(message.body):
            yield f"the access log says {line}, the origin got {message.raw[:200]!r}"
        elif not h11_agrees(message):
            yield f"h11 does not read one request from {message.raw[:300]!r}"
