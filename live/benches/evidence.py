"""Predictions made BEFORE each run against what was then observed (`make evidence`).

Thirty-eight cells: classic and quorum queues, one and four consumers, prefetch 1, 2 and 10, each at three loads, and one
overloaded cell per kind of queue. At prefetch 2 and 10 the load is ρ; at prefetch 1 it is ρ' = λ·E(S + overshoot +
turnaround)/c, which is what decides there: λ comes from the calibration. A cell is, in this order,

  live calibrate   other jobs: the overheads of the minute before (at prefetch 1 after a short look for the rate)
  sim run          the prediction; from here on it is on disk
  live run         the observation, half a minute of Poisson arrivals at servers of 5 ms, exponential
  analysis compare both, job by job

Processors are kept from sleeping meanwhile (`--awake`): on a virtual machine how soon the hypervisor gives a sleeping
one back is most of what overheads move by.

A finished cell is a file in the folder; the same command goes on where it was stopped, and measures again what has
other settings. Whatever the figures are, all cells are shown, those that are not valid, too, and each is held against
what is asked of it: met, or missed and why.
"""

import argparse
import csv
import fnmatch
import json
import pathlib
import shutil
import signal
import statistics
import sys
from dataclasses import asdict, dataclass

import stacks
from driver import Load, answer, scenario, span, table
from live import note, provenance

MEAN_SERVICE_S = 0.005
WARMUP_JOBS = 320
SEED = 20260400

# At prefetch 1 the rate follows from what a job occupies a consumer beside its service, which a short look tells.
PILOT_LOAD, PILOT_S = 0.5, 6

LOADS = (0.5, 0.8, 0.9)
OVERLOAD = 1.1

# What is asked: the largest errors of mean and p99 wait, and the widest interval of the mean (half of it).
ERRORS = {1: (0.05, None), 2: (0.03, 0.05), 10: (0.03, 0.05)}
WIDEST = {1: {0.5: 0.08, 0.8: 0.08, 0.9: 0.15}, 2: dict.fromkeys(LOADS, 0.05), 10: dict.fromkeys(LOADS, 0.05)}
# Of the cells' 90 % intervals so many are to hold.
COVERAGE = (0.80, 0.98)


@dataclass(frozen=True)
class Cell:
    """One comparison; `load` is ρ at prefetch 2 and 10, and ρ' at prefetch 1. Each has jobs of its own, by its seed."""

    queue: str
    servers: int
    prefetch: int
    load: float
    seed: int

    @property
    def name(self):
        return f"{self.queue}-servers{self.servers}-prefetch{self.prefetch}-{self.load}"


KINDS = [
    *((queue, servers, prefetch, load) for servers in (1, 4) for prefetch in (2, 1, 10) for queue in ("classic", "quorum") for load in LOADS),
    *((queue, 1, 1, OVERLOAD) for queue in ("classic", "quorum")),
]
CELLS = [Cell(*kind, SEED + number) for number, kind in enumerate(KINDS)]


