"""Responses with smuggling tricks, as raw bytes. Seeded: the same seed gives the same cases.

Bodies and what follows them may hold a whole second response that says `poison`: whoever ever takes it for an answer
has been poisoned.
"""

import dataclasses
import random

POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
STATUS_LINES = [b"HTTP/1.1 200 OK"] * 4 + [
    b"HTTP/1.1 200 ", b"HTTP/1.1 200", b"HTTP/1.0 200 OK", b"HTTP/2.0 200 OK", b"HTTP/1.1  200 OK", b"HTTP/1.1 20 OK",
    b"HTTP/1.1 2000 OK", b"http/1.1 200 OK", b"HTTP/1.1 200 \x00", b"HTTP/1.1 204 No Content", b"HTTP/1.1 304 Not Modified",
    b"HTTP/1.1 101 Switching Protocols", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 099 X", b"HTTP/1.1 600 X", b"",
    b"HTTP/1.1 500 \xff", b"ICY 200 OK", b"HTTP/1.1 +200 OK"]
INTERIM = [b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
           b"HTTP/1.1 100 Continue\r\nContent-Length: 6\r\n\r\npoison", b"HTTP/1.1 103 X\r\n\r\n" * 50,
           b"HTTP/1.1 102 X\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"]
LENGTHS = [
    b"Content-Length: %d", b"Content-Length: +%d", b"Content-Length: -%d", b"Content-Length: %d, %d", b"Content-Length: 0%d",
    b"Content-Length: %d\r\nContent-Length: %d", b"Content-Length: %d\r\nContent-Length: 1", b"Content-Length : %d",
    b"Content-Length:\r\n %d", b"Content-Length: 0x%x", b"Content-Length: 9%020d", b"Content-Length: ",
    b"Content-Length: %d\x0b", b"X: y\nContent-Length: %d", b"Content-Length: %d;x", b"Content-Length: \xa0%d"]
CODINGS = [
    b"Transfer-Encoding: chunked", b"transfer-encoding: CHUNKED", b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: identity",
    b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding : chunked", b"Transfer-Encoding: ", b"X: y\nTransfer-Encoding: chunked"]
CHUNK_SIZES = [b"%x"] * 2 + [b"0%x", b"%x;x=y", b"0x%x", b"-%x", b"+%x", b"%x ", b"1%016x", b"%xg", b"", b"%x\x00"]
CHUNK_ENDS = [b"\r\n"] * 2 + [b"\n", b"", b"XX", b"\r\n\r\n"]
LAST_CHUNKS = [b"0\r\n\r\n"] * 2 + [b"", b"0\r\n", b"0\r\nX-T: y\r\n\r\n", b"0\r\nContent-Length: 9\r\n\r\n", b"0\n\n", b"00\r\n\r\n",
                                    b"0\r\nno colon\r\n\r\n", b"0\r\nX: y\r\n z\r\n\r\n", b"-0\r\n\r\n"]
EXTRAS = [b"Connection: close", b"Connection: Content-Length", b"Connection: Transfer-Encoding", b"X-A: b\r\n c", b"X : y",
          b"no colon", b"X-A: \x00", b"Upgrade: x\r\nConnection: Upgrade", b"X-A: " + b"a" * 9000, b"Trailer: X-T", b": x",
          b"Keep-Alive: timeout=1", b"Banyan-Served-By: none", b"Content-Length: 6"]
LINE_ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b" \r\n", b"\x00\r\n"]
BEHIND = [b""] * 2 + [POISON, b"\r\n", b"x", b"\n" + POISON, b"0\r\n\r\n"]


@dataclasses.dataclass(frozen=True)
class ResponseCase:
    identifier: int
    raw: bytes
    close: bool


class _Tricks:
    KINDS = ["status", "interim", "length", "coding", "size", "chunk", "last", "extra", "line", "behind", "both", "short"]

    def __init__(self, random_):
        self.random = random_
        self.played = set(random_.sample(self.KINDS, random_.choice([0, 1, 1, 1, 2, 2, 3])))

    def choose(self, kind, choices):
        return self.random.choice(choices) if kind in self.played else choices[0]


def _chunked_body(tricks, payload):
    size = tricks.choose("size", CHUNK_SIZES)
    body = (size % len(payload) if b"%" in size else size) + b"\r\n" + payload + tricks.choose("chunk", CHUNK_ENDS)
    return body + tricks.choose("last", LAST_CHUNKS)


def response_case(seed, identifier):
    random_ = random.Random(f"{seed}/response/{identifier}")
    tricks = _Tricks(random_)
    payload = random_.choice([b"x", b"hello", POISON, b"0\r\n\r\n" + POISON])
    chunked = _chunked_body(tricks, payload)
    form = tricks.choose("length", LENGTHS)
    length = form % ((len(payload),) * form.count(b"%"))
    kind = random_.random()
    if "both" in tricks.played:
        lines, body = [tricks.choose("coding", CODINGS), length], chunked
        random_.shuffle(lines)
    elif kind < 0.4:
        lines, body = [length], payload
    elif kind < 0.85:
        lines, body = [tricks.choose("coding", CODINGS)], chunked
    else:
        lines, body = [], payload
    if "extra" in tricks.played:
        lines.append(random_.choice(EXTRAS))
    raw = tricks.choose("interim", INTERIM)
    for line in [tricks.choose("status", STATUS_LINES)] + lines + [b""]:
        raw += line + tricks.choose("line", LINE_ENDS)
    raw += body + tricks.choose("behind", BEHIND)
    close = not lines or random_.random() < 0.3
    if "short" in tricks.played:
        raw, close = raw[:random_.randrange(len(raw))], True
    return ResponseCase(identifier, raw, close)
