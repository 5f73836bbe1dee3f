"""Measures the ingestion pipeline against the field's usual stack, alternately, on one broker (`make bench-live`).

Three figures, each in several rounds of both stacks, with the ratio of the medians and of each pair of neighbours:

  closed loop   wrk, 64 connections, each awaiting its answer: requests/s
  open loop     1,500 jobs/s, ten consumers of 6 ms: p99 latency of the API from the DUE time; mean time from due to
                done, of the jobs that were done; jobs that were accepted and never done; jobs that were not accepted
                within half a minute of the last. Both stacks get the jobs of data/scenarios/ingest-1500.toml.
  capacity      the largest rate of which an open loop has a p99 of at most 20 ms, by bisection

`live` drives itself (`live run`, all in one process, as it is used); FastAPI is driven by open_loop.py. Where a
driver is late, that is in the latency of its jobs: both count from the due time.
"""

import argparse
import csv
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import open_loop
import stacks

SCENARIO = stacks.ROOT / "data/scenarios/ingest-1500.toml"
GOAL_S = 0.020

# How long a backlog of accepted jobs may stand still before what is in it counts as lost, s.
STANDSTILL_S = 10.0


def note(text):
    print(text, file=sys.stderr, flush=True)


class Bench:
    def __init__(self, options, node, scratch):
        self.options = options
        self.node = node
        self.scratch = pathlib.Path(scratch)
        self.queues = 0
        self.log = open(options.log, "ab")
        self.live = options.target / "live"
        self.sim = options.target / "sim"

    def new_queue(self):
        """Each measurement has a queue of its own: nothing of the one before is in it."""
        self.queues += 1
        return f"bench.{os.getpid()}.{self.queues}"

    # Closed loop.

    def closed_loop(self, stack):
        """Requests/s that were answered with success."""
        start = stacks.theirs if stack == "fastapi" else stacks.ours
        more = {} if stack == "fastapi" else {"live": self.live}
        with start(self.node, self.new_queue(), servers=1, prefetch=2, log=self.log, **more) as port:
            self.wrk(port, 2)
            answer = self.wrk(port, self.options.closed_s)
        if answer["refused"] + answer["broken"] > 0:
            sys.exit(f"error: {stack}: {answer['refused']} requests refused, {answer['broken']} broken")
        return answer["requests"] / (answer["duration_us"] * 1e-6)

    def wrk(self, port, seconds):
        command = ["wrk", "-t1", "-c64", f"-d{seconds}s", "-s", stacks.BENCHES / "ingest.lua"]
        command = [*map(str, command), f"http://127.0.0.1:{port}/ingest"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=self.log, text=True, check=True)
        return json.loads(done.stdout.splitlines()[-1])

    # Open loop.

    def scenario(self, rate, seconds, mean_service_s=None):
        """The scenario with another rate and length; a tenth of the jobs, at most 3 s of them, is warm-up."""
        jobs = round(rate * seconds)
        changes = {
            "rate ": f"rate    = {rate:.1f}",
            "jobs         = 90_000": f"jobs         = {jobs}",
            "warmup_jobs  = 3_000": f"warmup_jobs  = {min(jobs // 10, round(3 * rate))}",
        }
        if mean_service_s:
            changes["mean "] = f"mean  = {mean_service_s}"
        lines = SCENARIO.read_text().splitlines()
        for begin, line in changes.items():
            [at] = [index for index, old in enumerate(lines) if old.startswith(begin)]
            lines[at] = line
        path = self.scratch / f"ingest-{rate:.0f}-{seconds}.toml"
        path.write_text("\n".join(lines) + "\n")
        return path

    def open_loop(self, stack, scenario):
        """p99 of the API's latency from the due time, mean from due to done (both s), jobs lost, jobs not accepted."""
        return self.drive_fastapi(scenario) if stack == "fastapi" else self.drive_live(scenario)

    def drive_live(self, scenario):
        runs = self.scratch / "runs"
        command = [self.live, "run", scenario, "--queue-type=quorum", "--json", f"--runs={runs}"]
        done = subprocess.run(
            [str(argument) for argument in command],
            env={**os.environ, "AMQP_URL": self.node.url},
            stdout=subprocess.PIPE,
            stderr=self.log,
            text=True,
        )
        shutil.rmtree(runs, ignore_errors=True)
        # 3: the run's own verdict is that its load was not what it was meant to be. The figures say by how much.
        if done.returncode not in (0, 3):
            sys.exit(f"error: live run ended with {done.returncode}; see {self.options.log}")
        answer = json.loads(done.stdout)
        if answer["validity"]["verdict"] != "valid":
            note(f"    live: the run says of itself: {answer['validity']['reasons']}")
        ledger = answer["ledger"]
        lost, refused = ledger["lost"] + ledger["unfinished"], ledger["attempted"] - ledger["confirmed"]
        return answer["api_latency_s"]["0.99"], answer["mean_sojourn_s"], lost, refused

    def jobs_of(self, scenario):
        """The jobs that `live run` would drive, from a simulation of the same scenario."""
        runs = self.scratch / "sim"
        command = [self.sim, "run", scenario, f"--runs={runs}", "--allow-unstable"]
        subprocess.run([str(argument) for argument in command], stdout=self.log, stderr=self.log, check=True)
        [table] = runs.glob("*/jobs.csv")
        with open(table, newline="") as rows:
            jobs = [
                open_loop.Job(int(row["job"]), float(row["due_s"]), float(row["demand_s"]), row["warmup"] == "true")
                for row in csv.DictReader(rows)
            ]
        shutil.rmtree(runs)
        return sorted(jobs, key=lambda job: job.due_s)

    def drive_fastapi(self, scenario):
        jobs = self.jobs_of(scenario)
        with tempfile.TemporaryDirectory(dir=self.scratch) as served:
            with stacks.theirs(self.node, self.new_queue(), 10, 2, self.log, served) as port:
                driven = open_loop.drive("127.0.0.1", port, jobs)
                done_ns = wait_for_done(served, len(driven.accepted_ns))
        due_ns = {job.number: driven.origin_ns + job.due_s * 1e9 for job in jobs if not job.warmup}
        never_ns = time.monotonic_ns()
        # A job that was refused or never answered was not accepted in time, whatever the time.
        latencies = [driven.accepted_ns.get(job, never_ns) - due for job, due in due_ns.items()]
        sojourns = [done_ns[job] - due for job, due in due_ns.items() if job in done_ns]
        lost, refused = sum(job not in done_ns for job in driven.accepted_ns), len(jobs) - len(driven.accepted_ns)
        lateness = [driven.sent_ns.get(job, never_ns) - due for job, due in due_ns.items()]
        # Late is also a job for which all connections were busy: then it is the stack that is late.
        note(f"    fastapi: jobs were sent {quantile(lateness, 0.99) * 1e-6:.1f} ms after they were due at p99")
        mean_s = statistics.fmean(sojourns) * 1e-9 if sojourns else float("inf")
        return quantile(latencies, 0.99) * 1e-9, mean_s, lost, refused

    # Capacity.

    def capacity(self, stack):
        """The largest rate with a p99 of at most 20 ms and every job done, jobs/s, to 5 %."""

        def holds(rate):
            # Consumers of 0.1 ms: here the way in is measured, not the work.
            scenario = self.scenario(rate, self.options.capacity_s, mean_service_s=0.0001)
            # In so short a run one disturbance decides, so that a rate has two chances, in either stack.
            return any(self.meets_goal(stack, rate, scenario) for _ in range(2))

        low = high = 1000.0 if stack == "fastapi" else 6000.0
        if holds(low):
            while holds(high := high * 1.5):
                low = high
        else:
            while not holds(low := low / 1.5):
                high = low
                if low < 50:
                    return 0.0
        while high / low > 1.05:
            middle = (low * high) ** 0.5
            low, high = (middle, high) if holds(middle) else (low, middle)
        return low

    def meets_goal(self, stack, rate, scenario):
        p99_s, _, lost, refused = self.open_loop(stack, scenario)
        note(f"    {stack}: {rate:.0f}/s: p99 {p99_s * 1e3:.1f} ms, {lost} lost, {refused} not accepted")
        return p99_s <= GOAL_S and lost == refused == 0


