"""Finding, checking and naming TCP ports on the loopback address."""

import errno
import os
import random
import socket
from dataclasses import dataclass

from .failure import Failure

LOOPBACK = "127.0.0.1"

# Below Linux's default range for outgoing connections, so that a port found free is not taken by a client socket
# before its server binds it.
_FREE_PORTS = range(12_000, 32_000)

# A chosen port is nobody's until its server binds it. Until this process ends, a socket of that name in Linux's abstract
# namespace says to others that choose here that it is taken.
_chosen = []


@dataclass(frozen=True)
class Port:
    """A port somebody chose: its number, what it is for, and how to choose another."""

    number: int
    purpose: str
    flag: str
    variable: str


def is_free(number):
    """Whether a server could listen on the port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, number))
            probe.listen(1)
        except OSError:
            return False
    return True


def free_port():
    """A port that nobody listens on, and that no other call gives while this process lives."""
    for _ in range(200):
        number = random.choice(_FREE_PORTS)
        if is_free(number) and _choose(number):
            return number
    raise Failure(f"No free TCP port found between {_FREE_PORTS.start} and {_FREE_PORTS.stop - 1} on {LOOPBACK}.")


def _choose(number):
    mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mark.bind(f"\0banyan-port-{number}")
    except OSError as error:
        mark.close()
        if error.errno != errno.EADDRINUSE:
            raise
        return False
    _chosen.append(mark)
    return True


def require_free(ports):
    """Raises Failure that names every port in use, its process if it can be found, and how to choose another."""
    seen = {}
    complaints = []
    for port in ports:
        if not 1 <= port.number <= 65535:
            complaints.append(f"{port.flag} is {port.number}; a port is a number from 1 to 65535.")
        elif port.number in seen:
            complaints.append(
                f"Port {port.number} is wanted twice: for {seen[port.number].purpose} and for {port.purpose}. "
                f"Choose another with {port.flag} or {port.variable}."
            )
        elif not is_free(port.number):
            complaints.append(
                f"Port {port.number} ({port.purpose}) is in use{_by_whom(port.number)}. "
                f"Stop that process, or choose another port: {port.flag} PORT, or {port.variable}=PORT in the "
                "environment."
            )
        seen.setdefault(port.number, port)
    if complaints:
        raise Failure("\n".join(complaints))


def owner(number):
    """The process that listens on the port as "name, pid 123"; None if it cannot be seen."""
    inodes = _listening_inodes(number)
    if not inodes:
        return None
    wanted = {f"socket:[{inode}]" for inode in inodes}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            for descriptor in os.scandir(f"/proc/{pid}/fd"):
                if os.readlink(descriptor.path) in wanted:
                    with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
                        return f"{comm.read().strip()}, pid {pid}"
        except OSError:
            continue  # gone meanwhile, or another user's
    return None


def _by_whom(number):
    who = owner(number)
    return f" by {who}" if who else ""


def _listening_inodes(number):
    listening = "0A"
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            with open(table, encoding="ascii") as lines:
                next(lines)
                for line in lines:
                    fields = line.split()
                    if fields[3] == listening and int(fields[1].rsplit(":", 1)[1], 16) == number:
                        inodes.add(fields[9])
        except OSError:
            continue
    return inodes