class Bench:
    def __init__(self, options, node):
        self.options = options
        self.node = node
        self.log = open(options.log, "ab")
        self.live, self.sim, self.analysis = (options.target / name for name in ("live", "sim", "analysis"))

    def settings(self, cell):
        options = self.options
        return {**asdict(cell), "jobs": options.jobs, "run_s": options.run_s, "calibrated_s": options.duration_s}

    def kept(self, cell):
        """What an earlier command found for the cell; None if it has to be measured."""
        path = self.options.folder / f"{cell.name}.json"
        found = json.loads(path.read_text()) if path.exists() else {}
        return found if found.get("settings") == self.settings(cell) else None

    def measure(self, cell):
        """Calibrates, predicts, observes and compares, in this order."""
        folder = self.options.folder / cell.name
        # Half a cell is no cell: what an interrupted command left is made anew.
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        # There is nothing to calibrate at a rate that nobody can work off.
        load, occupied = min(cell.load, 0.9), MEAN_SERVICE_S
        if cell.prefetch == 1:
            pilot = self.scenario(cell, folder, PILOT_LOAD * cell.servers / MEAN_SERVICE_S)
            occupied = occupied_s(self.calibrate(cell, pilot, "pilot", PILOT_S))
        path = self.scenario(cell, folder, load * cell.servers / occupied)
        calibration = self.calibrate(cell, path, "calibration", self.options.duration_s)
        # At prefetch 2 and more ρ is given; at prefetch 1 the calibration says how long a job occupies a consumer.
        if cell.prefetch == 1:
            occupied = occupied_s(calibration)
        rate = cell.load * cell.servers / occupied
        path, runs = self.scenario(cell, folder, rate), f"--runs={folder / 'runs'}"
        given = [f"--calibration={folder / 'calibration.toml'}", "--allow-unstable", "--json", runs]
        predicted = answer([self.sim, "run", path, *given], self.log)
        deployed = [f"--queue-type={cell.queue}", "--awake", "--json", "--quiet", runs]
        observed = answer([self.live, "run", path, *deployed], self.log, AMQP_URL=self.node.url)
        compared = answer([self.analysis, "compare", predicted["run"], observed["run"], "--json"], self.log)
        found = {
            "settings": self.settings(cell),
            "rate": rate,
            "rho": rate * MEAN_SERVICE_S / cell.servers,
            "effective_rho": predicted["metrics"]["effective_utilization"],
            "calibration": {key: calibration[key] for key in ("made", "valid", "stolen", "sustainable", "terms")},
            "times": {"calibrated": calibration["made"], **times(predicted["run"], observed["run"])},
            "verdict_on_prediction": compared["verdict"],
            **{key: compared[key] for key in ("says", "metrics", "overload", "ladder", "corrections", "jobs", "warnings")},
            **{key: observed[key] for key in ("validity", "stolen", "busy", "ledger", "lateness_s")},
            # Both kinds of queue are measured; the versions of the other stack have no part in this.
            "machine": [line.replace(", quorum queues", "") for line in list(provenance(self))[:3]],
        }
        path = self.options.folder / f"{cell.name}.json"
        # There is never half a file under the final name.
        unfinished = path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(found, indent=1) + "\n")
        unfinished.rename(path)
        return found

    def scenario(self, cell, folder, rate):
        load = Load(rate, cell.servers, MEAN_SERVICE_S, "exponential", cell.prefetch)
        jobs = max(self.options.jobs, round(rate * self.options.run_s))
        return scenario(folder, cell.name, load, jobs, max(WARMUP_JOBS, round(2 * rate)), seed=cell.seed)

    def calibrate(self, cell, path, name, duration_s):
        """A calibration of the minute."""
        flags = [f"--queue-type={cell.queue}", f"--prefetch={cell.prefetch}", f"--duration-s={duration_s}"]
        flags += ["--awake", "--quiet", "--json", f"--out={path.parent / name}.toml"]
        return answer([self.live, "calibrate", path, *flags], self.log, AMQP_URL=self.node.url)


def occupied_s(calibration):
    """How long a job occupies a consumer that may hold one."""
    terms = calibration["terms"]
    return MEAN_SERVICE_S + terms["overshoot"]["mean_s"] + terms["turnaround"]["mean_s"]


def times(predicted, observed):
    """When the prediction was complete and the run began: as RFC 3339, whose order is that of the texts."""
    manifests = [pathlib.Path(run) / "manifest.json" for run in (predicted, observed)]
    predicted, observed = (json.loads(manifest.read_text()) for manifest in manifests)
    seen = {"predicted": predicted["ended"], "began": observed["started"], "ended": observed["ended"]}
    if seen["predicted"] > seen["began"]:
        sys.exit(f"error: the run began at {seen['began']}, before its prediction was there: this is a bug")
    return seen


def is_overload(found):
    return found["settings"]["load"] > 1


def short(found):
    """The two metrics that are shown, by name."""
    if is_overload(found):
        overload = found["overload"]
        return overload and {"rate": overload["sustainable_rate"], "backlog": overload["final_backlog"]}
    metrics = found["metrics"]
    return metrics and {"mean": metrics["mean_wait_s"], "p99": metrics["wait_quantiles_s"]["0.99"]}


def half_width(metric):
    return (metric["high"] - metric["low"]) / 2 / metric["predicted"]


def holds(metric):
    """Whether the observation lies in the prediction's 90 % interval."""
    return metric["low"] <= metric["observed"] <= metric["high"]


def misses(found):
    """What of that which is asked the cell does not meet, in words."""
    cell, metrics = found["settings"], short(found)
    if metrics is None:
        return [found["says"]]
    asked = []
    if is_overload(found):
        for name, figure in metrics.items():
            asked.append((abs(figure["relative_error"]) <= figure["margin"], f"{name} off by {figure['relative_error']:+.1%}"))
    else:
        mean, p99 = metrics["mean"], metrics["p99"]
        (of_mean, of_p99), widest = ERRORS[cell["prefetch"]], WIDEST[cell["prefetch"]][cell["load"]]
        width = half_width(mean)
        near = abs(mean["relative_error"]) <= of_mean
        if cell["prefetch"] == 1:
            asked.append((near or (holds(mean) and width <= widest), f"mean off by {mean['relative_error']:+.1%}, interval ±{width:.1%}"))
        else:
            asked.append((near, f"mean off by {mean['relative_error']:+.1%}"))
            asked.append((abs(p99["relative_error"]) <= of_p99, f"p99 off by {p99['relative_error']:+.1%}"))
            asked.append((width <= widest, f"interval ±{width:.1%}"))
    return [words for met, words in asked if not met]


