"""Where a world keeps its files."""

import hashlib
import os
import subprocess
from pathlib import Path

from .process import identity


class Places:
    """The directories of one world, made when first asked for.

    `state` belongs to the user who runs us. PostgreSQL and Tryton refuse to run as root or should not; started by
    root they run under accounts of their own, which cannot enter root's home. Their files then go to `/var/tmp`, into a
    directory whose name is derived from `state`, so that the next start finds it again.
    """

    def __init__(self, state, account):
        self.state = Path(state).absolute()
        self.state.mkdir(parents=True, exist_ok=True)
        self._account = account
        self._servers = None

    @property
    def log(self):
        return self._made("log")

    @property
    def run(self):
        return self._made("run")

    @property
    def servers(self):
        """The directory below which PostgreSQL and Tryton keep their files."""
        if self._servers is None:
            inside = self.state / "servers"
            self._servers = inside if self._can_enter(self.state) else self._outside()
            self._servers.mkdir(parents=True, exist_ok=True)
            os.chmod(self._servers, 0o711)
        return self._servers

    def owned(self, name, account):
        """A directory below `servers` that only this account may enter."""
        directory = self.servers / name
        directory.mkdir(exist_ok=True)
        if account is not None:
            os.chown(directory, account.pw_uid, account.pw_gid)
        os.chmod(directory, 0o700)
        return directory

    def passable(self, name):
        """A directory of ours below `servers` that every account can get through, to what it has in it."""
        directory = self.servers / name
        directory.mkdir(exist_ok=True)
        os.chmod(directory, 0o711)
        return directory

    def _made(self, name):
        directory = self.state / name
        directory.mkdir(exist_ok=True)
        return directory

    def _can_enter(self, directory):
        if self._account is None:
            return True
        probe = subprocess.run(["test", "-x", str(directory)], check=False, cwd="/", **identity(self._account))
        return probe.returncode == 0

    def _outside(self):
        digest = hashlib.sha256(str(self.state).encode()).hexdigest()[:12]
        directory = Path("/var/tmp") / f"banyan-demo-{os.geteuid()}-{digest}"
        directory.mkdir(exist_ok=True)
        if directory.stat().st_uid != os.geteuid():
            raise PermissionError(f"{directory} belongs to somebody else")
        return directory


def write_private(path, text, account=None):
    """Writes a file that only its owner may read: the account if one is given, else we."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)
