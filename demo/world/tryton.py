"""A real Tryton server with its web client, run from Debian's packages under settings of our own."""

import os
import re
import secrets
from pathlib import Path

from .failure import Failure
from .places import write_private
from .ports import LOOPBACK
from .process import Child, run, unprivileged_user
from .rpc import Client

ROLE = "tryton"
MODULES = ("party", "sale_opportunity")
WEB_CLIENT = Path("/usr/share/tryton-sao/www")

_SETTINGS = """\
[web]
listen = {host}:{port}
root = {web_client}
num_proxies = 1

[database]
uri = postgresql://{role}:{password}@{host}:{postgres_port}/
path = {files}

[session]
max_attempt = 50

[bus]
allow_subscribe = True
long_polling_timeout = 60
"""

# At INFO, Tryton 6.0 logs request bodies in a way that fails on compressed ones. Werkzeug takes INFO unless told.
_LOGGING = """\
[loggers]
keys = root, werkzeug
[handlers]
keys = stream
[formatters]
keys = plain
[logger_root]
level = WARNING
handlers = stream
[logger_werkzeug]
level = WARNING
handlers =
qualname = werkzeug
[handler_stream]
class = StreamHandler
args = (sys.stderr,)
formatter = plain
[formatter_plain]
format = %(asctime)s %(levelname)s %(name)s: %(message)s
"""


# What trytond-admin logs when it begins with a module.
_LOADING = re.compile(r"trytond\.modules:? (\w+)$")


def require_packages():
    """Raises Failure that names the Debian packages that are missing."""
    needed = {
        "tryton-server": Path("/usr/bin/trytond"),
        "tryton-server-postgresql": Path("/usr/lib/python3/dist-packages/psycopg2"),
        "tryton-sao": WEB_CLIENT / "index.html",
        "tryton-modules-party": Path("/usr/lib/python3/dist-packages/trytond/modules/party"),
        "tryton-modules-sale-opportunity": Path("/usr/lib/python3/dist-packages/trytond/modules/sale_opportunity"),
    }
    missing = [package for package, path in needed.items() if not path.exists()]
    if missing:
        raise Failure(
            f"These Debian packages are missing: {' '.join(missing)}.\n`make demo` installs them, or: apt-get install "
            f"--no-install-recommends dbconfig-no-thanks {' '.join(missing)}"
        )


class Tryton:
    """One trytond for all databases of a cluster."""

    def __init__(self, places, postgres, port):
        self.port = port
        self._postgres = postgres
        self._account = unprivileged_user("tryton", "nobody")
        self._directory = places.owned("tryton", self._account)
        self._files = places.owned("tryton-files", self._account)
        self._log = places.log / "tryton.log"
        self._settings = self._directory / "trytond.conf"
        self.child = None

    def configure(self):
        """Writes the settings and gives the database role a new password. PostgreSQL must be running."""
        password = secrets.token_urlsafe(24)
        self._postgres.make_role(ROLE, password)
        settings = _SETTINGS.format(
            host=LOOPBACK,
            port=self.port,
            web_client=WEB_CLIENT,
            role=ROLE,
            password=password,
            postgres_port=self._postgres.port,
            files=self._files,
        )
        write_private(self._settings, settings, self._account)
        write_private(self._directory / "logging.conf", _LOGGING, self._account)

    def install_modules(self, database, admin_password, on_module):
        """Makes a Tryton database of an empty one. Takes most of a minute; `on_module` is told each module's name."""

        def on_line(line):
            loading = _LOADING.search(line)
            if loading:
                on_module(loading.group(1))

        passfile = self._directory / "admin.password"
        write_private(passfile, admin_password, self._account)
        try:
            command = ["/usr/bin/trytond-admin", "-vv", "-c", self._settings, "-d", database, "-u", *MODULES]
            command += ["--activate-dependencies", "--email", "admin@example.com"]
            self._run(command, on_line=on_line, TRYTONPASSFILE=str(passfile))
        finally:
            passfile.unlink()

    def console(self, database, program):
        """Runs Python lines inside Tryton, in one transaction on the database (trytond-console)."""
        return self._run(["/usr/bin/trytond-console", "-c", self._settings, "-d", database], stdin=program)

    def start(self, *databases):
        """Starts the server; the databases given are loaded before it answers."""
        command = ["/usr/bin/trytond", "-c", self._settings, "--logconf", self._directory / "logging.conf"]
        if databases:
            command += ["-d", *databases]
        self.child = Child(
            "Tryton", command, self._log, account=self._account, cwd=self._directory, environment=self._environment()
        )
        self.child.wait_until(self._answers, 300, "answering requests")

    def stop(self):
        if self.child is not None:
            self.child.stop()

    def client(self, database):
        return Client(LOOPBACK, self.port, database)

    def _answers(self):
        try:
            return bool(self.client("").post("/", "common.server.version"))
        except OSError:
            return False

    def _run(self, command, stdin=None, on_line=None, **variables):
        return run(
            command,
            account=self._account,
            cwd=self._directory,
            environment=self._environment(**variables),
            stdin=stdin,
            on_line=on_line,
            log=self._log,
            what=Path(command[0]).name,
        )

    def _environment(self, **variables):
        # Without a home of its own trytond-console would look for its history in root's.
        return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "HOME": str(self._directory), **variables}
