#!/usr/bin/python3
"""Runs fuzzers for a bounded time, each on a copy of its seed corpus.

usage: run_short.py --binaries DIR [--seconds N] [FUZZER...]

Without names every fuzzer that has a source file in this folder is run. A fuzzer that was not built, has no seed corpus
or executes nothing is a failure, as is every input that it finds; such an input is kept beside the programs.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
ENTRY_POINT = "LLVMFuzzerTestOneInput"
GRACE_SECONDS = 120  # for the seed corpus, before libFuzzer first looks at its clock


def all_fuzzers():
    return [f"fuzz_{path.stem}" for path in sorted(FOLDER.glob("*.cpp")) if ENTRY_POINT in path.read_text()]


def run(name, binaries, seconds):
    """Why the run failed, or None."""
    binary = binaries / name
    if not binary.is_file():
        return f"{binary} is not built; 'tools/build fuzz' builds it"
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
    fuzzers = arguments.fuzzers or all_fuzzers()
    if not fuzzers:
        sys.exit(f"no fuzzer in {FOLDER}")
    failures = 0
    for name in fuzzers:
        reason = run(name, arguments.binaries.resolve(), arguments.seconds)
        if reason is not None:
            print(f"{name}: FAILED: {reason}", file=sys.stderr, flush=True)
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
