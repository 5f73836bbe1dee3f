"""Predictions made BEFORE each run against what was then observed (`make evidence`).

Twelve cells: a classic and a quorum queue, prefetch 2 at ρ = 0.5, 0.8, 0.9, and prefetch 1 at ρ' = 0.5, 0.8, 0.9, where
ρ' = λ·E(S + overshoot + turnaround) is what decides there: λ comes from the calibration. A cell is, in this order,

  live calibrate   other jobs, 0.8 times the rate: the overheads of the minute before
  sim run          the prediction; from here on it is on disk
  live run         the observation, 30 s to a minute of Poisson arrivals at one server of 5 ms, exponential
  analysis compare both, job by job

A finished cell is a file in the folder; the same command goes on where it was stopped, and measures again what has
other settings. Whatever the figures are, all cells are shown, those that are not valid, too.
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
SEED = 20260300

# Of overshoot and turnaround together, only for the rate at which the calibration of a prefetch 1 is made.
GUESSED_OVERHEAD_S = {"classic": 0.0004, "quorum": 0.0008}


@dataclass(frozen=True)
class Cell:
    """One comparison; `load` is ρ at prefetch 2, and ρ' at prefetch 1. Each has jobs of its own, by its seed."""

    queue: str
    prefetch: int
    load: float
    seed: int

    @property
    def name(self):
        return f"{self.queue}-prefetch{self.prefetch}-{self.load}"


CELLS = [
    Cell(queue, prefetch, load, SEED + number)
    for number, (queue, prefetch, load) in enumerate(
        (queue, prefetch, load) for queue in ("classic", "quorum") for prefetch in (2, 1) for load in (0.5, 0.8, 0.9)
    )
]


