#!/usr/bin/python3
"""Looks which planted defects the simulation catches: by which rule, and after how many seeds.

usage: hunt.py --simulate SIMULATE_DEFECTS [--seeds 100] [--operations 300] [--write FILE]

Only seeds count that pass without a defect. Exit status 1 if fewer than --least defects are caught.
"""

import argparse
import pathlib
import re
import subprocess
import sys

from table import DEFECTS

VIOLATION = re.compile(r"seed (\d+) violates: (?:repair of [^:]*: )?([a-z ]+):")


def failures(options, *more):
    command = [options.simulate, "--seeds", f"1..{options.seeds}", "--operations", str(options.operations), *more]
    output = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False).stdout
    return {int(seed): rule for seed, rule in VIOLATION.findall(output)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--simulate", required=True)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--operations", type=int, default=300)
    parser.add_argument("--least", type=int, default=25)
    parser.add_argument("--write", type=pathlib.Path)
    options = parser.parse_args()
    without = failures(options, "--keep-going")
    lines, caught = [], 0
    for defect in DEFECTS:
        found = failures(options, "--keep-going", "--defect", defect.name)
        new = sorted(seed for seed in found if seed not in without)
        seen = f"| `{found[new[0]]}` | {new[0]} | {len(new)} |" if new else "| not caught | | 0 |"
        caught += bool(new)
        lines.append(f"| `{defect.name}` | {defect.breaks} {seen}")
        print(lines[-1], flush=True)
    print(f"{caught} of {len(DEFECTS)} caught; {len(without)} of {options.seeds} seeds fail without a defect")
    if options.write:
        options.write.write_text("\n".join(lines) + "\n")
    return 0 if caught >= options.least else 1


if __name__ == "__main__":
    sys.exit(main())
