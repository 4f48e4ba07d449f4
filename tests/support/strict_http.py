"""A reader of HTTP/1.1 that takes nothing but the one way in which Banyan writes it.

What a lenient parser would repair is an error here: the point is to notice that two parsers could disagree.
"""

import dataclasses
import re

import h11


class NotStrict(Exception):
    """The bytes are not HTTP/1.1 as Banyan must write it; the text says what is wrong."""


class Incomplete(Exception):
    """The bytes so far are in order, and more are needed."""


REQUEST_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP/1\.1")
STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([\t\x20-\x7e\x80-\xff]*)")
FIELD = re.compile(rb"([!#$%&'*+.^`|~0-9A-Za-z_-]+): ?([\t\x20-\x7e\x80-\xff]*)")
CHUNK_SIZE = re.compile(rb"[0-9a-fA-F]{1,16}")


@dataclasses.dataclass
class Message:
    start: tuple  # of a request: (method, target); of a response: (status, reason)
    fields: list  # (lower-case name, value)
    body: bytes
    trailers: list
    raw: bytes
    complete: bool = True

    def get(self, name):
        return next((value for key, value in self.fields if key == name), None)


def _line(data, position):
    end = data.find(b"\r\n", position)
    if end < 0:
        if len(data) - position > 1 << 20:
            raise NotStrict("a line without end")
        raise Incomplete
    line = data[position:end]
    if b"\n" in line or b"\r" in line:
        raise NotStrict(f"a bare CR or LF in {line!r}")
    return line, end + 2


def _fields(data, position):
    fields = []
    while True:
        line, position = _line(data, position)
        if not line:
            return fields, position
        match = FIELD.fullmatch(line)
        if not match or match[2] != match[2].strip(b" \t"):
            raise NotStrict(f"no field line: {line!r}")
        fields.append((match[1].lower(), match[2]))


def _chunks(data, position):
    body = b""
    while True:
        line, position = _line(data, position)
        if not CHUNK_SIZE.fullmatch(line):
            raise NotStrict(f"no plain chunk size: {line!r}")
        size = int(line, 16)
        if size == 0:
            trailers, position = _fields(data, position)
            return body, trailers, position
        if len(data) < position + size + 2:
            raise Incomplete
        body += data[position:position + size]
        if data[position + size:position + size + 2] != b"\r\n":
            raise NotStrict("chunk data that is longer than its size")
        position += size + 2


def _framing(fields):
    """(chunked, length or None); NotStrict if it is not said exactly once."""
    lengths = [value for name, value in fields if name == b"content-length"]
    codings = [value for name, value in fields if name == b"transfer-encoding"]
    if len(lengths) + len(codings) > 1:
        raise NotStrict(f"framing said more than once: {lengths} {codings}")
    if codings and codings != [b"chunked"]:
        raise NotStrict(f"Transfer-Encoding {codings[0]!r}")
    if lengths and not re.fullmatch(rb"0|[1-9][0-9]{0,18}", lengths[0]):
        raise NotStrict(f"Content-Length {lengths[0]!r}")
    return bool(codings), int(lengths[0]) if lengths else None


def read_request(data):
    """The first request in the bytes as a Message; its raw bytes are what was used up."""
    line, position = _line(data, 0)
    match = REQUEST_LINE.fullmatch(line)
    if not match:
        raise NotStrict(f"no request line: {line!r}")
    fields, position = _fields(data, position)
    names = [name for name, _ in fields]
    if names.count(b"host") != 1:
        raise NotStrict(f"{names.count(b'host')} Host fields")
    if any(b"_" in name for name in names):
        raise NotStrict("an underscore in a field name")
    chunked, length = _framing(fields)
    trailers = []
    if chunked:
        body, trailers, position = _chunks(data, position)
    else:
        body = data[position:position + (length or 0)]
        position += length or 0
        if len(data) < position:
            raise Incomplete
    return Message((match[1], match[2]), fields, body, trailers, data[:position])


def read_response(data, method, at_end):
    """The first response in the bytes. `at_end`: the connection has been closed behind them; a response that is cut
    short is then returned with complete=False."""
    line, position = _line(data, 0)
    match = STATUS_LINE.fullmatch(line)
    if not match:
        raise NotStrict(f"no status line: {line!r}")
    status = int(match[1])
    fields, position = _fields(data, position)
    chunked, length = _framing(fields)
    message = Message((status, match[2]), fields, b"", [], b"")
    try:
        if method == b"HEAD" or status < 200 or status in (204, 304):
            pass
        elif chunked:
            message.body, message.trailers, position = _chunks(data, position)
        elif length is not None:
            message.body = data[position:position + length]
            position += length
            if len(data) < position:
                raise Incomplete
        else:
            raise NotStrict("a response to HTTP/1.1 that ends with the connection")
    except Incomplete:
        if not at_end:
            raise
        message.complete = False
        position = len(data)
    message.raw = data[:position]
    return message


def h11_agrees(request):
    """Second opinion: h11 reads exactly this one request from its raw bytes."""
    reader = h11.Connection(h11.SERVER)
    reader.receive_data(request.raw)
    body = b""
    seen = None
    try:
        while True:
            event = reader.next_event()
            if isinstance(event, h11.Request):
                seen = (bytes(event.method), bytes(event.target))
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            else:
                break
    except h11.RemoteProtocolError:
        return False
    whole = isinstance(event, h11.EndOfMessage) and not reader.trailing_data[0]
    return whole and seen == request.start and body == request.body
