"""Injected faults against the control charts of `analysis control` (`make control`).

Three runs on a private RabbitMQ node, with Poisson arrivals at one consumer: nothing is done to the first; in the second
the consumer becomes slower under way; in the third work fails for some seconds. Each is watched while it goes on
(`--follow`) and looked at when it is over. Shown is how many jobs after the fault had begun a chart of what was harmed
first signalled, beside the number within which theory says that 95 % of such changes are seen: a shift by one standard
deviation more than is tolerated, or one failure in ten jobs, and these are larger. Of the run in control it is how many
signals there were, and what chance explains.
"""

import argparse
import csv
import json
import pathlib
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass

import stacks
from driver import Load, answer, scenario, table
from live import note, provenance

METHODS = {"ewma": "EWMA", "cusum": "CUSUM", "g_chart": "g-chart"}
WARMUP_S = 2
SEED = 20260500


@dataclass(frozen=True)
class Case:
    """One run; `harmed` is the quantity in which the fault must show."""

    name: str
    fault: str | None
    harmed: str | None


def cases(options):
    at_s = f"from_s={options.at_s}"
    return [
        Case("in control", None, None),
        Case("slow consumer", f"slow:{at_s},factor={options.factor}", "services"),
        Case("burst of failures", f"fail:{at_s},for_s={options.burst_s},share={options.share}", "failures"),
    ]


class Bench:
    def __init__(self, options, node):
        self.options, self.node = options, node
        self.log = open(options.log, "ab")
        self.live, self.analysis = (options.target / name for name in ("live", "analysis"))

    def measure(self, number, case):
        """Drives, follows and judges one run."""
        options = self.options
        folder = options.folder / case.name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        load = Load(options.rate, 1, options.mean_s, "exponential", options.prefetch)
        jobs, warmup = round(options.rate * options.run_s), round(options.rate * WARMUP_S)
        path = scenario(folder, case.name.replace(" ", "-"), load, jobs, warmup, seed=SEED + number)
        runs = f"--runs={folder}"
        faults = [f"--fault={case.fault}"] if case.fault else []
        follower = FollowLater([self.analysis, "control", "--follow", "--json", runs], folder, self.log)
        command = [self.live, "run", path, f"--queue-type={options.queue_type}", "--json", "--quiet", runs, *faults]
        with follower:
            run = answer(command, self.log, AMQP_URL=self.node.url)
        picture = f"--plot={options.folder / folder.name}.png"
        found = answer([self.analysis, "control", run["run"], "--json", picture], self.log)
        return {"case": case, "found": found, "run": run, "followed": follower.code, "rows": rows(run["run"])}


class FollowLater:
    """`analysis control --follow`, started once there is a run folder to follow."""

    def __init__(self, command, folder, log):
        # The shell waits for the folder: the run is started by the time this one looks for it.
        wait = 'until ls "$0"/*_live/jobs.csv > /dev/null 2>&1; do sleep 0.2; done; exec "$@"'
        self.command = ["/bin/sh", "-c", wait, str(folder), *map(str, command)]
        self.log, self.code = log, None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def __exit__(self, kind, *_):
        if kind is not None:
            self.process.terminate()
        self.code = self.process.wait()


def rows(run):
    with open(pathlib.Path(run) / "jobs.csv", newline="") as file:
        return [float(row["done_s"]) for row in csv.DictReader(file) if row["warmup"] == "false" and row["done_s"]]


def detection(measured, at_s):
    """The first signal of what was harmed after the fault, with the jobs that were done since; and its chart."""
    found, case = measured["found"], measured["case"]
    charts = {(chart["quantity"], chart["method"]): chart for chart in found["charts"]}
    after = [signal for signal in found["signals"] if signal["quantity"] == case.harmed and signal["at_s"] >= at_s]
    if not after:
        return None
    first = min(after, key=lambda signal: signal["at_s"])
    jobs = sum(at_s <= done_s <= first["at_s"] for done_s in measured["rows"])
    return first, jobs, charts[first["quantity"], first["method"]]


def row(measured, at_s):
    found, case = measured["found"], measured["case"]
    followed = {0: "0, in control", 1: "1, at a signal"}.get(measured["followed"], str(measured["followed"]))
    before = sum(case.fault is None or signal["at_s"] < at_s for signal in found["signals"])
    chance = f"{before} ({found['false_alarm_probability']:.1%} of runs have one by chance)"
    if case.fault is None:
        return [case.name, "–", "–", "–", "–", "–", chance, followed]
    seen = detection(measured, at_s)
    if seen is None:
        return [case.name, case.fault, "never", "–", "–", "no", chance, followed]
    first, jobs, chart = seen
    where = f"{first['quantity']} {METHODS[first['method']]}, job {first['job']:,} at {first['at_s']:.2f} s"
    within = chart["seen_within_jobs"]
    shown = "not surely" if within is None else f"{within} jobs"
    kept = "–" if within is None else "yes" if jobs <= within else "no"
    change = f"{jobs} jobs, {first['at_s'] - at_s:.2f} s"
    return [case.name, case.fault, where, change, shown, kept, chance, followed]


def report(bench, measured):
    # Of the two stacks only ours has a part in this.
    yield from (line.replace(", quorum queues", "") for line in list(provenance(bench))[:3])
    options = bench.options
    yield (
        f"- {options.queue_type} queue, prefetch {options.prefetch}, {options.rate:g} jobs/s of {options.mean_s * 1e3:g} ms, "
        f"runs of {options.run_s} s, faults at {options.at_s} s"
    )
    yield ""
    head = ["run", "fault", "first signal after it", "after", "shown, 95 %", "within", "signals before it", "--follow"]
    yield from table(head, *(row(each, options.at_s) for each in measured))
    yield ""
    for each in measured:
        found, run = each["found"], each["run"]
        yield f"- {each['case'].name}: {found['says']}"
        reasons = [reason for reason in run["validity"]["reasons"] if "on purpose" not in reason]
        yield from (f"- {each['case'].name}, the run: {reason}" for reason in reasons)
        yield from (f"- {each['case'].name}: {warning}" for warning in found["warnings"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with live and analysis")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the table; runs and pictures are in a folder beside it")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for what the programs say")
    parser.add_argument("--rate", type=float, default=120.0, help="jobs/s")
    parser.add_argument("--mean-s", type=float, default=0.005, help="mean service")
    parser.add_argument("--prefetch", type=int, default=2)
    parser.add_argument("--queue-type", default="classic")
    parser.add_argument("--run-s", type=int, default=240, help="length of a run")
    parser.add_argument("--at-s", type=int, default=180, help="when a fault begins")
    parser.add_argument("--factor", type=float, default=1.2, help="how many times as long a slow consumer takes")
    parser.add_argument("--share", type=float, default=0.2, help="share of attempts that fail in a burst")
    parser.add_argument("--burst-s", type=float, default=5.0, help="length of a burst")
    options = parser.parse_args()
    options.folder = options.out.with_suffix("")
    # Asked to end, it ends the node first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with stacks.Node() as node:
        bench, measured = Bench(options, node), []
        for number, case in enumerate(cases(options)):
            note(f"{case.name}: {options.run_s} s")
            measured.append(bench.measure(number, case))
            note(f"    {measured[-1]['found']['says']}")
            kept = {key: measured[-1][key] for key in ("found", "run", "followed")}
            (options.folder / f"{case.name.replace(' ', '-')}.json").write_text(json.dumps(kept, indent=1) + "\n")
            options.out.write_text("\n".join(report(bench, measured)) + "\n")
    print(options.out.read_text(), end="")


if __name__ == "__main__":
    main()
