//! Priority classes: Poisson arrivals, services of each class, first come first served within a class.

use super::{TheoryError, erlang::erlang_c};

/// One class of jobs; in a list of classes the first is served first.
///
/// # Units
/// `arrival_rate` in jobs per second, `mean_service` in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Class {
    /// λ_k, jobs/s.
    pub arrival_rate: f64,
    /// E(S_k), s.
    pub mean_service: f64,
    /// c² of S_k, dimensionless.
    pub scv_service: f64,
}

impl Class {
    /// ρ_k = λ_k·E(S_k).
    fn load(&self) -> f64 {
        self.arrival_rate * self.mean_service
    }

    /// λ_k·E(S_k²)/2, the mean remaining work of the job of the class that is being served, s.
    fn remaining_work(&self) -> f64 {
        0.5 * self.load() * self.mean_service * (1.0 + self.scv_service)
    }
}

/// The M/G/1 queue in steady state with classes that do not interrupt each other.
///
/// Class k has Poisson arrivals at rate λ_k and services S_k, ρ_k = λ_k·E(S_k), σ_k = ρ₁ + … + ρ_k; whenever
/// the server gets free it takes the first waiting job of the first class that has one:
///
/// ```text
/// W_k = W₀/((1-σ_{k-1})·(1-σ_k)),      W₀ = Σᵢ λᵢ·E(Sᵢ²)/2
/// Σ ρ_k·W_k = ρ·W₀/(1-ρ),              ρ = Σ ρ_k, whatever the order of the classes
/// ```
///
/// # Units
/// Rates in jobs per second, times in seconds; classes are counted from 0.
///
/// # Examples
/// ```
/// use sim::theory::priority::{Class, NonPreemptive};
///
/// // A single class is the M/G/1 queue, here M/M/1 with W_q = ρ/(μ-λ).
/// let class = Class { arrival_rate: 160.0, mean_service: 0.005, scv_service: 1.0 };
/// assert!((NonPreemptive::new(&[class])?.mean_wait(0)? - 0.020).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// Cobham 1954, *Operations Research* 2; Kleinrock 1965 (the conserved sum).
#[derive(Debug, Clone, PartialEq)]
pub struct NonPreemptive {
    classes: Vec<Class>,
}

impl NonPreemptive {
    /// The queue with these classes, the first of them served first.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if there is no class, a rate or a mean is not positive and finite, or a
    /// c² is negative; [`TheoryError::Unstable`] if ρ ≥ 1, even where the first classes would be stable by
    /// themselves.
    pub fn new(classes: &[Class]) -> Result<Self, TheoryError> {
        Ok(NonPreemptive { classes: validated(classes)? })
    }

    /// ρ = Σ λ_k·E(S_k).
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        load(&self.classes)
    }

    /// W₀, s.
    fn remaining_work(&self) -> f64 {
        self.classes.iter().map(Class::remaining_work).sum()
    }

    /// Mean wait before service in class `k`, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if there is no class `k`.
    #[doc(alias = "Wq")]
    pub fn mean_wait(&self, k: usize) -> Result<f64, TheoryError> {
        find(&self.classes, k)?;
        Ok(self.remaining_work() / (idle(&self.classes[..k]) * idle(&self.classes[..=k])))
    }

    /// Mean time from arrival to departure in class `k`, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if there is no class `k`.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self, k: usize) -> Result<f64, TheoryError> {
        Ok(self.mean_wait(k)? + find(&self.classes, k)?.mean_service)
    }

    /// Σ ρ_k·W_k = ρ·W₀/(1-ρ), the mean work of the waiting jobs, s: no order of the classes changes it.
    pub fn total_wait_work(&self) -> f64 {
        self.utilization() * self.remaining_work() / idle(&self.classes)
    }
}

/// The M/G/1 queue in steady state with classes that interrupt each other.
///
/// As [`NonPreemptive`], but an arrival of an earlier class interrupts the service of a later one, which is
/// resumed afterwards where it was left:
///
/// ```text
/// T_k = E(S_k)/(1-σ_{k-1}) + Σ_{i≤k} λᵢ·E(Sᵢ²)/2 / ((1-σ_{k-1})·(1-σ_k))
/// ```
///
/// # Units
/// Rates in jobs per second, times in seconds; classes are counted from 0.
///
/// # Examples
/// ```
/// use sim::theory::priority::{Class, PreemptiveResume};
///
/// // The first class sees nothing of the second: it is the M/M/1 queue with W = 1/(μ-λ).
/// let class = |arrival_rate| Class { arrival_rate, mean_service: 0.005, scv_service: 1.0 };
/// let queue = PreemptiveResume::new(&[class(100.0), class(60.0)])?;
/// assert!((queue.mean_sojourn(0)? - 0.010).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
///
/// # References
/// White & Christie 1958, *Operations Research* 6; Jaiswal 1968, *Priority Queues*.
#[derive(Debug, Clone, PartialEq)]
pub struct PreemptiveResume {
    classes: Vec<Class>,
}

