//! How much work comes to each station.

use super::{ArrivalProcess, Scenario};

/// The work that comes to a station when none is lost on its way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Load {
    /// Jobs that come per second, from outside and from other stations.
    pub arrival_rate: f64,
    /// Work that comes per second, retries included, erlangs.
    pub offered_load: f64,
    /// Offered load divided by what the servers can do, breakdowns considered.
    pub utilization: f64,
    /// Whether a limit, impatience or a finite source keeps the station from growing without bound.
    pub is_bounded: bool,
}

impl Scenario {
    /// The load of each station by the traffic equations λ_j = γ_j + Σ_i λ_i·p_ij, class by class.
    pub fn loads(&self) -> Vec<Load> {
        let rates: Vec<Vec<f64>> = (0..self.classes.len()).map(|class| self.rates_of(class)).collect();
        let load = |station: usize| {
            let queue = &self.stations[station].queue;
            let attempts = queue.retry.map_or(1.0, |retry| match retry.max_attempts {
                None => 1.0 / (1.0 - retry.probability),
                Some(most) if retry.probability == 1.0 => f64::from(most),
                Some(most) => (1.0 - retry.probability.powf(f64::from(most))) / (1.0 - retry.probability),
            });
            let work = |class: usize| rates[class][station] * self.mean_service_of(class, station);
            let offered_load = attempts * (0..self.classes.len()).map(work).sum::<f64>();
            // A server that fails only at work fails after so much work, and then stands still: the same share.
            let share_up = queue.breakdowns.map_or(1.0, |breakdowns| {
                breakdowns.mean_up_s / (breakdowns.mean_up_s + breakdowns.mean_down_s)
            });
            let finite = matches!(self.arrivals().process, ArrivalProcess::FiniteSource { .. });
            Load {
                arrival_rate: rates.iter().map(|rates| rates[station]).sum(),
                offered_load,
                utilization: offered_load / (f64::from(queue.servers) * share_up),
                is_bounded: queue.capacity.is_some() || queue.patience.is_some() || finite,
            }
        };
        (0..self.stations.len()).map(load).collect()
    }

    /// Jobs of a class that come to each station per second.
    fn rates_of(&self, class: usize) -> Vec<f64> {
        let arrivals = &self.classes[class].arrivals;
        let mut outside = vec![0.0; self.stations.len()];
        match &arrivals.first {
            Some(first) => first.stations().for_each(|(to, p)| outside[to] += p * arrivals.rate()),
            None => outside[0] = arrivals.rate(),
        }
        let mut rates = outside.clone();
        // Jobs leave at every turn, so the flows converge; the rounds are for networks that hardly let go.
        for _ in 0..100_000 {
            let mut next = outside.clone();
            for (station, rate) in rates.iter().enumerate() {
                self.stations[station].next.stations().for_each(|(to, p)| next[to] += p * rate);
            }
            let moved = next.iter().zip(&rates).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            rates = next;
            if moved <= 1e-14 * arrivals.rate() {
                break;
            }
        }
        rates
    }

    /// Whether work can be lost: refused, given up, or never offered because its source waits.
    pub fn loses_work(&self) -> bool {
        let finite = matches!(self.arrivals().process, ArrivalProcess::FiniteSource { .. });
        finite || self.stations.iter().any(|s| s.queue.capacity.is_some() || s.queue.patience.is_some())
    }

    /// Whether jobs can be lost on their way, so that less comes to some station than [`Scenario::loads`] says.
    pub fn loses_jobs(&self) -> bool {
        let queues = self.stations.iter().map(|station| &station.queue);
        queues.into_iter().any(|q| q.capacity.is_some() || q.patience.is_some() || q.retry.is_some())
    }

    /// Whether some station may get less than [`Scenario::loads`] says, because jobs are lost before they reach it:
    /// then nobody knows beforehand whether it is overloaded.
    pub fn may_be_relieved(&self) -> bool {
        self.is_network() && self.loses_jobs()
    }
}
