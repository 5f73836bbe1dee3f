"""The same API, measured by tools that nobody here wrote (`make crosscheck`): do they and `live` see the same?

Each measurement has a fresh queue and a `live serve` of its own, two consumers that hold a job for 1 ms, and jobs that
come at equal distances, alternately from

  live drive   responses from the due time, a ledger of every message
  oha          responses from the instant at which its rate limiter let the request go; if it is there

and, in a closed loop, from wrk with one connection and with eight. What RabbitMQ's management API says of the queue is a
second witness: once all has settled, its counts must be those of the ledger, to the message.
"""

import argparse
import base64
import contextlib
import csv
import http.client
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

import stacks
from driver import Load, answer, scenario, span, table
from live import note, provenance

# Two consumers of 1 ms are 75 % busy at the higher rate: with one, the queue would grow for as long as it lasts.
RATES = [500, 1500]
SERVERS, HOLD_S, PREFETCH = 2, 0.001, 10
WARMUP_S = 1.0

# How often RabbitMQ refreshes its statistics, s.
REFRESH_S = 5

BODY = '{"source":"crosscheck","timestamp":"2026-01-31T12:00:00Z","data":{"demand_s":%s}}' % HOLD_S

# The jobs of live.py's closed loop, which demand nothing: a closed loop asks for more than the consumers could hold.
WRK = f"""dofile("{stacks.BENCHES / 'ingest.lua'}")
done = function(summary, latency)
  local errors = summary.errors
  local bad = errors.status + errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('{{"requests":%d,"duration_us":%d,"bad":%d,"p50_us":%d}}\\n',
    summary.requests, summary.duration, bad, latency:percentile(50)))
end
"""

SOURCES = """Where the differences come from:

- *oha* waits for its instants with a timer that ticks in milliseconds and counts from when it woke. What it is late is
  not in its responses, and above 1,000/s requests leave two at a time and meet one another; `live drive` waits to the
  microsecond and counts from the due time. oha's requests/s are over the whole time, first connections included.
- *wrk*'s one connection has one request under way; with eight they meet in API and broker. In a closed loop a slow
  answer holds the next request back, for which wrk puts in samples of its own: only medians are compared. What the
  broker has beyond its answers was under way when it stopped.
- *The broker's rates* are differences of its counters over the 5 s before a refresh; *a depth* is that of one instant,
  what consumers hold included. The ledger's mean counts from the API's reading of a request, the way to the broker
  included, until the acknowledgement is handed over."""


