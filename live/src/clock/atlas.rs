//! The clocks of all hosts of a run, related to one of them.

use std::collections::BTreeMap;

use super::{ClockIdentity, ClockOffset, OffsetError, PeerSample, Sample};

/// Why the clocks of a run cannot be related.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AtlasError {
    /// What was seen of a clock is not enough.
    #[error("the clock {clock}: {reason}")]
    Offset {
        /// The clock that was read.
        clock: ClockIdentity,
        /// Why nothing can be said of it.
        reason: OffsetError,
    },
    /// Nobody has read this clock, or its owner read nobody's.
    #[error(
        "the clock {clock} is not related to that of the first driver\n  rule: instants of two hosts can only be \
         compared if a driver has read both clocks\n  remedy: drive again with --peer http://host:port for each \
         `live consume` on another host"
    )]
    Unrelated {
        /// The clock.
        clock: ClockIdentity,
    },
}

/// Conversions from the clock of any host to that of one.
#[derive(Debug)]
pub struct Atlas {
    routes: BTreeMap<ClockIdentity, Vec<Leg>>,
}

/// One conversion on the way to the reference.
#[derive(Debug, Clone, Copy)]
enum Leg {
    // From the clock of whoever read to the one that was read.
    Forth(ClockOffset),
    // The other way round.
    Back(ClockOffset),
}

impl Leg {
    /// The instant on the other clock, and how far it may be off, s.
    fn convert(&self, instant_ns: u64) -> (u64, f64) {
        match self {
            Leg::Forth(offset) => (offset.to_peer(instant_ns), offset.uncertainty_s(instant_ns)),
            Leg::Back(offset) => {
                let local_ns = offset.from_peer(instant_ns);
                (local_ns, offset.uncertainty_s(local_ns))
            }
        }
    }
}

impl Atlas {
    /// Relates all clocks to the `reference`, from what each observer has seen of the others.
    ///
    /// Where there are several ways, that with the least uncertainty is taken; uncertainties add along a way.
    ///
    /// # Errors
    /// [`AtlasError::Offset`] if what was seen of a clock is not enough, or impossible.
    pub fn new(
        reference: &ClockIdentity,
        seen: &[(ClockIdentity, Vec<PeerSample>)],
    ) -> Result<Self, AtlasError> {
        let mut edges = Vec::new();
        for (observer, samples) in seen {
            let mut by_clock: BTreeMap<&ClockIdentity, Vec<Sample>> = BTreeMap::new();
            for PeerSample { clock, sample } in samples {
                by_clock.entry(clock).or_default().push(*sample);
            }
            for (clock, samples) in by_clock.into_iter().filter(|(clock, _)| *clock != observer) {
                let offset = ClockOffset::estimate(&samples)
                    .map_err(|reason| AtlasError::Offset { clock: clock.clone(), reason })?;
                edges.push((observer.clone(), clock.clone(), Leg::Forth(offset), offset.worst_s()));
                edges.push((clock.clone(), observer.clone(), Leg::Back(offset), offset.worst_s()));
            }
        }
        let mut routes = BTreeMap::from([(reference.clone(), (0.0, Vec::new()))]);
        // Each round extends the known ways by one leg; none is longer than there are edges.
        for _ in 0..edges.len() {
            for (from, to, leg, worst_s) in &edges {
                let Some((rest_s, rest)) = routes.get(to) else { continue };
                let whole_s: f64 = worst_s + rest_s;
                if routes.get(from).is_none_or(|(known_s, _)| whole_s < *known_s) {
                    let legs = [&[*leg], rest.as_slice()].concat();
                    routes.insert(from.clone(), (whole_s, legs));
                }
            }
        }
        Ok(Atlas { routes: routes.into_iter().map(|(clock, (_, legs))| (clock, legs)).collect() })
    }

