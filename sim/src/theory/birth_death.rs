//! Birth–death chains in steady state.

use super::TheoryError;

/// No formula sums over more states than this.
pub(super) const MAX_STATES: u32 = 10_000_000;

/// Refuses a count that is zero, or so large that a sum over as many states takes seconds.
pub(super) fn states(name: &'static str, count: u32) -> Result<f64, TheoryError> {
    if (1..=MAX_STATES).contains(&count) {
        Ok(f64::from(count))
    } else {
        let rule = "it must be at least 1 and at most 10,000,000";
        Err(TheoryError::OutOfDomain { name, value: f64::from(count), rule })
    }
}

/// A birth–death chain in steady state.
///
/// Births lead from j to j+1 at rate λ_j, deaths back at rate μ_(j+1):
///
/// ```text
/// π_(j+1)/π_j = λ_j/μ_(j+1)
/// ```
#[derive(Debug, Clone, PartialEq)]
pub(super) struct BirthDeath {
    /// (λ_j, μ_(j+1)) for j = 0 … n.
    rates: Vec<(f64, f64)>,
    /// π_0 … π_n.
    probabilities: Vec<f64>,
}

impl BirthDeath {
    /// The chain with `rates`\[j\] = (λ_j, μ_(j+1)), of which there is at least one.
    ///
    /// The last pair holds for all states from n on, which it needs λ < μ for; a last λ of 0 ends the chain
    /// at n.
    pub(super) fn new(rates: Vec<(f64, f64)>) -> Self {
        let last = rates.len() - 1;
        let ratio = |j: usize| rates[j].0 / rates[j].1;
        // Weights are taken relative to the likeliest state, so that none overflows, and those that underflow
        // are below what a double can say. The logarithms only find that state; products keep the digits.
        let (mut peak, mut height, mut highest) = (0, 0.0, 0.0);
        for j in 0..last {
            height += ratio(j).ln();
            if height > highest {
                (peak, highest) = (j + 1, height);
            }
        }
        let mut weights = vec![1.0; last + 1];
        for j in peak..last {
            weights[j + 1] = weights[j] * ratio(j);
        }
        for j in (0..peak).rev() {
            weights[j] = weights[j + 1] / ratio(j);
        }
        let beyond = ratio(last) / (1.0 - ratio(last)) * weights[last];
        let total = weights.iter().sum::<f64>() + beyond;
        weights.iter_mut().for_each(|weight| *weight /= total);
        BirthDeath { rates, probabilities: weights }
    }

    /// π_0 … π_n.
    pub(super) fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// E\[f(N)\] over the states up to n.
    pub(super) fn expectation(&self, f: impl Fn(f64) -> f64) -> f64 {
        self.probabilities.iter().enumerate().map(|(j, probability)| f(j as f64) * probability).sum()
    }

    /// Asymptotic variance of the time average of N: the limit of t·Var of its mean over time t.
    ///
    /// ```text
    /// σ² = 2·Σ_j D_j²/(λ_j·π_j),      D_j = Σ_(i≤j) (i - L)·π_i = -Σ_(i>j) (i - L)·π_i
    /// ```
    ///
    /// Burman 1980; Whitt 1992, *Management Science* 38.
    pub(super) fn asymptotic_variance(&self) -> f64 {
        let last = self.rates.len() - 1;
        let ratio = |j: usize| self.rates[j].0 / self.rates[j].1;
        let (birth, r) = (self.rates[last].0, ratio(last));
        let mean = self.expectation(|n| n)
            + self.probabilities[last] * r / (1.0 - r) * (last as f64 + 1.0 / (1.0 - r));
        let term = |j: usize, scaled: f64| self.probabilities[j] * scaled * scaled / self.rates[j].0;
        // D_j/π_j is summed from below while states are below the mean and from above otherwise, so that its
        // terms all have one sign; scaled by π_j it never divides two vanishing numbers.
        let turn = (mean.ceil() as usize).min(last);
        let (mut sum, mut scaled) = (0.0, 0.0);
        for j in 0..turn {
            scaled = j as f64 - mean + if j == 0 { 0.0 } else { scaled / ratio(j - 1) };
            sum += term(j, scaled);
        }
        // From n on D_j/π_j = r/(1-r)·(start + j - n), and the squares sum geometrically.
        let start = last as f64 - mean + 1.0 / (1.0 - r);
        let mut scaled = r / (1.0 - r) * start;
        if birth > 0.0 {
            let squares = start * start + 2.0 * start * r / (1.0 - r) + r * (1.0 + r) / (1.0 - r).powi(2);
            sum += self.probabilities[last] / birth * (r / (1.0 - r)).powi(2) * squares / (1.0 - r);
        }
        for j in (turn..last).rev() {
            scaled = ratio(j) * ((j + 1) as f64 - mean + scaled);
            sum += term(j, scaled);
        }
        2.0 * sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_of_constant_ratio_is_the_mm1_queue() {
        for states in [1, 2, 40] {
            let chain = BirthDeath::new(vec![(0.8, 1.0); states]);
            assert!((chain.probabilities()[0] - 0.2).abs() < 1e-15);
            // Whitt 1992: 2ρ(1+ρ)/(1-ρ)⁴ in units of 1/μ.
            let expected = 2.0 * 0.8 * 1.8 / 0.2_f64.powi(4);
            assert!((chain.asymptotic_variance() / expected - 1.0).abs() < 1e-12, "{states}");
        }
    }

    #[test]
    fn two_states_have_the_variance_of_an_alternating_process() {
        let (up, down) = (0.3, 0.7);
        let chain = BirthDeath::new(vec![(up, down), (0.0, 1.0)]);
        let expected = 2.0 * up * down / (up + down).powi(3);
        assert!((chain.asymptotic_variance() - expected).abs() < 1e-15);
    }

    #[test]
    fn a_million_states_of_which_most_underflow_still_sum_to_one() {
        // Infinitely many servers, cut far out: Poisson with mean 300,000, and asymptotic variance 2a/μ.
        let load = 300_000.0;
        let rates = (1..=1_000_000).map(|j| (load, f64::from(j))).chain([(0.0, 1.0)]).collect();
        let chain = BirthDeath::new(rates);
        assert!((chain.expectation(|_| 1.0) - 1.0).abs() < 1e-12);
        assert!((chain.expectation(|n| n) / load - 1.0).abs() < 1e-12);
        assert!((chain.asymptotic_variance() / (2.0 * load) - 1.0).abs() < 1e-9);
    }
}
