#!/usr/bin/python3
"""Runs fuzzers for a bounded time, each on its seed corpus, which they leave as it is.

usage: run_short.py --binaries DIR [--seconds N] [--keep DIR] [FUZZER...]

Without names every fuzzer that was built is run. It is a failure if a named fuzzer was not built, if one has no seed
corpus or executes nothing, and if one finds a bad input; that input is kept beside the programs.

What a run discovers is thrown away, or with --keep left in DIR/<name without "fuzz_">, where the next run goes on from.
"""

import argparse
import contextlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
GRACE_SECONDS = 600  # for the seed corpus, before libFuzzer first looks at its clock


def built_fuzzers(binaries):
    return [path.name for path in sorted(binaries.glob("fuzz_*")) if path.is_file() and os.access(path, os.X_OK)]


def seeds_of(name):
    return FOLDER / "corpus" / name.removeprefix("fuzz_")


@contextlib.contextmanager
def discoveries(name, keep):
    """The folder for new inputs, which come on top of the seeds."""
    if keep is None:
        with tempfile.TemporaryDirectory(prefix=f"{name}-") as scratch:
            yield pathlib.Path(scratch)
        return
    folder = keep / name.removeprefix("fuzz_")
    folder.mkdir(parents=True, exist_ok=True)
    yield folder


def run(name, binaries, seconds, keep):
    """Why the run failed, or None."""
    binary = binaries / name
    if not binary.is_file():
        return f"{binary} is not built; 'tools/build fuzz -- fuzzers' builds it"
    seeds = seeds_of(name)
    if not seeds.is_dir() or not any(seeds.iterdir()):
        return f"no seed corpus in {seeds.relative_to(FOLDER)}"
    with discoveries(name, keep) as found:
        # libFuzzer writes to the first folder alone.
        command = [binary, found, seeds, f"-max_total_time={seconds}", f"-artifact_prefix={binaries}/{name}-"]
        command += ["-timeout=60", "-rss_limit_mb=1024", "-print_final_stats=1", "-verbosity=1"]
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


def print_how_to_merge(fuzzers, binaries, keep):
    print("What adds to the coverage of the seeds goes into the tree with:")
    for name in fuzzers:
        folders = [binaries / name, seeds_of(name), keep / name.removeprefix("fuzz_")]
        program, *corpora = [shlex.quote(os.path.relpath(folder)) for folder in folders]
        print(f"  {program} -merge=1 {' '.join(corpora)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binaries", type=pathlib.Path, required=True, help="folder of the built fuzzers")
    parser.add_argument("--seconds", type=int, default=10, help="time for each fuzzer (default 10)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="keep discoveries here, and start from them")
    parser.add_argument("fuzzers", nargs="*", metavar="FUZZER")
    arguments = parser.parse_args()
    fuzzers = arguments.fuzzers or built_fuzzers(arguments.binaries)
    if not fuzzers:
        sys.exit(f"no fuzzer in {arguments.binaries}")
    failures = 0
    for name in fuzzers:
        reason = run(name, arguments.binaries.resolve(), arguments.seconds, arguments.keep)
        if reason is not None:
            print(f"{name}: FAILED: {reason}", file=sys.stderr, flush=True)
            failures += 1
    if arguments.keep:
        print_how_to_merge(fuzzers, arguments.binaries, arguments.keep)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
