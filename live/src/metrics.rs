//! What Prometheus may ask of a running pipeline.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;

/// Content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the buckets of every duration, s: 1, 2, 5 to a decade, from 100 µs to 50 s.
fn buckets() -> impl Iterator<Item = f64> {
    (-4..=1).flat_map(|decade| [1.0, 2.0, 5.0].map(|step| step * 10_f64.powi(decade)))
}

/// Labels of a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// HTTP method; `OTHER` for unusual ones, so that clients cannot make series.
    pub method: &'static str,
    /// The route's pattern, never the path.
    pub route: &'static str,
    /// HTTP status.
    pub status: u16,
}

/// Label of what happened.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ReasonLabels {
    /// One of a few fixed words.
    pub reason: &'static str,
}

/// Label of a quantity of the queueing model.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct StatisticLabels {
    /// `mean`, `p50`, `p99`.
    pub statistic: &'static str,
}

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;
type Seconds = Gauge<f64, AtomicU64>;

/// Every metric of a pipeline; whoever handles messages counts here.
///
/// Durations are in seconds. Wait is from the API's acceptance to the start of the work; sojourn to its end.
/// Across hosts both are as good as the agreement of their clocks.
pub struct Metrics {
    registry: Registry,
    /// Time from a request's last header byte to its response, by method, route and status.
    pub request_duration: Histograms<RequestLabels>,
    /// Time from a publish to the broker's confirm.
    pub confirm_duration: Histogram,
    /// Publishes in flight.
    pub publishes_in_flight: Gauge,
    /// Messages offered to the broker.
    pub attempted: Counter,
    /// Messages that the broker confirmed.
    pub confirmed: Counter,
    /// Messages without a confirm, by reason.
    pub unconfirmed: Family<ReasonLabels, Counter>,
    /// Messages worked on successfully and acknowledged.
    pub consumed: Counter,
    /// Deliveries of messages that had been delivered before.
    pub redelivered: Counter,
    /// Attempts that failed and will be repeated.
    pub retries: Counter,
    /// Messages given up, by reason.
    pub dead_letters: Family<ReasonLabels, Counter>,
    /// Time from acceptance to the start of the work.
    pub wait: Histogram,
    /// Time of the work itself.
    pub service: Histogram,
    /// Time from acceptance to the end of the work.
    pub sojourn: Histogram,
    /// Messages in the work queue that no consumer holds.
    pub queue_depth: Gauge,
    /// Age of the message that was taken from the queue last; 0 while it is empty.
    pub queue_age: Seconds,
    /// Messages among the dead letters.
    pub dead_letter_depth: Gauge,
    /// 1 while the broker takes messages.
    pub broker_up: Gauge,
    /// Connections to the broker that were lost.
    pub broker_outages: Counter,
    /// The wait that the model predicts, to be read beside the observed one.
    pub predicted_wait: Family<StatisticLabels, Seconds>,
}

impl Metrics {
    /// All metrics at zero, in a registry of their own.
    pub fn new() -> Self {
        let histogram = || Histogram::new(buckets());
        let mut metrics = Metrics {
            registry: Registry::with_prefix("lindley"),
            request_duration: Family::new_with_constructor(histogram as fn() -> Histogram),
            confirm_duration: histogram(),
            publishes_in_flight: Gauge::default(),
            attempted: Counter::default(),
            confirmed: Counter::default(),
            unconfirmed: Family::default(),
            consumed: Counter::default(),
            redelivered: Counter::default(),
            retries: Counter::default(),
            dead_letters: Family::default(),
            wait: histogram(),
            service: histogram(),
            sojourn: histogram(),
            queue_depth: Gauge::default(),
            queue_age: Gauge::default(),
            dead_letter_depth: Gauge::default(),
            broker_up: Gauge::default(),
            broker_outages: Counter::default(),
            predicted_wait: Family::default(),
        };
        metrics.register_durations();
        metrics.register_counts();
        metrics.register_gauges();
        metrics
    }

    fn register_durations(&mut self) {
        let registry = &mut self.registry;
        let family = self.request_duration.clone();
        let help = "Time from the head of a request to its response";
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, family);
        for (name, help, histogram) in [
            (
                "publish_confirm_duration",
                "Time from a publish to the confirm of the broker",
                &self.confirm_duration,
            ),
            ("job_wait", "Time from acceptance to the start of the work", &self.wait),
            ("job_service", "Time of the work itself", &self.service),
            ("job_sojourn", "Time from acceptance to the end of the work", &self.sojourn),
        ] {
            registry.register_with_unit(name, help, Unit::Seconds, histogram.clone());
        }
    }

    fn register_counts(&mut self) {
        let registry = &mut self.registry;
        for (name, help, counter) in [
            ("messages_attempted", "Messages offered to the broker", &self.attempted),
            ("messages_confirmed", "Messages that the broker confirmed", &self.confirmed),
            ("messages_consumed", "Messages worked on and acknowledged", &self.consumed),
            (
                "messages_redelivered",
                "Deliveries of messages that had been delivered before",
                &self.redelivered,
            ),
            ("job_retries", "Attempts that failed and are repeated", &self.retries),
            ("broker_outages", "Connections to the broker that were lost", &self.broker_outages),
        ] {
            registry.register(name, help, counter.clone());
        }
        let help = "Messages without a confirm, by reason";
        registry.register("messages_unconfirmed", help, self.unconfirmed.clone());
        registry.register("dead_letters", "Messages given up, by reason", self.dead_letters.clone());
    }

    fn register_gauges(&mut self) {
        let registry = &mut self.registry;
        for (name, help, gauge) in [
            ("publishes_in_flight", "Publishes that wait for their confirm", &self.publishes_in_flight),
            ("queue_depth", "Messages in the work queue that no consumer holds", &self.queue_depth),
            ("dead_letter_depth", "Messages among the dead letters", &self.dead_letter_depth),
            ("broker_up", "1 while the broker takes messages", &self.broker_up),
        ] {
            registry.register(name, help, gauge.clone());
        }
        let help = "Age of the message that left the queue last; 0 while the queue is empty";
        registry.register_with_unit("queue_age", help, Unit::Seconds, self.queue_age.clone());
        let help = "Wait that the queueing model predicts";
        registry.register_with_unit("predicted_wait", help, Unit::Seconds, self.predicted_wait.clone());
    }

    /// The metrics in the OpenMetrics text format.
    pub fn encode(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a String takes any text");
        text
    }

    /// Counts a message that could not be confirmed.
    pub fn count_unconfirmed(&self, reason: &'static str) {
        self.unconfirmed.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a message that was given up.
    pub fn count_dead_letter(&self, reason: &'static str) {
        self.dead_letters.get_or_create(&ReasonLabels { reason }).inc();
    }

    /// Counts a request.
    pub fn count_request(&self, labels: &RequestLabels, duration: Duration) {
        self.request_duration.get_or_create(labels).observe(duration.as_secs_f64());
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Metrics::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_has_help_and_durations_have_their_unit() {
        let metrics = Metrics::new();
        metrics.wait.observe(0.0042);
        metrics.count_dead_letter("malformed");
        let text = metrics.encode();
        for line in [
            "# UNIT lindley_job_wait_seconds seconds",
            "lindley_job_wait_seconds_bucket{le=\"0.005\"} 1",
            "lindley_dead_letters_total{reason=\"malformed\"} 1",
            "# EOF",
        ] {
            assert!(text.contains(line), "{line} is missing from\n{text}");
        }
        let named = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        assert_eq!(named, text.lines().filter(|line| line.starts_with("# HELP")).count());
    }
}
