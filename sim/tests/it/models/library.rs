//! Models that are closed forms and not scenarios, each beside a short simulation of its own.

use sim::engine::Recursion;
use sim::model::{Shape, Terms};
use sim::sampling::{Purpose, Sampler, Stream};
use sim::theory::{fork_join, retrial::Retrial};

/// Requires the mean of independent values to agree with `expected`, with an error of at most a per cent.
fn assert_mean(values: &[f64], expected: f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let error = (variance / count).sqrt();
    assert!(error <= 0.01 * expected, "the error {error} is too wide for {expected}");
    assert!((mean - expected).abs() < 4.0 * error, "{mean} ± {error}, expected {expected}");
}

#[test]
fn a_job_that_forks_is_done_when_both_its_parts_are() {
    let (rate, service_rate, jobs) = (0.7, 1.0, 20_000);
    let mean_of = |replication| {
        let stream = |purpose| Stream::new(31, replication, purpose);
        let (mut arrivals, mut one, mut other) =
            (stream(Purpose::Arrivals), stream(Purpose::Services), stream(Purpose::Resampling));
        let (gap, service) = (
            Sampler::new(Shape::Exponential {}, 1.0 / rate),
            Sampler::new(Shape::Exponential {}, 1.0 / service_rate),
        );
        let mut queues = [Recursion::new(1, Terms::IDEAL), Recursion::new(1, Terms::IDEAL)];
        let (mut due_s, mut sum_s) = (0.0, 0.0);
        for job in 0..jobs + 2_000 {
            due_s += gap.sample(&mut arrivals);
            let parts = [
                queues[0].serve(due_s, service.sample(&mut one)),
                queues[1].serve(due_s, service.sample(&mut other)),
            ];
            if job >= 2_000 {
                sum_s += parts[0].done_s.max(parts[1].done_s) - due_s;
            }
        }
        sum_s / f64::from(jobs)
    };
    let means: Vec<f64> = (0..80).map(mean_of).collect();
    assert_mean(&means, fork_join::mean_sojourn(rate, service_rate).unwrap());
}

#[test]
fn a_job_that_finds_the_server_busy_calls_again() {
    let (rate, service_rate, call_rate) = (0.5, 1.0, 0.5);
    let exponential = Sampler::new(Shape::Exponential {}, 1.0);
    let orbit_of = |replication| {
        let stream = |purpose| Stream::new(32, replication, purpose);
        let (mut times, mut choices) = (stream(Purpose::Arrivals), stream(Purpose::Services));
        let (mut busy, mut orbit, mut now, mut area) = (false, 0.0_f64, 0.0, 0.0);
        while now < 40_000.0 {
            let calls = orbit * call_rate;
            let total = rate + calls + if busy { service_rate } else { 0.0 };
            let stay = exponential.sample(&mut times) / total;
            area += orbit * stay;
            now += stay;
            match (choices.uniform() * total, busy) {
                (place, true) if place < rate => orbit += 1.0,
                (place, false) if place < rate => busy = true,
                (place, true) if place < rate + calls => {}
                (place, false) if place < rate + calls => (busy, orbit) = (true, orbit - 1.0),
                _ => busy = false,
            }
        }
        area / now
    };
    let orbits: Vec<f64> = (0..80).map(orbit_of).collect();
    assert_mean(&orbits, Retrial::new(rate, service_rate, call_rate).unwrap().mean_queue_length());
}
