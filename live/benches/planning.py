"""An answer of `analysis capacity`, driven (`make planning`): do so many consumers do, and does one fewer not?

On a private RabbitMQ node: calibrate, ask for the fewest consumers that meet a target, calibrate with that many, as the
answer demands, and ask again until it stays. Then those consumers are driven at the planned load with
several sets of jobs, and one fewer with another, and the observed figure is held against the target. Where one run in so many misses it, its longest
pause says whether the plan was wrong or the machine stood still; the answer says how many pauses it bears.
"""

import argparse
import json
import pathlib
import signal
import sys

import stacks
from driver import Load, answer, scenario, span, table
from live import note, provenance

SEED = 20260700
# Of what the planned consumers remember; the rest of the warm-up is for the machine.
WARMUP_S = 4
ROUNDS = 4


class Bench:
    def __init__(self, options, node):
        self.options, self.node = options, node
        self.log = open(options.log, "ab")
        self.live, self.sim, self.analysis = (options.target / name for name in ("live", "sim", "analysis"))

    def scenario(self, servers, rate, seed):
        options = self.options
        load = Load(rate, servers, options.mean_s, "exponential", options.prefetch)
        jobs, warmup = round(rate * options.run_s), round(rate * WARMUP_S)
        return scenario(options.folder, f"consumers{servers}-{seed}", load, jobs, warmup, seed=seed)

    def calibrate(self, servers):
        options, out = self.options, self.options.folder / f"consumers{servers}.toml"
        # There is nothing to calibrate at a rate that nobody can work off.
        path = self.scenario(servers, min(options.rate, 0.8 * servers / options.mean_s), SEED)
        flags = [f"--queue-type={options.queue_type}", f"--prefetch={options.prefetch}", f"--duration-s={options.duration_s}"]
        answer([self.live, "calibrate", path, *flags, "--awake", "--quiet", "--json", f"--out={out}"], self.log, AMQP_URL=self.node.url)
        return out

    def plan(self):
        """The answer that a calibration with as many consumers as it names gives."""
        options = self.options
        servers, asked = round(options.rate * options.mean_s) + 1, []
        for _ in range(ROUNDS):
            calibration = self.calibrate(servers)
            path = self.scenario(servers, options.rate, SEED)
            limit = [f"--arrival-rate={options.rate}", f"--p99-sojourn-s={options.p99_s}"]
            found = answer([self.analysis, "capacity", path, *limit, f"--calibration={calibration}", "--json"], self.log)
            asked.append(found["fewest"])
            note(f"    calibrated with {servers}: {asked[-1]} consumers are enough")
            if asked[-1] == servers:
                return found
            servers = asked[-1]
        sys.exit(f"error: calibrations with other numbers of consumers lead to other answers: {asked}")

    def drive(self, servers, number):
        """A run, and its comparison with what was predicted of its very jobs."""
        options, runs = self.options, f"--runs={self.options.folder / 'runs'}"
        path = self.scenario(servers, options.rate, SEED + 1 + number)
        calibration = self.options.folder / f"consumers{servers}.toml"
        if not calibration.exists():
            calibration = self.calibrate(servers)
        given = [f"--calibration={calibration}", "--allow-unstable", "--json", runs]
        predicted = answer([self.sim, "run", path, *given], self.log)
        deployed = [f"--queue-type={options.queue_type}", "--awake", "--json", "--quiet", runs]
        observed = answer([self.live, "run", path, *deployed], self.log, AMQP_URL=self.node.url)
        compared = answer([self.analysis, "compare", predicted["run"], observed["run"], "--json"], self.log)
        return {"servers": servers, "observed": observed, "compared": compared}


def p99_s(run):
    return run["observed"]["sojourn_quantiles_s"]["0.99"]


def longest_pause(run):
    pauses = (run["compared"]["residuals"] or {}).get("pauses", [])
    if not pauses:
        return "none"
    return f"{span(pauses[0]['lasted_s'])}, {pauses[0]['delayed_jobs']} jobs behind it"


