//! M(t)/M/c: Poisson arrivals whose rate changes with the time of day.

use super::{TheoryError, occupancy::Occupancy};

/// The M(t)/M/c queue at a time t after a known start.
///
/// Poisson arrivals at rate λ(t), c servers of rate μ each, N(0) given. The probabilities p_n(t) = P(N(t) = n) obey
/// Kolmogorov's forward equations
///
/// ```text
/// p_n' = λ(t)·p_(n-1) + min(n+1, c)·μ·p_(n+1) - [λ(t) + min(n, c)·μ]·p_n
/// ```
///
/// which are integrated by the Runge–Kutta pair of Dormand and Prince with steps of its own choice, to about 1e-10;
/// states are added as they become likely.
///
/// # Units
/// Rates in jobs per second, `service_rate` per server; times in seconds.
///
/// # Examples
/// ```
/// // A rate that stays the same: the M/M/1 queue filling up.
/// use sim::theory::{time_varying::TimeVarying, transient::Transient};
/// let varying = TimeVarying::new(|_| 0.8, 1.0, 1, 0)?.at(5.0)?;
/// let constant = Transient::new(0.8, 1.0, 1, 0)?.at(5.0)?;
/// assert!((varying.mean_in_system() - constant.mean_in_system()).abs() < 1e-10);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Green & Kolesar 1991; Dormand & Prince 1980, *Journal of Computational and Applied Mathematics* 6 (the integrator).
#[derive(Debug, Clone, PartialEq)]
pub struct TimeVarying<F> {
    arrival_rate: F,
    service_rate: f64,
    servers: u32,
    start: Occupancy,
}

/// λ(t) = `mean_rate`·(1 + `amplitude`·sin(2πt/`period_s`)), for [`TimeVarying`].
///
/// # Units
/// `mean_rate` in jobs per second, `period_s` in seconds.
///
/// # Errors
/// [`TheoryError::OutOfDomain`] if a rate or period is not positive and finite, or the amplitude is not in [0, 1].
///
/// # Examples
/// ```
/// let rate = sim::theory::time_varying::sinusoid(10.0, 0.5, 60.0)?;
/// assert!((rate(15.0) - 15.0).abs() < 1e-12 && (rate(45.0) - 5.0).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
pub fn sinusoid(mean_rate: f64, amplitude: f64, period_s: f64) -> Result<impl Fn(f64) -> f64, TheoryError> {
    TheoryError::positive("mean_rate", mean_rate)?;
    TheoryError::positive("period_s", period_s)?;
    if !(0.0..=1.0).contains(&amplitude) {
        let rule = "it must be in [0, 1], or the rate would be negative at times";
        return Err(TheoryError::OutOfDomain { name: "amplitude", value: amplitude, rule });
    }
    Ok(move |t: f64| mean_rate * (1.0 + amplitude * (std::f64::consts::TAU * t / period_s).sin()))
}

impl<F: Fn(f64) -> f64> TimeVarying<F> {
    /// The queue with λ(t) = `arrival_rate(t)`, μ = `service_rate` per server and c = `servers`, in which
    /// `initial_jobs` are present at time 0.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if the service rate is not positive and finite or there is no server.
    pub fn new(
        arrival_rate: F,
        service_rate: f64,
        servers: u32,
        initial_jobs: u32,
    ) -> Result<Self, TheoryError> {
        TheoryError::positive("service_rate", service_rate)?;
        TheoryError::positive("servers", f64::from(servers))?;
        Ok(TimeVarying { arrival_rate, service_rate, servers, start: Occupancy::exactly(initial_jobs) })
    }

    /// How many are present at time `t`, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if t is negative or not finite, or λ is so at some time up to t.
    pub fn at(&self, t: f64) -> Result<Occupancy, TheoryError> {
        TheoryError::not_negative("t", t)?;
        self.between(0.0, &self.start, t)
    }

