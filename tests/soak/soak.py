#!/usr/bin/python3
"""Soak: good and broken requests by the million through Banyan, every reply checked (docs/benchmarks.md).

Fails if a reply went to the wrong client, a body was wrong, a good request had no answer, memory grew after the first
fifth of the requests, or a descriptor or a counted connection was left over.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time
import typing
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))
import processes  # noqa: E402

SETTINGS = """
listen: [{{address: "127.0.0.1:{port}"}}]
admin: {{address: "127.0.0.1:{admin_port}"}}
data_dir: {directory}/var
store: none
access_log: {{path: {directory}/access.log}}
proxy:
  threads: {threads}
  timeouts: {{upstream_idle: 1s}}
upstreams:
  legacy: {{endpoints: ["http://127.0.0.1:{origin_port}"]}}
  buffered: {{endpoints: ["http://127.0.0.1:{origin_port}"], request_body: buffer}}
functions:
  - {{name: soak.stream, match: {{path: "/soak/{{rest...}}"}}}}
  - {{name: soak.buffer, legacy: buffered, match: {{path: "/buffer/{{rest...}}"}}}}
  - {{name: soak.inspect, match: {{method: POST, path: "/inspect/{{rest...}}", jsonrpc: "no.such.method"}}}}
"""

# The gauges that must be back at zero, and how long they may take: pooled upstream connections wait for their time-out.
GAUGES = ("banyan_connections_open", "banyan_tunnels_open", "banyan_upstream_requests_outstanding")
SETTLE_SECONDS = 120

# Under AddressSanitizer freed memory is kept back; bounded, so that growth still shows.
ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=2:thread_local_quarantine_size_kb=64:malloc_context_size=4"}


@dataclasses.dataclass
class Target:
    """What the load goes to and is watched."""

    process: processes.Process
    port: int
    gauges: typing.Callable[[], dict]  # name -> value, all of which must come back to zero
    load_flags: tuple = ()


def parse_arguments():
    build = ROOT / "build" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banyan", default=build / "banyan", help="the binary (default: build/release/banyan)")
    parser.add_argument("--programs", default=build, type=pathlib.Path, help="where soak_load and soak_origin are")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2, help="of Banyan's data plane")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--growth-limit-kib", type=int, default=4096, help="memory may grow by this after a fifth")
    parser.add_argument("--defect", help="plant this one alone, by its name in the report, to narrow a fault down")
    parser.add_argument("--broken-per-mille", type=int, default=10)
    parser.add_argument("--keep", metavar="DIR", help="leave settings and logs of Banyan in this new directory")
    parser.add_argument("--json", metavar="FILE", help="write the report here, too")
    return parser.parse_args()


def run_load(programs, target, requests, connections, seed):
    command = [programs / "soak_load", "--port", target.port, "--requests", requests, "--connections", connections]
    command += ["--seed", seed, *target.load_flags]
    limit = 300 + requests / 500  # seconds; a run that takes longer hangs
    done = subprocess.run(
        [str(part) for part in command], stdout=subprocess.PIPE, text=True, check=False, timeout=limit
    )
    if done.returncode not in (0, 1):
        raise processes.Broken(f"soak_load ended with {done.returncode}")
    return json.loads(done.stdout)


def settle(target, baseline):
    """Waits until nothing of the load is left in the target, and returns what still is when time is over."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while True:
        left = {name: value for name, value in target.gauges().items() if value != 0}
        descriptors = processes.open_descriptors(target.process.pid)
        if baseline is not None and descriptors > baseline:
            left["open descriptors above the baseline"] = descriptors - baseline
        if not left or time.monotonic() > deadline:
            return left
        select.select([], [], [], 0.1)