def why(found):
    """The overhead, or the rest, that explains most of the error of the mean wait."""
    steps = [step for step in found["corrections"] if step["share"]["mean_wait_s"] is not None]
    if not steps:
        return moved_most(found)
    step = max(steps, key=lambda step: abs(step["share"]["mean_wait_s"]))
    share = f"{step['share']['mean_wait_s'] * 1e3:+.2f} ms of the mean wait"
    if step["found_s"] is None:
        return f"; mostly what no overhead explains ({share})"
    moved = f"{step['calibrated_s'] * 1e3:.3f} → {step['found_s'] * 1e3:.3f} ms"
    return f"; mostly the {step['term']}, {moved} ({share})"


def moved_most(found):
    """The overhead that differs most from what it was calibrated to, for runs that have no mean wait to explain."""
    steps = [step for step in found["corrections"] if step["found_s"] and step["calibrated_s"]]
    if not steps:
        return ""
    step = max(steps, key=lambda step: abs(step["found_s"] - step["calibrated_s"]))
    return f"; the {step['term']} went from {step['calibrated_s'] * 1e3:.3f} to {step['found_s'] * 1e3:.3f} ms"


def row(found):
    cell, mean, p99 = found["settings"], *short(found).values()
    load = f"ρ' = {cell['load']} (ρ = {found['rho']:.3f})"
    if cell["prefetch"] > 1:
        load = f"ρ = {cell['load']}"
    interval = f"{span(mean['predicted'])} (±{half_width(mean):.1%})"
    waits = [span(mean["ideal"]), interval, span(mean["observed"]), f"{mean['relative_error']:+.1%}"]
    tails = [span(p99["predicted"]), span(p99["observed"]), f"{p99['relative_error']:+.1%}"]
    verdicts = ["in" if holds(mean) else "out", "yes" if is_valid(found) else "no", "missed" if misses(found) else "met"]
    return [cell["queue"], cell["servers"], cell["prefetch"], load, f"{found['rate']:.1f}/s", *waits, *tails, *verdicts]


def is_valid(found):
    return found["validity"]["verdict"] == "valid"


def overload_row(found):
    rate, backlog = short(found).values()
    cell, figures = found["settings"], []
    for figure, unit in ((rate, "/s"), (backlog, "")):
        predicted = f"{figure['predicted']:.1f}{unit} (±{half_width(figure):.1%})"
        figures += [predicted, f"{figure['observed']:.1f}{unit}", f"{figure['relative_error']:+.1%}"]
    return [cell["queue"], f"ρ' = {cell['load']}", f"{found['rate']:.1f}/s", *figures, "missed" if misses(found) else "met"]


def report(cells):
    """The lines of the page."""
    # More than one line of a kind if the programs changed between two commands.
    yield from dict.fromkeys(line for cell in cells for line in cell["machine"][1:])
    begun, ended = (edge(cell["times"][key] for cell in cells) for edge, key in ((min, "calibrated"), (max, "ended")))
    yield f"- {cells[0]['machine'][0].split('; ')[-1]}; from {begun} to {ended}"
    settings = cells[0]["settings"]
    yield f"- runs of {settings['run_s']} s, {settings['jobs']:,} jobs at least, each after {settings['calibrated_s']} s of calibration"
    yield ""
    steady = [cell for cell in cells if not is_overload(cell) and short(cell)]
    head = ["queue", "consumers", "prefetch", "load", "λ", "mean wait, ideal", "predicted (90 % interval)", "observed", "error"]
    head += ["p99 predicted", "observed", "error", "interval", "valid", "asked"]
    yield from table(head, *map(row, steady))
    yield ""
    for metric in ("mean", "p99"):
        figures = [short(cell)[metric] for cell in steady]
        if not figures:
            continue
        errors = [abs(figure["relative_error"]) for figure in figures]
        inside = sum(map(holds, figures))
        spread = f"error {statistics.median(errors):.1%} in the median, {max(errors):.1%} at most"
        yield f"- {metric} wait: {spread}; {inside} of {len(figures)} ({inside / len(figures):.0%}) in the 90 % interval"
    least, most = COVERAGE
    yield f"- asked of the intervals: {least:.0%} to {most:.0%} of them hold the observed mean"
    yield f"- {sum(not misses(cell) for cell in cells)} of {len(cells)} cells meet what is asked of them"
    overloaded = [cell for cell in cells if is_overload(cell) and short(cell)]
    if overloaded:
        yield ""
        head = ["queue", "load", "λ", "rate predicted", "observed", "error", "backlog predicted", "observed", "error", "asked"]
        yield from table(head, *map(overload_row, overloaded))
    yield ""
    for cell in cells:
        settings = cell["settings"]
        servers = settings['servers']
        consumers = '1 consumer' if servers == 1 else f'{servers} consumers'
        name = f"{settings['queue']}, {consumers}, prefetch {settings['prefetch']}, {settings['load']}"
        reasons = [f"missed: {miss}{why(cell)}" for miss in misses(cell)]
        reasons += [f"the run: {reason}" for reason in cell["validity"]["reasons"]]
        reasons += ["the calibration: its load was not what it was meant to be"] * (not cell["calibration"]["valid"])
        # That of a run that is not valid is said already.
        reasons += [warning for warning in cell["warnings"] if "the run is not valid" not in warning]
        yield from (f"- {name}: {reason}" for reason in reasons)


