//! How far the monotonic clock of another host is from ours, and how sure that is.

/// One exchange with the peer: its clock was read some time between our sending and receiving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// The request left, ns on our clock.
    pub sent_ns: u64,
    /// The peer's reading, ns on its clock.
    pub peer_ns: u64,
    /// The answer was there, ns on our clock.
    pub received_ns: u64,
}

/// The peer's clock as a line over ours: an offset and a drift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ClockOffset {
    base_ns: u64,
    offset_ns: i128,
    intercept_ns: f64,
    drift: f64,
    first_ns: f64,
    last_ns: f64,
    bounds_ns: [f64; 2],
    excess_ns: f64,
    span_ns: [f64; 2],
}

/// Why an offset cannot be estimated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OffsetError {
    /// A line needs samples from two times.
    #[error(
        "{0} clock samples from fewer than two times\n  rule: an offset with drift needs samples before and after a run\n  \
         remedy: sample the peer's clock for the whole run"
    )]
    TooFew(usize),
    /// A sample was received before it was sent.
    #[error(
        "a clock sample was received before it was sent\n  remedy: remove the damaged file and run again"
    )]
    Backwards,
}

/// Most stretches of time from each of which the quickest sample is taken.
const STRETCHES: usize = 16;

/// Share of its round trip by which a clock may move while a sample is under way: what kernels allow.
const SLEW: f64 = 1e-3;

struct Anchor {
    at_ns: f64,
    offset_ns: f64,
    half_ns: f64,
}

impl ClockOffset {
    /// Estimates offset and drift by the samples with the least round trip.
    ///
    /// The quickest sample of each stretch of time is an anchor; a line is fitted through the anchors, weighted by
    /// 1/RTT². However the delay of an exchange is split between the two ways, the true offset at an anchor is
    /// within half its round trip, so the error of the line there is at most
    ///
    /// ```text
    /// B = RTT/2 + |residual|
    /// ```
    ///
    /// and between and beyond two anchors it is bounded by the lines through these bounds, since both truth and fit
    /// are linear. Of all pairs of anchors the one with the least bound is taken. What other samples contradict
    /// (a clock that was not linear) is added.
    ///
    /// # Errors
    /// [`OffsetError`] without samples from two times, or if one is impossible.
    pub fn estimate(samples: &[Sample]) -> Result<Self, OffsetError> {
        let Some(first) = samples.first() else { return Err(OffsetError::TooFew(0)) };
        if samples.iter().any(|sample| sample.received_ns < sample.sent_ns) {
            return Err(OffsetError::Backwards);
        }
        let base_ns = samples.iter().map(|sample| sample.sent_ns).min().unwrap_or(first.sent_ns);
        let offset_ns = i128::from(first.peer_ns) - i128::from(first.sent_ns);
        let seen: Vec<Anchor> = samples.iter().map(|sample| anchor(sample, base_ns, offset_ns)).collect();
        let anchors = quickest(&seen);
        let (Some(start), Some(end)) = (anchors.first(), anchors.last()) else {
            return Err(OffsetError::TooFew(samples.len()));
        };
        if start.at_ns >= end.at_ns {
            return Err(OffsetError::TooFew(samples.len()));
        }
        let (intercept_ns, drift) = line(&anchors);
        let residual = |anchor: &Anchor| (anchor.offset_ns - intercept_ns - drift * anchor.at_ns).abs();
        let ends = [start.at_ns, end.at_ns];
        let mut best = (f64::INFINITY, [0, 0]);
        for i in 0..anchors.len() {
            for j in i + 1..anchors.len() {
                let pair = [i, j].map(|n| (anchors[n].at_ns, anchors[n].half_ns + residual(anchors[n])));
                let worst = ends.map(|at_ns| bound(pair, at_ns)).into_iter().fold(0.0, f64::max);
                if worst < best.0 {
                    best = (worst, [i, j]);
                }
            }
        }
        let [i, j] = best.1;
        let pair = [i, j].map(|n| (anchors[n].at_ns, anchors[n].half_ns + residual(anchors[n])));
        let excess = |seen: &Anchor| residual(seen) - seen.half_ns - bound(pair, seen.at_ns);
        let excess_ns = seen.iter().map(excess).fold(0.0, f64::max);
        Ok(ClockOffset {
            base_ns,
            offset_ns,
            intercept_ns,
            drift,
            first_ns: pair[0].0,
            last_ns: pair[1].0,
            bounds_ns: [pair[0].1, pair[1].1],
            excess_ns,
            span_ns: ends,
        })
    }

