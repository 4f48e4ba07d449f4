"""A TCP proxy that makes a line bad on demand: slow, or such that requests arrive and their answers do not."""

import contextlib
import random
import socket
import threading
import time

LOOPBACK = "127.0.0.1"


class SlowLink:
    """Listens on `port` and passes on to `target_port`. `delay_seconds` and `cut_share` may be set at any time and hold
    for connections that begin afterwards: how long each request is held up, and which share of the connections is cut
    when the other side has begun to answer, so that the request has had its effect and nobody hears of it."""

    def __init__(self, port, target_port, seed):
        self.port = port
        self.delay_seconds = 0.0
        self.cut_share = 0.0
        self.cut = 0  # connections so far that were
        self._target_port = target_port
        self._random = random.Random(seed)
        self._stopping = False
        self._listener = socket.create_server((LOOPBACK, port), backlog=128)
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def heal(self):
        self.delay_seconds = 0.0
        self.cut_share = 0.0

    def stop(self):
        self._stopping = True
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # close() alone leaves accept() waiting
        self._listener.close()
        self._thread.join()

    def _accept(self):
        while not self._stopping:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            is_cut = self._random.random() < self.cut_share
            threading.Thread(target=self._serve, args=(near, self.delay_seconds, is_cut), daemon=True).start()

    def _serve(self, near, delay, is_cut):
        with near:
            try:
                far = socket.create_connection((LOOPBACK, self._target_port), timeout=30)
            except OSError:
                return
            with far:
                near.settimeout(120)
                far.settimeout(120)
                answers = threading.Thread(target=self._carry_answer, args=(far, near, is_cut), daemon=True)
                answers.start()
                time.sleep(delay)
                _carry(near, far)
                answers.join()

    def _carry_answer(self, far, near, is_cut):
        if not is_cut:
            return _carry(far, near)
        with contextlib.suppress(OSError):
            if far.recv(1):
                self.cut += 1
        for end in (near, far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _carry(source, sink):
    with contextlib.suppress(OSError):
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
