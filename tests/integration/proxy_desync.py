#!/usr/bin/python3
"""However an exchange ends, the bytes of one request are never read as another, on neither side.

    proxy_desync.py --banyan BINARY [test names as for unittest]
"""

import pathlib
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from banyan_process import split_address  # noqa: E402
from proxy_test import SECONDS, Peer, ProxyTest, banyan, main  # noqa: E402

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
EARLY = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly"
# Not pooled, so that the next exchange of a test comes on a connection of its own.
CLOSING = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class EarlyAnswer(ProxyTest):
    """The upstream takes the head, does not read on, and answers while the end of the body waits to be sent."""

    def talk(self, blocks):
        body = (SMUGGLED * 1024)[:32768] * blocks
        client = self.client()
        sender = threading.Thread(target=self.send_all, args=(client, body))
        sender.start()
        self.answers[blocks] = client.response().start[0]
        # A second answer, be it a 400, says that body bytes were read as a request.
        client.connection.settimeout(0.5)
        try:
            self.answers[blocks] = client.connection.recv(64) or self.answers[blocks]
        except OSError:
            pass
        client.connection.close()
        sender.join(SECONDS)

    @staticmethod
    def send_all(client, body):
        try:
            client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        except OSError:
            pass  # Banyan has closed: that is one of the right ends

    def test_never_turns_the_end_of_a_body_into_requests(self):
        # The fault needs the last piece of the body to be the one that waits. What the kernel takes before is about the
        # largest send buffer: a sweep over sizes around that meets it.
        most = int(pathlib.Path("/proc/sys/net/ipv4/tcp_wmem").read_text().split()[2]) // 32768
        for start in (most - 8, most + 4):
            self.answers = {}
            sizes = range(start, start + 12)
            clients = [threading.Thread(target=self.talk, args=(blocks,)) for blocks in sizes]
            for client in clients:
                client.start()
            origins = [self.listener.accept()[0] for _ in clients]
            # Long enough for the buffers to fill.
            time.sleep(1)
            for origin in origins:
                origin.sendall(EARLY)
            self.assertEqual([], self.more_requests(), "body bytes went upstream as requests")
            for client in clients:
                client.join()
            for origin in origins:
                origin.close()
            self.assertEqual(dict.fromkeys(sizes, 200), self.answers)

    def more_requests(self):
        self.listener.settimeout(0.5)
        try:
            connection, _ = self.listener.accept()
        except TimeoutError:
            return []
        finally:
            self.listener.settimeout(SECONDS)
        with connection:
            return [connection.recv(64)]


class Upgrade(ProxyTest):
    def upgrade(self, protocols, answer):
        head = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n" % protocols
        return self.exchange(head + b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n", answer)

    def test_to_another_version_of_http_is_not_forwarded(self):
        for protocols in (b"h2c", b"websocket, h2c", b"HTTP/2.0", b"TLS/1.2"):
            with self.subTest(protocols=protocols):
                request = self.upgrade(protocols, CLOSING)[2]
                self.assertIsNone(request.get(b"upgrade"))
                self.assertIsNone(request.get(b"http2-settings"))

    def test_that_nobody_asked_for_is_refused(self):
        switch = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n"
        self.assertEqual(502, self.upgrade(b"websocket", switch)[3].start[0])


class HostBytes(ProxyTest):
    settings = {"limits": {"header_bytes": 61440}}

    def test_beyond_a_name_and_a_port_are_refused(self):
        client = self.client()
        client.send(b"GET / HTTP/1.1\r\nHost: " + b"a" * 300 + b"\r\n\r\n")
        self.assertEqual(400, client.response().start[0])


class Fallback(ProxyTest):
    def test_with_its_request_half_sent_is_not_used_for_another_client(self):
        body = b"x" * (9 << 20)
        modern = socket.create_server(("127.0.0.1", 0))
        modern.settimeout(SECONDS)
        self.addCleanup(modern.close)
        settings = {
            "proxy": {"threads": 1, "limits": {"inspect_bytes": "16MiB"}},
            "upstreams": {
                "legacy": {"endpoints": ["http://" + self.origin_address]},
                "new": {"endpoints": ["http://127.0.0.1:%d" % modern.getsockname()[1]]},
            },
            "functions": [
                {
                    "name": "read",
                    "match": {"path": "/"},
                    "effect": "read",
                    "modern": {"upstream": "new"},
                    "initial_stage": "modern",
                }
            ],
        }
        with banyan(settings) as gateway:
            first = Peer(socket.create_connection(split_address(gateway.proxy)))
            threading.Thread(target=self.answer_503, args=(modern, len(body)), daemon=True).start()
            EarlyAnswer.send_all(first, body)
            legacy, _ = self.listener.accept()
            legacy.settimeout(SECONDS)
            legacy.recv(4096)
            legacy.sendall(EARLY)
            self.assertEqual(200, first.response().start[0])
            second = Peer(socket.create_connection(split_address(gateway.proxy)))
            second.send(b"GET /second HTTP/1.1\r\nHost: a\r\n\r\n")
            fresh, _ = self.listener.accept()
            self.assertTrue(fresh.recv(4096).startswith(b"GET /second "), "on a connection of its own")
            for connection in (legacy, fresh, first.connection, second.connection):
                connection.close()

    @staticmethod
    def answer_503(modern, size):
        connection, _ = modern.accept()
        taken = 0
        while taken < size:
            taken += len(connection.recv(1 << 20))
        connection.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        connection.recv(1)
        connection.close()


if __name__ == "__main__":
    main(__doc__)