    /// An instant of a clock on the reference clock, ns, and how far it may be off, s: 0 if they are the same clock.
    ///
    /// # Errors
    /// [`AtlasError::Unrelated`] if nobody has seen both.
    pub fn to_reference(&self, clock: &ClockIdentity, instant_ns: u64) -> Result<(u64, f64), AtlasError> {
        let legs = self.routes.get(clock).ok_or_else(|| AtlasError::Unrelated { clock: clock.clone() })?;
        let along = |(instant_ns, off_s): (u64, f64), leg: &Leg| {
            let (there_ns, further_s) = leg.convert(instant_ns);
            (there_ns, off_s + further_s)
        };
        Ok(legs.iter().fold((instant_ns, 0.0), along))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// What a clock shows that is `ahead_s` ahead of true time at the start and runs `drift` too fast.
    fn shows(ahead_s: f64, drift: f64, true_ns: u64) -> u64 {
        (true_ns as f64 * (1.0 + drift) + ahead_s * 1e9).round() as u64
    }

    /// A minute of samples that one clock takes of another, each way taking 50 us.
    fn samples(name: &str, observer: (f64, f64), peer: (f64, f64)) -> Vec<PeerSample> {
        let sample = |n: u64| {
            let sent = 100 * SECOND + n * SECOND;
            let at = |clock: (f64, f64), true_ns| shows(clock.0, clock.1, true_ns);
            let sample = Sample {
                sent_ns: at(observer, sent),
                peer_ns: at(peer, sent + 50_000),
                received_ns: at(observer, sent + 100_000),
            };
            PeerSample { clock: name.into(), sample }
        };
        (0..60).map(sample).collect()
    }

    const REFERENCE: (f64, f64) = (0.0, 0.0);
    const API: (f64, f64) = (3.7, 40e-6);
    const OTHER: (f64, f64) = (-60.0, -30e-6);
    const CONSUMER: (f64, f64) = (900.0, 50e-6);

    #[test]
    fn instants_of_any_host_come_back_to_the_first_driver() {
        let seen = [
            ("driver-0".into(), samples("api", REFERENCE, API)),
            ("driver-1".into(), [samples("api", OTHER, API), samples("consumer", OTHER, CONSUMER)].concat()),
        ];
        let atlas = Atlas::new(&"driver-0".into(), &seen).unwrap();
        for (name, clock, legs) in [
            ("driver-0", REFERENCE, 0.0),
            ("api", API, 1.0),
            ("driver-1", OTHER, 2.0),
            ("consumer", CONSUMER, 3.0),
        ] {
            for second in 100..160 {
                let true_ns = second * SECOND;
                let (there_ns, off_s) =
                    atlas.to_reference(&name.into(), shows(clock.0, clock.1, true_ns)).unwrap();
                let error_s = (there_ns as f64 - true_ns as f64).abs() * 1e-9;
                assert!(error_s <= off_s, "{name}: {error_s} s, claimed {off_s} s");
                assert!(off_s <= legs * 70e-6, "{name}: {off_s} s says nothing");
            }
        }
    }

    #[test]
    fn the_surest_way_is_taken() {
        let mut vague = samples("consumer", REFERENCE, CONSUMER);
        for sample in &mut vague {
            sample.sample.received_ns += 5_000_000;
        }
        let seen = [
            ("driver-0".into(), [samples("api", REFERENCE, API), vague].concat()),
            ("api".into(), samples("consumer", API, CONSUMER)),
        ];
        let atlas = Atlas::new(&"driver-0".into(), &seen).unwrap();
        let (_, off_s) =
            atlas.to_reference(&"consumer".into(), shows(CONSUMER.0, CONSUMER.1, 130 * SECOND)).unwrap();
        assert!(off_s < 140e-6, "{off_s}");
    }

    #[test]
    fn a_clock_that_nobody_has_read_is_not_guessed() {
        let seen = [("driver-0".into(), samples("api", REFERENCE, API))];
        let atlas = Atlas::new(&"driver-0".into(), &seen).unwrap();
        let unrelated = atlas.to_reference(&"consumer".into(), SECOND).unwrap_err();
        assert!(unrelated.to_string().contains("--peer"), "{unrelated}");
        let once = [("driver-0".into(), samples("api", REFERENCE, API)[..1].to_vec())];
        assert!(matches!(Atlas::new(&"driver-0".into(), &once), Err(AtlasError::Offset { .. })));
    }
}
