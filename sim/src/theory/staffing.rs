//! How many servers, or how much load: the M/M/c queue solved for its arguments.

use super::birth_death::MAX_STATES;
use super::{TheoryError, erlang, mmc::Mmc};
use crate::normal;

/// The smallest number of servers with which at most a fraction `risk` of the jobs waits longer than `t`.
///
/// M/M/c with λ = `arrival_rate`, μ = `service_rate` per server and C Erlang's C, which falls with every
/// server:
///
/// ```text
/// min { c : C(c, λ/μ)·e^(-(cμ-λ)t) ≤ risk }
/// ```
///
/// One pass of Erlang's recursion, so about as many steps as there are servers.
///
/// # Units
/// Rates in jobs per second, `t` in seconds.
/// # Errors
/// [`TheoryError::OutOfDomain`] if a rate is not positive and finite, `t` is negative or not finite, `risk`
/// is not in (0, 1), or more than ten million servers would be needed.
/// # Examples
/// ```
/// // Hardly any load needs a single server.
/// assert_eq!(sim::theory::staffing::servers_for_wait(1e-9, 1.0, 0.0, 0.01)?, 1);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Erlang 1917; Gross & Harris 1998, *Fundamentals of Queueing Theory*, ch. 2.
pub fn servers_for_wait(arrival_rate: f64, service_rate: f64, t: f64, risk: f64) -> Result<u32, TheoryError> {
    TheoryError::positive("arrival_rate", arrival_rate)?;
    TheoryError::positive("service_rate", service_rate)?;
    TheoryError::not_negative("t", t)?;
    if !(risk > 0.0 && risk < 1.0) {
        return Err(TheoryError::OutOfDomain { name: "risk", value: risk, rule: "a probability in (0, 1)" });
    }
    let offered_load = arrival_rate / service_rate;
    let mut inverse = 1.0;
    for servers in 1..=MAX_STATES {
        inverse = erlang::next_inverse(inverse, servers, offered_load);
        let spare = f64::from(servers) - offered_load;
        if spare > 0.0 {
            let waits = 1.0 / (1.0 + (inverse - 1.0) * spare / f64::from(servers));
            if waits * (-spare * service_rate * t).exp() <= risk {
                return Ok(servers);
            }
        }
    }
    let rule = "ten million servers must be enough for it";
    Err(TheoryError::OutOfDomain { name: "offered load", value: offered_load, rule })
}

/// The largest arrival rate at which the p-quantile of the sojourn stays within `sojourn_limit`, jobs/s.
///
/// M/M/c with μ = `service_rate` per server and c = `servers`, by bisection of the sojourn tail; for one
/// server
///
/// ```text
/// λ = μ + ln(1-p)/sojourn_limit
/// ```
///
/// # Units
/// `service_rate` in jobs per second, `sojourn_limit` in seconds.
/// # Errors
/// [`TheoryError::OutOfDomain`] if an argument is not positive and finite, `servers` is 0 or above ten
/// million, p is not in \[0, 1), or the limit is not above the p-quantile −ln(1 − p)/μ of the service alone,
/// which no arrival rate meets.
/// # Examples
/// ```
/// // One server at λ = 40, μ = 50: 99 of 100 sojourns end within ln(100)/(50 - 40).
/// let limit = 100_f64.ln() / 10.0;
/// let rate = sim::theory::staffing::max_arrival_rate(50.0, 1, limit, 0.99)?;
/// assert!((rate - 40.0).abs() < 1e-9);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Gross & Harris 1998, *Fundamentals of Queueing Theory*, ch. 2 (the law of the sojourn).
pub fn max_arrival_rate(
    service_rate: f64,
    servers: u32,
    sojourn_limit: f64,
    p: f64,
) -> Result<f64, TheoryError> {
    TheoryError::positive("service_rate", service_rate)?;
    TheoryError::positive("sojourn_limit", sojourn_limit)?;
    let tail = 1.0 - TheoryError::probability(p)?;
    if sojourn_limit * service_rate <= -(-p).ln_1p() {
        let rule = "it must be above the p-quantile of the service, which no arrival rate shortens";
        return Err(TheoryError::OutOfDomain { name: "sojourn_limit", value: sojourn_limit, rule });
    }
    let capacity = super::birth_death::states("servers", servers)? * service_rate;
    let (mut low, mut high) = (0.0, capacity);
    loop {
        let rate = 0.5 * (low + high);
        if rate <= low || rate >= high {
            return Ok(low);
        }
        let meets = Mmc::new(rate, service_rate, servers)?.sojourn_tail(sojourn_limit) <= tail;
        if meets { low = rate } else { high = rate }
    }
}

