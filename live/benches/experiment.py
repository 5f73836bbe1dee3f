"""A 12 % faster service, found on a real pipeline with the jobs that the plan asks for (`make experiment`).

Four runs on a private RabbitMQ node, one consumer, Poisson arrivals, exponential services:

  A/B    half of the jobs, by a hash of their numbers, are worked on 12 % faster
  A/A    the same arms, and no difference: nothing may be found
  all A  every job as it is        } the very same jobs, for what the change does to sojourns, beside what the recursion
  all B  every job 12 % faster     } predicts with the overheads of the first alone

The number of jobs is that of `analysis ab --plan` at α = 0.01 and power 0.99. Jobs and arms follow from the seed, which is
the day's date and was not looked for.
"""

import argparse
import json
import pathlib
import signal
import sys

import stacks
from driver import Load, answer, scenario, span, table
from live import note, provenance

ALPHA, POWER, FACTOR = 0.01, 0.99, 0.88
WARMUP_JOBS = 320
RUNS = {"A/B": (0.5, FACTOR), "A/A": (0.5, 1.0), "all A": (0.0, FACTOR), "all B": (1.0, FACTOR)}


class Bench:
    def __init__(self, options, node):
        self.options, self.node = options, node
        self.log = open(options.log, "ab")
        self.live, self.analysis = (options.target / name for name in ("live", "analysis"))

    def ab(self, *arguments):
        return answer([self.analysis, "ab", *arguments, f"--alpha={ALPHA}", "--json"], self.log)

    def drive(self, name, jobs):
        options, (share, factor) = self.options, RUNS[name]
        load = Load(options.rate, 1, options.mean_s, "exponential", options.prefetch)
        slug = name.lower().replace("/", "").replace(" ", "-")
        path = scenario(options.folder, slug, load, jobs, WARMUP_JOBS, seed=options.seed)
        with path.open("a") as file:
            file.write(f"\n[experiment]\nshare = {share}\nservice_factor = {factor}\n")
        command = [self.live, "run", path, f"--queue-type={options.queue_type}", "--awake", "--json", "--quiet"]
        return answer([*command, f"--runs={options.folder / 'runs'}"], self.log, AMQP_URL=self.node.url)


def percent(ratio):
    return f"{ratio - 1:+.1%}"


def interval(ratio):
    return f"{percent(ratio['estimate'])} ({percent(ratio['low'])} … {percent(ratio['high'])})"


def within_a_run(name, found):
    services, adjusted, peeking = found["services"], found["adjusted"], found["always_valid"]
    decided = peeking["decided_after_pairs"]
    looked = f"p = {peeking['p_value']:.2g}" + (f", decided after {decided:,} pairs" if decided else ", never decided")
    return [
        name,
        f"{found['allocation']['a']:,} + {found['allocation']['b']:,}",
        f"{span(found['mean_service_a_s'])} → {span(found['mean_service_b_s'])}",
        interval(services),
        f"{services['p_value']:.2g}",
        f"{found['welch']['p_value']:.2g}",
        f"{found['ranks']['p_value']:.2g}",
        interval(adjusted),
        looked,
        f"{found['a_a']['rejected']:.1%}, {found['a_a_stretches']['rejected']:.1%}; sojourns {found['a_a_sojourns']['rejected']:.0%}",
    ]


def report(bench, jobs, runs, within, paired):
    yield from (line.replace(", quorum queues", "") for line in list(provenance(bench))[:3])
    options = bench.options
    yield (
        f"- {options.queue_type} queue, prefetch {options.prefetch}, {options.rate:g} jobs/s of {options.mean_s * 1e3:g} ms, "
        f"{jobs:,} jobs a run (α = {ALPHA}, power {POWER}), seed {options.seed}, processors kept awake"
    )
    yield ""
    head = ["run", "jobs", "mean service", "B beside A (99 % interval)", "p", "Welch", "Mann–Whitney"]
    head += ["at equal demand", "looking all the time", "A/A findings (1 % meant): job by job, in stretches"]
    yield from table(head, *(within_a_run(name, found) for name, found in within.items()))
    yield ""
    predicted = "–" if paired["predicted"] is None else percent(paired["predicted"])
    head = ["all B beside all A", "observed (99 % interval)", "predicted", "ideal queue, same jobs"]
    sojourns = f"{span(paired['sojourn_a_s'])} → {span(paired['sojourn_b_s'])}"
    yield from table(head, [f"mean sojourn, {sojourns}", interval(paired["sojourns"]), predicted, percent(paired["ideal"])])
    yield ""
    yield from (f"- {name}, the run: {reason}" for name, run in runs.items() for reason in run["validity"]["reasons"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with live and analysis")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the tables; runs are in a folder beside it")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for what the programs say")
    parser.add_argument("--rate", type=float, default=160.0, help="jobs/s")
    parser.add_argument("--mean-s", type=float, default=0.005, help="mean service of A")
    parser.add_argument("--prefetch", type=int, default=1)
    parser.add_argument("--queue-type", default="classic")
    parser.add_argument("--seed", type=int, default=20261126)
    options = parser.parse_args()
    options.folder = options.out.with_suffix("")
    options.folder.mkdir(parents=True, exist_ok=True)
    # Asked to end, it ends the node first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    with stacks.Node() as node:
        bench = Bench(options, node)
        jobs = bench.ab("--plan", f"--power={POWER}", f"--reduction={1 - FACTOR}", "--scv=1")["jobs"]
        runs = {}
        for name in RUNS:
            note(f"{name}: {jobs:,} jobs")
            runs[name] = bench.drive(name, jobs)
        within = {name: bench.ab(runs[name]["run"]) for name in ("A/B", "A/A")}
        paired = bench.ab(runs["all A"]["run"], runs["all B"]["run"])
        (options.folder / "found.json").write_text(json.dumps({"within": within, "paired": paired}, indent=1) + "\n")
        options.out.write_text("\n".join(report(bench, jobs, runs, within, paired)) + "\n")
    print(options.out.read_text(), end="")


if __name__ == "__main__":
    main()
