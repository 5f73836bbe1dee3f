//! Routing to one of several M/M/1 queues by what their lines look like.

use super::TheoryError;

/// The mean sojourn with two M/M/1 queues, of which each job joins the shorter, s.
///
/// Poisson arrivals at rate λ = `arrival_rate` in all, two servers with exponential services at rate μ =
/// `service_rate` each, ties broken at random, no moves between lines, ρ = λ/(2μ) < 1. With m the shorter
/// line and r the difference (jobs in service counted), for r ≥ 1
///
/// ```text
/// P(m, r) = Σ_i (c_i·β_i^r + d_i·β_(i-1)^r)·α_i^m,      α_0 = ρ²,  β_0 = ρ²/(2+ρ),  d_0 = 0
/// ```
///
/// where each term makes up for what the one before it breaks at r = 0 or m = 0.
///
/// # Units
/// Rates in jobs per second.
/// # Errors
/// [`TheoryError::OutOfDomain`] if a rate is not positive and finite; [`TheoryError::Unstable`] if λ ≥ 2μ.
/// # Examples
/// ```
/// // Hardly any load: one service.
/// let sojourn = sim::theory::routing::shortest_of_two_mean_sojourn(1e-9, 1.0)?;
/// assert!((sojourn - 1.0).abs() < 1e-9);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Adan, Wessels & Zijm 1990, "Analysis of the symmetric shortest queue problem", *Stochastic Models* 6.
pub fn shortest_of_two_mean_sojourn(arrival_rate: f64, service_rate: f64) -> Result<f64, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    TheoryError::positive("service_rate", service_rate)?;
    let rho = TheoryError::stable(arrival_rate, 2.0 * service_rate)?;
    // Below this the wait is nothing against a service, and the squares of ρ stay within range.
    let rho = rho.max(1e-30);
    let (mut alpha, mut beta, mut c) = (rho * rho, rho * rho / (2.0 + rho), 1.0);
    let (mut beta_before, mut d) = (beta, 0.0);
    // Unnormalized P(m + r > 0), E[N], and Σ P(0, 1), which is 2ρ·P(0, 0).
    let (mut mass, mut jobs, mut first) = (0.0, 0.0, 0.0);
    for _ in 0..100 {
        let before = jobs;
        // 1 − α loses no digits: α_0 = ρ² is the only one near 1, and 1 − ρ is exact there.
        let rest = if d == 0.0 { (1.0 - rho) * (1.0 + rho) } else { 1.0 - alpha };
        for (weight, beta) in [(c, beta), (d, beta_before)] {
            let row = weight * beta / (1.0 - beta) / rest;
            mass += row;
            jobs += row * (2.0 * alpha / rest + 1.0 / (1.0 - beta));
            first += weight * beta;
        }
        // P(m, 0) = equal·α^m for m ≥ 1.
        let equal = alpha * (c + d) / (2.0 * (rho + alpha));
        mass += equal * alpha / rest;
        jobs += 2.0 * equal * alpha / rest.powi(2);
        if (jobs - before).abs() <= 1e-17 * jobs {
            break;
        }
        // The balance at m = 0 needs the other α of this β, that at r = 0 the other β of that α; both are
        // roots of αβ·2(ρ+1) = 2ρβ² + αβ² + α², the balance of the inner states.
        let next = 2.0 * rho * beta * beta / alpha;
        d = -c * (next - beta) / (alpha - beta);
        (alpha, beta_before) = (next, beta);
        beta = alpha * alpha / ((2.0 * rho + alpha) * beta_before);
        let edge = (rho + alpha) * (2.0 * rho + alpha) / (rho + 1.0);
        let broken = |beta: f64| beta * edge - alpha * alpha;
        c = -d * broken(beta_before) / broken(beta);
    }
    let mean_in_system = jobs / (mass + first / (2.0 * rho));
    Ok(mean_in_system / (2.0 * rho * service_rate))
}

