"""Breaks things at random moments, and mends them."""

import collections
import os
import random
import signal
import subprocess
import time

CALL_SECONDS = 10  # how long Banyan waits for one answer of Tryton


class Chaos:
    """Goes through all kinds of mischief in a random order, again and again.

    Runs in the main thread: the kernel ends a child with the thread that started it (world.process.Child)."""

    def __init__(self, site, random_seed, say):
        self.counts = collections.Counter()
        self._site = site
        self._rng = random.Random(f"{random_seed} chaos")
        self._say = say

    def work(self, seconds):
        """Afterwards everything runs and the line is good. Raises Failure if something does not come up again."""
        begun = time.monotonic()
        kinds = []
        while time.monotonic() - begun < seconds:
            self._pause(0.5, 4)
            if not kinds:
                kinds = [self.kill_banyan, self.kill_banyan, self.kill_banyan_twice, self.restart_store]
                kinds += [self.crash_store, self.stop_tryton, self.kill_tryton, self.freeze_tryton, self.slow_line]
                kinds += [self.lose_answers, self.lose_answers]
                self._rng.shuffle(kinds)
            kind = kinds.pop()
            self.counts[kind.__name__] += 1
            self._say(f"{time.monotonic() - begun:6.1f} s: {kind.__name__}")
            kind()

    def kill_banyan(self):
        self._node.kill()
        self._pause(0, 1.5)
        self._node.start()

    def kill_banyan_twice(self):
        """The second time while it recovers."""
        self._node.kill()
        self._node.start()
        time.sleep(self._rng.uniform(0, 0.5))
        self.kill_banyan()

    def restart_store(self):
        self._node.signal_postgres(signal.SIGINT)  # "fast": sessions are ended; Banyan starts it again

    def crash_store(self):
        self._node.signal_postgres(signal.SIGQUIT)  # "immediate": it recovers from its log

    def stop_tryton(self):
        self._site.world.tryton.stop()
        self._pause(0.2, 2)
        self._site.start_tryton()

    def kill_tryton(self):
        os.kill(self._tryton, signal.SIGKILL)
        self._site.world.tryton.child.stop()
        self._pause(0.2, 2)
        self._site.start_tryton()

    def freeze_tryton(self):
        """It takes requests and answers none; when it thaws it carries them out, perhaps after Banyan has given up."""
        gives_up = self._rng.random() < 0.4
        # A shell of its own thaws it, also if this process should be killed meanwhile.
        thaw = ["/bin/sh", "-c", f"kill -STOP -{self._tryton}; read line; kill -CONT -{self._tryton}"]
        with subprocess.Popen(thaw, stdin=subprocess.PIPE):  # leaving closes its input, and waits for it
            self._pause(*((CALL_SECONDS + 0.5, CALL_SECONDS + 3) if gives_up else (0.5, 4)))

    def slow_line(self):
        self._site.link.delay_seconds = self._rng.uniform(0.05, 0.8)
        self._pause(2, 6)
        self._site.link.heal()

    def lose_answers(self):
        self._site.link.cut_share = self._rng.uniform(0.1, 0.6)
        self._pause(2, 6)
        self._site.link.heal()

    @property
    def _tryton(self):
        return self._site.world.tryton.child.pid

    @property
    def _node(self):
        return self._site.nodes[0]

    def _pause(self, least, most):
        time.sleep(self._rng.uniform(least, most))
