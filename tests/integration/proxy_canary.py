#!/usr/bin/python3
"""A canary splits by subject: whoever has been sent to one side stays there, whatever the connection.

    proxy_canary.py --banyan BINARY [test names as for unittest]
"""

import base64
import contextlib
import pathlib
import socket
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
from banyan_process import split_address  # noqa: E402
from proxy_test import SECONDS, Peer, banyan, main  # noqa: E402
from recording_origin import RawAnswer, RecordingOrigin  # noqa: E402

USERS = [f"user{number}" for number in range(16)]
ROUNDS = 3


def origin_that_says(word):
    data = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(word), word)
    return RecordingOrigin(lambda request: RawAnswer(data, close=False, reusable=True))


def x_user(user):
    return f"X-User: {user}"


def session(user, token="0123456789abcdef"):
    """What Tryton's clients send."""
    return "Authorization: Session " + base64.b64encode(f"{user}:7:{token}".encode()).decode()


class Canary(unittest.TestCase):
    def setUp(self):
        self.legacy = self.enterContext(origin_that_says(b"legacy"))
        self.modern = self.enterContext(origin_that_says(b"modern"))

    @contextlib.contextmanager
    def canary(self, percent, *subject):
        """A Banyan; gives a function from the field lines of a request to the side that served it."""
        settings = {
            "proxy": {"threads": 1},
            "upstreams": {"legacy": {"endpoints": [f"http://{self.legacy.address}"]},
                          "new": {"endpoints": [f"http://{self.modern.address}"]}},
            "functions": [{"name": "quotes", "match": {"path": "/quotes"}, "modern": {"upstream": "new"},
                           "initial_stage": "canary", "initial_percent": percent}],
        }
        if subject:
            settings["subject"] = list(subject)
        with banyan(settings) as process:
            yield lambda *fields: self.side(process, fields)

    def side(self, process, fields):
        with socket.create_connection(split_address(process.proxy), timeout=SECONDS) as connection:
            client = Peer(connection)
            lines = ["GET /quotes HTTP/1.1", "Host: a", *fields, "", ""]
            client.send("\r\n".join(lines).encode())
            answer = client.response()
        self.assertEqual(200, answer.start[0])
        self.assertEqual(answer.body, answer.get(b"banyan-served-by"), "what is said is not who answered")
        return answer.body

    def require_sticky_split(self, side_of):
        """Every user keeps the side of the first round, and both sides have users."""
        rounds = [[side_of(user) for user in USERS] for _ in range(ROUNDS)]
        self.assertEqual([rounds[0]] * ROUNDS, rounds)
        self.assertEqual({b"legacy", b"modern"}, set(rounds[0]))
        return rounds[0]

    def test_sticks_to_a_header(self):
        with self.canary(50, {"header": "X-User"}) as side:
            self.require_sticky_split(lambda user: side(x_user(user)))

    def test_sticks_to_a_cookie_among_others(self):
        with self.canary(50, {"cookie": "session"}) as side:
            split = self.require_sticky_split(lambda user: side(f"Cookie: session={user}"))
            among = [side("X-Other: 1", f"Cookie: theme=dark; session={user}; lang=de") for user in USERS]
            self.assertEqual(split, among)

    def test_sticks_to_the_user_of_a_tryton_session_not_to_the_session(self):
        with self.canary(50, "tryton") as side:
            split = self.require_sticky_split(lambda user: side(session(user)))
            self.assertEqual(split, [side(session(user, f"another{user}")) for user in USERS])

    def test_takes_the_first_source_that_is_there(self):
        with self.canary(50, {"header": "X-User"}, "tryton") as side:
            split = self.require_sticky_split(lambda user: side(x_user(user)))
            others = reversed(USERS)
            self.assertEqual(split, [side(x_user(user), session(other)) for user, other in zip(USERS, others)])
            self.require_sticky_split(lambda user: side(session(user)))

    def test_sends_everybody_of_one_address_to_one_side_without_a_subject(self):
        with self.canary(50, {"header": "X-User"}) as side:
            self.assertEqual(1, len({side(f"X-Else: {user}") for user in USERS}))

    def test_splits_alike_after_a_restart(self):
        splits = []
        for _ in range(2):
            with self.canary(50, {"header": "X-User"}) as side:
                splits.append([side(x_user(user)) for user in USERS])
        self.assertEqual(splits[0], splits[1])

    def test_takes_nobody_back_when_it_grows(self):
        served_by_modern = []
        for percent in (25, 50, 75):
            with self.canary(percent, {"header": "X-User"}) as side:
                served_by_modern.append({user for user in USERS if side(x_user(user)) == b"modern"})
        few, half, most = served_by_modern
        self.assertLessEqual(few, half)
        self.assertLessEqual(half, most)
        self.assertLess(len(few), len(most))

    def test_of_0_percent_sends_nobody(self):
        with self.canary(0, {"header": "X-User"}) as side:
            self.assertEqual({b"legacy"}, {side(x_user(user)) for user in USERS})
        self.assertEqual([], self.modern.exchanges)

    def test_of_100_percent_sends_everybody(self):
        with self.canary(100, {"header": "X-User"}) as side:
            self.assertEqual({b"modern"}, {side(x_user(user)) for user in USERS})
        self.assertEqual([], self.legacy.exchanges)


if __name__ == "__main__":
    main(__doc__)
