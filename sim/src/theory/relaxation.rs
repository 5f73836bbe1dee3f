//! How long a queue remembers its start.

use super::complex::Complex;
use super::interarrival::Interarrival;
use super::law::Law;
use crate::model::{Batch, Class, Discipline, Load, Scenario, Shape};

/// The relaxation time of a queue: in the end its memory of the start decays by e in so many arrivals.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Relaxation {
    /// Jobs that arrive, from outside, in one relaxation time; 0 where no job can ever wait.
    pub jobs: f64,
    /// Whether this is the relaxation of the queue itself, and not of one that stands for it.
    pub is_exact: bool,
}

impl Relaxation {
    /// Relaxation times after which nothing of the start is left that a run could notice: e⁻¹⁰ = 0.005 %.
    pub const WARMUP: f64 = 10.0;

    /// Jobs after which the start is forgotten: ten relaxation times.
    pub fn warmup_jobs(&self) -> u64 {
        (Self::WARMUP * self.jobs).ceil() as u64
    }

    /// The relaxation time in seconds where `arrival_rate` jobs arrive per second.
    pub fn time_s(&self, arrival_rate: f64) -> f64 {
        self.jobs / arrival_rate
    }
}

/// The relaxation time of the queue of a scenario; `None` where it is not known.
///
/// One server, independent interarrival times A and services S: the law of the wait of the n-th job after an
/// empty start approaches its limit like the n-th power of the least value of a transform,
///
/// ```text
/// |P(W_n > t) - P(W > t)| ~ n^(-3/2)·rⁿ,      r = inf_θ E e^(θS)·E e^(-θA),      1/(-ln r) jobs
/// M/M/1:      r = 4ρ/(1+ρ)²,      in jobs 1/ln((1+ρ)²/(4ρ))
/// ```
///
/// As a function of time the number present relaxes faster than job by job: with Poisson arrivals in
/// 1/sup_θ(θ - λ(E e^(θS) - 1)) seconds, which is 1/(√μ - √λ)² for M/M/1 and since ln x ≤ x - 1 never more than
/// as many seconds as these jobs take to arrive. So the answer in jobs is the safe one for both.
///
/// Exact for first come, first served with one server; jobs of several Poisson classes, or in batches, have the
/// services of their mixture or sum. Other orders that keep the server busy share the total work with that queue,
/// not the waits, and are marked as inexact. So are
///
/// - c servers, for which one server of c-fold speed stands, and never less than a service time, E(S): near
///   saturation M/M/c relaxes in 1/(√(cμ) - √λ)², as that one does;
/// - networks, where the slowest station counts, its arrivals taken for Poisson, in jobs from outside.
///
/// `None` if a service has no E e^(θS): the memory then decays like a power and no relaxation time exists. `None`
/// also if ρ ≥ 1, where jobs leave before they are served or come from a finite source, where they or servers
/// fail, and for arrivals that are not independent of each other.
///
/// # Units
/// Jobs.
///
/// # Examples
/// ```
/// use sim::{scenario_file, theory::relaxation};
///
/// // The default scenario is M/M/1 at 80 %.
/// let scenario = scenario_file::parse(scenario_file::DEFAULT, "the default")?;
/// let jobs = relaxation(&scenario).expect("M/M/1 has a relaxation time").jobs;
/// assert!((jobs * (1.8_f64 * 1.8 / 3.2).ln() - 1.0).abs() < 1e-9);
/// # Ok::<(), sim::scenario_file::ScenarioError>(())
/// ```
///
/// # References
/// Veraverbeke & Teugels 1975, *Journal of Applied Probability* 12 (the rate in jobs); Cohen 1982, *The Single
/// Server Queue* (in time); van Doorn 1985, *Advances in Applied Probability* 17 (M/M/c).
pub fn relaxation(scenario: &Scenario) -> Option<Relaxation> {
    let loads = scenario.loads();
    let stable = loads.iter().all(|load| load.utilization < 1.0);
    let plain = scenario.stations().iter().all(|station| station.queue().is_plain());
    if !stable || !plain || loads.iter().any(|load| load.is_bounded) {
        return None;
    }
    if scenario.is_network() { of_network(scenario, &loads) } else { of_station(scenario) }
}