def row(run, target_s):
    metrics, found = run["compared"]["metrics"], p99_s(run)
    predicted = "no steady state"
    if metrics:
        quantile = metrics["sojourn_quantiles_s"]["0.99"]
        predicted = f"{span(quantile['predicted'])} ({span(quantile['low'])} – {span(quantile['high'])})"
    verdict = run["observed"]["validity"]["verdict"]
    return [run["servers"], predicted, span(found), "yes" if found <= target_s else "no", longest_pause(run), verdict]


def report(bench, plan, runs):
    # Of the two stacks only ours has a part in this.
    yield from (line.replace(", quorum queues", "") for line in list(provenance(bench))[:3])
    options = bench.options
    yield (
        f"- {options.queue_type} queue, prefetch {options.prefetch}, {options.rate:g} jobs/s of {options.mean_s * 1e3:g} ms, exponential; "
        f"p99 sojourn of {span(options.p99_s)} at most; calibrated for {options.duration_s} s, runs of {options.run_s} s, with --awake"
    )
    yield ""
    head = ["consumers", "busy (ρ′)", "p99 sojourn planned", "90 % interval", "chance of missing", "enough"]
    rows = []
    for candidate in plan["consumers"]:
        value, low, high = (candidate[key] for key in ("value_s", "low_s", "high_s"))
        missing = candidate["chance_of_missing"]
        nothing = "too near saturation" if missing is None else "no steady state"
        shown = [span(value) if value else nothing, f"{span(low)} – {span(high) if high else 'none'}" if low else "–"]
        chance = "–" if missing is None else f"{missing:.0%}"
        busy = f"{candidate['effective_utilization']:.0%}"
        rows.append([candidate["servers"], busy, *shown, chance, "yes" if candidate["meets"] else "no"])
    yield from table(head, *rows)
    yield ""
    head = ["consumers", "predicted of these jobs (90 %)", "p99 sojourn observed", "met", "longest pause", "run"]
    yield from table(head, *(row(run, options.p99_s) for run in runs))
    yield ""
    pauses = plan["pauses"]
    bears = f"one in {pauses['one_in_s']:.0f} s" if pauses["one_in_s"] else "none"
    yield f"- a pause of {span(pauses['pause_s'])} makes {pauses['harm']:.0f} jobs late; the target bears {bears}"
    for number, run in enumerate(runs, 1):
        yield from (f"- run {number}: {reason}" for reason in run["observed"]["validity"]["reasons"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with live, sim and analysis")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the tables; runs are in a folder beside it")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for what the programs say")
    parser.add_argument("--rate", type=float, default=600.0, help="planned load, jobs/s")
    parser.add_argument("--mean-s", type=float, default=0.005, help="mean service")
    parser.add_argument("--p99-s", type=float, default=0.04, help="the most that 99 of 100 jobs may take")
    parser.add_argument("--prefetch", type=int, default=1)
    parser.add_argument("--queue-type", default="classic")
    parser.add_argument("--runs", type=int, default=3, help="runs with the planned consumers; one with one fewer")
    parser.add_argument("--run-s", type=int, default=40, help="length of a run")
    parser.add_argument("--duration-s", type=int, default=20, help="length of a calibration")
    options = parser.parse_args()
    options.folder = options.out.with_suffix("")
    options.folder.mkdir(parents=True, exist_ok=True)
    # Asked to end, it ends the node first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with stacks.Node() as node:
        bench, runs = Bench(options, node), []
        note(f"planning for {options.rate:g} jobs/s, p99 sojourn of {span(options.p99_s)}")
        plan = bench.plan()
        fewest = plan["fewest"]
        for number in range(options.runs + 1):
            servers = fewest if number < options.runs else fewest - 1
            if servers == 0:
                continue
            note(f"{servers} consumers: {options.run_s} s")
            runs.append(bench.drive(servers, number))
            note(f"    p99 sojourn {span(p99_s(runs[-1]))}")
            kept = {"plan": plan, "runs": runs}
            (options.folder / "found.json").write_text(json.dumps(kept, indent=1) + "\n")
            options.out.write_text("\n".join(report(bench, plan, runs)) + "\n")
    print(options.out.read_text(), end="")


if __name__ == "__main__":
    main()
