//! Several replications of the ideal queue, side by side.

use fearless_simd::{Level, dispatch};

use super::Replication;
use super::flow::{Backlog, Flow};
use crate::model::{Overheads, Scenario, Terms};
use crate::output::{BINS, Histogram, Range, Tally, slot};
use crate::sampling::{EightStreams, Lanes, Purpose, Sampler, Stream, WIDTH};

/// Jobs of a lane that are drawn, served and counted at a time: few enough to stay in the nearest cache,
/// enough for what each portion costs by itself not to matter.
const PORTION: usize = 32;

/// A value for each job of a portion and each lane.
type Portion<T, const L: usize> = [[T; L]; PORTION];

/// Whether a plain FCFS scenario is one that lanes can follow: independent interarrival times, one server without
/// overheads, nobody there at the beginning, no experiment.
pub(super) fn fits(scenario: &Scenario, overheads: &Overheads) -> bool {
    scenario.queue().servers() == 1
        && overheads.constants() == Some(Terms::IDEAL)
        && scenario.arrivals().process().interarrival().is_some()
        && scenario.arrivals().batch().is_none()
        && scenario.initial_jobs() == 0
        && scenario.experiment().is_none()
}

/// Replications `first` to `first` + 7, by the instructions of `level`.
pub(super) fn simulate_eight(scenario: &Scenario, first: u32, level: Level) -> [Replication; WIDTH] {
    let seed = scenario.run().seed();
    let mut whole = dispatch!(level, simd => {
        Lockstep::new(scenario, |purpose| EightStreams::new(simd, seed, first, purpose)).run(scenario, 1)
    });
    whole.pop().expect("there is one part")
}

/// One replication by itself, in successive parts of the same length; as one part it is to the last bit what it is
/// among eight.
pub(super) fn simulate_parts(
    scenario: &Scenario,
    replication: u32,
    parts: u32,
    level: Level,
) -> Vec<Replication> {
    let seed = scenario.run().seed();
    let parts = dispatch!(level, _ => {
        Lockstep::new(scenario, |purpose| Stream::new(seed, replication, purpose)).run(scenario, parts)
    });
    parts.into_iter().flatten().collect()
}

/// Lindley's recursion for `L` replications of the queue without overheads.
///
/// ```text
/// W_n = max(0, T_{n-1} − A_n),   T_n = W_n + S_n
/// ```
///
/// with A, S, W and T a job's interarrival time, service, wait and sojourn. Each lane does the operations of
/// a single replication in their order, so a lane's result depends neither on the others nor on the width of
/// the processor's vectors.
struct Lockstep<const L: usize, S> {
    arrivals: S,
    services: S,
    interarrival: Sampler,
    service: Sampler,
    gaps_s: Portion<f64, L>,
    demands_s: Portion<f64, L>,
    /// The sojourn of the last job: the work there is when it has come.
    sojourn_s: [f64; L],
}

impl<const L: usize, S: Lanes<L>> Lockstep<L, S> {
    #[inline(always)]
    fn new(scenario: &Scenario, streams: impl Fn(Purpose) -> S) -> Self {
        let (arrivals, service) = (scenario.arrivals(), scenario.service());
        let interarrival = arrivals.process().interarrival().expect("lanes are for renewal processes");
        Lockstep {
            arrivals: streams(Purpose::Arrivals),
            services: streams(Purpose::Services),
            interarrival: Sampler::new(interarrival, 1.0 / arrivals.rate()),
            service: Sampler::new(service.shape().clone(), service.mean()),
            gaps_s: [[0.0; L]; PORTION],
            demands_s: [[0.0; L]; PORTION],
            sojourn_s: [0.0; L],
        }
    }

    #[inline(always)]
    fn run(mut self, scenario: &Scenario, parts: u32) -> Vec<[Replication; L]> {
        let run = scenario.run();
        assert!(run.jobs() <= u32::MAX.into(), "a bin counts up to 2^32 jobs");
        for jobs in portions(run.warmup_jobs()) {
            self.draw(jobs);
            self.pass(jobs);
        }
        let range = Range::around(scenario.service().mean());
        let mut observed = Vec::with_capacity(parts as usize);
        // Not an iterator: its closure would be compiled without the vector instructions.
        for _ in 0..parts {
            observed.push(self.part(range, run.jobs() / u64::from(parts)));
        }
        observed
    }

    /// The statistics of the next jobs of every lane.
    #[inline(always)]
    fn part(&mut self, range: Range, count: u64) -> [Replication; L] {
        let openings = std::array::from_fn::<_, L, _>(|lane| self.opening(lane));
        let mut gathered = Gathered::new(range);
        for jobs in portions(count) {
            self.draw(jobs);
            self.measure(jobs, &mut gathered);
            gathered.count(jobs);
        }
        std::array::from_fn(|lane| {
            let (first_gap_s, opening) = openings[lane];
            let closing = self.closing(lane);
            // The window opens when the first measured job is due.
            let span_s = gathered.sums.gaps_s[lane] - first_gap_s;
            gathered.flow(lane, count).finish_fcfs(span_s, 1, opening, closing)
        })
    }

