#!/usr/bin/python3
"""Rules of the data plane that need every byte to be seen, or a second try of what came late: varnishtest has neither.

    proxy_raw_bytes.py --banyan BINARY [test names as for unittest]
"""

import contextlib
import json
import pathlib
import select
import socket
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from banyan_process import split_address  # noqa: E402
from proxy_test import GET, OK, Peer, ProxyTest, banyan, main  # noqa: E402
from recording_origin import RecordingOrigin  # noqa: E402

CHUNKED_POST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
CHUNKED_OK = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
TRIES = 100  # of what counts only if this program is quicker than a limit of Banyan


class Trailers(ProxyTest):
    def test_of_a_request_reach_the_upstream(self):
        _, _, got, _ = self.exchange(
            CHUNKED_POST + b"Trailer: X-Checksum\r\n\r\n5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\nX-Other:  z \r\n\r\n", OK)
        self.assertEqual(b"hello", got.body)
        self.assertEqual([(b"x-checksum", b"5d41"), (b"x-other", b"z")], got.trailers)
        self.assertEqual(b"X-Checksum", got.get(b"trailer"))

    def test_of_a_response_reach_the_client(self):
        *_, answer = self.exchange(
            GET, CHUNKED_OK + b"Trailer: X-Checksum\r\n\r\n5\r\nhello\r\n0\r\nX-Checksum: 5d41\r\n\r\n")
        self.assertEqual(b"hello", answer.body)
        self.assertEqual([(b"x-checksum", b"5d41")], answer.trailers)

    FORBIDDEN = [b"Content-Length: 9", b"Transfer-Encoding: chunked", b"Host: evil", b"Connection: close",
                 b"Cookie: a=b", b"Authorization: Basic x", b"Trailer: x", b"Upgrade: x", b"TE: trailers",
                 b"Set-Cookie: a=b", b"Content-Encoding: gzip", b"Content-Type: text/evil", b"Forwarded: for=evil",
                 b"X-Forwarded-For: 10.6.6.6", b"X-Request-Id: evil", b"Via: 1.1 evil", b"traceparent: 00-evil",
                 b"Cache-Control: public", b"Expect: 100-continue", b"Keep-Alive: x", b"Proxy-Authorization: x"]

    def test_that_frame_route_or_identify_are_dropped_from_requests(self):
        for field in self.FORBIDDEN:
            with self.subTest(field):
                _, _, got, _ = self.exchange(
                    CHUNKED_POST + b"\r\n5\r\nhello\r\n0\r\n" + field + b"\r\nX-Good: 1\r\n\r\n",
                    OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                self.assertEqual([(b"x-good", b"1")], got.trailers)

    def test_that_frame_route_or_identify_are_dropped_from_responses(self):
        for field in [*self.FORBIDDEN, b"Banyan-Served-By: none"]:
            with self.subTest(field):
                *_, answer = self.exchange(
                    GET, CHUNKED_OK + b"Connection: close\r\n\r\n5\r\nhello\r\n0\r\n" + field + b"\r\nX-Good: 1\r\n\r\n")
                self.assertEqual([(b"x-good", b"1")], answer.trailers)

    def test_that_are_folded_are_refused(self):
        client = self.client()
        client.send(CHUNKED_POST + b"\r\n5\r\nhello\r\n0\r\nX-A: b\r\n c\r\n\r\n")
        self.assertEqual(400, client.response().start[0])
        self.assertTrue(client.is_closed())

    def test_with_underscores_never_reach_the_upstream(self):
        _, _, got, _ = self.exchange(CHUNKED_POST + b"\r\n5\r\nhello\r\n0\r\nX_User: admin\r\nX-Good: 1\r\n\r\n", OK)
        self.assertEqual([(b"x-good", b"1")], got.trailers)


class ChunkExtensions(ProxyTest):
    def test_are_dropped_both_ways(self):
        _, _, got, answer = self.exchange(CHUNKED_POST + b"\r\n5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n",
                                          CHUNKED_OK + b"\r\n5;a=b\r\nhello\r\n0;e\r\n\r\n")
        # The strict reader would not have taken one.
        self.assertEqual((b"hello", b"hello"), (got.body, answer.body))


class Fields(ProxyTest):
    def test_of_one_name_keep_their_number_and_order(self):
        _, _, got, answer = self.exchange(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nCookie: a=b\r\nX-B: 2\r\nX-A: 3, 4\r\nCookie: c=d\r\nX-Empty:\r\n\r\n",
            b"HTTP/1.1 200 Fine indeed\r\nSet-Cookie: a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\nX-A: 1\r\n"
            b"Set-Cookie: c=d\r\nX-A: \xe4\xff\r\nContent-Length: 0\r\n\r\n")
        own = {b"x-a", b"cookie", b"x-b", b"x-empty"}
        self.assertEqual([(b"x-a", b"1"), (b"cookie", b"a=b"), (b"x-b", b"2"), (b"x-a", b"3, 4"), (b"cookie", b"c=d"),
                          (b"x-empty", b"")], [field for field in got.fields if field[0] in own])
        self.assertEqual((200, b"Fine indeed"), answer.start)
        self.assertEqual([(b"set-cookie", b"a=b; Expires=Wed, 21 Oct 2026 07:28:00 GMT"), (b"x-a", b"1"),
                          (b"set-cookie", b"c=d"), (b"x-a", b"\xe4\xff")],
                         [field for field in answer.fields if field[0] in (b"set-cookie", b"x-a")])

    def test_with_underscores_pass_in_responses(self):
        # Only in requests can a gateway behind Banyan take one for the field with hyphens.
        *_, answer = self.exchange(GET, b"HTTP/1.1 200 OK\r\nX_Total_Count: 7\r\nContent-Length: 0\r\n\r\n")
        self.assertEqual((200, b"7"), (answer.start[0], answer.get(b"x_total_count")))

    def test_that_banyan_writes_occur_once(self):
        _, _, got, answer = self.exchange(
            b"POST / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\nForwarded: for=x\r\nVia: 1.1 x\r\nVia: 1.0 y\r\n"
            b"X-Request-Id: x\r\ntraceparent: x\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: x\r\n"
            b"Content-Length: 5\r\n\r\nhello",
            b"HTTP/1.1 200 OK\r\nX-Request-Id: x\r\nBanyan-Served-By: x\r\nContent-Length: 0\r\n\r\n")
        names = [name for name, _ in got.fields]
        for name in (b"host", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"forwarded", b"via",
                     b"x-request-id", b"traceparent", b"content-length"):
            self.assertEqual(1, names.count(name), name)
        names = [name for name, _ in answer.fields]
        for name in (b"x-request-id", b"banyan-served-by", b"content-length"):
            self.assertEqual(1, names.count(name), name)

    def test_of_the_forwarded_family_are_not_taken_from_clients(self):
        _, _, got, _ = self.exchange(
            b"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-Port: 1\r\nX-Forwarded-Prefix: /evil\r\nX-Forwarded-User: admin\r\n\r\n",
            OK)
        self.assertEqual({b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host"},
                         {name for name, _ in got.fields if name.startswith(b"x-forwarded-")})


class RequestId(ProxyTest):
    def test_is_the_same_upstream_for_the_client_and_in_the_access_log(self):
        _, _, got, answer = self.exchange(GET, OK)
        self.banyan.stop()
        identifiers = {got.get(b"x-request-id").decode(), answer.get(b"x-request-id").decode(),
                       self.banyan.access_lines()[0]["request_id"]}
        self.assertEqual(1, len(identifiers), identifiers)

    def test_of_an_own_error_is_in_its_body_and_in_the_access_log(self):
        client = self.client()
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        answer = client.response()
        self.banyan.stop()
        problem = json.loads(answer.body)
        self.assertEqual(problem["request_id"], answer.get(b"x-request-id").decode())
        line = self.banyan.access_lines()[0]
        self.assertEqual((problem["request_id"], 400, "host"), (line["request_id"], line["status"], line["error"]))


class HeadRequests(ProxyTest):
    def test_that_are_refused_get_no_body(self):
        client = self.client()
        client.send(b"HEAD / HTTP/1.1\r\nHost: a\r\nX_A: b\r\n\r\n")
        self.assertEqual(400, client.response(b"HEAD").start[0])
        self.assertTrue(client.is_closed())


class Tunnel(ProxyTest):
    def test_carries_every_byte_value_both_ways(self):
        client = self.client()
        client.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n")
        origin = self.origin()
        origin.request()
        origin.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n\x00\r\n\xff")
        self.assertEqual(101, client.response().start[0])
        self.assertEqual(b"\x00\r\n\xff", client.exactly(4))
        everything = bytes(range(256)) * 64
        client.send(everything)
        self.assertEqual(everything, origin.exactly(len(everything)))
        origin.send(everything[::-1])
        self.assertEqual(everything[::-1], client.exactly(len(everything)))
        origin.connection.close()
        self.assertTrue(client.is_closed())


class ConnectionLimit(ProxyTest):
    settings = {"limits": {"connections": 2}}

    def test_closes_one_connection_more_and_frees_places(self):
        first, second = self.client(), self.client()
        first.send(GET)
        origin = self.origin()
        origin.request()
        origin.send(OK)
        self.assertEqual(200, first.response().start[0])
        third = self.client()
        self.assertTrue(third.is_closed())
        second.connection.close()
        first.send(GET)
        origin.request()
        origin.send(OK)
        self.assertEqual(200, first.response().start[0])


class HeaderTimeout(ProxyTest):
    settings = {"timeouts": {"request_header": "300ms"}}

    def assert_is_a_408(self, more=b""):
        """Of a head without an end; `more` of it comes again and again."""
        for _ in range(TRIES):
            client = self.client()
            with contextlib.suppress(OSError):
                client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-")
                self.send_until_answered(client, more)
            # Whoever comes late with the first byte is closed without a word.
            if not client.is_closed(keep=True):
                break
        answer = client.response()
        self.assertEqual((408, b"application/problem+json"), (answer.start[0], answer.get(b"content-type")))
        self.assertTrue(client.is_closed())

    def send_until_answered(self, client, more):
        for _ in range(600):
            if select.select([client.connection], [], [], 0.1)[0]:
                return
            client.send(more)
        self.fail("no answer, however long the head takes")

    def test_is_a_408(self):
        self.assert_is_a_408()

    def test_is_for_the_whole_head(self):
        self.assert_is_a_408(more=b"a")


class ResponseTimeout(unittest.TestCase):
    def test_of_modern_lets_a_read_fall_back(self):
        # Nobody takes what comes for modern before the end.
        with RecordingOrigin() as legacy, socket.create_server(("127.0.0.1", 0), backlog=TRIES) as modern:
            settings = {
                "proxy": {"threads": 1, "timeouts": {"response_header": "300ms"}},
                "upstreams": {"legacy": {"endpoints": [f"http://{legacy.address}"]},
                              "new": {"endpoints": ["http://127.0.0.1:%d" % modern.getsockname()[1]]}},
                "functions": [{"name": "search", "match": {"path": "/search"}, "effect": "read",
                               "modern": {"upstream": "new"}, "initial_stage": "modern"}],
            }
            with banyan(settings) as gateway:
                for _ in range(TRIES):
                    answer = self.search(gateway)
                    if answer.start[0] != 504:  # legacy has no more time than modern
                        break
            self.assertEqual((200, b"fallback", b"served /search"),
                             (answer.start[0], answer.get(b"banyan-served-by"), answer.body))
            with modern.accept()[0] as connection:
                asked = [Peer(connection).request(), legacy.exchanges[-1].request]
        for request in asked:
            self.assertEqual((b"POST", b"/search", b"hello"), (*request.start, request.body))

    @staticmethod
    def search(gateway):
        with socket.create_connection(split_address(gateway.proxy)) as connection:
            client = Peer(connection)
            client.send(b"POST /search HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")
            return client.response()


class ConnectTimeout(ProxyTest):
    settings = {"timeouts": {"connect": "300ms"}}

    def test_is_an_answer_of_the_gateway(self):
        # A listener whose queue is full answers no connection request at all.
        self.listener.close()
        full = socket.create_server(split_address(self.origin_address), backlog=0)
        self.addCleanup(full.close)
        for _ in range(4):
            filler = socket.socket()
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(split_address(self.origin_address))
        client = self.client()
        start = time.monotonic()
        client.send(GET)
        self.assertEqual(502, client.response().start[0])
        self.assertGreaterEqual(time.monotonic() - start, 0.3)
        self.banyan.stop()
        self.assertEqual("upstream_unreachable", self.banyan.access_lines()[0]["error"])


class LongPoll(ProxyTest):
    def test_blocks_nobody_else(self):
        waiting = self.client()
        waiting.send(b"POST /bus HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}")
        poll = self.origin()
        poll.request()
        for _ in range(3):
            *_, answer = self.exchange(GET, OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
            self.assertEqual(200, answer.start[0])
        poll.send(OK)
        self.assertEqual(200, waiting.response().start[0])


if __name__ == "__main__":
    main(__doc__)