    /// How many are present at each of several ascending times, s, one after another.
    ///
    /// # Errors
    /// As [`TimeVarying::at`], and if the times do not ascend.
    pub fn along(&self, times: impl IntoIterator<Item = f64>) -> Result<Vec<Occupancy>, TheoryError> {
        let (mut now, mut laws) = (0.0, Vec::<Occupancy>::new());
        for t in times {
            TheoryError::not_negative("t", t - now)?;
            laws.push(self.between(now, laws.last().unwrap_or(&self.start), t)?);
            now = t;
        }
        Ok(laws)
    }

    /// The law at `t` that follows from the one at `from`, s.
    fn between(&self, from: f64, start: &Occupancy, t: f64) -> Result<Occupancy, TheoryError> {
        let mut state = start.probabilities().to_vec();
        let (mut now, mut step) = (from, (t - from).min(0.1 / self.service_rate));
        let mut slope = self.slope(now, &state)?;
        while now < t {
            // A likely last state needs successors before the next step, which may fill several of them.
            if state.iter().rev().take(SPARE).any(|probability| *probability > UNLIKELY) {
                state.resize(state.len() + 2 * SPARE, 0.0);
                slope.resize(state.len(), 0.0);
                slope = self.slope(now, &state)?;
            }
            step = step.min(t - now);
            let (next, next_slope, error) = self.dormand_prince(now, step, &state, &slope)?;
            if error <= TOLERANCE {
                now = if step == t - now { t } else { now + step };
                (state, slope) = (next, next_slope);
            }
            // The error of a step is of the fifth order.
            step *= (0.9 * (TOLERANCE / error.max(1e-30)).powf(0.2)).clamp(0.2, 4.0);
        }
        Ok(Occupancy::new(state))
    }

    /// dp/dt.
    fn slope(&self, t: f64, state: &[f64]) -> Result<Vec<f64>, TheoryError> {
        let lambda = TheoryError::not_negative("arrival_rate", (self.arrival_rate)(t))?;
        let busy = |jobs: usize| (jobs as f64).min(f64::from(self.servers)) * self.service_rate;
        let flow = |jobs: usize| match state.get(jobs + 1) {
            Some(above) => lambda * state[jobs] - busy(jobs + 1) * above,
            // None leaves the last state, so that the sum stays 1.
            None => 0.0,
        };
        let mut inflow = 0.0;
        let change = |jobs: usize| {
            let outflow = flow(jobs);
            std::mem::replace(&mut inflow, outflow) - outflow
        };
        Ok((0..state.len()).map(change).collect())
    }

    /// A step of the Runge–Kutta pair: the next state, its slope, and the sum of the absolute errors.
    fn dormand_prince(
        &self,
        now: f64,
        step: f64,
        state: &[f64],
        slope: &[f64],
    ) -> Result<(Vec<f64>, Vec<f64>, f64), TheoryError> {
        let mut slopes = vec![slope.to_vec()];
        let mut next = Vec::new();
        for (fraction, weights) in STAGES {
            next = state.to_vec();
            for (weight, slope) in weights.iter().zip(&slopes) {
                next.iter_mut().zip(slope).for_each(|(next, slope)| *next += step * weight * slope);
            }
            slopes.push(self.slope(now + fraction * step, &next)?);
        }
        let error = |jobs: usize| -> f64 {
            ERROR.iter().zip(&slopes).map(|(weight, slope)| weight * slope[jobs]).sum()
        };
        let error = (0..next.len()).map(|jobs| (step * error(jobs)).abs()).sum();
        Ok((next, slopes.pop().expect("seven slopes"), error))
    }
}

/// Largest error of a step; a run has of the order of a thousand steps, whose errors partly cancel.
const TOLERANCE: f64 = 1e-13;

/// States are added while one of the last `SPARE` is likelier than this.
const UNLIKELY: f64 = 1e-20;
const SPARE: usize = 8;

