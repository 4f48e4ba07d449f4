"""Turns the rounds of the benchmark into medians, ratios and a table."""

import statistics

TARGET = 1.1
FIGURES = (
    ("cpu_us", "CPU microseconds per request", "{:.1f}"),
    ("per_second", "requests per second", "{:,.0f}"),
    ("p50_us", "p50 latency, microseconds", "{:,.0f}"),
    ("p99_us", "p99 latency, microseconds", "{:,.0f}"),
)


def round_figures(result):
    """The figures of one round from what the load program printed."""
    requests = result["requests"]
    return {
        "cpu_us": result["cpu_ns"] / 1000 / requests,
        "per_second": requests / result["seconds"],
        "p50_us": result["p50_us"],
        "p99_us": result["p99_us"],
    }


def medians(rounds):
    return {key: statistics.median(figures[key] for figures in rounds) for key, _, _ in FIGURES}


def ratios(results, subject, peers):
    """Per workload: the CPU of `subject` against the cheapest peer."""
    found = {}
    for workload, by_proxy in results.items():
        if subject not in by_proxy:
            continue
        best = min((name for name in by_proxy if name in peers), key=lambda name: by_proxy[name]["cpu_us"])
        ratio = by_proxy[subject]["cpu_us"] / by_proxy[best]["cpu_us"]
        found[workload] = {"best": best, "ratio": round(ratio, 3), "target": TARGET, "met": ratio <= TARGET}
    return found


def text(outcome):
    workloads = list(outcome["results"])
    proxies = list(next(iter(outcome["results"].values())))
    lines = []
    for key, title, form in FIGURES:
        lines += ["", title + (" (median of the rounds)" if key == "cpu_us" else "")]
        lines.append(row("", workloads))
        for proxy in proxies:
            lines.append(row(proxy, [form.format(outcome["results"][w][proxy][key]) for w in workloads]))
        if key == "cpu_us" and outcome["ratios"]:
            verdicts = [outcome["ratios"][workload] for workload in workloads]
            lines.append(row("banyan / best of the peers", [f"{v['ratio']:.2f}" for v in verdicts]))
            lines.append(row("  best", [v["best"] for v in verdicts]))
            lines.append(row(f"  target <= {TARGET}", ["met" if v["met"] else "NOT MET" for v in verdicts]))
    if outcome["memory"]:
        lines += memory_lines(outcome["memory"], outcome["setup"]["idle_connections"])
    return "\n".join(lines[1:]) + "\n"


def memory_lines(memory, connections):
    lines = ["", f"memory with {connections:,} idle keep-alive connections that each made one request, KiB"]
    lines.append(row("", ["PSS before", "PSS then", "RSS then", "per connection"]))
    for proxy, figures in memory.items():
        growth = (figures["then"]["pss"] - figures["before"]["pss"]) / connections
        cells = [f"{figures['before']['pss']:,}", f"{figures['then']['pss']:,}", f"{figures['then']['rss']:,}"]
        lines.append(row(proxy, [*cells, f"{growth:.1f}"]))
    return lines


def row(name, cells):
    return f"{name:<28}" + "".join(f"{cell:>16}" for cell in cells)