/// β of square-root staffing: the servers beyond the offered load, in units of its square root.
///
/// ```text
/// β = (c - a)/√a
/// ```
///
/// # Units
/// `offered_load` a in erlangs.
/// # Errors
/// [`TheoryError::OutOfDomain`] if the load is not positive and finite.
/// # Examples
/// ```
/// assert_eq!(sim::theory::staffing::square_root_excess(120, 100.0)?, 2.0);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Halfin & Whitt 1981, *Operations Research* 29.
pub fn square_root_excess(servers: u32, offered_load: f64) -> Result<f64, TheoryError> {
    TheoryError::positive("offered_load", offered_load)?;
    Ok((f64::from(servers) - offered_load) / offered_load.sqrt())
}

/// P(wait > 0) in the Halfin–Whitt limit: many servers, c = a + β√a with β = `beta`.
///
/// With Φ and φ the normal distribution function and density:
///
/// ```text
/// P(wait > 0) = 1/(1 + β·Φ(β)/φ(β))
/// ```
///
/// # Units
/// β has none.
/// # Errors
/// [`TheoryError::OutOfDomain`] if β is not positive and finite.
/// # Examples
/// ```
/// // Hardly more servers than load: everyone waits.
/// assert!((sim::theory::staffing::halfin_whitt_prob_wait(1e-12)? - 1.0).abs() < 1e-11);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Halfin & Whitt 1981, *Operations Research* 29.
pub fn halfin_whitt_prob_wait(beta: f64) -> Result<f64, TheoryError> {
    TheoryError::positive("beta", beta)?;
    Ok(1.0 / (1.0 + beta * normal::tail(-beta) / normal::density(beta)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_fewer_would_not_do() {
        for (arrival_rate, t, risk) in [(95.0, 0.5, 0.2), (0.3, 0.0, 1e-6), (1e5, 0.01, 0.5)] {
            let servers = servers_for_wait(arrival_rate, 1.0, t, risk).unwrap();
            assert!(Mmc::new(arrival_rate, 1.0, servers).unwrap().wait_tail(t) <= risk);
            let fewer = Mmc::new(arrival_rate, 1.0, servers - 1);
            assert!(fewer.is_err() || fewer.unwrap().wait_tail(t) > risk, "{arrival_rate}");
        }
    }

    #[test]
    fn the_largest_load_has_the_quantile_asked_for() {
        for (servers, limit) in [(1, 6.0), (3, 5.0), (50, 4.7)] {
            let rate = max_arrival_rate(1.0, servers, limit, 0.99).unwrap();
            let quantile = Mmc::new(rate, 1.0, servers).unwrap().sojourn_quantile(0.99).unwrap();
            assert!((quantile / limit - 1.0).abs() < 1e-9, "{servers}: {quantile}");
        }
    }

    #[test]
    fn the_limit_is_that_of_many_servers() {
        let offered_load = 1e6_f64;
        let servers = (offered_load + 0.5 * offered_load.sqrt()) as u32;
        let exact = erlang::erlang_c(servers, offered_load).unwrap();
        assert_eq!(square_root_excess(servers, offered_load).unwrap(), 0.5);
        assert!((exact - halfin_whitt_prob_wait(0.5).unwrap()).abs() < 1e-3, "{exact}");
        assert_eq!(halfin_whitt_prob_wait(60.0).unwrap(), 0.0);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let name = |result: Result<f64, TheoryError>| match result {
            Err(TheoryError::OutOfDomain { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        let servers = |rate, t, risk| servers_for_wait(rate, 1.0, t, risk).map(f64::from);
        assert_eq!(name(servers(1.0, -1.0, 0.1)), "t");
        assert_eq!(name(servers(1.0, 1.0, 0.0)), "risk");
        assert_eq!(name(servers(1e8, 1.0, 0.1)), "offered load");
        // A service alone takes ln(100) = 4.6 s in one of a hundred cases.
        assert_eq!(name(max_arrival_rate(1.0, 8, 4.6, 0.99)), "sojourn_limit");
        assert_eq!(name(max_arrival_rate(1.0, 0, 5.0, 0.99)), "servers");
        assert_eq!(name(max_arrival_rate(1.0, 1, 5.0, 1.0)), "p");
        assert_eq!(name(halfin_whitt_prob_wait(0.0)), "beta");
        assert_eq!(name(square_root_excess(1, f64::NAN)), "offered_load");
    }
}