def flat(found):
    """One row of the CSV file: times in s, everything else as it is."""
    cell, terms = found["settings"], found["calibration"]["terms"]
    figures = {
        f"{name}_{key}": metric.get(key)
        for name, metric in (short(found) or {}).items()
        for key in ("textbook", "ideal", "predicted", "low", "high", "observed", "relative_error", "verdict")
    }
    measured = {
        f"{name}_{key}": terms.get(name, {}).get(key)
        for name in ("idle_path", "turnaround", "hand_over", "overshoot")
        for key in ("mean_s", "standard_error_s")
    }
    in_run = {f"{step['term'].replace(' ', '_').replace('-', '_')}_found_s": step["found_s"] for step in found["corrections"]}
    run = {"valid": found["validity"]["verdict"], "reasons": "; ".join(found["validity"]["reasons"])}
    shares = {"calibration_stolen": found["calibration"]["stolen"], "stolen": found["stolen"], "busy": found["busy"]}
    rates = {key: found[key] for key in ("rate", "rho", "effective_rho")}
    return {**cell, **rates, **measured, **in_run, **figures, **run, **shares, "missed": "; ".join(misses(found)), **found["times"]}


def write(options, cells):
    cells = sorted(cells, key=lambda found: [found["settings"][key] for key in ("queue", "servers", "prefetch", "load")])
    options.out.write_text("\n".join(report(cells)) + "\n")
    with open(options.csv, "w", newline="") as file:
        flattened = [flat(cell) for cell in cells]
        columns = list(dict.fromkeys(column for cell in flattened for column in cell))
        rows = csv.DictWriter(file, columns, lineterminator="\n")
        rows.writeheader()
        rows.writerows(flattened)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with live, sim and analysis")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the table; all figures are in a .csv beside it, finished cells in a folder")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for what the programs say")
    parser.add_argument("--jobs", type=int, default=4800, help="measured jobs of a run, at least")
    parser.add_argument("--run-s", type=int, default=28, help="length of a run, at least")
    parser.add_argument("--duration-s", type=int, default=20, help="length of a calibration")
    parser.add_argument("--only", default="*", metavar="PATTERN", help="cells by name, such as 'quorum-prefetch1-*'")
    parser.add_argument("--fresh", action="store_true", help="forget the finished cells")
    options = parser.parse_args()
    options.folder, options.csv = options.out.with_suffix(""), options.out.with_suffix(".csv")
    # Asked to end, it ends the node first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))

    chosen = [cell for cell in CELLS if fnmatch.fnmatch(cell.name, options.only)]
    if not chosen:
        sys.exit(f"error: no cell is called {options.only}; there are {', '.join(cell.name for cell in CELLS)}")
    if options.fresh:
        shutil.rmtree(options.folder, ignore_errors=True)
    options.folder.mkdir(parents=True, exist_ok=True)
    with stacks.Node() as node:
        bench, cells = Bench(options, node), []
        for number, cell in enumerate(chosen, 1):
            found = bench.kept(cell)
            note(f"{number} of {len(chosen)}: {cell.name}{' is there already' if found else ''}")
            cells.append(found or bench.measure(cell))
            note(f"    {cells[-1]['says']}{' MISSED' if misses(cells[-1]) else ''}")
            # What is known can be read while the rest is measured.
            write(options, cells)
    print(options.out.read_text(), end="")


if __name__ == "__main__":
    main()