impl PreemptiveResume {
    /// The queue with these classes, the first of them served first.
    ///
    /// # Errors
    /// Those of [`NonPreemptive::new`].
    pub fn new(classes: &[Class]) -> Result<Self, TheoryError> {
        Ok(PreemptiveResume { classes: validated(classes)? })
    }

    /// ρ = Σ λ_k·E(S_k).
    #[doc(alias = "ρ")]
    pub fn utilization(&self) -> f64 {
        load(&self.classes)
    }

    /// Mean time from arrival to departure in class `k`, s.
    ///
    /// # Errors
    /// [`TheoryError::OutOfDomain`] if there is no class `k`.
    #[doc(alias = "W")]
    pub fn mean_sojourn(&self, k: usize) -> Result<f64, TheoryError> {
        let class = find(&self.classes, k)?;
        let seen = &self.classes[..=k];
        let remaining: f64 = seen.iter().map(Class::remaining_work).sum();
        Ok((class.mean_service + remaining / idle(seen)) / idle(&self.classes[..k]))
    }
}

/// Mean wait of each class of the M/M/c queue whose classes do not interrupt each other, s.
///
/// Class k has Poisson arrivals at rate λ_k; all services are exponential with rate μ = `service_rate` on
/// each of c = `servers` servers; σ_k = (λ₁ + … + λ_k)/(cμ), C = C(c, a) Erlang's C of all classes together:
///
/// ```text
/// W_k = C/(cμ) / ((1-σ_{k-1})·(1-σ_k))
/// ```
///
/// # Units
/// Rates in jobs per second, `service_rate` per server.
/// # Errors
/// [`TheoryError::OutOfDomain`] if there is no class or no server, or a rate is not positive and finite;
/// [`TheoryError::Unstable`] if Σ λ_k ≥ cμ.
/// # Examples
/// ```
/// // A single class is the M/M/c queue.
/// let waits = sim::theory::priority::mmc_non_preemptive_mean_waits(&[300.0], 200.0, 2)?;
/// let mmc = sim::theory::mmc::Mmc::new(300.0, 200.0, 2)?;
/// assert!((waits[0] - mmc.mean_wait()).abs() < 1e-15);
/// # Ok::<(), sim::theory::TheoryError>(())
/// ```
/// # References
/// Cobham 1954, *Operations Research* 2; Davis 1966.
pub fn mmc_non_preemptive_mean_waits(
    arrival_rates: &[f64],
    service_rate: f64,
    servers: u32,
) -> Result<Vec<f64>, TheoryError> {
    TheoryError::positive("service_rate", service_rate)?;
    TheoryError::positive("servers", f64::from(servers))?;
    let completions = f64::from(servers) * service_rate;
    // While all servers are busy they are one server that completes cμ jobs a second.
    let class = |&arrival_rate| Class { arrival_rate, mean_service: 1.0 / completions, scv_service: 1.0 };
    let classes = validated(&arrival_rates.iter().map(class).collect::<Vec<_>>())?;
    let remaining = erlang_c(servers, arrival_rates.iter().sum::<f64>() / service_rate)? / completions;
    let wait = |k: usize| remaining / (idle(&classes[..k]) * idle(&classes[..=k]));
    Ok((0..classes.len()).map(wait).collect())
}

fn validated(classes: &[Class]) -> Result<Vec<Class>, TheoryError> {
    TheoryError::positive("classes", classes.len() as f64)?;
    for class in classes {
        TheoryError::positive("arrival_rate", class.arrival_rate)?;
        TheoryError::positive("mean_service", class.mean_service)?;
        TheoryError::not_negative("scv_service", class.scv_service)?;
    }
    let utilization = load(classes);
    if utilization >= 1.0 {
        let arrival_rate = classes.iter().map(|class| class.arrival_rate).sum();
        return Err(TheoryError::Unstable {
            utilization,
            arrival_rate,
            capacity: arrival_rate / utilization,
        });
    }
    Ok(classes.to_vec())
}