def soak(target, programs, requests, connections, seed, growth_limit_kib):
    """Runs the load in two parts. Returns the report and a list of complaints."""
    baseline = processes.open_descriptors(target.process.pid)
    first = max(requests // 5, 1)
    report, complaints = {"parts": [], "descriptors": baseline}, []
    for part, count in enumerate((first, requests - first)):
        found = run_load(programs, target, count, connections, seed + part)
        report["parts"].append(found)
        complaints += [f"{count} x {fault}" for fault, count in found["faults"].items()]
        if not target.process.alive():
            return report, [*complaints, f"the target died:\n{target.process.tail()}"]
        left = settle(target, baseline)
        complaints += [f"left over after part {part + 1}: {name}: {value}" for name, value in left.items()]
        found["memory_kib"] = processes.memory_kib([target.process.pid])["rss"]
    growth = report["parts"][1]["memory_kib"] - report["parts"][0]["memory_kib"]
    report["growth_kib"] = growth
    if growth > growth_limit_kib:
        complaints.append(f"memory grew by {growth} KiB after the first fifth; {growth_limit_kib} KiB are allowed")
    return report, complaints


def read_gauges(admin_port):
    """Sum of the samples of each gauge on /metrics."""
    # Whatever http_proxy says in the environment: nobody stands between this program and its own target.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{admin_port}/metrics", timeout=60) as response:
        lines = response.read().decode().splitlines()
    sums = {}
    for line in lines:
        name = line.split("{")[0].split(" ")[0]
        if name in GAUGES:
            sums[name] = sums.get(name, 0) + float(line.rsplit(" ", 1)[1])
    # The family of upstreams is there from the start, so a missing one is a fault of the metrics.
    return {name: sums.get(name, f"no {name} on /metrics") for name in GAUGES}


def start_banyan(arguments, origin_port, directory):
    port, admin_port = processes.free_port(), processes.free_port()
    settings = SETTINGS.format(
        port=port, admin_port=admin_port, directory=directory, threads=arguments.threads, origin_port=origin_port
    )
    file = os.path.join(directory, "banyan.yaml")
    pathlib.Path(file).write_text(settings, encoding="utf-8")
    command = [arguments.banyan, "serve", "--config", file]
    process = processes.Process("banyan", command, f"{directory}/banyan.log", environment=ENVIRONMENT)
    try:
        process.wait_for_port(port)
        process.wait_for_port(admin_port)
    except processes.Broken:
        process.stop()
        raise
    load_flags = ["--broken-per-mille", arguments.broken_per_mille]
    if arguments.defect:
        load_flags += ["--defect", arguments.defect]
    target = Target(process, port, lambda: read_gauges(admin_port), tuple(load_flags))
    settle(target, None)
    return target


def run(arguments, directory):
    origin = processes.Process("origin", [arguments.programs / "soak_origin"], f"{directory}/origin.log", pipe=True)
    target = None
    try:
        target = start_banyan(arguments, origin.read_json_line()["port"], directory)
        report, complaints = soak(
            target,
            arguments.programs,
            arguments.requests,
            arguments.connections,
            arguments.seed,
            arguments.growth_limit_kib,
        )
        status = target.process.stop()
        if status != 0:
            complaints.append(f"banyan ended with {status} after SIGTERM:\n{target.process.tail(40)}")
        complaints += origin_complaints(origin, report)
    finally:
        for process in (target.process if target else None, origin):
            if process and process.alive():
                process.stop()
    return report, complaints


def origin_complaints(origin, report):
    """Ends the origin and returns what it has against the requests that it got."""
    status = origin.stop()
    if status != 0:
        return [f"the origin ended with {status}: {origin.tail()}"]
    seen = report["origin"] = origin.read_json_line()
    bad = ("wrong_requests", "repeated_posts", "open_connections")
    return [f"origin: {seen[key]} {key.replace('_', ' ')}" for key in bad if seen[key] != 0]


def print_report(report, complaints):
    outcomes = {}
    for part in report["parts"]:
        for name, count in part["outcomes"].items():
            outcomes[name] = outcomes.get(name, 0) + count
    print("what became of the broken requests:")
    for name in sorted(outcomes):
        print(f"  {name:<44}{outcomes[name]:>8}")
    for number, part in enumerate(report["parts"], 1):
        print(
            f"part {number}: {part['requests']:,} requests on {part['connections']:,} connections in "
            f"{part['seconds']} s: {part['succeeded']:,} good and checked, {part['broken']:,} broken; "
            f"then {part.get('memory_kib', 0):,} KiB resident"
        )
    print(f"growth: {report.get('growth_kib', '?')} KiB; descriptors at the start: {report['descriptors']}")
    for complaint in complaints:
        print(f"FAILED: {complaint}")
    print("soak: " + ("failed" if complaints else "passed"))


def main():
    arguments = parse_arguments()
    processes.unwind_at_sigterm()
    try:
        with tempfile.TemporaryDirectory(prefix="banyan-soak-") as directory:
            if arguments.keep:
                os.makedirs(arguments.keep)
            report, complaints = run(arguments, arguments.keep or directory)
    except (processes.Broken, OSError, subprocess.SubprocessError) as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    print_report(report, complaints)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