class ManagedNode(stacks.Node):
    """A private node with the management plugin, on loopback, too."""

    def __init__(self, scratch):
        self.management = stacks.free_port()
        listener = f'[{{port,{self.management}}},{{ip,"127.0.0.1"}}]'
        advanced = pathlib.Path(scratch) / "advanced.config"
        advanced.write_text(f"[{{rabbitmq_management,[{{tcp_config,{listener}}}]}}].\n")
        # The script that starts the node hands on what it does not set itself.
        os.environ["RABBITMQ_ENABLED_PLUGINS"] = "rabbitmq_management"
        os.environ["RABBITMQ_ADVANCED_CONFIG_FILE"] = str(advanced)
        super().__init__()

    def __enter__(self):
        super().__enter__()
        stacks.wait_until(lambda: stacks.answers(self.management, "/"), "the management plugin", self.owner)
        return self

    def statistics(self, queue):
        """What the management API says of a queue, with samples of the last minutes at every refresh."""
        ages = "&".join(f"{what}_age=300&{what}_incr={REFRESH_S}" for what in ("msg_rates", "lengths"))
        headers = {"Authorization": f"Basic {base64.b64encode(b'guest:guest').decode()}"}
        connection = http.client.HTTPConnection("127.0.0.1", self.management, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", f"/api/queues/%2F/{queue}?{ages}", headers=headers)
            return json.load(connection.getresponse())


@dataclass
class Seen:
    """One measurement: what the tool said, what the broker said, and the ledger if there is one."""

    tool: str
    load: str
    achieved: float
    p50_s: float
    p99_s: float  # None for a closed loop.
    taken: int
    bad: int
    ledger: dict = field(default_factory=dict)
    # Jobs between API and acknowledgement, on average over the run.
    mean_depth: float = None
    course: tuple = ()
    totals: dict = field(default_factory=dict)


def course(history):
    """Publishes/s and acknowledgements/s between the refreshes that the load spanned, and the depth at each."""
    # The newest sample comes first.
    publish, ack = (history["message_stats"][f"{name}_details"]["samples"][::-1] for name in ("publish", "ack"))
    grown = [now for now in range(1, len(publish)) if publish[now]["sample"] > publish[now - 1]["sample"]]
    # The load did not fill the first and the last interval with messages in it.
    full = grown[1:-1]
    rates = [[(one[now]["sample"] - one[now - 1]["sample"]) / REFRESH_S for now in full] for one in (publish, ack)]
    times = {publish[now]["timestamp"] for now in full}
    depths = [depth["sample"] for depth in history["messages_details"]["samples"][::-1] if depth["timestamp"] in times]
    return *rates, depths


def mean_depth(joined):
    """Jobs between API and acknowledgement by Little's law, from the rows of a joined run."""
    with open(pathlib.Path(joined["run"]) / "jobs.csv", newline="") as rows:
        stays = [float(row["acked_s"]) - float(row["accepted_s"]) for row in csv.DictReader(rows) if row["acked_s"]]
    return joined["achieved_rate"] * statistics.fmean(stays)


class Bench:
    def __init__(self, options, node, scratch):
        self.options = options
        self.node = node
        self.scratch = pathlib.Path(scratch)
        self.log = open(options.log, "ab")
        self.live = options.target / "live"

    def measure(self, tool, load, command, read):
        """Serves a fresh queue to `command(url, record)`, whose answer `read` reads, until the books are closed."""
        port = stacks.free_port()
        queue, record = f"crosscheck.{port}", self.scratch / f"run-{port}"
        flags = [f"--bind=127.0.0.1:{port}", f"--queue={queue}", "--queue-type=quorum", "--store=none"]
        flags += [f"--servers={SERVERS}", f"--prefetch={PREFETCH}", f"--record={record}"]
        with stacks.process([self.live, "serve", *flags], self.log, AMQP_URL=self.node.url) as serving:
            stacks.wait_until(lambda: stacks.answers(port, "/readyz"), "live serve", serving)
            seen = Seen(tool, load, *read(answer(command(f"http://127.0.0.1:{port}", record), self.log)))
            seen.totals = self.settled(queue)
            seen.course = course(self.node.statistics(queue))
        if tool == "live drive":
            # The parts can be joined once they are closed.
            joined = answer([self.live, "join", record, "--json"], self.log)
            seen.ledger, seen.mean_depth = joined["ledger"], mean_depth(joined)
        self.node.delete(queue)
        shutil.rmtree(record, ignore_errors=True)
        note(f"    {seen.achieved:.1f}/s, p50 {span(seen.p50_s)}; the broker: {seen.totals}")
        return seen

    def settled(self, queue):
        """The broker's counts, once two looks, more than a refresh apart, have shown the same."""
        found = None
        while True:
            now = self.node.statistics(queue)
            counts = {name: now.get("message_stats", {}).get(name) for name in ("publish", "ack")}
            if counts == found:
                return found
            found = counts
            time.sleep(2 * REFRESH_S)

    def drive(self, rate):
        load = Load(float(rate), SERVERS, HOLD_S, "deterministic", PREFETCH)
        arrivals = 'kind = "renewal", shape = { kind = "deterministic" }'
        jobs, warmup = round(rate * self.options.seconds), round(WARMUP_S * rate)
        path = scenario(self.scratch, f"equal-{rate}", load, jobs, warmup, arrivals)

        def command(url, record):
            return [self.live, "drive", path, f"--target={url}", f"--record={record}", "--json"]

        def read(said):
            response, bad = said["api_latency_s"], sum(said["refused"].values())
            return said["achieved_rate"], response["0.5"], response["0.99"], said["sent"] - bad, bad

        return self.measure("live drive", f"{rate:,}/s", command, read)

    def oha(self, rate):
        def command(url, _):
            jobs = round(rate * (self.options.seconds + WARMUP_S))
            paced = [self.options.oha, "-n", jobs, "-q", rate, "-c", 64, "--latency-correction", "--no-tui"]
            return [*paced, "--output-format=json", "-m", "POST", "-T", "application/json", "-d", BODY, f"{url}/ingest"]

        def read(said):
            codes, response = said["statusCodeDistribution"], said["latencyPercentiles"]
            bad = sum(codes.values()) - codes.get("202", 0) + sum(said["errorDistribution"].values())
            return said["summary"]["requestsPerSec"], response["p50"], response["p99"], codes.get("202", 0), bad

        return self.measure("oha", f"{rate:,}/s", command, read)

    def wrk(self, connections):
        script = self.scratch / "crosscheck.lua"
        script.write_text(WRK)

        def command(url, _):
            return ["wrk", "-t1", f"-c{connections}", f"-d{self.options.seconds:.0f}s", "-s", script, f"{url}/ingest"]

        def read(said):
            rate, taken = said["requests"] / (said["duration_us"] * 1e-6), said["requests"] - said["bad"]
            return rate, said["p50_us"] * 1e-6, None, taken, said["bad"]

        return self.measure("wrk", f"closed loop of {connections}", command, read)

    def all(self):
        tools = {"live drive": self.drive, **({"oha": self.oha} if self.options.oha else {})}
        for rate in RATES:
            for round_ in range(self.options.rounds):
                for tool in sorted(tools, reverse=round_ % 2 == 1):
                    note(f"{tool} at {rate}/s, round {round_ + 1} of {self.options.rounds}")
                    yield tools[tool](rate)
        for connections in (1, 8):
            note(f"wrk, {connections} connections")
            yield self.wrk(connections)


def responses(all_seen):
    rows = []
    for seen in all_seen:
        times = [span(seen.p50_s), "–" if seen.p99_s is None else span(seen.p99_s)]
        rows.append([seen.tool, seen.load, f"{seen.achieved:,.1f}", *times, f"{seen.taken:,}", f"{seen.bad:,}"])
    return table(["tool", "load", "requests/s", "response p50", "p99", "answered 202", "anything else"], *rows)


def books(all_seen):
    """What the broker counted beside the ledger, or where there is none, beside the tool's answers."""
    rows = []
    for seen in all_seen:
        confirmed, consumed = seen.ledger.get("confirmed", seen.taken), seen.ledger.get("consumed", "–")
        apart = [seen.totals["publish"] - confirmed, seen.totals["ack"] - consumed if seen.ledger else "–"]
        counts = [confirmed, seen.totals["publish"], apart[0], consumed, seen.totals["ack"], apart[1]]
        *rates, depths = seen.course
        rates = [f"{statistics.fmean(rate):,.1f}" if rate else "–" for rate in rates]
        depths = ", ".join(map(str, depths)) or "–"
        rows.append([seen.tool, seen.load, *counts, *rates, depths, f"{seen.mean_depth:.1f}" if seen.ledger else "–"])
    head = ["confirmed", "broker: published", "apart", "consumed", "broker: acknowledged", "apart"]
    head += ["broker: published/s", "acknowledged/s", "depth at each refresh", "ledger: mean depth"]
    return table(["tool", "load", *head], *rows)


def differences(all_seen):
    """How far the tools are apart, and where each difference comes from."""

    def median(tool, load, figure="p50_s"):
        values = [getattr(seen, figure) for seen in all_seen if (seen.tool, seen.load) == (tool, load)]
        return statistics.median(values) if values else None

    for load in (f"{rate:,}/s" for rate in RATES):
        for name, figure in (("median", "p50_s"), ("p99", "p99_s")):
            ours, theirs = median("live drive", load, figure), median("oha", load, figure)
            apart = "oha was not there" if theirs is None else f"oha {span(theirs)}, {span(theirs - ours)} apart"
            yield f"- At {load}, {name}: live drive {span(ours)}; {apart}."
    one, eight = median("wrk", "closed loop of 1"), median("wrk", "closed loop of 8")
    yield f"- Median of wrk: {span(one)} with one connection, {span(eight)} with eight."
    drives = [(seen.totals, seen.ledger) for seen in all_seen if seen.ledger]
    same = sum((broker["publish"], broker["ack"]) == (own["confirmed"], own["consumed"]) for broker, own in drives)
    yield f"- The broker's counts are the ledger's, to the message, in {same} of {len(drives)} runs."
    yield from ("", SOURCES)


def version(*command):
    said = subprocess.run(command, capture_output=True, text=True)
    return " ".join(said.stdout.split()[:2])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--target", type=pathlib.Path, required=True, help="folder with the program live")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="file for the tables")
    parser.add_argument("--log", type=pathlib.Path, required=True, help="file for the output of all programs")
    parser.add_argument("--oha", default=shutil.which("oha"), help="the program oha [default: that in PATH, if any]")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=15.0, help="length of a measurement")
    options = parser.parse_args()
    # Asked to end, it ends the servers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))

    with tempfile.TemporaryDirectory(prefix="lindley-crosscheck-") as scratch, ManagedNode(scratch) as node:
        bench = Bench(options, node, scratch)
        lines = list(provenance(bench))[:3]
        oha = version(options.oha, "--version") if options.oha else "without oha"
        lines.append(f"- {version('wrk', '-v')}, {oha}; {options.seconds:.0f} s each")
        all_seen = list(bench.all())
    for part in (responses, books, differences):
        lines += ["", *part(all_seen)]
    options.out.write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
