"""Tests that stand on both sides of a Banyan, with raw sockets and a strict reader."""

import argparse
import socket
import sys
import unittest

from banyan_process import BanyanProcess, split_address
from strict_http import Incomplete, read_request, read_response

SECONDS = 60
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"

_binary = None


def banyan(settings):
    """The program under test, to be entered."""
    return BanyanProcess(_binary, settings)


class Peer:
    """One end of a connection, read message by message."""

    def __init__(self, connection):
        self.connection = connection
        self.connection.settimeout(SECONDS)
        self._data = b""

    def send(self, data):
        self.connection.sendall(data)

    def _read(self, reader):
        while True:
            try:
                message = reader(self._data)
                self._data = self._data[len(message.raw):]
                return message
            except Incomplete:
                piece = self.connection.recv(65536)
                if not piece:
                    raise AssertionError(f"the connection ended behind {self._data!r}") from None
                self._data += piece

    def request(self):
        return self._read(read_request)

    def response(self, method=b"GET"):
        return self._read(lambda data: read_response(data, method, False))

    def exactly(self, size):
        while len(self._data) < size:
            piece = self.connection.recv(65536)
            if not piece:
                raise AssertionError(f"the connection ended behind {self._data!r}")
            self._data += piece
        taken, self._data = self._data[:size], self._data[size:]
        return taken

    def is_closed(self, keep=False):
        """Whether the connection ends here. Waits for bytes or the end; `keep`: bytes are left for response()."""
        try:
            if not self._data:
                piece = self.connection.recv(65536)
                self._data = piece if keep else b""
                return not piece
            return False
        except ConnectionResetError:
            return True


class ProxyTest(unittest.TestCase):
    settings = {}  # under `proxy`

    def setUp(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(SECONDS)
        self.addCleanup(self.listener.close)
        self.origin_address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        settings = {"proxy": {"threads": 1} | self.settings,
                    "upstreams": {"legacy": {"endpoints": [f"http://{self.origin_address}"]}}}
        self.banyan = banyan(settings)
        self.banyan.__enter__()
        self.addCleanup(self.banyan.__exit__, None, None, None)

    def client(self):
        peer = Peer(socket.create_connection(split_address(self.banyan.proxy), timeout=SECONDS))
        self.addCleanup(peer.connection.close)
        return peer

    def origin(self):
        peer = Peer(self.listener.accept()[0])
        self.addCleanup(peer.connection.close)
        return peer

    def exchange(self, request, response):
        """One request and one response on fresh connections: (client, origin, what the origin got, what came back)."""
        client = self.client()
        client.send(request)
        origin = self.origin()
        got = origin.request()
        origin.send(response)
        return client, origin, got, client.response(got.start[0])


def main(description):
    """Takes --banyan and leaves the other arguments to unittest."""
    global _binary
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banyan", required=True)
    arguments, rest = parser.parse_known_args()
    _binary = arguments.banyan
    unittest.main(argv=[sys.argv[0], *rest])
