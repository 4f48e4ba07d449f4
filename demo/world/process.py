"""Child processes that are started, watched and stopped by us, and that never outlive us."""

import ctypes
import os
import pwd
import signal
import subprocess
import time
from pathlib import Path

from .failure import Failure

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)


def unprivileged_user(*candidates):
    """The account a server is to run as: None (stay who we are) unless we are root."""
    if os.geteuid() != 0:
        return None
    for name in candidates:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Failure(f"None of these accounts exists: {', '.join(candidates)}. Is the package installed?")


def identity(account):
    """Arguments of subprocess that start a program as this account."""
    if account is None:
        return {}
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def tail(path, lines=15):
    """The last lines of a log file, indented for showing; empty if there are none."""
    try:
        text = Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join("    " + line for line in text.splitlines()[-lines:])


class Child:
    """A long-running program with a log file.

    It has a session of its own, so that Ctrl-C in the terminal reaches only us and we stop all in order; and the kernel
    sends it `stop_signal` should we die without having stopped it.
    """

    def __init__(self, name, command, log, *, account=None, cwd=None, environment=None, stop_signal=signal.SIGTERM):
        self.name = name
        self.log = Path(log)
        self._stop_signal = stop_signal
        parent = os.getpid()

        def follow_parent():
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(stop_signal))
            if os.getppid() != parent:  # it died before the line above
                os._exit(1)

        with open(self.log, "ab") as sink:
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env=environment,
                start_new_session=True,
                preexec_fn=follow_parent,
                **identity(account),
            )

    @property
    def pid(self):
        return self._process.pid

    def exit_status(self):
        """None while it runs, else a text: "exit status 1", "signal SIGKILL"."""
        code = self._process.poll()
        if code is None:
            return None
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"

    def failure(self):
        """What to tell the user when this child has ended by itself."""
        return Failure(
            f"{self.name} (pid {self.pid}) ended by itself: {self.exit_status()}.\n"
            f"The last lines of its log, {self.log}:\n{tail(self.log) or '    (empty)'}"
        )

    def wait_until(self, ready, seconds, what):
        """Calls `ready` until it is true. Raises Failure if the child ends first or the time is up."""
        end = time.monotonic() + seconds
        while not ready():
            if self.exit_status() is not None:
                raise self.failure()
            if time.monotonic() > end:
                raise Failure(
                    f"{self.name}: {what} did not happen within {seconds} s. The last lines of its log, {self.log}:\n"
                    f"{tail(self.log) or '    (empty)'}"
                )
            time.sleep(0.05)

    def stop(self, grace_seconds=20):
        """Asks it to end, and ends it by force after the grace. Safe to call twice."""
        if self._process.poll() is not None:
            return
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(grace_seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


def run(command, *, account=None, cwd=None, environment=None, stdin=None, on_line=None, log=None, what=None):
    """Runs a program to its end and returns its output; raises Failure with the end of its output if it fails.

    `stdin`: a text shorter than a pipe's buffer. `on_line` is called with each line of output as it comes.
    """
    lines = []
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=environment,
        text=True,
        **identity(account),
    )
    with process:
        try:
            if stdin is not None:
                process.stdin.write(stdin)
                process.stdin.close()
            for line in process.stdout:
                lines.append(line)
                if on_line:
                    on_line(line.rstrip("\n"))
        except BaseException:  # Ctrl-C, say: what was begun does not go on without us
            process.kill()
            raise
    if log is not None:
        with open(log, "a", encoding="utf-8") as sink:
            sink.writelines(lines)
    if process.returncode != 0:
        last = "".join("    " + line for line in lines[-15:])
        raise Failure(f"{what or command[0]} failed with exit status {process.returncode}:\n{last}")
    return "".join(lines)
