#!/usr/bin/python3
"""Banyan beside nginx and HAProxy in one run: CPU per request, rate, latency and memory (docs/benchmarks.md).

Exits 0 whatever the figures are, and 1 if a request failed, a body was wrong or a program did not start.
"""

import argparse
import dataclasses
import json
import pathlib
import random
import subprocess
import sys
import tempfile

import processes
import proxies
import report


@dataclasses.dataclass(frozen=True)
class Workload:
    name: str
    path: str
    expect_bytes: int
    request_bytes: int = 0


WORKLOADS = (
    Workload("GET 1 KB", "/data/1024", 1024),
    Workload("GET 64 KB", "/data/65536", 65536),
    Workload("GET 1 MB", "/data/1048576", 1048576),
    Workload("POST 16 KB", "/upload", 2, request_bytes=16384),
)

PROFILE_HELP = """\
Where do Banyan's cycles go? Start it with the benchmark's settings and load on it, then attach:

  bench_proxy.py --banyan BINARY --only banyan --workload 'GET 64 KB' --rounds 60 --no-memory
  perf record -e cpu-clock -F 997 -g -p PID -- sleep 10     PID: printed by the run; a software clock, so it
  perf report --no-children                                 also works where a machine has no hardware counters

Instructions per request, exact and repeatable, but user space only and some fifty times slower:

  valgrind --tool=callgrind --instr-atstart=no BINARY serve --config banyan.yaml
  bench_load --port PORT --path /data/1024 --expect-bytes 1024 --requests 1000          (warm-up)
  callgrind_control -i on PID; bench_load ... --requests 20000; callgrind_control -i off PID; callgrind_control -d PID
  callgrind_annotate callgrind.out.PID.1                    (divide by the requests)
"""


def parse_arguments():
    build = pathlib.Path(__file__).resolve().parents[2] / "build" / "release"
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banyan", default=build / "banyan", help="the binary (default: build/release/banyan)")
    parser.add_argument("--programs", default=build, type=pathlib.Path, help="where bench_load and bench_origin are")
    parser.add_argument("--rounds", type=int, default=10, help="rounds per proxy and workload (default 10)")
    parser.add_argument("--round-ms", type=int, default=1000, help="length of a round (default 1000)")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--idle-connections", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=2, help="threads or processes of each proxy (default 2)")
    parser.add_argument("--functions", type=int, default=1000, help="size of Banyan's catalog (default 1000)")
    parser.add_argument("--seed", type=int, default=1, help="of the order within a round")
    parser.add_argument("--only", action="append", metavar="PROXY", help="leave the others out; may be repeated")
    parser.add_argument("--workload", action="append", choices=[w.name for w in WORKLOADS], help="likewise")
    parser.add_argument("--no-memory", action="store_true", help="leave the idle connections out")
    parser.add_argument("--json", metavar="FILE", help="write all figures, every round too ('-': only JSON on stdout)")
    parser.add_argument("--profile", action="store_true", help="say how to profile Banyan, and end")
    return parser.parse_args()


def load_command(arguments, process, workload, *more):
    command = [arguments.programs / "bench_load", "--port", process.port, "--path", workload.path]
    command += ["--expect-bytes", workload.expect_bytes, "--request-bytes", workload.request_bytes, *more]
    return [str(part) for part in command]


def run_round(arguments, process, workload):
    pids = ",".join(str(pid) for pid in process.pids())
    more = ["--connections", arguments.connections, "--duration-ms", arguments.round_ms, "--pids", pids]
    done = subprocess.run(
        load_command(arguments, process, workload, *more), capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode != 0 or not process.alive():
        raise processes.Broken(f"{process.name}, {workload.name}: {done.stdout}{done.stderr}{process.tail()}")
    return report.round_figures(json.loads(done.stdout))


def run_rounds(arguments, running, workload):
    """All rounds of one workload; within a round every proxy has its turn, in an order of its own."""
    order = random.Random(f"{arguments.seed} {workload.name}")
    rounds = {name: [] for name in running}
    for number in range(arguments.rounds):
        progress(f"{workload.name}: round {number + 1} of {arguments.rounds}")
        for name in order.sample(list(running), len(running)):
            rounds[name].append(run_round(arguments, running[name], workload))
    return rounds


def idle_memory(arguments, process):
    """Memory before and with many idle connections. `process` must be freshly started."""
    workload = WORKLOADS[0]
    before = processes.memory_kib(process.pids())
    more = ["--connections", arguments.idle_connections, "--hold"]
    with subprocess.Popen(
        load_command(arguments, process, workload, *more), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as load:
        result = json.loads(load.stdout.readline())
        then = processes.memory_kib(process.pids())
        load.stdin.close()
        load.wait(20)
    if result["errors"]:
        raise processes.Broken(f"{process.name}, idle connections: {result}")
    return {"before": before, "then": then}


def progress(line):
    print(line, file=sys.stderr, flush=True)


def run(arguments, directory):
    chosen = {name: start for name, start in {**proxies.PEERS, **proxies.BANYANS}.items() if wanted(arguments, name)}
    workloads = [w for w in WORKLOADS if not arguments.workload or w.name in arguments.workload]
    running, outcome = {}, {"setup": describe(arguments), "results": {}, "memory": {}, "rounds": {}}
    origin = processes.Process("origin", [arguments.programs / "bench_origin"], f"{directory}/origin.log", pipe=True)
    try:
        setup = proxies.Setup(
            arguments.banyan, arguments.workers, arguments.functions, origin.read_json_line()["port"], directory
        )
        for name, start in chosen.items():
            running[name] = start(name, setup)
            progress(f"{name}: port {running[name].port}, process {running[name].pid}")
        if not arguments.no_memory:
            progress(f"memory with {arguments.idle_connections} idle connections")
            outcome["memory"] = {name: idle_memory(arguments, process) for name, process in running.items()}
        for workload in workloads:
            rounds = run_rounds(arguments, running, workload)
            outcome["rounds"][workload.name] = rounds
            outcome["results"][workload.name] = {name: report.medians(found) for name, found in rounds.items()}
    finally:
        for process in [*running.values(), origin]:
            process.stop()
    if any(name in running for name in proxies.PEERS):
        outcome["ratios"] = report.ratios(outcome["results"], proxies.BANYAN_PLAIN, proxies.PEERS)
    else:
        outcome["ratios"] = {}
    return outcome


def wanted(arguments, name):
    return not arguments.only or name in arguments.only


def describe(arguments):
    def first_line(*command):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return (done.stdout + done.stderr).splitlines()[0]

    keys = ("rounds", "round_ms", "connections", "idle_connections", "workers", "functions", "seed")
    return {
        **{key: getattr(arguments, key) for key in keys},
        "nginx": first_line("nginx", "-v"),
        "haproxy": first_line("haproxy", "-v"),
        "kernel": first_line("uname", "-r"),
        "cpus": first_line("nproc"),
    }


def main():
    arguments = parse_arguments()
    if arguments.profile:
        print(PROFILE_HELP, end="")
        return 0
    processes.unwind_at_sigterm()
    shm = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    try:
        with tempfile.TemporaryDirectory(prefix="banyan-bench-", dir=shm) as directory:
            outcome = run(arguments, directory)
    except (processes.Broken, OSError, subprocess.SubprocessError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        line = json.dumps(outcome, indent=2)
        if arguments.json == "-":
            print(line)
            return 0
        pathlib.Path(arguments.json).write_text(line + "\n", encoding="utf-8")
    print(report.text(outcome), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
