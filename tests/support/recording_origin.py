"""An HTTP server that believes nothing: it keeps every byte that it is sent and reads it strictly.

Each request is answered with a body that names its target, or with whatever raw bytes `answer` returns for it.
Connections are threads; the record is complete once the origin is closed.
"""

import contextlib
import dataclasses
import socket
import threading

from strict_http import Incomplete, NotStrict, read_request

SILENCE_SECONDS = 0.25  # after raw bytes: how long an upstream connection is left to the other side


@dataclasses.dataclass
class RawAnswer:
    data: bytes
    close: bool           # end the connection behind the bytes
    reusable: bool        # whether a further request on this connection is in order


@dataclasses.dataclass
class Exchange:
    request: object       # strict_http.Message
    number: int           # of the request on its connection, from 0
    reused_bad: bool      # came on a connection that had to be given up


class RecordingOrigin:
    def __init__(self, answer=None):
        self._answer = answer or (lambda request: None)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._threads = []
        self._sockets = set()
        self.exchanges = []
        self.faults = []  # (what, raw bytes) of what no strict reader takes

    def __enter__(self):
        self._acceptor = threading.Thread(target=self._accept)
        self._acceptor.start()
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._acceptor.join()
        self._listener.close()
        with self._lock:
            for connection in self._sockets:
                with contextlib.suppress(OSError):  # it has been reset
                    connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self._sockets.add(connection)
            thread = threading.Thread(target=self._serve, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, connection):
        try:
            self._exchange(connection)
        except OSError:
            pass  # the other side went away; what it sent is on record
        finally:
            with self._lock:
                self._sockets.discard(connection)
            connection.close()

    def _exchange(self, connection):
        data = b""
        number = 0
        given_up = False
        while True:
            try:
                request = read_request(data)
            except NotStrict as fault:
                self._record_fault(str(fault), data)
                return
            except Incomplete:
                if b"\r\nexpect: 100-continue\r\n" in data.lower() and data.endswith(b"\r\n\r\n"):
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                piece = connection.recv(65536)
                if not piece:
                    return  # a request that was cut short is none
                data += piece
                continue
            data = data[len(request.raw):]
            with self._lock:
                self.exchanges.append(Exchange(request, number, given_up))
            number += 1
            raw = self._answer(request)
            if raw is None:
                connection.sendall(self._honest(request))
                continue
            connection.sendall(raw.data)
            if raw.close:
                return
            given_up = not raw.reusable
            connection.settimeout(SILENCE_SECONDS if given_up else None)

    def _honest(self, request):
        body = b"served " + request.start[1]
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        return head if request.start[0] == b"HEAD" else head + body

    def _record_fault(self, what, data):
        with self._lock:
            self.faults.append((what, data))