class Bench:
    def __init__(self, options, node):
        self.options = options
        self.node = node
        self.log = open(options.log, "ab")
        self.live, self.sim, self.analysis = (options.target / name for name in ("live", "sim", "analysis"))

    def settings(self, cell):
        return {**asdict(cell), "jobs": self.options.jobs, "calibrated_s": self.options.duration_s}

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
        guess = 0.0 if cell.prefetch > 1 else GUESSED_OVERHEAD_S[cell.queue]
        calibration, terms = self.calibrate(cell, self.scenario(cell, folder, cell.load / (MEAN_SERVICE_S + guess)))
        # At prefetch 2 ρ is given; at prefetch 1 the calibration says how long a job occupies the consumer.
        occupied = MEAN_SERVICE_S
        if cell.prefetch == 1:
            occupied += terms["overshoot"]["mean_s"] + terms["turnaround"]["mean_s"]
        path, runs = self.scenario(cell, folder, cell.load / occupied), f"--runs={folder / 'runs'}"
        given = [f"--calibration={folder / 'calibration.toml'}", "--allow-unstable", "--json", runs]
        predicted = answer([self.sim, "run", path, *given], self.log)
        deployed = [f"--queue-type={cell.queue}", "--json", "--quiet", runs]
        observed = answer([self.live, "run", path, *deployed], self.log, AMQP_URL=self.node.url)
        compared = answer([self.analysis, "compare", predicted["run"], observed["run"], "--json"], self.log)
        found = {
            "settings": self.settings(cell),
            "rate": cell.load / occupied,
            "rho": cell.load / occupied * MEAN_SERVICE_S,
            "effective_rho": predicted["metrics"]["effective_utilization"],
            "calibration": {key: calibration[key] for key in ("made", "valid", "stolen", "sustainable", "terms")},
            "times": {"calibrated": calibration["made"], **times(predicted["run"], observed["run"])},
            "metrics": compared["metrics"],
            "verdict_on_prediction": compared["verdict"],
            "ladder": compared["ladder"],
            "warnings": compared["warnings"],
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
        load = Load(rate, 1, MEAN_SERVICE_S, "exponential", cell.prefetch)
        return scenario(folder, cell.name, load, self.options.jobs, WARMUP_JOBS, seed=cell.seed)

    def calibrate(self, cell, path):
        """The calibration of the minute, and its terms."""
        flags = [f"--queue-type={cell.queue}", f"--prefetch={cell.prefetch}", f"--duration-s={self.options.duration_s}"]
        flags += ["--quiet", "--json", f"--out={path.parent / 'calibration.toml'}"]
        calibration = answer([self.live, "calibrate", path, *flags], self.log, AMQP_URL=self.node.url)
        return calibration, calibration["terms"]


def times(predicted, observed):
    """When the prediction was complete and the run began: as RFC 3339, whose order is that of the texts."""
    manifests = [pathlib.Path(run) / "manifest.json" for run in (predicted, observed)]
    predicted, observed = (json.loads(manifest.read_text()) for manifest in manifests)
    seen = {"predicted": predicted["ended"], "began": observed["started"], "ended": observed["ended"]}
    if seen["predicted"] > seen["began"]:
        sys.exit(f"error: the run began at {seen['began']}, before its prediction was there: this is a bug")
    return seen


def short(found):
    """The two metrics that are shown, by name."""
    return {"mean": found["metrics"]["mean_wait_s"], "p99": found["metrics"]["wait_quantiles_s"]["0.99"]}


def row(found):
    cell, mean, p99 = found["settings"], *short(found).values()
    load = f"ρ' = {cell['load']} (ρ = {found['rho']:.3f})"
    if cell["prefetch"] > 1:
        load = f"ρ = {cell['load']} (ρ' = {found['effective_rho']:.3f})"
    interval = f"{span(mean['predicted'])} ({span(mean['low'])} – {span(mean['high'])})"
    waits = [span(mean["ideal"]), interval, span(mean["observed"]), f"{mean['relative_error']:+.1%}"]
    tails = [span(p99["predicted"]), span(p99["observed"]), f"{p99['relative_error']:+.1%}"]
    valid = "yes" if found["validity"]["verdict"] == "valid" else "no"
    return [cell["queue"], cell["prefetch"], load, f"{found['rate']:.1f}/s", *waits, *tails, valid]


def report(cells):
    """The lines of the page."""
    # More than one line of a kind if the programs changed between two commands.
    yield from dict.fromkeys(line for cell in cells for line in cell["machine"][1:])
    begun, ended = (edge(cell["times"][key] for cell in cells) for edge, key in ((min, "calibrated"), (max, "ended")))
    yield f"- {cells[0]['machine'][0].split('; ')[-1]}; from {begun} to {ended}"
    settings = cells[0]["settings"]
    yield f"- {settings['jobs']:,} jobs a run after {settings['calibrated_s']} s of calibration"
    yield ""
    head = ["queue", "prefetch", "load", "λ", "mean wait, ideal", "predicted (90 % interval)", "observed", "error"]
    yield from table([*head, "p99 predicted", "observed", "error", "valid"], *map(row, cells))
    yield ""
    for metric in ("mean", "p99"):
        figures = [short(cell)[metric] for cell in cells]
        errors = [abs(figure["relative_error"]) for figure in figures]
        inside = sum(figure["low"] <= figure["observed"] <= figure["high"] for figure in figures)
        median, most = statistics.median(errors), max(errors)
        spread = f"error {median:.1%} in the median, {most:.1%} at most"
        yield f"- {metric} wait: {spread}; {inside} of {len(cells)} in the 90 % interval"
    yield ""
    for cell in cells:
        reasons = [f"the run: {reason}" for reason in cell["validity"]["reasons"]]
        reasons += ["the calibration: its load was not what it was meant to be"] * (not cell["calibration"]["valid"])
        # That of a run that is not valid is said already.
        reasons += [warning for warning in cell["warnings"] if "the run is not valid" not in warning]
        name = f"{cell['settings']['queue']}, prefetch {cell['settings']['prefetch']}, {cell['settings']['load']}"
        yield from (f"- {name}: {reason}" for reason in reasons)


def flat(found):
    """One row of the CSV file: times in s, everything else as it is."""
    cell, terms = found["settings"], found["calibration"]["terms"]
    figures = {
        f"{name}_wait_{key}": metric[key]
        for name, metric in short(found).items()
        for key in ("textbook", "ideal", "predicted", "low", "high", "observed", "relative_error", "verdict")
    }
    measured = {
        f"{name}_{key}": terms.get(name, {}).get(key)
        for name in ("idle_path", "turnaround", "hand_over", "overshoot")
        for key in ("mean_s", "standard_error_s")
    }
    run = {"valid": found["validity"]["verdict"], "reasons": "; ".join(found["validity"]["reasons"])}
    shares = {"calibration_stolen": found["calibration"]["stolen"], "stolen": found["stolen"], "busy": found["busy"]}
    rates = {key: found[key] for key in ("rate", "rho", "effective_rho")}
    return {**cell, **rates, **measured, **figures, **run, **shares, **found["times"]}


def write(options, cells):
    cells = sorted(cells, key=lambda found: [found["settings"][key] for key in ("queue", "prefetch", "load")])
    options.out.write_text("\n".join(report(cells)) + "\n")
    with open(options.csv, "w", newline="") as file:
        rows = csv.DictWriter(file, list(flat(cells[0])), lineterminator="\n")
        rows.writeheader()
        rows.writerows(map(flat, cells))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with live, sim and analysis")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the table; all figures are in a .csv beside it, finished cells in a folder")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for what the programs say")
    parser.add_argument("--jobs", type=int, default=4800, help="measured jobs of a run")
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
            note(f"    {' | '.join(map(str, row(cells[-1])))}")
            # What is known can be read while the rest is measured.
            write(options, cells)
    print(options.out.read_text(), end="")


if __name__ == "__main__":
    main()