/// The mean sojourn with very many M/M/1 queues, of which each job joins the shortest of d random ones, s.
///
/// n → ∞ servers with exponential services at rate μ = `service_rate` each, Poisson arrivals at rate nλ with
/// λ = `arrival_rate` per server, d = `choices`, ρ = λ/μ:
///
/// ```text
/// W = 1/μ·Σ_(i≥1) ρ^((dⁱ - d)/(d - 1))
/// ```
///
/// # Units
/// Rates in jobs per second.
/// # Errors
/// [`TheoryError::OutOfDomain`] if a rate is not positive and finite or there is no choice;
/// [`TheoryError::Unstable`] if λ ≥ μ.
/// # Examples
/// ```
/// // One choice is no choice: the M/M/1 queue.
/// assert!((sim::theory::routing::many_servers_mean_sojourn(0.9, 1.0, 1)? - 10.0).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Vvedenskaya, Dobrushin & Karpelevich 1996; Mitzenmacher 2001, *IEEE Transactions on Parallel and
/// Distributed Systems* 12.
pub fn many_servers_mean_sojourn(
    arrival_rate: f64,
    service_rate: f64,
    choices: u32,
) -> Result<f64, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    TheoryError::positive("service_rate", service_rate)?;
    TheoryError::positive("choices", f64::from(choices))?;
    let rho = TheoryError::stable(arrival_rate, service_rate)?;
    if choices == 1 {
        return Ok(1.0 / (service_rate - arrival_rate));
    }
    let (mut sum, mut term, mut exponent) = (0.0, 1.0, 0.0);
    while term > 1e-18 {
        sum += term;
        exponent = f64::from(choices) * (exponent + 1.0);
        term = rho.powf(exponent);
    }
    Ok(sum / service_rate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{mm1::Mm1, mmc::Mmc};

    #[test]
    fn the_shorter_line_is_between_one_line_and_random_routing() {
        for rho in [0.05, 0.3, 0.5, 0.7, 0.9, 0.99, 0.9999] {
            let sojourn = shortest_of_two_mean_sojourn(2.0 * rho, 1.0).unwrap();
            let one_line = Mmc::new(2.0 * rho, 1.0, 2).unwrap().mean_sojourn();
            let random = Mm1::new(rho, 1.0).unwrap().mean_sojourn();
            assert!(one_line < sojourn && sojourn < random, "{rho}: {one_line} {sojourn} {random}");
        }
    }

    /// Independent of the series: the chain of both lines, cut at 24 jobs each, iterated until it stands
    /// still.
    #[test]
    fn the_series_solves_the_chain() {
        const ROOM: usize = 24;
        let rho = 0.5;
        let mut chain = [[1.0 / (ROOM * ROOM) as f64; ROOM]; ROOM];
        for _ in 0..3000 {
            let mut next = [[0.0; ROOM]; ROOM];
            for (i, j) in (0..ROOM * ROOM).map(|state| (state / ROOM, state % ROOM)) {
                let here = chain[i][j];
                let to_first = if i == j { 0.5 } else { f64::from(u8::from(i < j)) };
                let moves = [
                    (2.0 * rho * to_first, (i + 1).min(ROOM - 1), j),
                    (2.0 * rho * (1.0 - to_first), i, (j + 1).min(ROOM - 1)),
                    (1.0, i.saturating_sub(1), j),
                    (1.0, i, j.saturating_sub(1)),
                ];
                for (rate, i, j) in moves {
                    next[i][j] += here * rate / (2.0 * rho + 2.0);
                }
            }
            chain = next;
        }
        let jobs: f64 =
            (0..ROOM * ROOM).map(|s| chain[s / ROOM][s % ROOM] * (s / ROOM + s % ROOM) as f64).sum();
        let sojourn = shortest_of_two_mean_sojourn(2.0 * rho, 1.0).unwrap();
        assert!((sojourn / (jobs / (2.0 * rho)) - 1.0).abs() < 1e-9, "{sojourn} {jobs}");
    }

    #[test]
    fn more_choices_are_better_and_all_of_them_leave_one_service() {
        let sojourn = |choices| many_servers_mean_sojourn(0.95, 1.0, choices).unwrap();
        assert!(sojourn(1) > sojourn(2) && sojourn(2) > sojourn(5));
        assert!((sojourn(u32::MAX) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(shortest_of_two_mean_sojourn(2.0, 1.0), Err(TheoryError::Unstable { .. })));
        assert!(shortest_of_two_mean_sojourn(f64::NAN, 1.0).is_err());
        assert!(matches!(many_servers_mean_sojourn(1.0, 1.0, 2), Err(TheoryError::Unstable { .. })));
        assert!(many_servers_mean_sojourn(0.5, 1.0, 0).is_err());
        assert!(shortest_of_two_mean_sojourn(1e-300, 1.0).unwrap() == 1.0);
    }
}
