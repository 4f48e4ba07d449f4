"""A small client of Tryton's JSON-RPC, as its own web client speaks it."""

import base64
import datetime
import decimal
import http.client
import json


class RpcError(Exception):
    """The server's answer was an error; `kind` is its name: UserError, ConcurrencyException, ..."""

    def __init__(self, kind, details):
        super().__init__(f"{kind}: {details}")
        self.kind = kind
        self.details = details


def encode(value):
    """Turns dates and decimals into the typed objects of Tryton's JSON."""
    if isinstance(value, decimal.Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    if isinstance(value, datetime.date):
        return {"__class__": "date", "year": value.year, "month": value.month, "day": value.day}
    raise TypeError(f"no JSON form for {type(value).__name__}")


class Client:
    """One login on one database, directly or through a proxy. Usable before login for calls that need none."""

    def __init__(self, host, port, database, timeout_seconds=60):
        self._address = (host, port)
        self._timeout = timeout_seconds
        self._database = database
        self._authorization = None
        self.user = None
        self.context = {}

    def login(self, login, password):
        user, session = self.call("common.db.login", login, {"password": password}, "en")
        token = f"{login}:{user}:{session}".encode()
        self._authorization = "Session " + base64.b64encode(token).decode()
        self.user = user
        self.context = self.call("model.res.user.get_preferences", True, {})
        return self

    def logout(self):
        self.call("common.db.logout")
        self._authorization = None

    def model(self, model, method, *arguments, **context):
        """Calls a method of a model, with the user's context (and what is given by name) as its last parameter."""
        return self.call(f"model.{model}.{method}", *arguments, {**self.context, **context})

    def call(self, method, *params):
        return self.post(f"/{self._database}/", method, params)

    def post(self, path, method, params=()):
        """One call to a given path; "/" answers the few methods that need no database."""
        # Exactly these three members: with any other, Tryton's answer has another shape.
        body = json.dumps({"id": 1, "method": method, "params": list(params)}, default=encode)
        headers = {"Content-Type": "application/json"}
        if self._authorization:
            headers["Authorization"] = self._authorization
        connection = http.client.HTTPConnection(*self._address, timeout=self._timeout)
        try:
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise RpcError(f"HTTP {response.status}", text[:200])
        answer = json.loads(text)
        if "error" in answer:
            kind, *details = answer["error"]
            raise RpcError(kind, details)
        return answer["result"]
