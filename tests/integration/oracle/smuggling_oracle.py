#!/usr/bin/python3
"""Throws smuggling tricks at Banyan and judges what comes out on both sides.

    smuggling_oracle.py --banyan BINARY [--requests N] [--responses N] [--seed N] [--case N]

Requests and responses are generated from a seed (request_grammar.py, response_grammar.py); --case runs one request case
and shows all bytes.
"""

import argparse
import collections
import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "support"))
import request_side  # noqa: E402
import response_side  # noqa: E402
from banyan_process import BanyanProcess  # noqa: E402
from recording_origin import RecordingOrigin  # noqa: E402
from request_grammar import request_case  # noqa: E402
from response_grammar import response_case  # noqa: E402

LANES = 24  # cases in flight: most of the time of a case is waiting for a timeout of Banyan
SHOWN = 25


def settings_for(origin, wait):
    """`wait`: Banyan's patience with a client that is silent."""
    return {
        "proxy": {
            "threads": 1,  # so that cases share upstream connections
            "timeouts": {"request_header": wait, "request_body": wait, "idle": wait, "response_body": "60s",
                         "response_header": "60s"},
            "limits": {"header_bytes": "8KiB", "body_bytes": "64KiB"},
        },
        "upstreams": {"legacy": {"endpoints": [f"http://{origin.address}"]}},
    }


def run_requests(binary, seed, identifiers):
    """(faults, counts) of the request side."""
    cases = [request_case(seed, identifier) for identifier in identifiers]
    with RecordingOrigin() as origin:
        # Many cases are cut short.
        with BanyanProcess(binary, settings_for(origin, "400ms")) as banyan:
            with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
                results = list(lanes.map(lambda case: request_side.drive(banyan.proxy, case), cases))
            banyan.require_healthy()
            banyan.stop()
            log = banyan.access_lines()
    faults = [f"the origin got what is not strict HTTP ({what}): {data[:300]!r}" for what, data in origin.faults]
    forwarded = collections.defaultdict(list)
    for exchange in origin.exchanges:
        token = request_side.TOKEN.search(exchange.request.start[1])
        if token is None:
            faults.append(f"a request that belongs to no case: {exchange.request.raw[:300]!r}")
        else:
            forwarded[int(token[1])].append(exchange.request)
    counts = collections.Counter()
    for case, (received, closed) in zip(cases, results):
        fault = request_side.judge(case, received, closed, forwarded[case.identifier])
        if fault:
            faults.append(f"case {case.identifier}: {fault}\n    input {case.raw!r}\n    answer {received!r}")
        counts["forwarded" if forwarded[case.identifier] else "refused"] += 1
    faults += request_side.judge_log(origin.exchanges, log)
    counts["on reused connections"] = sum(exchange.number > 0 for exchange in origin.exchanges)
    return faults, counts


def run_responses(binary, seed, count):
    """(faults, counts) of the response side."""
    cases = {identifier: response_case(seed, identifier) for identifier in range(count)}
    with RecordingOrigin(lambda request: response_side.answer(cases, request)) as origin:
        with BanyanProcess(binary, settings_for(origin, "60s")) as banyan:
            with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
                results = list(lanes.map(lambda case: response_side.drive(banyan.proxy, case), cases.values()))
            banyan.require_healthy()
    faults = [f"a request on a connection that had to be given up: {exchange.request.start}"
              for exchange in origin.exchanges if exchange.reused_bad]
    counts = collections.Counter()
    for case, (first, second) in zip(cases.values(), results):
        verdict, fault = response_side.judge(case, first, second)
        counts[verdict] += 1
        if fault:
            faults.append(f"response case {case.identifier}: {fault}\n    upstream sent {case.raw!r} "
                          f"(close={case.close})\n    client got {first!r}\n    then {second!r}")
    return faults, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--banyan", required=True)
    parser.add_argument("--requests", type=int, default=6000)
    parser.add_argument("--responses", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--case", type=int, help="run only this request case")
    arguments = parser.parse_args()

    identifiers = range(arguments.requests) if arguments.case is None else [arguments.case]
    faults, counts = run_requests(arguments.banyan, arguments.seed, identifiers)
    print("requests:", dict(counts))
    # An oracle that sees only refusals, or none, proves nothing.
    if arguments.case is None and min(counts["forwarded"], counts["refused"]) < arguments.requests // 10:
        faults.append(f"the grammar is lopsided: {dict(counts)}")
    if arguments.case is None:
        more, counts = run_responses(arguments.banyan, arguments.seed, arguments.responses)
        print("responses:", dict(counts))
        if min(counts["complete"], counts["refused"], counts["cut short"]) < arguments.responses // 50:
            faults.append(f"the grammar of responses is lopsided: {dict(counts)}")
        faults += more
    else:
        print(request_case(arguments.seed, arguments.case))
    for fault in faults[:SHOWN]:
        print("FAULT", fault)
    print(f"{len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
