"""Measures what `live` itself does to a run (`make bench-driver`): is lateness the system's, or the driver's?

Four figures, each a table:

  pacing    how late jobs are sent at 160, 1,500 and 5,000 jobs/s, with the checks of the run's own verdict
  service   how much longer than demanded a server works, for demands from 0.2 ms to 1 s, and for 16 servers at once
  ways      responses and waits through the API and straight to the broker, alternately: the difference is the API's
  memory    what a run of a million jobs takes of the machine's memory, and of its time

Pacing and ways run against a private RabbitMQ node with quorum queues, service and memory on the embedded queue, so
that no broker takes processor time from what is measured. A run that says of itself that it is not valid is shown, too.
"""

import argparse
import csv
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass

import stacks
from live import note, provenance, quantile


@dataclass
class Load:
    """What the consumers of a rate are: so that they are some 80 % busy as far as two cores carry it."""

    rate: float
    servers: int
    mean_s: float
    shape: str
    prefetch: int


LOADS = [
    Load(160.0, 1, 0.005, "exponential", 2),
    Load(1500.0, 10, 0.006, "deterministic", 2),
    Load(5000.0, 10, 0.0001, "deterministic", 20),
]
WARMUP_S = 2.0

DEMANDS_MS = [0.2, 0.5, 1.0, 2.0, 5.0, 20.0, 100.0, 1000.0]
# What a server is to keep: the median, s, and the mean relative to the demand, but not to less than some s.
MEDIAN_GOAL_S, MEAN_GOAL, MEAN_GOAL_S = 50e-6, 0.005, 20e-6

MEMORY_RATE = 20_000.0


def scenario(folder, name, load, jobs, warmup, arrivals='kind = "poisson"', seed=20260101):
    """Writes a scenario file of so many measured jobs, and returns its path."""
    path = pathlib.Path(folder) / f"{name}.toml"
    path.write_text(
        f'schema = 1\nname = "{name}"\n\n'
        f"[arrivals]\nrate = {load.rate!r}\nprocess = {{ {arrivals} }}\n\n"
        f'[service]\nmean = {load.mean_s!r}\nshape = {{ kind = "{load.shape}" }}\n\n'
        f"[queue]\nservers = {load.servers}\nprefetch = {load.prefetch}\n\n"
        f"[run]\nseed = {seed}\n\n"
        f"[drive]\njobs = {jobs}\nwarmup_jobs = {warmup}\n"
    )
    return path


