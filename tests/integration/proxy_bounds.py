#!/usr/bin/python3
"""Limits are met exactly, what is left of a refused request is never read as another, and a stop loses nothing.

    proxy_bounds.py --banyan BINARY [test names as for unittest]
"""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from proxy_test import GET, OK, ProxyTest, main  # noqa: E402

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


class HeaderBytes(ProxyTest):
    settings = {"limits": {"header_bytes": 2048}}

    @staticmethod
    def head_of(size):
        start = b"GET / HTTP/1.1\r\nHost: a\r\nX-Fill: "
        return start + b"a" * (size - len(start) - 4) + b"\r\n\r\n"

    def test_at_the_limit_pass(self):
        self.assertEqual(200, self.exchange(self.head_of(2048), OK)[3].start[0])

    def test_over_the_limit_are_refused(self):
        client = self.client()
        client.send(self.head_of(2049))
        self.assertEqual(431, client.response().start[0])
        self.assertTrue(client.is_closed())


class HeaderCount(ProxyTest):
    settings = {"limits": {"header_count": 20}}

    def test_at_the_limit_passes(self):
        head = b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 19 + b"\r\n"
        self.assertEqual(200, self.exchange(head, OK)[3].start[0])


class UpstreamConnections(ProxyTest):
    settings = {"limits": {"upstream_connections": 1}}

    def test_over_the_limit_are_a_503(self):
        first, second = self.client(), self.client()
        first.send(GET)
        origin = self.origin()
        origin.request()
        second.send(GET)
        refused = second.response()
        self.assertEqual(503, refused.start[0])
        self.assertEqual(b"application/problem+json", refused.get(b"content-type"))
        origin.send(OK)
        self.assertEqual(200, first.response().start[0])
        second.send(GET)
        origin.request()
        origin.send(OK)
        self.assertEqual(200, second.response().start[0])


class BodyOfARefusedRequest(ProxyTest):
    """Banyan answers without an upstream; the body that nobody took must not become a request."""

    def finals(self, body):
        self.listener.close()  # the upstream is gone
        client = self.client()
        client.send(b"POST / HTTP/1.1\r\nHost: a\r\n" + body + LAST)
        statuses = []
        while not client.is_closed(keep=True):
            statuses.append(client.response().start[0])
        return statuses

    def test_with_a_length_is_no_request(self):
        self.assertLessEqual(len(self.finals(b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED)), 2)

    def test_in_chunks_is_no_request(self):
        self.assertLessEqual(
            len(self.finals(b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n")), 2)


class TrustedProxies(ProxyTest):
    settings = {"trusted_proxies": ["127.0.0.1/32", "10.0.0.0/8"]}

    def client_in_the_log(self, *forwarded_for):
        fields = b"".join(b"X-Forwarded-For: %s\r\n" % value for value in forwarded_for)
        self.exchange(b"GET / HTTP/1.1\r\nHost: a\r\n" + fields + b"\r\n", OK)
        self.banyan.stop()
        return self.banyan.access_lines()[0]["client"]

    def test_name_the_client(self):
        self.assertEqual("192.0.2.7", self.client_in_the_log(b"192.0.2.7"))

    def test_hide_nobody_behind_what_the_client_itself_wrote(self):
        self.assertEqual("192.0.2.7", self.client_in_the_log(b"6.6.6.6, 192.0.2.7, 10.1.2.3"))

    def test_are_not_believed_nonsense(self):
        self.assertEqual("127.0.0.1", self.client_in_the_log(b"6.6.6.6, nonsense"))


class Stop(ProxyTest):
    def test_waits_for_requests_in_flight(self):
        client = self.client()
        client.send(GET)
        origin = self.origin()
        origin.request()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            stopping = pool.submit(self.banyan.stop)
            # The listener closes first: from then on Banyan is known to be stopping.
            while not stopping.done():
                try:
                    self.client().connection.close()
                except ConnectionError:
                    break
            origin.send(OK)
            answer = client.response()
            self.assertEqual((200, b"ok"), (answer.start[0], answer.body))
            self.assertTrue(client.is_closed())
            stopping.result()

    def test_ends_idle_connections_at_once(self):
        client, *_ = self.exchange(GET, OK)
        self.banyan.stop()
        self.assertTrue(client.is_closed())


if __name__ == "__main__":
    main(__doc__)