/// Dormand and Prince's stages: the fraction of the step, and the weights of the slopes so far. The last stage is
/// the next state itself.
const STAGES: [(f64, [f64; 6]); 6] = [
    (0.2, [0.2, 0.0, 0.0, 0.0, 0.0, 0.0]),
    (0.3, [3.0 / 40.0, 9.0 / 40.0, 0.0, 0.0, 0.0, 0.0]),
    (0.8, [44.0 / 45.0, -56.0 / 15.0, 32.0 / 9.0, 0.0, 0.0, 0.0]),
    (8.0 / 9.0, [19_372.0 / 6561.0, -25_360.0 / 2187.0, 64_448.0 / 6561.0, -212.0 / 729.0, 0.0, 0.0]),
    (1.0, [9017.0 / 3168.0, -355.0 / 33.0, 46_732.0 / 5247.0, 49.0 / 176.0, -5103.0 / 18_656.0, 0.0]),
    (1.0, [35.0 / 384.0, 0.0, 500.0 / 1113.0, 125.0 / 192.0, -2187.0 / 6784.0, 11.0 / 84.0]),
];

/// Fifth-order weights less fourth-order ones.
const ERROR: [f64; 7] =
    [71.0 / 57_600.0, 0.0, -71.0 / 16_695.0, 71.0 / 1920.0, -17_253.0 / 339_200.0, 22.0 / 525.0, -1.0 / 40.0];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::transient::Transient;

    #[test]
    fn a_constant_rate_gives_the_transient_queue() {
        let varying = TimeVarying::new(|_| 4.5, 1.0, 5, 12).unwrap().at(20.0).unwrap();
        let constant = Transient::new(4.5, 1.0, 5, 12).unwrap().at(20.0).unwrap();
        for jobs in [0, 4, 12, 30] {
            let difference = varying.prob_in_system(jobs) - constant.prob_in_system(jobs);
            assert!(difference.abs() < 1e-11, "{jobs}: {difference}");
        }
    }

    #[test]
    fn many_servers_follow_the_offered_load_with_a_lag() {
        // M(t)/M/∞: m' = λ(t) − μm, here with the solution that starts at 0.
        let (mean, amplitude, omega) = (6.0, 0.7, 0.8_f64);
        let period = std::f64::consts::TAU / omega;
        let law = TimeVarying::new(sinusoid(mean, amplitude, period).unwrap(), 1.0, 90, 0)
            .unwrap()
            .at(9.0)
            .unwrap();
        let wave = ((9.0 * omega).sin() - omega * (9.0 * omega).cos()) / (1.0 + omega * omega);
        let start = omega / (1.0 + omega * omega) * amplitude - 1.0;
        let expected = mean * (1.0 + amplitude * wave + start * (-9.0_f64).exp());
        assert!((law.mean_in_system() / expected - 1.0).abs() < 1e-10, "{}", law.mean_in_system());
    }

    #[test]
    fn a_rate_that_jumps_needs_no_care() {
        let varying =
            TimeVarying::new(|t| if t < 3.0 { 2.0 } else { 0.0 }, 1.0, 1, 0).unwrap().at(5.0).unwrap();
        let filled = Transient::new(2.0, 1.0, 1, 0).unwrap().at(3.0).unwrap();
        let drained = Transient::from_law(1e-15, 1.0, 1, filled).unwrap().at(2.0).unwrap();
        assert!((varying.mean_in_system() - drained.mean_in_system()).abs() < 1e-10);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(TimeVarying::new(|_| 1.0, 0.0, 1, 0).is_err());
        assert!(TimeVarying::new(|_| 1.0, 1.0, 0, 0).is_err());
        let falling = TimeVarying::new(|t| 1.0 - t, 1.0, 1, 0).unwrap();
        assert!(matches!(falling.at(2.0), Err(TheoryError::OutOfDomain { name: "arrival_rate", .. })));
        assert!(matches!(falling.at(f64::NAN), Err(TheoryError::OutOfDomain { name: "t", .. })));
        assert!(matches!(
            sinusoid(1.0, 1.5, 1.0).map(drop),
            Err(TheoryError::OutOfDomain { name: "amplitude", .. })
        ));
    }
}
