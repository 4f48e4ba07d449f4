#!/usr/bin/python3
"""Runs fuzzers for a bounded time, each on a copy of its seed corpus.

usage: run_short.py --binaries DIR [--seconds N] [FUZZER...]

Without names every fuzzer that was built is run. It is a failure if a named fuzzer was not built, if one has no seed
corpus or executes nothing, and if one finds a bad input; that input is kept beside the programs.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
GRACE_SECONDS = 120  # for the seed corpus, before libFuzzer first looks at its clock


def built_fuzzers(binaries):
    return [path.name for path in sorted(binaries.glob("fuzz_*")) if path.is_file() and os.access(path, os.X_OK)]


def run(name, binaries, seconds):
    """Why the run failed, or None."""
    binary = binaries / name
    if not binary.is_file():
        return f"{binary} is not built; 'tools/build fuzz -- fuzzers' builds it"
    seeds = FOLDER / "corpus" / name.removeprefix("fuzz_")
    if not seeds.is_dir() or not any(seeds.iterdir()):
        return f"no seed corpus in {seeds.relative_to(FOLDER)}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as scratch:
        corpus = pathlib.Path(scratch) / "corpus"
        shutil.copytree(seeds, corpus)
        command = [binary, corpus, f"-max_total_time={seconds}", f"-artifact_prefix={binaries}/{name}-"]
        command += ["-timeout=10", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=1"]
        try:
            outcome = subprocess.run(
                command, capture_output=True, text=True, errors="replace", timeout=seconds + GRACE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return f"did not stop within {seconds + GRACE_SECONDS} s"
    if outcome.returncode != 0:
        return f"exit code {outcome.returncode}\n{outcome.stderr[-6000:]}"
    executed = re.search(r"stat::number_of_executed_units:\s*(\d+)", outcome.stderr)
    if executed is None or int(executed.group(1)) == 0:
        return "executed no input"
    print(f"{name}: {executed.group(1)} inputs, none failed", flush=True)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="folder of the built fuzzers")
    parser.add_argument("--seconds", type=int, default=10, help="time for each fuzzer (default 10)")
    parser.add_argument("fuzzers", nargs="*", metavar="FUZZER")
    arguments = parser.parse_args()
    fuzzers = arguments.fuzzers or built_fuzzers(arguments.binaries)
    if not fuzzers:
        sys.exit(f"no fuzzer in {arguments.binaries}")
    failures = 0
    for name in fuzzers:
        reason = run(name, arguments.binaries.resolve(), arguments.seconds)
        if reason is not None:
            print(f"{name}: FAILED: {reason}", file=sys.stderr, flush=True)
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
