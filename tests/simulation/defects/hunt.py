#!/usr/bin/python3
"""Hunts the planted defects with the simulation, and proves on known seeds what the hunt has found.

usage: hunt.py --simulate SIMULATE_DEFECTS [--seeds 100] [--operations 2000] [--only NAME ...] --write PAGE
       hunt.py --simulate SIMULATE_DEFECTS --prove PAGE    each defect is caught on its seed, which passes without it;
                                                           if the engine has moved on, on another of the --seeds
       hunt.py --check PAGE                                the page has a line for each defect of table.py

A seed counts only if it passes without a defect. With --only the other lines of the page stay as they are. Exit status 1
if a defect is not caught, or if page and table differ.
"""

import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import re
import subprocess
import sys

from table import DEFECTS

VIOLATION = re.compile(r"seed (\d+) violates: (?:repair of .*?: )?(?:update: |create: |delete: )?([a-z ]+):")
LINE = re.compile(r"\| `(\w+)` \| (.*?) \| (?:`([a-z ]+)`|not caught) \| (\d*) \| (\d*) \|$")
HEADING = "| defect | what it breaks | rule that caught it | seed | seeds needed |\n|---|---|---|---|---|\n"
RUN_TIMEOUT = 600  # seconds for one seed; a world that does not end is caught as well


@dataclasses.dataclass
class Find:
    breaks: str
    rule: str = ""
    seed: int = 0
    needed: int = 0  # seeds that were run until then and pass without the defect


class Simulation:
    """Runs of simulate_defects. What a seed does without a defect is remembered."""

    def __init__(self, program, operations):
        self.program, self.operations, self.sound = program, operations, {}

    def violation(self, seed, defect=""):
        """The rule that the seed violates, or None."""
        command = [self.program, "--seed", str(seed), "--operations", str(self.operations), "--defect", defect]
        try:
            run = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT, check=False)
        except subprocess.TimeoutExpired:
            return "endless"
        if run.returncode == 0:
            return None
        if found := VIOLATION.search(run.stdout):
            return found[2]
        sys.exit(f"hunt: {' '.join(command)} ended with {run.returncode}:\n{run.stdout}{run.stderr}")

    def is_sound(self, seed):
        if seed not in self.sound:
            self.sound[seed] = self.violation(seed) is None
        return self.sound[seed]

    def hunt(self, defect, seeds):
        find = Find(defect.breaks)
        for seed in seeds:
            rule = self.violation(seed, defect.name)
            if rule is not None and not self.is_sound(seed):
                continue
            find.needed += 1
            if rule is not None:
                find.rule, find.seed = rule, seed
                return find
        return find


def in_parallel(function, items):
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        yield from pool.map(function, items)


def read_page(page):
    finds = {}
    for line in page.read_text().splitlines():
        if found := LINE.match(line):
            name, breaks, rule, seed, needed = found.groups()
            finds[name] = Find(breaks, rule or "", int(seed or 0), int(needed or 0))
    return finds


def operations_of(page):
    return int(re.search(r"with ([\d,]+) operations", page.read_text())[1].replace(",", ""))


def write_page(page, finds, options):
    intro = page.read_text().split("| defect |")[0]
    intro = re.sub(r"Seeds 1 to \d+ with [\d,]+ operations",
                   f"Seeds 1 to {options.seeds} with {options.operations:,} operations", intro)
    intro = re.sub(r"\d+ of \d+ are caught",
                   f"{sum(find.seed > 0 for find in finds.values())} of {len(finds)} are caught", intro)
    lines = []
    for name, find in finds.items():
        rule = f"`{find.rule}`" if find.seed else "not caught"
        lines.append(f"| `{name}` | {find.breaks} | {rule} | {find.seed or ''} | {find.needed if find.seed else ''} |\n")
    page.write_text(intro + HEADING + "".join(lines))


def hunt(options):
    simulation = Simulation(options.simulate, options.operations)
    before = read_page(options.write)
    wanted = [defect for defect in DEFECTS if not options.only or defect.name in options.only]
    found, seeds = {}, range(1, options.seeds + 1)
    for defect, find in zip(wanted, in_parallel(lambda defect: simulation.hunt(defect, seeds), wanted)):
        found[defect.name] = find
        print(f"{defect.name}: {find.rule or 'NOT CAUGHT'} seed {find.seed} needed {find.needed}", flush=True)
        finds = {one.name: found.get(one.name) or before.get(one.name) or Find(one.breaks) for one in DEFECTS}
        write_page(options.write, finds, options)
    missed = [name for name, find in found.items() if not find.seed]
    print(f"{len(found) - len(missed)} of {len(found)} caught" + (f"; not: {', '.join(missed)}" if missed else ""))
    return 1 if missed else 0


def check(page):
    finds = read_page(page)
    faults = [f"{defect.name}: no line says that it {defect.breaks!r}" for defect in DEFECTS
              if defect.name not in finds or finds[defect.name].breaks != defect.breaks]
    faults += [f"{name}: is not in table.py" for name in finds if name not in {defect.name for defect in DEFECTS}]
    faults += [f"{name}: is not caught" for name, find in finds.items() if not find.seed]
    for fault in faults:
        print(f"{page}: {fault}")
    return 1 if faults else 0


def prove(options):
    simulation = Simulation(options.simulate, operations_of(options.prove))
    finds = read_page(options.prove)
    others = range(1, options.seeds + 1)

    def look(defect):
        return simulation.hunt(defect, [finds[defect.name].seed, *others])

    faults = check(options.prove)
    if faults:
        return 1
    for defect, found in zip(DEFECTS, in_parallel(look, DEFECTS)):
        line = finds[defect.name]
        if not found.seed:
            faults += 1
            print(f"{defect.name}: not caught on seed {line.seed}, nor on any other up to {options.seeds}")
        elif (found.seed, found.rule) != (line.seed, line.rule):
            print(f"{defect.name}: now by {found.rule} on seed {found.seed}: the page wants to be made anew")
    print(f"{len(DEFECTS)} planted defects, {len(DEFECTS) - faults} caught")
    return 1 if faults else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--simulate")
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--operations", type=int, default=2000)
    parser.add_argument("--only", nargs="+", default=[])
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", type=pathlib.Path)
    what.add_argument("--prove", type=pathlib.Path)
    what.add_argument("--check", type=pathlib.Path)
    options = parser.parse_args()
    if options.check:
        return check(options.check)
    if not options.simulate:
        parser.error("--simulate is missing")
    return prove(options) if options.prove else hunt(options)


if __name__ == "__main__":
    sys.exit(main())
