#!/usr/bin/python3
"""Bodies of 2 GiB pass in constant memory, and whoever is slow slows the other side down.

    proxy_two_gib_stream.py --banyan BINARY [--gib N]

Run it with an optimised binary: a sanitizer's own memory would be measured otherwise.
"""

import argparse
import contextlib
import os
import pathlib
import select
import socket
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from banyan_process import BanyanProcess, split_address  # noqa: E402

MIB = 1 << 20
MEMORY_LIMIT_KIB = 64 * 1024
PIECE = b"".join(b"%015d\n" % i for i in range(2 * MIB // 16))
# What the kernel may hold in the socket buffers of both connections, and Banyan in its own.
IN_FLIGHT_LIMIT = 48 * MIB
STALL_SECONDS = 1.0


class Failure(Exception):
    pass


class Body:
    """A body of known content, sent from a file so that the test's own work is small."""

    def __init__(self, size):
        self.size = size
        self._file = tempfile.TemporaryFile()
        self._file.write(PIECE)
        self._file.flush()

    def send(self, connection, size=None):
        left = self.size if size is None else size
        while left:
            position = -left % len(PIECE)
            left -= os.sendfile(connection.fileno(), self._file.fileno(), position, min(left, len(PIECE) - position))

    def send_chunked(self, connection):
        for _ in range(self.size // len(PIECE)):
            connection.sendall(b"%x\r\n" % len(PIECE))
            self.send(connection, len(PIECE))
            connection.sendall(b"\r\n")
        connection.sendall(b"0\r\n\r\n")

    def send_until_stalled(self, connection):
        """How much could be sent before nothing more was taken for a while."""
        connection.setblocking(False)
        sent = 0
        while sent < self.size and select.select([], [connection], [], STALL_SECONDS)[1]:
            with contextlib.suppress(BlockingIOError):
                sent += os.sendfile(connection.fileno(), self._file.fileno(), sent % len(PIECE), MIB)
        connection.setblocking(True)
        return sent


def receive(stream, size):
    """Takes a body and compares every byte."""
    buffer = bytearray(len(PIECE))
    for _ in range(size // len(PIECE)):
        if stream.readinto(buffer) != len(PIECE) or buffer != PIECE:
            raise Failure("the body was cut short or changed")


def receive_chunked(stream, size):
    left = size
    expected = 0
    while chunk := int(stream.readline(), 16):
        data = stream.read(chunk)
        wanted = PIECE[expected:expected + chunk]
        wanted += PIECE[:chunk - len(wanted)]
        if data != wanted or stream.read(2) != b"\r\n":
            raise Failure("a chunk was cut short or changed")
        expected = (expected + chunk) % len(PIECE)
        left -= chunk
    if left or stream.readline() != b"\r\n":
        raise Failure(f"{left} bytes of the chunked body are missing")


def read_head(stream):
    lines = []
    while (line := stream.readline()) not in (b"\r\n", b""):
        lines.append(line)
    return lines


class Origin:
    """Serves what the target says: /up, /up-chunked, /down, /down-chunked, /stall-up, /stall-down."""

    def __init__(self, body):
        self._body = body
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self.stalled_after = None
        self.go_on = threading.Event()

    def __enter__(self):
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self.go_on.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError, Failure):
                self._answer(connection)

    def _answer(self, connection):
        with connection.makefile("rb", MIB) as stream:
            target = read_head(stream)[0].split()[1]
            size = self._body.size
            if target == b"/stall-up":
                self.go_on.wait()
            if target in (b"/up", b"/stall-up"):
                receive(stream, size)
            elif target == b"/up-chunked":
                receive_chunked(stream, size)
            head = b"HTTP/1.1 200 OK\r\nConnection: close\r\n"
            if target.endswith(b"/down-chunked"):
                connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
                self._body.send_chunked(connection)
            elif target == b"/down":
                connection.sendall(head + b"Content-Length: %d\r\n\r\n" % size)
                self._body.send(connection)
            elif target == b"/stall-down":
                connection.sendall(head + b"Content-Length: %d\r\n\r\n" % size)
                self.stalled_after = self._body.send_until_stalled(connection)
                self.go_on.set()
            else:
                connection.sendall(head + b"Content-Length: 2\r\n\r\nok")


def expect_ok(stream):
    head = read_head(stream)
    if not head or b" 200 " not in head[0]:
        raise Failure(f"not a 200: {head}")


def upload(proxy, body, chunked):
    with socket.create_connection(split_address(proxy)) as client, client.makefile("rb", MIB) as stream:
        if chunked:
            client.sendall(b"POST /up-chunked HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            body.send_chunked(client)
        else:
            client.sendall(b"POST /up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % body.size)
            body.send(client)
        expect_ok(stream)  # the origin answers only if every byte was right


def download(proxy, body, chunked):
    with socket.create_connection(split_address(proxy)) as client, client.makefile("rb", MIB) as stream:
        client.sendall(b"GET /down%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"-chunked" if chunked else b""))
        expect_ok(stream)
        (receive_chunked if chunked else receive)(stream, body.size)


def stalled_upload(proxy, body, origin):
    """The origin does not read: Banyan must stop reading from the client, and lose nothing when it goes on."""
    origin.go_on.clear()
    with socket.create_connection(split_address(proxy)) as client, client.makefile("rb", MIB) as stream:
        client.sendall(b"POST /stall-up HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % body.size)
        sent = body.send_until_stalled(client)
        if sent > IN_FLIGHT_LIMIT:
            raise Failure(f"Banyan took {sent // MIB} MiB for an origin that reads nothing")
        origin.go_on.set()
        body.send(client, body.size - sent)
        expect_ok(stream)
    return sent


def stalled_download(proxy, body, origin):
    """The client does not read: Banyan must stop reading from the origin."""
    origin.go_on.clear()
    with socket.create_connection(split_address(proxy)) as client:
        client.sendall(b"GET /stall-down HTTP/1.1\r\nHost: a\r\n\r\n")
        if not origin.go_on.wait(300):
            raise Failure("the origin was never held up")
    if origin.stalled_after > IN_FLIGHT_LIMIT:
        raise Failure(f"Banyan took {origin.stalled_after // MIB} MiB for a client that reads nothing")
    return origin.stalled_after


def run(binary, size):
    body = Body(size)
    quarter = Body(size // 4)
    with Origin(body) as origin, Origin(quarter) as small:
        for what, its_origin, step in [
                ("upload", origin, lambda proxy: upload(proxy, body, False)),
                ("download", origin, lambda proxy: download(proxy, body, False)),
                ("chunked upload", small, lambda proxy: upload(proxy, quarter, True)),
                ("chunked download", small, lambda proxy: download(proxy, quarter, True)),
                ("upload to a stalled origin", small, lambda proxy: stalled_upload(proxy, quarter, small)),
                ("download to a stalled client", small, lambda proxy: stalled_download(proxy, quarter, small))]:
            begin = time.monotonic()
            with BanyanProcess(binary, {"upstreams": {"legacy": {"endpoints": [f"http://{its_origin.address}"]}}}) as it:
                held = step(it.proxy)
                memory = it.peak_memory_kib()
                it.require_healthy()
            held_text = f", held up after {held // MIB} MiB" if held is not None else ""
            print(f"{what}: peak memory {memory // 1024} MiB, {time.monotonic() - begin:.1f} s{held_text}")
            if memory > MEMORY_LIMIT_KIB:
                raise Failure(f"{what}: Banyan used {memory} KiB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banyan", required=True)
    parser.add_argument("--gib", type=int, default=2)
    arguments = parser.parse_args()
    try:
        run(arguments.banyan, arguments.gib << 30)
    except (Failure, OSError) as failure:
        print(f"failed: {failure}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