    /// An instant of our clock on the peer's, ns.
    pub fn to_peer(&self, local_ns: u64) -> u64 {
        let correction = self.intercept_ns + self.drift * self.since(local_ns);
        let peer_ns = i128::from(local_ns) + self.offset_ns + correction.round() as i128;
        u64::try_from(peer_ns.max(0)).unwrap_or(u64::MAX)
    }

    /// An instant of the peer's clock on ours, ns.
    pub fn from_peer(&self, peer_ns: u64) -> u64 {
        // On our clock but for the correction, which is a line over our clock.
        let nearly_ns = i128::from(peer_ns) - self.offset_ns;
        let since_ns = (nearly_ns - i128::from(self.base_ns)) as f64;
        let local_ns = (since_ns - self.intercept_ns) / (1.0 + self.drift);
        let correction = self.intercept_ns + self.drift * local_ns;
        u64::try_from((nearly_ns - correction.round() as i128).max(0)).unwrap_or(u64::MAX)
    }

    /// The largest half-width while the peer was being read, s.
    pub fn worst_s(&self) -> f64 {
        let ends = self.span_ns.map(|since_ns| self.half_width_s(since_ns));
        ends[0].max(ends[1])
    }

    /// Half-width of [`ClockOffset::to_peer`] at an instant of our clock, s.
    pub fn uncertainty_s(&self, local_ns: u64) -> f64 {
        self.half_width_s(self.since(local_ns))
    }

    fn half_width_s(&self, since_ns: f64) -> f64 {
        let pair = [(self.first_ns, self.bounds_ns[0]), (self.last_ns, self.bounds_ns[1])];
        // One nanosecond is the resolution of the clocks themselves.
        (bound(pair, since_ns) + self.excess_ns + 1.0) * 1e-9
    }

    fn since(&self, local_ns: u64) -> f64 {
        (i128::from(local_ns) - i128::from(self.base_ns)) as f64
    }
}

fn anchor(sample: &Sample, base_ns: u64, offset_ns: i128) -> Anchor {
    let trip_ns = (sample.received_ns - sample.sent_ns) as f64;
    let at_ns = (sample.sent_ns - base_ns) as f64 + trip_ns / 2.0;
    let offset = i128::from(sample.peer_ns) - i128::from(sample.sent_ns) - offset_ns;
    Anchor { at_ns, offset_ns: offset as f64 - trip_ns / 2.0, half_ns: trip_ns * (0.5 + SLEW) + 1.0 }
}

/// The quickest sample of each stretch of time, in order of time.
fn quickest(seen: &[Anchor]) -> Vec<&Anchor> {
    let last_ns = seen.iter().map(|anchor| anchor.at_ns).fold(0.0, f64::max);
    let stretch_ns = (last_ns / STRETCHES as f64).max(1.0);
    let mut best: [Option<&Anchor>; STRETCHES] = [None; STRETCHES];
    for anchor in seen {
        let place = &mut best[((anchor.at_ns / stretch_ns) as usize).min(STRETCHES - 1)];
        if place.is_none_or(|there| anchor.half_ns < there.half_ns) {
            *place = Some(anchor);
        }
    }
    best.into_iter().flatten().collect()
}

/// Intercept and slope by weighted least squares.
fn line(anchors: &[&Anchor]) -> (f64, f64) {
    let weight = |anchor: &Anchor| anchor.half_ns.powi(-2);
    let total: f64 = anchors.iter().map(|anchor| weight(anchor)).sum();
    let mean = |value: &dyn Fn(&Anchor) -> f64| {
        anchors.iter().map(|anchor| weight(anchor) * value(anchor)).sum::<f64>() / total
    };
    let (at, offset) = (mean(&|anchor| anchor.at_ns), mean(&|anchor| anchor.offset_ns));
    let covariance = mean(&|anchor| (anchor.at_ns - at) * (anchor.offset_ns - offset));
    let slope = covariance / mean(&|anchor| (anchor.at_ns - at).powi(2));
    (offset - slope * at, slope)
}