/// All classes at the only station.
fn of_station(scenario: &Scenario) -> Option<Relaxation> {
    let queue = scenario.queue();
    let classes = scenario.classes();
    let arrivals = scenario.arrivals();
    let rate = scenario.arrival_rate();
    let batch = arrivals.batch();
    // Several streams together are renewal arrivals only if each is a Poisson process.
    if classes.len() > 1 && !classes.iter().all(is_poisson) {
        return None;
    }
    let arms = scenario.experiment().map_or_else(
        || vec![(1.0, 1.0)],
        |experiment| vec![(1.0 - experiment.share(), 1.0), (experiment.share(), experiment.service_factor())],
    );
    let services = classes.iter().enumerate().flat_map(|(k, class)| {
        let (service, share) = (scenario.service_of(k, 0), class.arrivals().rate() / rate);
        let of_arm = move |(part, factor): &(f64, f64)| {
            Some((share * part, Law::new(service.shape(), factor * service.mean()).ok()?))
        };
        arms.iter().filter(|(part, _)| *part > 0.0).map(of_arm).collect::<Vec<_>>()
    });
    let work = Work { services: services.collect::<Option<_>>()?, batch };
    let batch_size = batch.map_or(1.0, Batch::mean);
    let shape = arrivals.process().interarrival()?;
    let jobs = batch_size * work.relaxation(&shape, rate / batch_size, queue.servers())?;
    let in_order = matches!(queue.discipline(), Discipline::Fcfs {});
    Some(Relaxation { jobs, is_exact: in_order && queue.servers() == 1 })
}

fn is_poisson(class: &Class) -> bool {
    class.arrivals().process().is_poisson() && class.arrivals().batch().is_none()
}

fn of_network(scenario: &Scenario, loads: &[Load]) -> Option<Relaxation> {
    if !scenario.classes().iter().all(is_poisson) {
        return None;
    }
    let mut longest = 0.0_f64;
    for (n, (station, load)) in scenario.stations().iter().zip(loads).enumerate() {
        if load.arrival_rate > 0.0 {
            let service = scenario.service_of(0, n);
            let law = Law::new(service.shape(), service.mean()).ok()?;
            let work = Work { services: vec![(1.0, law)], batch: None };
            let servers = station.queue().servers();
            let jobs = work.relaxation(&Shape::Exponential {}, load.arrival_rate, servers)?;
            longest = longest.max(jobs * scenario.arrival_rate() / load.arrival_rate);
        }
    }
    Some(Relaxation { jobs: longest, is_exact: false })
}

/// What comes at one arrival: the service of a job of a random class, or of a batch of jobs.
struct Work {
    services: Vec<(f64, Law)>,
    batch: Option<Batch>,
}

impl Work {
    /// The relaxation time in arrivals.
    fn relaxation(&self, interarrival: &Shape, arrival_rate: f64, servers: u32) -> Option<f64> {
        let abscissas = self.services.iter().map(|(_, law)| law.abscissa());
        let abscissa = f64::from(servers) * abscissas.fold(f64::INFINITY, f64::min);
        if abscissa == 0.0 {
            return None;
        }
        let interarrival = Interarrival::new(interarrival, arrival_rate).ok()?;
        let speed = f64::from(servers);
        // ln(E e^(θS/c)·E e^(-θA)), infinite where the first does not exist.
        let logarithm = |theta: f64| {
            let value = if theta < abscissa {
                self.excess(theta / speed).ln_1p() + (-interarrival.complement(theta)).ln_1p()
            } else {
                f64::INFINITY
            };
            if value.is_nan() { f64::INFINITY } else { value }
        };
        let mean: f64 = self.services.iter().map(|(weight, law)| weight * law.mean()).sum();
        let decay = -minimum(logarithm, speed / mean, abscissa);
        let shortest = if servers > 1 { arrival_rate * mean } else { 0.0 };
        (decay > 0.0).then(|| (1.0 / decay).max(shortest))
    }

    /// E e^(θS) − 1 for θ > 0, to all digits also for small θ.
    fn excess(&self, theta: f64) -> f64 {
        let of = |law: &Law| {
            let mean = law.mean();
            theta * mean * (1.0 + theta * law.excess(Complex::from(-theta)).re)
        };
        let single: f64 = self.services.iter().map(|(weight, law)| weight * of(law)).sum();
        match self.batch {
            None => single,
            Some(Batch::Fixed { mean }) => (mean * single.ln_1p()).exp_m1(),
            // A geometric sum exists as long as its ratio (1 + single)·(1 - 1/mean) stays below 1.
            Some(Batch::Geometric { mean }) => {
                let left = 1.0 - (mean - 1.0) * single;
                if left > 0.0 { mean * single / left } else { f64::INFINITY }
            }
        }
    }
}

