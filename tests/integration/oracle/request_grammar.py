"""Requests with smuggling tricks, as raw bytes. Seeded: the same seed gives the same cases.

Every case is one request for /c<ID> with tricks in it, then an honest follow-up for /f<ID>. Bodies may hold a request
for /s<ID>: if a server behind Banyan ever sees that as a request although no honest reading of the input does, it has
been smuggled.
"""

import dataclasses
import random
import re

METHODS = [b"GET", b"POST", b"POST", b"POST", b"PUT", b"HEAD", b"DELETE", b"OPTIONS", b"get", b"PATCH", b"X-ODD"]
VERSIONS = [b"HTTP/1.1"] * 2 + [b"HTTP/1.0", b"HTTP/1.2", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 ", b"HTTP/0.9", b""]
SPACES = [b" "] * 2 + [b"  ", b"\t", b"\x0b", b"\x00", b"\xa0"]
LINE_ENDS = [b"\r\n"] * 12 + [b"\n", b"\r", b"\r\r\n", b"\n\r", b"\x00\r\n", b" \r\n", b"\r\n "]
HOSTS = [b"Host: a"] * 2 + [
    b"Host: a\r\nHost: a", b"Host: a\r\nHost: b", b"host:a", b"Host : a", b"Host:\ta ", b"Host: a b", b"Host: u@a",
    b"Host:", b"X-No: host", b"Host: a:80", b"Host: a:b", b"Host: \xe4", b"Host: a,b", b"Host:\r\n a", b"Host: a/../",
    b"HOST: a\r\n Host: b", b"Host_: a", b"Host: [::1]", b"Host: a\x00"]
TARGETS = [b"%s"] * 2 + [
    b"http://a%s", b"http://b%s", b"https://a%s", b"HTTP://A%s", b"http://a@b%s", b"//b%s", b"%s?x=y", b"%s#f", b"%s%%00",
    b"%s%%zz", b"%s/../..", b"%s\\x", b"%s\x00", b"%s\xff", b"%s HTTP/1.1", b"*%s", b"x%s", b"%s?a=%%0d%%0aX:y", b"%s;x"]
LENGTHS = [
    b"Content-Length: %d", b"Content-Length:%d", b"content-length:  %d ", b"Content-Length: 0%d", b"Content-Length: +%d",
    b"Content-Length: -%d", b"Content-Length: %d,%d", b"Content-Length: %d\r\nContent-Length: %d",
    b"Content-Length: %d\r\nContent-Length: 0", b"Content-Length: 0\r\nContent-Length: %d", b"Content-Length : %d",
    b"Content-Length: 0x%x", b"Content-Length: %d;q=1", b"Content-Length: \x0b%d", b"Content-Length: %d\x00",
    b"Content_Length: %d", b"Content-Length:\r\n %d", b"Content-Length\t: %d", b" Content-Length: %d",
    b"X: y\nContent-Length: %d", b"Content-Length: %d 0", b"Content-Length: \"%d\"", b"Content-Length: 1%020d",
    b"Content-Length: %d\r\nContent_Length: 0", b"Content-Length: %d\r\n\tX: y", b"\xa0Content-Length: %d",
    b"Content-Length: %d\xa0", b"Content-Length: %d.0", b"Content-Length: %de0", b"Content-Length: "]
CODINGS = [
    b"Transfer-Encoding: chunked", b"transfer-encoding:CHUNKED", b"Transfer-Encoding: \tchunked ",
    b"Transfer-Encoding : chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: gzip, chunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: identity",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: x", b"Transfer-Encoding: x\r\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked", b"Transfer-Encoding: \x0bchunked", b"Transfer-Encoding: chunked\x0b",
    b"Transfer_Encoding: chunked", b" Transfer-Encoding: chunked", b"X: y\nTransfer-Encoding: chunked",
    b"X: y\r\n\tTransfer-Encoding: chunked", b"Transfer-Encoding: \"chunked\"", b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,", b"Transfer-Encoding: chunked;x=y", b"Transfer-Encoding: \xa0chunked",
    b"Transfer-Encoding: chun\x00ked", b"Transfer-Encoding\x00: chunked", b"Transfer-\xe2\x80\x90Encoding: chunked",
    b"Transfer-Encoding: ", b"Transfer-Encoding: chunk", b"Transfer-Encoding; chunked", b"Transfer-Encoding:chunked\r"]
EXTRAS = [
    b"Connection: close", b"Connection: keep-alive", b"Connection: Content-Length", b"Connection: Transfer-Encoding, Host",
    b"Connection: X-Forwarded-For", b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c",
    b"Expect: 100-continue", b"Expect: x", b"TE: trailers", b"Trailer: Content-Length", b"X-A: b\x00c", b"X_A: b",
    b"X-A: \x80\xff", b"X-A:", b": x", b"no colon", b"X-A : b", b"X-A: b\r\n c", b"Keep-Alive: 5", b"Max-Forwards: 0",
    b"X-Forwarded-For: 1.2.3.4", b"X-HTTP-Method-Override: DELETE", b"Via: 1.1 x", b"X-A: " + b"a" * 9000,
    b"X-Request-Id: x", b"Forwarded: for=x", b"Proxy-Connection: close", b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"]
CHUNK_SIZES = [b"%x"] * 2 + [
    b"0%x", b"%X;x=y", b"%x;x=\"\r\n\"", b"0x%x", b"+%x", b"-%x", b"%x ", b" %x", b"%x;", b"%x\x00", b"\t%x", b"%x 5",
    b"%x\tx", b"1%016x",
    b"%x;\n", b"%xg", b"", b"%x,", b"%x\x0b"]
CHUNK_ENDS = [b"\r\n"] * 2 + [b"\n", b"", b"\r", b"\r\n\r\n", b"XX", b"\r\r\n"]
LAST_CHUNKS = [b"0\r\n\r\n"] * 2 + [
    b"00\r\n\r\n", b"0\r\nX-T: y\r\n\r\n", b"0\r\nContent-Length: 5\r\n\r\n", b"0\n\n", b"0\r\n\n", b"0;x\r\n\r\n", b"0\r\n",
    b"", b"0\r\nTransfer-Encoding: chunked\r\n\r\n", b"0\r\nHost: b\r\n\r\n", b"0\r\n X: y\r\n\r\n", b"0\r\nX: y\r\n z\r\n\r\n",
    b"0 \r\n\r\n", b"0\r\nno colon\r\n\r\n", b"0\r\n\rX", b"-0\r\n\r\n"]


@dataclasses.dataclass(frozen=True)
class Case:
    identifier: int
    raw: bytes  # the request with tricks
    follow_up: bytes


def follow_up(identifier):
    return b"GET /f%d- HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" % identifier


def _smuggled(identifier):
    return b"GET /s%d- HTTP/1.1\r\nHost: a\r\nX-S: y\r\n\r\n" % identifier


class _Tricks:
    """Chooses from the lists above: anything where a trick is to be played, else the first, which is honest."""

    KINDS = ["method", "version", "space", "line", "host", "target", "length", "coding", "size", "chunk", "last", "extra",
             "before", "both"]

    def __init__(self, random_):
        self.random = random_
        self.played = set(random_.sample(self.KINDS, random_.choice([0, 1, 1, 1, 2, 2, 3])))

    def choose(self, kind, choices):
        return self.random.choice(choices) if kind in self.played else choices[0]


def _chunked_body(tricks, payload):
    body = b""
    pieces = [payload] if tricks.random.random() < 0.7 else [payload[:3], payload[3:]]
    for piece in filter(None, pieces):
        size = tricks.choose("size", CHUNK_SIZES)
        body += (size % len(piece) if b"%" in size else size) + b"\r\n" + piece + tricks.choose("chunk", CHUNK_ENDS)
    return body + tricks.choose("last", LAST_CHUNKS)


def _length_line(tricks, length):
    form = tricks.choose("length", LENGTHS)
    return form % ((length,) * form.count(b"%"))


def _framing_and_body(tricks, identifier):
    random_ = tricks.random
    payload = random_.choice([b"", b"hello", b"0\r\n\r\n", _smuggled(identifier), b"0\r\n\r\n" + _smuggled(identifier)])
    chunked = _chunked_body(tricks, payload)
    if "both" in tricks.played:
        lines = [tricks.choose("coding", CODINGS),
                 _length_line(tricks, random_.choice([0, 4, len(chunked), len(payload)]))]
        random_.shuffle(lines)
        return lines, chunked
    kind = random_.random()
    if kind < 0.15:
        return [], random_.choice([b"", payload])
    if kind < 0.5:
        return [_length_line(tricks, max(0, len(payload) + random_.choice([0] * 8 + [-2, 3])))], payload
    return [tricks.choose("coding", CODINGS)], chunked


def _mutate_byte(random_, raw):
    """Changes one byte, anywhere but in the tokens that say which case this is."""
    kept = {i for match in re.finditer(rb"/[cs]\d+-", raw) for i in range(*match.span())}
    place = random_.choice([i for i in range(len(raw)) if i not in kept])
    byte = bytes([random_.choice([0, 9, 10, 11, 13, 32, 44, 48, 58, 127, 128, 255, random_.randrange(256)])])
    return random_.choice([raw[:place] + byte + raw[place:], raw[:place] + byte + raw[place + 1:],
                           raw[:place] + raw[place + 1:], raw[:place] + raw[place:place + 1] + raw[place:]])


def request_case(seed, identifier):
    random_ = random.Random(f"{seed}/{identifier}")
    tricks = _Tricks(random_)
    token = b"/c%d-" % identifier
    lines = [tricks.choose("host", HOSTS)]
    framing, body = _framing_and_body(tricks, identifier)
    lines += framing
    if "extra" in tricks.played:
        lines += random_.sample(EXTRAS, random_.choice([1, 1, 2]))
        random_.shuffle(lines)
    method = b"POST" if framing and "method" not in tricks.played else tricks.choose("method", METHODS)
    start = (method + tricks.choose("space", SPACES) + tricks.choose("target", TARGETS) % token +
             tricks.choose("space", SPACES) + tricks.choose("version", VERSIONS))
    raw = tricks.choose("before", [b"", b"\r\n", b"\n", b" ", b"\x00"])
    for line in [start] + lines + [b""]:
        raw += line + tricks.choose("line", LINE_ENDS)
    raw += body
    if random_.random() < 0.2:
        raw = _mutate_byte(random_, raw)
    return Case(identifier, raw, follow_up(identifier))