/// Largest error at an instant of a line whose error is bounded at two others.
fn bound(pair: [(f64, f64); 2], at_ns: f64) -> f64 {
    let [(a, at_a), (b, at_b)] = pair;
    let share = (at_ns - a) / (b - a);
    (1.0 - share).abs() * at_a + share.abs() * at_b
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    /// Where the peer's clock stands, by the clock's own definition.
    fn truth(offset_s: f64, drift: f64, local_ns: u64) -> f64 {
        offset_s * 1e9 + drift * (local_ns as f64 - 100e9)
    }

    /// Samples once a second whose delays there and back are given in ns.
    fn samples(offset_s: f64, drift: f64, delays: impl Fn(u64) -> (u64, u64)) -> Vec<Sample> {
        let sample = |n: u64| {
            let (there, back) = delays(n);
            let sent_ns = 100 * SECOND + n * SECOND;
            let read_ns = sent_ns + there;
            let peer_ns = (read_ns as f64 + truth(offset_s, drift, read_ns)).round() as u64;
            Sample { sent_ns, peer_ns, received_ns: read_ns + back }
        };
        (0..60).map(sample).collect()
    }

    /// A value between 0 and 1 that looks like chance.
    fn noise(n: u64) -> f64 {
        (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64 / (1_u64 << 24) as f64
    }

    fn assert_truth_is_inside(samples: &[Sample], offset_s: f64, drift: f64, at_most_s: f64) {
        let estimate = ClockOffset::estimate(samples).unwrap();
        for tenth in 0..650 {
            let local_ns = 98 * SECOND + tenth * SECOND / 10;
            let error_ns =
                estimate.to_peer(local_ns) as f64 - local_ns as f64 - truth(offset_s, drift, local_ns);
            let claimed_s = estimate.uncertainty_s(local_ns);
            let back_ns = estimate.from_peer(estimate.to_peer(local_ns));
            assert!(back_ns.abs_diff(local_ns) <= 1, "{local_ns} comes back as {back_ns}");
            assert!(error_ns.abs() * 1e-9 <= claimed_s, "{error_ns} ns at {local_ns}, claimed {claimed_s} s");
            assert!(claimed_s <= at_most_s, "{claimed_s} s says nothing");
        }
    }

    #[test]
    fn the_true_offset_is_inside_whatever_the_drift() {
        for offset_s in [-60.0, 0.0, 3.7, 86_400.0] {
            for drift in [-50e-6, 0.0, 40e-6, 50e-6] {
                let even = samples(offset_s, drift, |_| (50_000, 50_000));
                assert_truth_is_inside(&even, offset_s, drift, 70e-6);
            }
        }
    }

    #[test]
    fn the_true_offset_is_inside_when_one_way_takes_all_the_time() {
        for (there, back) in [(200_000, 0), (0, 200_000)] {
            assert_truth_is_inside(&samples(3.7, 50e-6, |_| (there, back)), 3.7, 50e-6, 140e-6);
        }
        // The asymmetry itself changes from one end of the run to the other: the worst for a fitted drift.
        let turning = samples(3.7, -50e-6, |n| if n < 30 { (200_000, 0) } else { (0, 200_000) });
        assert_truth_is_inside(&turning, 3.7, -50e-6, 400e-6);
    }

    #[test]
    fn the_true_offset_is_inside_when_most_samples_queue() {
        for drift in [-50e-6, 50e-6] {
            let queued = |n: u64| {
                let wait = if n % 5 == 2 { 0.0 } else { 20e6 * noise(n) };
                (40_000 + wait as u64, 40_000 + (wait * noise(n + 99)) as u64)
            };
            assert_truth_is_inside(&samples(3.7, drift, queued), 3.7, drift, 100e-6);
        }
    }

    #[test]
    fn a_clock_that_is_not_linear_is_charged_for_it() {
        let mut bent = samples(3.7, 0.0, |_| (50_000, 50_000));
        for sample in &mut bent[30..] {
            sample.peer_ns += 2_000_000;
        }
        let estimate = ClockOffset::estimate(&bent).unwrap();
        assert!(estimate.uncertainty_s(130 * SECOND) > 500e-6, "{estimate:?}");
    }

    #[test]
    fn an_estimate_needs_samples_from_two_times() {
        assert_eq!(ClockOffset::estimate(&[]), Err(OffsetError::TooFew(0)));
        let one = samples(0.0, 0.0, |_| (1, 1))[0];
        assert_eq!(ClockOffset::estimate(&[one, one]), Err(OffsetError::TooFew(2)));
        let backwards = Sample { received_ns: one.sent_ns - 1, ..one };
        assert_eq!(ClockOffset::estimate(&[one, backwards]), Err(OffsetError::Backwards));
    }
}