/// The least value of a convex function with f(0) = 0, by golden section; infinite values are allowed at the end.
///
/// The function decreases at 0, and `scale` is a step of the order of the argument where it returns to 0.
fn minimum(f: impl Fn(f64) -> f64, scale: f64, end: f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let mut high = scale.min(end);
    // Where the function falls for ever, no job ever waits and the least value is as good as minus infinity.
    while high < end && f(high) < 0.0 {
        high *= 2.0;
    }
    let (mut low, mut high) = (0.0, high.min(end));
    let mut least = 0.0_f64;
    for _ in 0..120 {
        let (left, right) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        let (at_left, at_right) = (f(left), f(right));
        least = least.min(at_left).min(at_right);
        if at_left < at_right || at_left == f64::INFINITY {
            high = right;
        } else {
            low = left;
        }
    }
    least
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario_file::parse;
    use crate::theory::{mm1::Mm1, mmc::Mmc};
    use statrs::function::gamma::gamma_lr;

    /// Services of mean `mean` with arrivals at `rate`, and more lines.
    fn scenario(rate: f64, mean: f64, arrivals: &str, service: &str, more: &str) -> Scenario {
        let text = format!(
            "schema = 1\nname = \"s\"\n[arrivals]\nrate = {rate:?}\n{arrivals}\n[service]\nmean = {mean:?}\n\
             {service}\n{more}"
        );
        parse(&text, "a test").unwrap()
    }

    fn jobs(rate: f64, mean: f64, arrivals: &str, service: &str, more: &str) -> f64 {
        relaxation(&scenario(rate, mean, arrivals, service, more)).unwrap().jobs
    }

    const CONSTANT: &str = "shape = { kind = \"deterministic\" }";

    #[test]
    fn an_mm1_queue_has_the_closed_form_up_to_saturation() {
        for rho in [1e-6, 0.5, 0.8, 0.999, 0.999_999] {
            let textbook = 1.0 / ((1.0_f64 - rho).powi(2) / (4.0 * rho)).ln_1p();
            let jobs = jobs(100.0 * rho, 0.01, "", "", "");
            assert!((jobs / textbook - 1.0).abs() < 1e-6, "{rho}: {jobs} {textbook}");
            // Never shorter than the relaxation of the number present over time.
            assert!(jobs >= Mm1::new(rho, 1.0).unwrap().relaxation_time() * rho, "{rho}");
        }
    }

    #[test]
    fn the_autocorrelation_of_sojourns_falls_at_this_rate_in_the_end() {
        let queue = Mm1::new(0.8, 1.0).unwrap();
        let lag = 20_000;
        let ratio = queue.sojourn_autocorrelation(lag + 1) / queue.sojourn_autocorrelation(lag);
        // The branch point contributes lag^(-3/2).
        let fall = -ratio.ln() - 1.5 * (1.0 / f64::from(lag)).ln_1p();
        assert!((1.0 / fall / jobs(0.8, 1.0, "", "", "") - 1.0).abs() < 1e-4, "{}", 1.0 / fall);
    }

    #[test]
    fn constant_services_and_constant_interarrival_times_have_closed_forms() {
        for rho in [0.05_f64, 0.5, 0.9, 0.99] {
            let md1 = jobs(rho, 1.0, "", CONSTANT, "");
            assert!((md1 * (rho - 1.0 - rho.ln()) - 1.0).abs() < 1e-9, "{rho}: {md1}");
            let process = format!("process = {{ kind = \"renewal\", {CONSTANT} }}");
            let dm1 = jobs(rho, 1.0, &process, "", "");
            assert!((dm1 * (1.0 / rho - 1.0 + rho.ln()) - 1.0).abs() < 1e-9, "{rho}: {dm1}");
        }
    }

    /// Spitzer's identity: E W_n grows by E(n·D − A_1 − … − A_n)⁺/n, and the sum of the A is a gamma variable.
    #[test]
    fn the_mean_wait_of_an_md1_queue_approaches_its_limit_at_this_rate() {
        let rho = 0.7;
        let growth = |n: f64| gamma_lr(n, rho * n) - gamma_lr(n + 1.0, rho * n) / rho;
        let n = 2000.0;
        let fall = (growth(n) / growth(n + 1.0)).ln() - 1.5 * (1.0 / n).ln_1p();
        let jobs = jobs(rho, 1.0, "", CONSTANT, "");
        assert!((fall * jobs - 1.0).abs() < 1e-3, "{} {jobs}", 1.0 / fall);
    }

    /// The second eigenvalue of a birth–death process with room for `room` jobs, by counting signs of Sturm's
    /// sequence of its symmetric form.
    fn spectral_gap(arrival_rate: f64, servers: u32, room: u32) -> f64 {
        let death = |n: u32| f64::from(n.min(servers));
        let below = |x: f64| {
            let (mut count, mut pivot) = (0, 1.0);
            for n in 0..=room {
                let birth = if n < room { arrival_rate } else { 0.0 };
                let coupling = if n == 0 { 0.0 } else { arrival_rate * death(n) };
                pivot = birth + death(n) - x - coupling / pivot;
                count += u32::from(pivot < 0.0);
            }
            count
        };
        let (mut low, mut high) = (1e-12, 1.0);
        for _ in 0..60 {
            let middle = 0.5 * (low + high);
            if below(middle) < 2 { low = middle } else { high = middle }
        }
        low
    }

    #[test]
    fn many_servers_relax_like_a_fast_one_near_saturation_and_like_a_service_far_from_it() {
        let (rate, servers) = (3.8, 4);
        let several = relaxation(&scenario(rate, 1.0, "", "", "[queue]\nservers = 4")).unwrap();
        let gap = spectral_gap(rate, servers, 4000);
        assert!(Mmc::new(rate, 1.0, servers).is_ok() && !several.is_exact);
        assert!((several.time_s(rate) * gap - 1.0).abs() < 0.03, "{} {}", several.time_s(rate), 1.0 / gap);
        let idle = jobs(30.0, 1.0, "", "", "[queue]\nservers = 100");
        assert!((idle / 30.0 - 1.0).abs() < 1e-12, "{idle}");
    }

    #[test]
    fn another_unit_of_time_changes_no_number_of_jobs() {
        for service in ["", CONSTANT, "shape = { kind = \"uniform\", half_width = 0.7 }"] {
            let process = "process = { kind = \"renewal\", shape = { kind = \"erlang\", stages = 3 } }";
            let (seconds, millis) =
                (jobs(0.8, 1.0, process, service, ""), jobs(800.0, 1e-3, process, service, ""));
            assert!((seconds / millis - 1.0).abs() < 1e-9, "{service}: {seconds} {millis}");
        }
    }

    #[test]
    fn batches_and_classes_reduce_to_the_single_stream() {
        let single = jobs(0.8, 1.0, "", "", "");
        assert!(
            (jobs(0.8, 1.0, "batch = { kind = \"fixed\", mean = 1 }", "", "") / single - 1.0).abs() < 1e-9
        );
        // A geometric number of exponential services is an exponential work: an M/M/1 queue of batches.
        let batches = jobs(0.8, 1.0, "batch = { kind = \"geometric\", mean = 4.0 }", "", "");
        assert!((batches / (4.0 * single) - 1.0).abs() < 1e-9, "{batches} {single}");
        let class = |name: &str| {
            format!("[[class]]\nname = \"{name}\"\narrivals = {{ rate = 0.4 }}\nservice = {{ mean = 1.0 }}\n")
        };
        let text = format!("schema = 1\nname = \"s\"\n{}{}", class("a"), class("b"));
        let both = relaxation(&parse(&text, "a test").unwrap()).unwrap();
        assert!((both.jobs / single - 1.0).abs() < 1e-9 && both.is_exact);
    }

    #[test]
    fn a_network_waits_for_its_slowest_station() {
        let station = |name: &str, mean: f64, next: &str| {
            format!("[[station]]\nname = \"{name}\"\nservice = {{ mean = {mean:?} }}\nnext = {{ {next} }}\n")
        };
        let text = format!(
            "schema = 1\nname = \"s\"\n[arrivals]\nrate = 1.0\n{}{}",
            station("in", 0.5, "out = 0.5, exit = 0.5"),
            station("out", 1.8, "exit = 1.0")
        );
        let network = relaxation(&parse(&text, "a test").unwrap()).unwrap();
        let slowest = 2.0 * jobs(0.5, 1.8, "", "", "");
        assert!((network.jobs / slowest - 1.0).abs() < 1e-12 && !network.is_exact);
    }

    #[test]
    fn where_no_job_can_wait_there_is_no_memory_and_where_it_is_unknown_no_answer() {
        let process = format!("process = {{ kind = \"renewal\", {CONSTANT} }}");
        assert_eq!(jobs(0.8, 1.0, &process, CONSTANT, ""), 0.0);
        for (rate, arrivals, service, more) in [
            (1.0, "", "", ""),
            (0.8, "", "shape = { kind = \"lognormal\", scv = 1.0 }", ""),
            (0.8, "", "shape = { kind = \"pareto\", tail = 5.0 }", ""),
            (0.8, "", "", "[queue]\ncapacity = 9"),
            (0.8, "process = { kind = \"sinusoid\", amplitude = 0.5, period_s = 9.0 }", "", ""),
        ] {
            let answer = relaxation(&scenario(rate, 1.0, arrivals, service, more));
            assert_eq!(answer, None, "{arrivals} {service} {more}");
        }
    }
}
