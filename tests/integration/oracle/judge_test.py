#!/usr/bin/python3
"""The oracle's judges see the faults that they exist for."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
from request_grammar import Case, follow_up  # noqa: E402
from response_grammar import POISON, ResponseCase  # noqa: E402
import request_side  # noqa: E402
import response_side  # noqa: E402
from strict_http import NotStrict, h11_agrees, read_request, read_response  # noqa: E402

INPUT = b"POST /c1- HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


def served(target):
    body = b"served " + target
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nBanyan-Served-By: legacy\r\n\r\n" % len(body) + body


REFUSED = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nBanyan-Served-By: none\r\n\r\n"


def forwarded(*raws):
    return [read_request(raw) for raw in raws]


class TheJudgeOfRequests(unittest.TestCase):
    case = Case(1, INPUT, follow_up(1))

    def judge(self, received, *raws, closed=True):
        return request_side.judge(self.case, received, closed, forwarded(*raws))

    def test_accepts_an_honest_exchange(self):
        self.assertIsNone(self.judge(served(b"/c1-") + served(b"/f1-"), INPUT, follow_up(1)))

    def test_accepts_a_refusal(self):
        self.assertIsNone(self.judge(REFUSED))

    def test_sees_a_smuggled_request(self):
        smuggled = b"GET /s1- HTTP/1.1\r\nHost: a\r\n\r\n"
        self.assertIn("honest reading", self.judge(served(b"/c1-") + served(b"/s1-"), INPUT, smuggled))

    def test_sees_a_changed_body(self):
        self.assertIn("honest reading", self.judge(served(b"/c1-"), INPUT.replace(b"hello", b"hallo")))

    def test_sees_the_answer_of_another_request(self):
        self.assertIn("the answer to", self.judge(served(b"/c1-") + served(b"/f2-"), INPUT, follow_up(1)))

    def test_sees_a_missing_answer(self):
        self.assertIn("2 requests forwarded", self.judge(served(b"/c1-"), INPUT, follow_up(1)))

    def test_sees_an_answer_behind_a_refusal(self):
        self.assertIn("behind a refusal", self.judge(REFUSED + served(b"/c1-"), INPUT))

    def test_sees_a_connection_left_open(self):
        self.assertIn("not closed", self.judge(REFUSED, closed=False))

    def test_sees_an_access_log_that_says_something_else(self):
        message = read_request(INPUT.replace(b"Host: a", b"Host: a\r\nX-Request-Id: 7"))
        exchange = type("Exchange", (), {"request": message})
        line = {"request_id": "7", "method": "POST", "target": "/c1-", "request_bytes": 5}
        self.assertEqual([], list(request_side.judge_log([exchange], [line])))
        for change in ({"method": "GET"}, {"target": "/s1-"}, {"request_bytes": 4}, {"request_id": "8"}):
            self.assertEqual(1, len(list(request_side.judge_log([exchange], [line | change]))), change)


class TheJudgeOfResponses(unittest.TestCase):
    def judge(self, upstream, first, second=served(b"/f1-")):
        case = ResponseCase(1, upstream, True)
        return response_side.judge(case, read_response(first, b"GET", True), read_response(second, b"GET", True))[1]

    def test_accepts_what_was_sent(self):
        self.assertIsNone(self.judge(served(b"/r1-"), served(b"/r1-")))

    def test_sees_a_response_made_up(self):
        self.assertIn("what is none", self.judge(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort", served(b"short")))

    def test_sees_another_body(self):
        self.assertIn("got the body", self.judge(served(b"/r1-"), served(b"/r2-")))

    def test_sees_poison(self):
        self.assertIn("own answer", self.judge(served(b"/r1-"), served(b"/r1-"), POISON))

    def test_tells_which_upstream_connections_are_to_be_given_up(self):
        def reusable(raw):
            return response_side.honest_reading(ResponseCase(1, raw, False), False)[1]

        self.assertTrue(reusable(served(b"/r1-")))
        self.assertFalse(reusable(served(b"/r1-") + POISON))
        self.assertFalse(reusable(b"HTTP/1.1 200 OK\r\n\r\nhello"))
        self.assertFalse(reusable(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))


class TheStrictReader(unittest.TestCase):
    def test_takes_no_request_that_two_servers_could_read_in_two_ways(self):
        head = b"POST / HTTP/1.1\r\nHost: a\r\n"
        for lines in (b"Content-Length: 1\r\nContent-Length: 1", b"Content-Length: 1\r\nTransfer-Encoding: chunked",
                      b"Content-Length: +1", b"Content-Length: 01", b"Transfer-Encoding: x", b"Host: b", b"X_Y: 1",
                      b"X: y\r\n z", b"X: y\nZ: 1", b"X : y", b"X: \x00"):
            with self.assertRaises(NotStrict, msg=lines):
                read_request(head + lines + b"\r\n\r\nx")
        for chunk in (b"1;x\r\nx\r\n0\r\n\r\n", b"0x1\r\nx\r\n0\r\n\r\n", b"1\r\nxyz0\r\n\r\n", b"1\nx\r\n0\r\n\r\n"):
            with self.assertRaises(NotStrict, msg=chunk):
                read_request(head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk)

    def test_agrees_with_h11_about_good_requests(self):
        self.assertTrue(h11_agrees(read_request(INPUT)))


if __name__ == "__main__":
    unittest.main()
