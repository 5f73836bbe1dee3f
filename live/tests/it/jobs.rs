//! `live` sends exactly the jobs that `sim` predicts: the same demands, at the same instants, in the same order.

use std::sync::{Arc, Mutex};

use live::broker::{
    Broker, BrokerError, Destination, Embedded, Obstacle, Pending, PublishError, Subscription,
};
use live::message::{Message, Work};
use live::pipeline::{Setup, observe};
use sim::model::Scenario;
use sim::sampling::Jobs;
use sim::scenario_file;
use tokio::sync::watch;

use crate::support::{runtime, scenario_text};

/// A broker that writes down what it is given.
#[derive(Default)]
struct Listening {
    queue: Embedded,
    seen: Mutex<Vec<Message>>,
}

impl Broker for Listening {
    fn name(&self) -> &str {
        "listening"
    }

    fn queue_type(&self) -> &str {
        self.queue.queue_type()
    }

    fn publish(&self, to: Destination, message: Message) -> Pending<'_, Result<(), PublishError>> {
        self.seen.lock().unwrap().push(message.clone());
        self.queue.publish(to, message)
    }

    fn obstacles(&self) -> Vec<Obstacle> {
        self.queue.obstacles()
    }

    fn outages(&self) -> u64 {
        self.queue.outages()
    }

    fn delayed(&self) -> Pending<'_, Result<u64, BrokerError>> {
        self.queue.delayed()
    }

    fn dead_letters(&self) -> Pending<'_, Result<u64, BrokerError>> {
        self.queue.dead_letters()
    }

    fn subscribe(&self, prefetch: u32) -> Pending<'_, Result<Box<dyn Subscription>, BrokerError>> {
        self.queue.subscribe(prefetch)
    }

    fn cancel(&self) -> Pending<'_, Result<(), BrokerError>> {
        self.queue.cancel()
    }

    fn depth(&self) -> Pending<'_, Result<u64, BrokerError>> {
        self.queue.depth()
    }

    fn close(&self) -> Pending<'_, Result<(), BrokerError>> {
        self.queue.close()
    }
}

#[test]
fn the_driven_jobs_are_those_of_the_scenario_to_the_last_bit() {
    let scenario = scenario_file::parse(&scenario_text(300, 1), "short").unwrap();
    assert_driven_to_the_last_bit(&scenario);
}

#[test]
fn a_run_with_two_arms_works_on_those_of_b_in_the_other_way() {
    let text = scenario_text(300, 1);
    let plain = scenario_file::parse(&text, "short").unwrap();
    let experiment = format!("{text}\n[experiment]\nshare = 0.5\nservice_factor = 0.5\n");
    let scenario = scenario_file::parse(&experiment, "short").unwrap();
    let factors: Vec<f64> = Jobs::new(&scenario, 0)
        .zip(Jobs::new(&plain, 0))
        .take(320)
        .map(|(job, base)| job.demand_s / base.demand_s)
        .collect();
    let halved = factors.iter().filter(|factor| (**factor - 0.5).abs() < 1e-12).count();
    let whole = factors.iter().filter(|factor| **factor == 1.0).count();
    // Half of 320, give or take four standard deviations.
    assert!(halved + whole == 320 && halved.abs_diff(160) < 36, "{halved} and {whole}");
    assert_driven_to_the_last_bit(&scenario);
}

fn assert_driven_to_the_last_bit(scenario: &Scenario) {
    let broker = Arc::new(Listening::default());
    let (_running, stop) = watch::channel(false);
    let setup = Setup::default();
    let observing = observe(Arc::clone(&broker) as Arc<dyn Broker>, &setup, scenario, "run", stop, |_| {});
    let observation = runtime().block_on(observing).unwrap();

    let expected: Vec<_> = Jobs::new(scenario, 0).take(320).collect();
    let mut sent: Vec<(u64, f64)> = broker
        .seen
        .lock()
        .unwrap()
        .iter()
        .map(|message| {
            let job = message.id.strip_prefix("run-").unwrap().parse().unwrap();
            (job, Work::parse(&message.body).unwrap().demand_s)
        })
        .collect();
    sent.sort_by_key(|(job, _)| *job);
    let demands: Vec<(u64, f64)> = expected.iter().map(|job| (job.index, job.demand_s)).collect();
    assert_eq!(sent, demands);
    for (record, job) in observation.records.iter().zip(&expected) {
        assert_eq!((record.due_s, record.demand_s), (job.due_s, job.demand_s));
        assert!(record.sent_s.unwrap() >= job.due_s - 1e-9, "no job is sent before it is due");
        assert!(record.service_s().unwrap() >= job.demand_s - 1e-9, "no service is shorter than demanded");
    }
    assert_eq!(observation.ledger.consumed, 320);
}

#[test]
fn the_instants_of_a_job_come_in_their_order() {
    let scenario = scenario_file::parse(&scenario_text(200, 2), "short").unwrap();
    let (_running, stop) = watch::channel(false);
    let setup = Setup::default();
    let observing = observe(Arc::new(Embedded::default()), &setup, &scenario, "run", stop, |_| {});
    let observation = runtime().block_on(observing).unwrap();
    for record in &observation.records {
        let path = [record.sent_s, record.accepted_s, record.confirmed_s, record.responded_s];
        let service = [record.accepted_s, record.delivered_s, record.start_s, record.done_s, record.acked_s];
        for instants in [&path[..], &service[..]] {
            let instants: Vec<f64> =
                instants.iter().map(|instant| instant.expect("every instant is recorded")).collect();
            assert!(instants.is_sorted(), "job {}: {instants:?}", record.job);
        }
    }
    let mut by_start = observation.records;
    by_start.sort_by(|a, b| a.start_s.partial_cmp(&b.start_s).unwrap());
    for pair in by_start.windows(2) {
        assert!(pair[1].start_s >= pair[0].done_s, "one server works on one job at a time");
    }
}

#[test]
fn a_run_that_is_stopped_sends_nothing_more() {
    let scenario = scenario_file::parse(&scenario_text(100_000, 1), "short").unwrap();
    let (running, stop) = watch::channel(false);
    let setup = Setup::default();
    let observing = observe(Arc::new(Embedded::default()), &setup, &scenario, "run", stop, move |recorder| {
        if recorder.progress().completed > 50 {
            running.send_replace(true);
        }
    });
    let observation = runtime().block_on(observing).unwrap();
    assert!(observation.interrupted);
    assert!(observation.ledger.attempted < 10_000, "{:?}", observation.ledger);
}