    #[inline(always)]
    fn draw(&mut self, jobs: usize) {
        self.interarrival.fill(&mut self.arrivals, &mut self.gaps_s[..jobs]);
        self.service.fill(&mut self.services, &mut self.demands_s[..jobs]);
    }

    /// Serves jobs of the warm-up.
    #[inline(always)]
    fn pass(&mut self, jobs: usize) {
        let mut before_s = self.sojourn_s;
        for (gap_s, demand_s) in self.gaps_s[..jobs].iter().zip(&self.demands_s) {
            for lane in 0..L {
                before_s[lane] = positive(before_s[lane] - gap_s[lane]) + demand_s[lane];
            }
        }
        self.sojourn_s = before_s;
    }

    /// Serves measured jobs.
    #[inline(always)]
    fn measure(&mut self, jobs: usize, gathered: &mut Gathered<L>) {
        // Copies, which a compiler can keep in registers while it fills arrays.
        let (mut before_s, mut sums, range) = (self.sojourn_s, gathered.sums, gathered.range);
        let drawn = self.gaps_s[..jobs].iter().zip(&self.demands_s);
        let bins = gathered.wait_bins.iter_mut().zip(&mut gathered.sojourn_bins);
        for ((gap_s, demand_s), (wait_bin, sojourn_bin)) in drawn.zip(bins) {
            for lane in 0..L {
                let wait_s = positive(before_s[lane] - gap_s[lane]);
                let sojourn_s = wait_s + demand_s[lane];
                sums.gaps_s[lane] += gap_s[lane];
                sums.demands_s[lane] += demand_s[lane];
                sums.waits_s[lane] += wait_s;
                sums.wait_squares[lane] += wait_s * wait_s;
                sums.sojourn_squares[lane] += sojourn_s * sojourn_s;
                wait_bin[lane] = range.bin(wait_s);
                sojourn_bin[lane] = range.bin(sojourn_s);
                before_s[lane] = sojourn_s;
            }
        }
        (self.sojourn_s, gathered.sums) = (before_s, sums);
    }

    /// The gap before the next job, s, and what the jobs before it still have to do when it comes.
    fn opening(&self, lane: usize) -> (f64, Backlog) {
        let gap_s = self.interarrival.sample(&mut self.arrivals.stream(lane));
        let work_s = positive(self.sojourn_s[lane] - gap_s);
        (gap_s, self.backlog(lane, work_s))
    }

    /// What all jobs still have to do when the last one has come.
    fn closing(&self, lane: usize) -> Backlog {
        self.backlog(lane, self.sojourn_s[lane])
    }

    /// The jobs to which an amount of work belongs: the last one ends with it, the one before earlier by the
    /// last one's service, and so on, for which the services are drawn again in reverse.
    fn backlog(&self, lane: usize, work_s: f64) -> Backlog {
        let mut services = self.services.stream(lane);
        let (mut backlog, mut left_s) = (Backlog::default(), work_s);
        while left_s > 0.0 {
            backlog.jobs += 1;
            backlog.until_done_s += left_s;
            left_s -= self.service.previous(&mut services);
            backlog.until_start_s += positive(left_s);
        }
        backlog
    }
}

/// The larger of a time and 0, in one instruction.
#[inline(always)]
fn positive(time_s: f64) -> f64 {
    if time_s > 0.0 { time_s } else { 0.0 }
}

/// The sizes of the portions that make up a number of jobs.
fn portions(jobs: u64) -> impl Iterator<Item = usize> {
    let portion = PORTION as u64;
    let rest = (jobs % portion) as usize;
    (0..jobs / portion).map(|_| PORTION).chain((rest > 0).then_some(rest))
}

/// Sums over measured jobs, a lane each.
#[derive(Clone, Copy)]
struct Sums<const L: usize> {
    gaps_s: [f64; L],
    demands_s: [f64; L],
    waits_s: [f64; L],
    wait_squares: [f64; L],
    sojourn_squares: [f64; L],
}

/// For each slot of a histogram, the number of each lane's values in it. A row is a cache line or half of one,
/// so lanes do not compete for places in the cache.
type Counts<const L: usize> = Box<[[u32; L]; BINS]>;

/// What is known of the measured jobs.
struct Gathered<const L: usize> {
    range: Range,
    sums: Sums<L>,
    /// The bins of the jobs of a portion.
    wait_bins: Portion<u64, L>,
    sojourn_bins: Portion<u64, L>,
    waits: Counts<L>,
    sojourns: Counts<L>,
}

impl<const L: usize> Gathered<L> {
    fn new(range: Range) -> Self {
        let zero = [0.0; L];
        let counts = || vec![[0; L]; BINS].try_into().expect("a row for each slot");
        Gathered {
            range,
            sums: Sums {
                gaps_s: zero,
                demands_s: zero,
                waits_s: zero,
                wait_squares: zero,
                sojourn_squares: zero,
            },
            wait_bins: [[0; L]; PORTION],
            sojourn_bins: [[0; L]; PORTION],
            waits: counts(),
            sojourns: counts(),
        }
    }

