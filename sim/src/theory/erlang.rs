//! Erlang's loss and delay formulas.

use super::TheoryError;

/// Erlang B: the probability that all servers of a loss system are busy.
///
/// M/G/c/c: Poisson arrivals with offered load a = `offered_load` on c = `servers` servers, jobs that find
/// all of them busy are lost; insensitive to the law of the service. By the recursion
///
/// ```text
/// B(0) = 1,      1/B(k) = 1 + k/(a·B(k-1))
/// ```
///
/// which adds positive terms only and neither overflows nor loses digits up to c = 100,000.
///
/// # Units
/// `offered_load` in erlangs.
/// # Errors
/// [`TheoryError::OutOfDomain`] if the load is not positive and finite.
/// # Examples
/// ```
/// // One server: blocked exactly while it is busy, a/(1+a).
/// assert!((sim::theory::erlang::erlang_b(1, 0.5)? - 1.0 / 3.0).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Erlang 1917; Jagerman 1974, *Bell System Technical Journal* 53 (recursion and asymptotics).
pub fn erlang_b(servers: u32, offered_load: f64) -> Result<f64, TheoryError> {
    TheoryError::positive("offered_load", offered_load)?;
    Ok((1..=servers).fold(1.0, |inverse, k| next_inverse(inverse, k, offered_load)).recip())
}

/// 1/B(k) from `inverse` = 1/B(k−1).
pub(super) fn next_inverse(inverse: f64, k: u32, offered_load: f64) -> f64 {
    1.0 + inverse * f64::from(k) / offered_load
}

/// The load that a loss system carries: the mean number of its busy servers.
///
/// M/G/c/c as for [`erlang_b`]:
///
/// ```text
/// a·(1 - B(c)) = a·c/(c + a·B(c-1))
/// ```
///
/// of which the right side keeps its digits when nearly all jobs are lost.
///
/// # Units
/// `offered_load` and the result in erlangs.
/// # Errors
/// [`TheoryError::OutOfDomain`] if the load is not positive and finite.
/// # Examples
/// ```
/// // A hopeless overload keeps all ten servers busy.
/// assert!((sim::theory::erlang::carried_load(10, 1e15)? - 10.0).abs() < 1e-12);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Erlang 1917.
pub fn carried_load(servers: u32, offered_load: f64) -> Result<f64, TheoryError> {
    TheoryError::positive("offered_load", offered_load)?;
    let Some(fewer) = servers.checked_sub(1) else { return Ok(0.0) };
    let servers = f64::from(servers);
    Ok(offered_load * (servers / (servers + offered_load * erlang_b(fewer, offered_load)?)))
}

/// Erlang C: the probability that a job of the M/M/c queue waits.
///
/// Poisson arrivals with offered load a = `offered_load` < c on c = `servers` exponential servers:
///
/// ```text
/// C = B/(1 - ρ·(1 - B)),      ρ = a/c,   B = B(c, a)
/// ```
///
/// # Units
/// `offered_load` in erlangs.
/// # Errors
/// [`TheoryError::Unstable`] if a ≥ c; [`TheoryError::OutOfDomain`] if the load is not positive and finite or
/// there is no server.
/// # Examples
/// ```
/// // One server: a job waits exactly if the server is busy.
/// assert!((sim::theory::erlang::erlang_c(1, 0.8)? - 0.8).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Kleinrock 1975, *Queueing Systems* I, §3.5.
pub fn erlang_c(servers: u32, offered_load: f64) -> Result<f64, TheoryError> {
    TheoryError::positive("servers", f64::from(servers))?;
    let blocked = erlang_b(servers, offered_load)?;
    // In units of the mean service time.
    let utilization = TheoryError::stable(offered_load, f64::from(servers))?;
    Ok(blocked / (1.0 - utilization * (1.0 - blocked)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_servers_are_no_problem() {
        // Square-root staffing: the Halfin–Whitt limit of P(wait) at β = 1 is 0.22336, reached up to O(1/√a).
        let offered_load = 100_000.0 - 100_000.0_f64.sqrt();
        let waits = erlang_c(100_000, offered_load).unwrap();
        assert!((waits - 0.223_36).abs() < 2e-3, "{waits}");
    }

    #[test]
    fn a_loss_system_without_servers_loses_everything() {
        assert_eq!(erlang_b(0, 3.0).unwrap(), 1.0);
    }

    #[test]
    fn the_carried_load_is_what_is_not_lost() {
        for (servers, load) in [(1, 0.5), (10, 5.0), (100, 300.0)] {
            let kept = load * (1.0 - erlang_b(servers, load).unwrap());
            assert!((carried_load(servers, load).unwrap() / kept - 1.0).abs() < 1e-12, "{servers}");
        }
        assert_eq!(carried_load(0, 3.0).unwrap(), 0.0);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        assert!(matches!(erlang_b(2, f64::NAN), Err(TheoryError::OutOfDomain { .. })));
        assert!(matches!(erlang_c(2, 2.0), Err(TheoryError::Unstable { .. })));
        assert!(matches!(erlang_c(0, 0.5), Err(TheoryError::OutOfDomain { name: "servers", .. })));
    }
}