def wait_for_done(folder, accepted):
    """Waits until the workers have done what was accepted, or stand still; returns the instants by job, ns."""
    done, since = {}, time.monotonic()
    while len(done) < accepted and time.monotonic() - since < STANDSTILL_S:
        time.sleep(0.5)
        rows = [line.split(",") for log in pathlib.Path(folder).iterdir() for line in log.read_text().splitlines()]
        now_done = {}
        for job, instant in rows:
            # Delivered twice, the first time counts.
            now_done.setdefault(int(job), int(instant))
        if len(now_done) > len(done):
            done, since = now_done, time.monotonic()
    return done


def quantile(values, p):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(p * len(ordered)))]


def rows(name, form, pairs, more_is_better):
    """Two rows of the table; the ratio is how many times better `live` is."""

    def ratio(live, other):
        better, worse = (live, other) if more_is_better else (other, live)
        return f"{better / worse:.1f}" if better and worse else "–"

    live, other = ([pair[index] for pair in pairs] for index in (0, 1))
    medians = statistics.median(live), statistics.median(other)
    each = ", ".join(ratio(*pair) for pair in pairs)
    yield f"| {name} | live | {', '.join(map(form, live))} | {form(medians[0])} | **{ratio(*medians)}** ({each}) |"
    yield f"| {name} | FastAPI | {', '.join(map(form, other))} | {form(medians[1])} | |"


