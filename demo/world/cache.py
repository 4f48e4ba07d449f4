"""The cache of the seeded database: making one takes a minute, restoring it a second."""

import contextlib
import fcntl
import hashlib
import subprocess
from pathlib import Path

from .failure import Failure

_HERE = Path(__file__).resolve().parent
_RECIPE = ("seed.py", "figures.py", "words.py", "tryton.py")  # what decides what is in the database
_PACKAGES = ("tryton-server", "tryton-modules-*", "postgresql-[0-9]*")

DEFAULT_DIRECTORY = _HERE.parents[1] / "var" / "demo" / "cache"


def key():
    """Changes whenever the seeded database could come out differently: package versions and the seed's own code."""
    digest = hashlib.sha256()
    digest.update(_package_versions().encode())
    for name in _RECIPE:
        digest.update((_HERE / name).read_bytes())
    return digest.hexdigest()[:16]


def _package_versions():
    command = ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package} ${Version}\n", *_PACKAGES]
    try:
        listed = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except FileNotFoundError as error:
        raise Failure("dpkg-query is missing: the demo world is made of Debian's packages.") from error
    return "".join(sorted(line for line in listed.stdout.splitlines(keepends=True) if line.startswith("ii")))


class SeedCache:
    """Dumps by key in one directory, which several worlds may share at the same time."""

    def __init__(self, directory=DEFAULT_DIRECTORY):
        self._directory = Path(directory)

    def path(self, seed_key):
        return self._directory / f"seed-{seed_key}.dump"

    @contextlib.contextmanager
    def locked(self):
        """Lets one process at a time look for, and make, a dump."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with open(self._directory / "lock", "w", encoding="ascii") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def forget_others(self, seed_key):
        """Removes the dumps of other keys, which nobody will ask for again."""
        for path in self._directory.glob("seed-*.dump*"):
            if path != self.path(seed_key):
                path.unlink()
