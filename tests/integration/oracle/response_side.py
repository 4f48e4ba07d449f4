"""The oracle on responses: what the client sees of an upstream's malformed answer.

Either a well-formed, complete response with the body that an independent reader (h11) finds; or a 502; or a response
that can be seen to be cut short. And the next request has its own answer, on a connection that was not given up.
"""

import re
import socket

import h11
from banyan_process import split_address
from recording_origin import RawAnswer
from strict_http import Incomplete, NotStrict, read_response

CLIENT_SECONDS = 60
CASE = re.compile(rb"/r(\d+)-")


def honest_reading(case, at_end):
    """(body or None, reusable): what h11 makes of the upstream's bytes; None if it is not one complete response.
    `at_end`: the upstream has closed behind them."""
    reader = h11.Connection(h11.CLIENT)
    reader.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    reader.send(h11.EndOfMessage())
    body = b""
    try:
        reader.receive_data(case.raw)
        if at_end:
            reader.receive_data(b"")
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Data):
                body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                reusable = reader.their_state is h11.DONE and not reader.trailing_data[0]
                return body, reusable
            elif isinstance(event, h11.Response) or isinstance(event, h11.InformationalResponse):
                continue
            else:
                return None, False
    except h11.RemoteProtocolError:
        return None, False


def answer(cases, request):
    """What the origin sends for a request; None: its honest answer."""
    match = CASE.match(request.start[1])
    if not match:
        return None
    case = cases[int(match[1])]
    return RawAnswer(case.raw, case.close, honest_reading(case, case.close)[1])


def _exchange(client, received, target):
    """Sends one GET and reads until its final answer is complete or the connection ends: (answer, bytes behind it)."""
    client.sendall(b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n" % target)
    ended = False
    while True:
        try:
            response = read_response(received, b"GET", ended)
            received = received[len(response.raw):]
            if response.start[0] >= 200 or response.start[0] == 101:
                return response, received
            continue
        except Incomplete:
            if ended:
                return None, received
        try:
            piece = client.recv(65536)
        except ConnectionResetError:
            piece = b""
        ended = not piece
        received += piece


def drive(proxy, case):
    """The answer to the case's request and to an honest one after it; on the same connection if Banyan keeps it."""
    with socket.create_connection(split_address(proxy), timeout=CLIENT_SECONDS) as client:
        try:
            first, behind = _exchange(client, b"", b"/r%d-" % case.identifier)
        except (NotStrict, TimeoutError) as fault:
            return fault, None
        kept = first is not None and first.complete and first.get(b"connection") != b"close"
        if kept:
            try:
                return first, _exchange(client, behind, b"/f%d-" % case.identifier)[0]
            except (NotStrict, OSError) as fault:
                return first, fault
    with socket.create_connection(split_address(proxy), timeout=CLIENT_SECONDS) as client:
        try:
            return first, _exchange(client, b"", b"/f%d-" % case.identifier)[0]
        except (NotStrict, OSError) as fault:
            return first, fault


def judge(case, first, second):
    """(verdict, what is wrong or None)."""
    if isinstance(first, Exception):
        return "malformed", f"the client got a malformed answer ({first!r})"
    if isinstance(second, Exception) or second is None or second.body != b"served /f%d-" % case.identifier:
        return "next", "the next request did not get its own answer"
    if first is None or not first.complete:
        return "cut short", None
    if first.start[0] == 502 and first.get(b"banyan-served-by") == b"none":
        return "refused", None
    # What is not complete by itself, the origin ends by closing.
    body, _ = honest_reading(case, at_end=True)
    if body is None:
        return "complete", "a complete answer was made of what is none"
    if body != first.body:
        return "complete", f"the client got the body {first.body!r}, an honest reading is {body!r}"
    return "complete", None