def alternately(rounds, what, measure):
    """Pairs (live, fastapi); which one comes first changes from round to round."""
    pairs = []
    for round_ in range(rounds):
        order = ["live", "fastapi"] if round_ % 2 == 0 else ["fastapi", "live"]
        seen = {}
        for stack in order:
            note(f"{what}, round {round_ + 1} of {rounds}: {stack}")
            seen[stack] = measure(stack)
            note(f"    {seen[stack]}")
        pairs.append((seen["live"], seen["fastapi"]))
    return pairs


def provenance(bench):
    """What was measured, on what, when."""

    def output(*command):
        return subprocess.run(command, capture_output=True, text=True, cwd=stacks.ROOT).stdout.strip()

    model = [line for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = model[0].split(":")[1].strip() if model else platform.machine()
    requirements = (stacks.BENCHES / "fastapi/requirements.txt").read_text().split()
    names = ("fastapi", "uvicorn", "uvloop", "aio-pika", "pika")
    packages = [line.replace("==", " ") for line in requirements if line.split("==")[0] in names]
    changed = "changed since" if output("git", "status", "--porcelain", "--untracked-files=no") else "unchanged"
    yield f"- {datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC; {os.cpu_count()} × {processor}"
    yield f"- Linux {platform.release()}; RabbitMQ {bench.node.version()}, one node, quorum queues; all on one machine"
    revision = output("git", "rev-parse", "--short", "HEAD")
    yield f"- {output(str(bench.live), '--version')}, revision {revision} ({changed})"
    yield f"- Python {platform.python_version()}; {', '.join(packages)}"


def measure(bench, options):
    """The lines of the table, figure by figure."""
    milliseconds, number = (lambda seconds: f"{seconds * 1e3:.1f} ms"), (lambda count: f"{count:,.0f}")
    if "closed" in options.figures:
        pairs = alternately(options.rounds, "closed loop", bench.closed_loop)
        yield from rows("closed loop, 64 connections: requests/s", number, pairs, True)
    if "open" in options.figures:
        scenario = bench.scenario(1500.0, options.open_s)
        pairs = alternately(options.rounds, "open loop", lambda stack: bench.open_loop(stack, scenario))
        figures = [
            ("p99 latency of the API", milliseconds),
            ("mean from due to done", milliseconds),
            ("accepted and lost", number),
            ("not accepted", number),
        ]
        for index, (name, form) in enumerate(figures):
            chosen = [(live[index], other[index]) for live, other in pairs]
            yield from rows(f"open loop, 1,500/s for {options.open_s} s: {name}", form, chosen, False)
    if "capacity" in options.figures:
        pairs = alternately(options.rounds, "capacity", bench.capacity)
        yield from rows("largest rate with p99 ≤ 20 ms: jobs/s", number, pairs, True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with the programs live and sim")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the table")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for the output of all servers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--figures", nargs="+", default=["closed", "open", "capacity"])
    parser.add_argument("--closed-s", type=int, default=8, help="length of a closed loop")
    parser.add_argument("--open-s", type=int, default=60, help="length of an open loop at 1,500/s")
    parser.add_argument("--capacity-s", type=int, default=6, help="length of an open loop of the bisection")
    options = parser.parse_args()
    # Asked to end, it ends the servers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))

    with stacks.Node() as node, tempfile.TemporaryDirectory(prefix="lindley-bench-") as scratch:
        bench = Bench(options, node, scratch)
        head = "| figure | stack | rounds | median | times better (each pair) |"
        table = [*provenance(bench), "", head, "|---|---|---|---|---|"]
        for line in measure(bench, options):
            table.append(line)
            # What is known is kept, should a later figure fail.
            options.out.write_text("\n".join(table) + "\n")
    print("\n".join(table))


if __name__ == "__main__":
    main()
