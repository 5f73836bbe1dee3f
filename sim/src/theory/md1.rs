//! M/D/1: the wait for a server with constant services, without cancellation.

/// Lengths beyond the one asked for after which the law of the queue length is geometric to all digits.
const GEOMETRIC: usize = 40;

/// P(wait > `t`) for ρ = `utilization` and t ≥ 0 in units of the service.
///
/// The classical series in e^(ρ(t-j))·(ρ(j-t))^j/j! alternates and loses all digits beyond some tens of
/// services. With k − 1 ≤ t < k and y = ρ(k − t) all terms are positive instead in
///
/// ```text
/// P(wait > t) = e^(-y)·Σⱼ P(N > k-j)·yʲ/j!,      P(N > n) = 1 for n < 1
/// ```
///
/// the jobs that are ahead after the next k − t, of which a Poisson number has come since; and so they are in
/// the balance of N that gives P(N > n).
///
/// # References
/// Franx 2001, *Operations Research Letters* 29 (for M/D/c, and for the distribution function).
pub(super) fn wait_tail(utilization: f64, t: f64) -> f64 {
    let steps = t.floor() as usize + 1;
    let lengths = length_tail(utilization, steps);
    let mean = utilization * (steps as f64 - t);
    let mut poisson = (-mean).exp();
    let mut tail = 0.0;
    for j in 0..steps + 60 {
        let longer = if j < steps { lengths[steps - j] } else { 1.0 };
        tail += longer * poisson;
        poisson *= mean / (j + 1) as f64;
    }
    tail
}

/// P(N > n) for n = 0..=`last`, N jobs in the M/D/1 system.
fn length_tail(utilization: f64, last: usize) -> Vec<f64> {
    let arrivals = poisson_tail(utilization);
    let none = (-utilization).exp();
    // π(n+1)·P(no arrival in a service) = π(0)·P(> n) + Σ π(j)·P(> n+1−j): as often up past n as down.
    let mut lengths = vec![1.0 - utilization];
    let count = last + GEOMETRIC;
    for n in 0..count {
        let first = lengths[0] * arrivals.get(n).copied().unwrap_or(0.0);
        let others = lengths[1..].iter().rev().zip(&arrivals[1..]);
        lengths.push((first + others.map(|(length, arrival)| length * arrival).sum::<f64>()) / none);
    }
    let ratio = lengths[count] / lengths[count - 1];
    let mut tail = if ratio > 0.0 { lengths[count] * ratio / (1.0 - ratio) } else { 0.0 };
    let mut tails = vec![0.0; count + 1];
    for n in (0..=count).rev() {
        tails[n] = tail;
        tail += lengths[n];
    }
    tails.truncate(last + 1);
    tails
}

/// P(more than n arrivals in a service), as far as it is not negligible even times the growth e^(γn).
fn poisson_tail(mean: f64) -> Vec<f64> {
    const COUNT: usize = 80;
    let mut terms = vec![(-mean).exp()];
    for n in 1..=COUNT {
        terms.push(terms[n - 1] * mean / n as f64);
    }
    let mut tails = vec![0.0; COUNT];
    let mut tail = 0.0;
    for n in (0..COUNT).rev() {
        tail += terms[n + 1];
        tails[n] = tail;
    }
    tails
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (1-ρ)·Σ e^(ρ(t-j))·(ρ(j-t))^j/j!, good for short waits only.
    fn classical(utilization: f64, t: f64) -> f64 {
        let mut factorial = 1.0;
        let mut sum = 0.0;
        for j in 0..=t.floor() as i32 {
            factorial *= f64::from(j.max(1));
            let x = utilization * (f64::from(j) - t);
            sum += (-x).exp() * x.powi(j) / factorial;
        }
        1.0 - (1.0 - utilization) * sum
    }

    #[test]
    fn it_agrees_with_the_classical_series_for_short_waits() {
        for utilization in [0.1, 0.5, 0.9, 0.999] {
            for t in [0.0, 0.3, 1.0, 2.5, 4.9] {
                let (ours, theirs) = (wait_tail(utilization, t), classical(utilization, t));
                assert!((ours - theirs).abs() < 1e-12, "{utilization} {t}: {ours} {theirs}");
            }
        }
    }

    #[test]
    fn the_length_has_the_mean_of_pollaczek_and_khinchine() {
        let tails = length_tail(0.7, 400);
        let mean: f64 = tails.iter().sum();
        assert!((mean - (0.7 + 0.49 / 0.6)).abs() < 1e-12, "{mean}");
    }
}