def answer(command, log, **environment):
    """The JSON answer of a program; 3 is the verdict that a run is not valid, 1 that a prediction is not: both are answers."""
    done = subprocess.run(
        [str(argument) for argument in command],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=log,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    if done.returncode not in (0, 3) and not (done.returncode == 1 and "{" in done.stdout):
        sys.exit(f"error: {pathlib.Path(command[0]).name} {command[1]} ended with {done.returncode}; see {log.name}")
    # What stands before it is for people.
    return json.loads(done.stdout[done.stdout.index("{") :])


def table(*rows):
    """A table of which the first row is the head."""
    head, *body = rows
    return [f"| {' | '.join(map(str, row))} |" for row in (head, ["---"] * len(head), *body)]


def span(seconds):
    """A time in the unit that suits it."""
    size = abs(seconds)
    factor, unit = (1e6, "µs") if size < 1e-3 else (1e3, "ms") if size < 1 else (1, "s")
    return f"{seconds * factor:.3g} {unit}"


def us(seconds):
    return f"{seconds * 1e6:.1f} µs"


class Bench:
    def __init__(self, options, node, scratch):
        self.options = options
        self.node = node
        self.scratch = pathlib.Path(scratch)
        self.log = open(options.log, "ab")
        self.live = options.target / "live"

    def run(self, path, *flags):
        """A run against the private node."""
        command = [self.live, "run", path, "--queue-type=quorum", "--json", "--quiet", f"--runs={self.scratch}/runs"]
        return answer([*command, *flags], self.log, AMQP_URL=self.node.url)

    def load_of(self, load):
        jobs = round(load.rate * self.options.seconds)
        return scenario(self.scratch, f"load-{load.rate:.0f}", load, jobs, round(WARMUP_S * load.rate))

    # Pacing.

    def pacing(self):
        runs = []
        for load in LOADS:
            note(f"pacing: {load.rate:.0f}/s")
            runs.append((load, self.run(self.load_of(load))))
            note(f"    {runs[-1][1]['validity']}")
        head = ["jobs/s", "consumers", "late p50", "p99", "p99.9", "response p50", "p99", "overshoot", "busy", "stolen"]
        rows = []
        for load, run in runs:
            late, response = run["lateness_s"], run["api_latency_s"]
            consumers = f"{load.servers} of {span(load.mean_s)} {load.shape}, prefetch {load.prefetch}"
            times = [*(span(late[p]) for p in ("0.5", "0.99", "0.999")), span(response["0.5"]), span(response["0.99"])]
            shares = [f"{run['busy']:.0%}", f"{run['stolen']:.2%}", run["validity"]["verdict"]]
            rows.append([f"{load.rate:,.0f}", consumers, *times, span(run["mean_overshoot_s"]), *shares])
        yield from table([*head, "verdict"], *rows)
        yield ""
        # Whatever else a verdict consists of: the names are the program's.
        checks = [run["validity"]["checks"] for _, run in runs]
        names = sorted(set().union(*checks) - {"busy", "stolen"})
        values = [[name, *(f"{check[name]:+.2%}" if name in check else "–" for check in checks)] for name in names]
        yield from table(["check of the verdict", *(f"{load.rate:,.0f}/s" for load, _ in runs)], *values)
        yield ""
        yield from (f"- {load.rate:,.0f}/s: {reason}" for load, run in runs for reason in run["validity"]["reasons"])

    # Service.

    def service(self):
        head = ["demand", "servers", "busy servers", "jobs", "median", "mean", "p99", "median held", "mean held"]
        loads = [Load(300.0 / demand, 1, demand / 1e3, "deterministic", 2) for demand in self.options.demands]
        rows = []
        for load in [*loads, Load(0.7 * 16 / 0.002, 16, 0.002, "deterministic", 2)]:
            note(f"service: {load.servers} of {span(load.mean_s)}")
            over = self.overshoots(load)
            median, mean = statistics.median(over), statistics.fmean(over)
            goal = max(MEAN_GOAL * load.mean_s, MEAN_GOAL_S)
            held = ["yes" if abs(value) <= limit else "no" for value, limit in ((median, MEDIAN_GOAL_S), (mean, goal))]
            share = f"{load.rate * load.mean_s / load.servers:.0%}"
            times = [us(median), us(mean), us(quantile(over, 0.99))]
            rows.append([span(load.mean_s), load.servers, share, f"{len(over):,}", *times, *held])
        yield from table(head, *rows)
        mean = f"the mean within {MEAN_GOAL:.1%} of the demand or {span(MEAN_GOAL_S)}, whichever is more"
        yield from ("", f"Held means: the median within {span(MEDIAN_GOAL_S)}, {mean}.")

    def overshoots(self, load):
        """Service time beyond the demand of each measured job, s."""
        # At least so many jobs that a median means something; of one server no more than tell its law.
        most = 500 if load.servers == 1 else 10**6
        jobs = round(max(30, min(most, load.rate * self.options.service_s)))
        path = scenario(self.scratch, f"service-{load.servers}-{load.mean_s!r}", load, jobs, max(3, jobs // 20))
        command = [self.live, "run", path, "--broker=embedded", "--work=hold", "--store=none", "--json", "--quiet"]
        run = answer([*command, f"--runs={self.scratch}/runs"], self.log)
        with open(pathlib.Path(run["run"]) / "jobs.csv", newline="") as rows:
            served = [row for row in csv.DictReader(rows) if row["warmup"] == "false" and row["outcome"] == "served"]
        return [float(row["done_s"]) - float(row["start_s"]) - float(row["demand_s"]) for row in served]

    # Ways.

    def ways(self):
        rows = []
        for load in LOADS[:2]:
            path, seen, valid = self.load_of(load), {"http": [], "amqp": []}, {"http": 0, "amqp": 0}
            for round_ in range(self.options.rounds):
                for way in sorted(seen, reverse=round_ % 2 == 0):
                    note(f"ways, round {round_ + 1} of {self.options.rounds}: {load.rate:.0f}/s by {way}")
                    run = self.run(path, f"--via={way}")
                    response = run["api_latency_s"]
                    seen[way].append((response["0.5"], response["0.99"], run["mean_wait_s"]))
                    valid[way] += run["validity"]["verdict"] == "valid"
                    note(f"    {seen[way][-1]}, {run['validity']['verdict']}")
            medians = {}
            for way, figures in seen.items():
                columns = list(zip(*figures))
                medians[way] = [statistics.median(column) for column in columns]
                figures = (", ".join(map(span, column)) for column in columns)
                rows.append([f"{load.rate:,.0f}", way, *figures, f"{valid[way]} of {self.options.rounds}"])
            apart = [span(http - amqp) for http, amqp in zip(medians["http"], medians["amqp"])]
            rows.append([f"{load.rate:,.0f}", "difference of the medians: the API", *apart, ""])
        yield from table(["jobs/s", "way", "confirmed response p50", "p99", "mean wait", "valid runs"], *rows)

    # Memory.

    def memory(self):
        load = Load(MEMORY_RATE, 4, 1e-6, "deterministic", 10)
        # Next to no jobs: what the process takes without them.
        _, empty, _ = self.weighed(scenario(self.scratch, "memory-empty", load, 100, 0))
        jobs = self.options.memory_jobs
        note(f"memory: {jobs:,} jobs")
        run, peak, wall_s = self.weighed(scenario(self.scratch, "memory", load, jobs, 0))
        due_s = (jobs - 1) / run["offered_rate"]
        memory = [f"{peak / 2**20:.0f} MiB", f"{empty / 2**20:.0f} MiB", f"{(peak - empty) / jobs:.0f} B"]
        times = [f"{wall_s:.1f} s", f"{due_s:.1f} s", f"{wall_s - due_s:.1f} s"]
        rates = [f"{run['achieved_rate']:,.0f}", span(run["lateness_s"]["0.99"]), f"{run['busy']:.0%}"]
        head = ["jobs", "peak memory", "without jobs", "a job", "wall time", "jobs due in", "beside that", "sent/s"]
        row = [f"{jobs:,}", *memory, *times, *rates, run["validity"]["verdict"]]
        yield from table([*head, "late p99", "busy", "verdict"], row)
        yield ""
        yield from (f"- {reason}" for reason in run["validity"]["reasons"])

    def weighed(self, path):
        """The answer of a run on the embedded queue, its largest resident memory in bytes, and its wall time, s."""
        command = [self.live, "run", path, "--broker=embedded", "--store=none", "--json", "--quiet"]
        with tempfile.TemporaryFile(dir=self.scratch) as output:
            begun = time.monotonic()
            arguments = [str(argument) for argument in [*command, f"--runs={self.scratch}/runs"]]
            running = subprocess.Popen(arguments, stdout=output, stderr=self.log, stdin=subprocess.DEVNULL)
            try:
                # The kernel's own account of this one child, to its last moment.
                _, status, usage = os.wait4(running.pid, 0)
            except BaseException:
                running.kill()
                raise
            wall_s = time.monotonic() - begun
            running.returncode = os.waitstatus_to_exitcode(status)
            if running.returncode not in (0, 3):
                sys.exit(f"error: live run ended with {running.returncode}; see {self.log.name}")
            output.seek(0)
            return json.load(output), usage.ru_maxrss * 1024, wall_s


FIGURES = {
    "pacing": "How late jobs are sent",
    "service": "How exactly a demand is held",
    "ways": "What the API adds",
    "memory": "A long run",
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with the program live")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the tables")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for what the programs say")
    parser.add_argument("--figures", nargs="+", default=list(FIGURES), choices=list(FIGURES))
    parser.add_argument("--seconds", type=float, default=30.0, help="length of a run of pacing and ways")
    parser.add_argument("--service-s", type=float, default=25.0, help="length of a run of service, at least 30 jobs")
    parser.add_argument("--demands", type=float, nargs="+", default=DEMANDS_MS, metavar="MS")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of ways")
    parser.add_argument("--memory-jobs", type=int, default=1_000_000)
    options = parser.parse_args()
    # Asked to end, it ends the node first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))

    with stacks.Node() as node, tempfile.TemporaryDirectory(prefix="lindley-driver-") as scratch:
        bench = Bench(options, node, scratch)
        # What follows are the versions of the other stack, which has no part in this.
        lines = list(provenance(bench))[:3]
        for figure in options.figures:
            lines += ["", f"## {FIGURES[figure]}", "", *getattr(bench, figure)()]
            # What is known is kept, should a later figure fail.
            options.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
