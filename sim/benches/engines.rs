//! Jobs per second of every engine at ρ = 0.8, beside a plain loop.
//!
//! The plain loop knows the mean wait only; the engines gather everything a replication reports. Compare
//! within one run, and the fastest samples: a machine's speed changes from minute to minute.
//!
//! ```text
//! cargo bench -p sim --bench engines
//! ```

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use rayon::ThreadPoolBuilder;
use sim::engine::{simulate, simulate_events};
use sim::model::{Scenario, Terms};
use sim::scenario_file;
use sim::verify::plain_loop;

const JOBS: u64 = 200_000;
const WARMUP_JOBS: u64 = 20_000;

fn main() {
    divan::main();
}

fn scenario(replications: u64, service: &str) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"bench\"\n[arrivals]\nrate = 160\n[service]\nmean = 0.005\nshape = {service}\n\
         [run]\nseed = 1\njobs = {JOBS}\nwarmup_jobs = {WARMUP_JOBS}\nreplications = {replications}\n"
    );
    scenario_file::parse(&text, "bench").expect("the scenario is valid")
}

fn exponential(replications: u64) -> Scenario {
    scenario(replications, "{ kind = \"exponential\" }")
}

fn measure(bencher: Bencher<'_, '_>, threads: usize, replications: u64, scenario: &Scenario, terms: Terms) {
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
    let jobs = ItemsCount::new(replications * (JOBS + WARMUP_JOBS));
    bencher.counter(jobs).bench(|| pool.install(|| simulate(black_box(scenario), terms)));
}

#[divan::bench(name = "plain_loop", sample_count = 50, sample_size = 1)]
fn plain(bencher: Bencher<'_, '_>) {
    let jobs = 8 * (JOBS + WARMUP_JOBS);
    bencher.counter(ItemsCount::new(jobs)).bench(|| plain_loop(black_box(jobs)));
}

#[divan::bench(sample_count = 50, sample_size = 1, args = [1, 2])]
fn eight_lanes(bencher: Bencher<'_, '_>, threads: usize) {
    measure(bencher, threads, 16, &exponential(16), Terms::IDEAL);
}

/// As many threads as replications: each runs by itself.
#[divan::bench(sample_count = 50, sample_size = 1)]
fn one_lane_on_two_threads(bencher: Bencher<'_, '_>) {
    measure(bencher, 2, 2, &exponential(2), Terms::IDEAL);
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn with_overheads(bencher: Bencher<'_, '_>) {
    let terms = Terms { turnaround_s: 1e-4, ..Terms::IDEAL };
    measure(bencher, 1, 4, &exponential(4), terms);
}

#[divan::bench(sample_count = 20, sample_size = 1, args = [
    "{ kind = \"deterministic\" }",
    "{ kind = \"uniform\", half_width = 0.5 }",
    "{ kind = \"hyperexponential\", scv = 4.0 }",
    "{ kind = \"erlang\", stages = 4 }",
])]
fn eight_lanes_of_another_shape(bencher: Bencher<'_, '_>, shape: &str) {
    measure(bencher, 1, 8, &scenario(8, shape), Terms::IDEAL);
}

/// A scenario whose queue is given by its TOML, with all its service capacity at ρ = 0.8.
fn queue(classes: &str, queue: &str, jobs: u64) -> Scenario {
    let text = format!(
        "schema = 1\nname = \"bench\"\n{classes}\n[queue]\n{queue}\n\
         [run]\nseed = 1\njobs = {jobs}\nwarmup_jobs = 10_000\nreplications = 2\n"
    );
    scenario_file::parse(&text, "bench").expect("the scenario is valid")
}

fn one_class(mean: f64) -> String {
    format!("[arrivals]\nrate = 160\n[service]\nmean = {mean}\n")
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn eight_servers(bencher: Bencher<'_, '_>) {
    let scenario = queue(&one_class(0.04), "servers = 8", JOBS - 10_000 + WARMUP_JOBS);
    measure(bencher, 1, 2, &scenario, Terms::IDEAL);
}

/// One replication by the event engine.
fn events(bencher: Bencher<'_, '_>, scenario: &Scenario) {
    let jobs = scenario.run().jobs() + scenario.run().warmup_jobs();
    bencher.counter(ItemsCount::new(jobs)).bench(|| simulate_events(black_box(scenario), 0));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn events_mm1(bencher: Bencher<'_, '_>) {
    events(bencher, &queue(&one_class(0.005), "", JOBS));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn events_two_priority_classes(bencher: Bencher<'_, '_>) {
    let class = |n: u32| {
        format!(
            "[[class]]\nname = \"c{n}\"\npriority = {n}\narrivals = {{ rate = 80 }}\nservice = {{ mean = 0.005 }}\n"
        )
    };
    events(bencher, &queue(&(class(1) + &class(2)), "discipline = { kind = \"priority\" }", JOBS));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn events_processor_sharing(bencher: Bencher<'_, '_>) {
    let discipline = "discipline = { kind = \"processor_sharing\" }";
    events(bencher, &queue(&one_class(0.005), discipline, JOBS));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn events_eight_servers(bencher: Bencher<'_, '_>) {
    events(bencher, &queue(&one_class(0.04), "servers = 8", JOBS));
}