    /// Counts the bins of a portion.
    #[inline(always)]
    fn count(&mut self, jobs: usize) {
        for (wait, sojourn) in self.wait_bins[..jobs].iter().zip(&self.sojourn_bins) {
            for lane in 0..L {
                self.waits[slot(wait[lane])][lane] += 1;
                self.sojourns[slot(sojourn[lane])][lane] += 1;
            }
        }
    }

    fn flow(&self, lane: usize, jobs: u64) -> Flow {
        let sums = &self.sums;
        let histogram =
            |counts: &Counts<L>| Histogram::of(self.range, counts.iter().map(|row| row[lane].into()));
        let tally = |sum, squares| Tally { count: jobs, sum, squares };
        let waits = tally(sums.waits_s[lane], sums.wait_squares[lane]);
        let sojourns = tally(sums.waits_s[lane] + sums.demands_s[lane], sums.sojourn_squares[lane]);
        Flow::of(sums.demands_s[lane], [waits, sojourns], [histogram(&self.waits), histogram(&self.sojourns)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario_file;

    const SHAPES: [&str; 5] = [
        "{ kind = \"deterministic\" }",
        "{ kind = \"exponential\" }",
        "{ kind = \"erlang\", stages = 18 }",
        "{ kind = \"hyperexponential\", scv = 4.0 }",
        "{ kind = \"uniform\", half_width = 1.0 }",
    ];

    fn scenario(rate: f64, gaps: &str, services: &str, jobs: u64, warmup_jobs: u64) -> Scenario {
        let text = format!(
            "schema = 1\nname = \"test\"\n[arrivals]\nrate = {rate}\nprocess = {{ kind = \"renewal\", shape = {gaps} }}\n\
             [service]\nmean = 0.01\nshape = {services}\n\
             [run]\nseed = 7\njobs = {jobs}\nwarmup_jobs = {warmup_jobs}\nreplications = 8\n"
        );
        scenario_file::parse(&text, "test").unwrap()
    }

    fn simulate_alone(scenario: &Scenario, replication: u32, level: Level) -> Replication {
        simulate_parts(scenario, replication, 1, level).remove(0)
    }

    /// Every set of instructions that this processor has.
    fn levels() -> Vec<Level> {
        let best = Level::new();
        #[cfg(target_arch = "x86_64")]
        let lesser = [best.as_avx2().map(Level::Avx2), best.as_sse4_2().map(Level::Sse4_2)];
        #[cfg(not(target_arch = "x86_64"))]
        let lesser = [None];
        [Some(best), Some(Level::baseline())].into_iter().chain(lesser).flatten().collect()
    }

    #[test]
    fn a_lane_has_the_bits_of_its_replication_whatever_the_instructions() {
        for (n, services) in SHAPES.into_iter().enumerate() {
            let gaps = SHAPES[(n + 1) % SHAPES.len()];
            let scenario = scenario(85.0, gaps, services, 1000 + n as u64, 77);
            let alone: Vec<_> = (5..13)
                .map(|replication| simulate_alone(&scenario, replication, Level::baseline()))
                .collect();
            for level in levels() {
                assert_eq!(simulate_eight(&scenario, 5, level)[..], alone, "{level:?}, {gaps}, {services}");
            }
        }
    }

    #[test]
    fn a_lane_has_the_bits_of_lindleys_recursion_on_single_draws() {
        for services in SHAPES {
            let scenario = scenario(85.0, SHAPES[1], services, 5000, 0);
            let interarrival =
                Sampler::new(scenario.arrivals().process().interarrival().unwrap(), 1.0 / 85.0);
            let service = Sampler::new(scenario.service().shape().clone(), 0.01);
            for (lane, simulated) in simulate_eight(&scenario, 0, Level::new()).into_iter().enumerate() {
                let mut arrivals = Stream::new(7, lane as u32, Purpose::Arrivals);
                let mut demands = Stream::new(7, lane as u32, Purpose::Services);
                let (mut sojourn_s, mut waits) = (0.0_f64, Tally::default());
                for _ in 0..5000 {
                    let wait_s = (sojourn_s - interarrival.sample(&mut arrivals)).max(0.0);
                    waits.record(wait_s);
                    sojourn_s = wait_s + service.sample(&mut demands);
                }
                assert_eq!(simulated.mean_wait_s.to_bits(), waits.mean().to_bits(), "{services}");
                assert_eq!(simulated.wait_variance.to_bits(), waits.variance().to_bits(), "{services}");
            }
        }
    }

    #[test]
    fn jobs_that_never_wait_leave_no_trace_of_rounding() {
        let constant = simulate_alone(&scenario(80.0, SHAPES[0], SHAPES[0], 10_000, 10), 0, Level::new());
        assert_eq!((constant.prob_wait, constant.mean_wait_s), (0.0, 0.0));
        assert!((constant.utilization - 0.8).abs() < 1e-9 && constant.sojourn_variance < 1e-15);
    }
}