/// σ = Σ ρ_k of these classes.
fn load(classes: &[Class]) -> f64 {
    classes.iter().map(Class::load).sum()
}

/// The share of the time that these classes leave to others.
fn idle(classes: &[Class]) -> f64 {
    1.0 - load(classes)
}

fn find(classes: &[Class], k: usize) -> Result<&Class, TheoryError> {
    let rule = "it must be below the number of classes, which are counted from 0";
    classes.get(k).ok_or(TheoryError::OutOfDomain { name: "class", value: k as f64, rule })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theory::{mg1, mmc::Mmc};

    fn classes() -> Vec<Class> {
        [(0.1, 2.0, 0.0), (0.25, 1.0, 1.0), (0.6, 0.5, 4.0)]
            .map(|(arrival_rate, mean_service, scv_service)| Class {
                arrival_rate,
                mean_service,
                scv_service,
            })
            .to_vec()
    }

    #[test]
    fn no_order_of_the_classes_changes_the_total_wait_of_the_work() {
        let mut classes = classes();
        let conserved = NonPreemptive::new(&classes).unwrap().total_wait_work();
        for _ in 0..3 {
            classes.rotate_left(1);
            let queue = NonPreemptive::new(&classes).unwrap();
            let total: f64 = (0..3).map(|k| classes[k].load() * queue.mean_wait(k).unwrap()).sum();
            assert!((total / conserved - 1.0).abs() < 1e-14, "{total} {conserved}");
        }
    }

    #[test]
    fn an_interrupting_class_does_not_see_the_later_ones() {
        let classes = classes();
        let all = PreemptiveResume::new(&classes).unwrap();
        let first = PreemptiveResume::new(&classes[..2]).unwrap();
        assert_eq!(all.mean_sojourn(1).unwrap(), first.mean_sojourn(1).unwrap());
        let alone = mg1::mean_wait(0.1, 2.0, 0.0).unwrap() + 2.0;
        assert!((all.mean_sojourn(0).unwrap() - alone).abs() < 1e-15);
    }

    #[test]
    fn one_server_of_many_is_the_queue_with_one_server() {
        let class = |arrival_rate| Class { arrival_rate, mean_service: 0.5, scv_service: 1.0 };
        let queue = NonPreemptive::new(&[class(0.7), class(0.9)]).unwrap();
        let waits = mmc_non_preemptive_mean_waits(&[0.7, 0.9], 2.0, 1).unwrap();
        for (k, wait) in waits.iter().enumerate() {
            assert!((wait / queue.mean_wait(k).unwrap() - 1.0).abs() < 1e-14, "{k}");
        }
    }

    #[test]
    fn equal_services_leave_the_mean_wait_of_all_jobs_as_it_was() {
        let rates = [3.0, 1.0, 4.0];
        let waits = mmc_non_preemptive_mean_waits(&rates, 2.0, 5).unwrap();
        let mean = rates.iter().zip(&waits).map(|(rate, wait)| rate * wait).sum::<f64>() / 8.0;
        assert!((mean / Mmc::new(8.0, 2.0, 5).unwrap().mean_wait() - 1.0).abs() < 1e-14);
    }

    #[test]
    fn wrong_arguments_are_refused() {
        let class = Class { arrival_rate: 0.5, mean_service: 1.0, scv_service: 1.0 };
        assert!(matches!(NonPreemptive::new(&[class; 2]), Err(TheoryError::Unstable { .. })));
        assert!(matches!(NonPreemptive::new(&[]), Err(TheoryError::OutOfDomain { name: "classes", .. })));
        for wrong in [
            Class { arrival_rate: 0.0, ..class },
            Class { mean_service: f64::NAN, ..class },
            Class { scv_service: -1.0, ..class },
        ] {
            assert!(
                matches!(PreemptiveResume::new(&[wrong]), Err(TheoryError::OutOfDomain { .. })),
                "{wrong:?}"
            );
        }
        let queue = PreemptiveResume::new(&[class]).unwrap();
        assert!(matches!(queue.mean_sojourn(1), Err(TheoryError::OutOfDomain { name: "class", .. })));
        assert!(mmc_non_preemptive_mean_waits(&[1.0], 2.0, 0).is_err());
        assert!(mmc_non_preemptive_mean_waits(&[1.0, 3.0], 2.0, 2).is_err());
    }
}
