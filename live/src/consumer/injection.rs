//! Faults that are injected on purpose: a consumer that becomes slow, work that fails.

use std::fmt;
use std::str::FromStr;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use sim::sampling::{Purpose, Stream};

use super::{Fault, Worker};
use crate::clock::{RunClock, hold_until, monotonic_ns};
use crate::message::Message;

/// What is done to the consumers of a run, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct Injection {
    kind: Kind,
    /// From this instant of the run on, s.
    from_s: f64,
    /// For so long, s; without it to the end.
    for_s: Option<f64>,
    /// To this consumer; without it to all.
    consumer: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    /// Work takes so many times as long.
    Slow { factor: f64 },
    /// So large a share of all attempts fails, before any work.
    Fail { share: f64 },
}

/// Why a fault cannot be injected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{value}\n  rule: {rule}\n  remedy: {remedy}")]
pub struct InjectionError {
    value: String,
    rule: &'static str,
    remedy: &'static str,
}

const FORM: &str = "slow:from_s=S,factor=F or fail:from_s=S,share=P, and for both for_s=S and consumer=N";
const EXAMPLE: &str = "--fault slow:from_s=180,factor=1.2 or --fault fail:from_s=60,for_s=5,share=0.2";

impl FromStr for Injection {
    type Err = InjectionError;

    fn from_str(text: &str) -> Result<Self, InjectionError> {
        let refused = |value: String, rule| InjectionError { value, rule, remedy: EXAMPLE };
        let (name, settings) = text.split_once(':').unwrap_or((text, ""));
        let (mut from_s, mut for_s, mut consumer, mut strength) = (None, None, None, None);
        for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
            let (key, value) = setting.split_once('=').unwrap_or((setting, ""));
            let number: f64 = value.parse().map_err(|_| refused(format!("`{setting}`"), FORM))?;
            let place = match (name, key) {
                (_, "from_s") => &mut from_s,
                (_, "for_s") => &mut for_s,
                (_, "consumer") => &mut consumer,
                ("slow", "factor") | ("fail", "share") => &mut strength,
                _ => return Err(refused(format!("`{setting}`"), FORM)),
            };
            if place.replace(number).is_some() {
                return Err(refused(format!("`{key}` twice"), FORM));
            }
        }
        let (Some(from_s), Some(strength)) = (from_s, strength) else {
            return Err(refused(format!("`{text}`"), FORM));
        };
        let rules = [
            ((0.0..=1e6).contains(&from_s), "0 ≤ from_s ≤ 1e6"),
            (for_s.is_none_or(|s| s > 0.0 && s <= 1e6), "0 < for_s ≤ 1e6"),
            (consumer.is_none_or(|n| (0.0..1e5).contains(&n) && n.fract() == 0.0), "consumer is 0, 1, 2, …"),
            (name != "slow" || (strength > 1.0 && strength <= 1e3), "1 < factor ≤ 1000"),
            (name != "fail" || (strength > 0.0 && strength <= 1.0), "0 < share ≤ 1"),
        ];
        if let Some((_, rule)) = rules.into_iter().find(|(is_met, _)| !is_met) {
            return Err(refused(format!("`{text}`"), rule));
        }
        let kind =
            if name == "slow" { Kind::Slow { factor: strength } } else { Kind::Fail { share: strength } };
        Ok(Injection { kind, from_s, for_s, consumer: consumer.map(|n| n as u32) })
    }
}

impl fmt::Display for Injection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::Slow { factor } => write!(f, "slow:from_s={},factor={factor}", self.from_s)?,
            Kind::Fail { share } => write!(f, "fail:from_s={},share={share}", self.from_s)?,
        }
        self.for_s.map_or(Ok(()), |for_s| write!(f, ",for_s={for_s}"))?;
        self.consumer.map_or(Ok(()), |consumer| write!(f, ",consumer={consumer}"))
    }
}

impl Injection {
    /// The consumer that is meant, if it is one.
    pub fn consumer(&self) -> Option<u32> {
        self.consumer
    }

    fn is_on(&self, now_s: f64) -> bool {
        now_s >= self.from_s && self.for_s.is_none_or(|for_s| now_s < self.from_s + for_s)
    }
}

/// A worker to whom faults are done.
pub struct Afflicted {
    worker: Box<dyn Worker>,
    injections: Vec<Injection>,
    clock: RunClock,
    chance: Stream,
}

impl Afflicted {
    /// The worker of a consumer, or the same unharmed if nothing is meant for it; `seed` decides which attempts fail.
    pub fn or_not(
        worker: Box<dyn Worker>,
        injections: &[Injection],
        consumer: u32,
        clock: RunClock,
        seed: u64,
    ) -> Box<dyn Worker> {
        let is_meant = |injection: &&Injection| injection.consumer.is_none_or(|meant| meant == consumer);
        let injections: Vec<Injection> = injections.iter().filter(is_meant).cloned().collect();
        if injections.is_empty() {
            return worker;
        }
        let chance = Stream::of_class(seed, 0, Purpose::Failures, consumer);
        Box::new(Afflicted { worker, injections, clock, chance })
    }
}

impl Worker for Afflicted {
    fn work(
        &mut self,
        message: &Message,
        demand_s: f64,
        limit: Duration,
        halt: &AtomicBool,
    ) -> Result<(), Fault> {
        let begun_ns = monotonic_ns();
        let now_s = self.clock.at(begun_ns) as f64 * 1e-9;
        let mut longer = 1.0;
        for injection in self.injections.iter().filter(|injection| injection.is_on(now_s)) {
            match injection.kind {
                Kind::Slow { factor } => longer *= factor,
                Kind::Fail { share } if self.chance.uniform() < share => {
                    return Err(Fault::Transient("made to fail (--fault)".into()));
                }
                Kind::Fail { .. } => {}
            }
        }
        let worked = self.worker.work(message, demand_s, limit, halt);
        if longer > 1.0 && worked.is_ok() {
            let took_ns = (monotonic_ns() - begun_ns) as f64;
            if !hold_until(begun_ns + (took_ns * longer) as u64, halt) {
                return Err(Fault::Halted);
            }
        }
        worked
    }

    fn commits(&self) -> bool {
        self.worker.commits()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_read_and_written_the_same() {
        for text in [
            "slow:from_s=180,factor=1.2",
            "slow:from_s=1.5,factor=2,consumer=0",
            "fail:from_s=60,share=0.2,for_s=5",
            "fail:from_s=0,share=1,for_s=5,consumer=3",
        ] {
            assert_eq!(text.parse::<Injection>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn nonsense_is_refused_with_rule_and_remedy() {
        for text in [
            "",
            "slow",
            "slow:from_s=1",
            "slow:from_s=1,factor=1",
            "slow:from_s=1,factor=0.5",
            "slow:from_s=1,share=0.5",
            "slow:from_s=-1,factor=2",
            "slow:from_s=1,from_s=2,factor=2",
            "slow:from_s=NaN,factor=2",
            "fail:from_s=1,share=0",
            "fail:from_s=1,share=1.5",
            "fail:from_s=1,share=0.5,for_s=0",
            "fail:from_s=1,share=0.5,consumer=1.5",
            "stop:from_s=1,factor=2",
        ] {
            let message = text.parse::<Injection>().unwrap_err().to_string();
            assert!(message.contains("rule: ") && message.contains("remedy: "), "{text}: {message}");
        }
    }
}
