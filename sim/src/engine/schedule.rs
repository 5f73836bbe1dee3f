//! When each of a fixed number of servers has its next event.

/// The next event of each server, and the earliest of them, as a tournament: a server's change costs
/// log₂ c comparisons, the earliest none.
#[derive(Debug, Clone)]
pub(in crate::engine) struct Schedule {
    /// Number of leaves, a power of two.
    leaves: usize,
    times_s: Vec<f64>,
    /// The winner of each match, the final at 1.
    winners: Vec<u32>,
}

impl Schedule {
    /// Nothing is to happen to any of `servers` servers.
    pub(in crate::engine) fn new(servers: u32) -> Self {
        let leaves = (servers as usize).next_power_of_two();
        let mut winners = vec![0; 2 * leaves];
        for (n, winner) in winners[leaves..].iter_mut().enumerate() {
            *winner = n as u32;
        }
        for n in (1..leaves).rev() {
            winners[n] = winners[2 * n];
        }
        Schedule { leaves, times_s: vec![f64::INFINITY; leaves], winners }
    }

    /// Sets the instant of a server's next event, infinite for none, s.
    #[inline]
    pub(in crate::engine) fn set(&mut self, server: u32, at_s: f64) {
        self.times_s[server as usize] = at_s;
        let mut place = (self.leaves + server as usize) / 2;
        while place > 0 {
            let [a, b] = [self.winners[2 * place], self.winners[2 * place + 1]];
            // Of two at the same instant the lower number is first.
            let later = self.times_s[b as usize] < self.times_s[a as usize];
            self.winners[place] = if later { b } else { a };
            place /= 2;
        }
    }

    /// The instant of a server's next event, s.
    #[inline]
    pub(in crate::engine) fn at_s(&self, server: u32) -> f64 {
        self.times_s[server as usize]
    }

    /// The server with the earliest event.
    #[inline]
    pub(in crate::engine) fn first(&self) -> u32 {
        self.winners[1]
    }

    /// The earliest instant, infinite if nothing is to happen, s.
    #[inline]
    pub(in crate::engine) fn first_s(&self) -> f64 {
        self.times_s[self.first() as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Schedule;

    proptest! {
        #[test]
        fn the_first_is_the_earliest_and_of_equals_the_lowest(
            servers in 1_u32..20, changes in proptest::collection::vec((0_u32..20, 0_u32..9), 1..60),
        ) {
            let mut schedule = Schedule::new(servers);
            let mut times = vec![f64::INFINITY; servers as usize];
            for (server, at) in changes {
                let (server, at_s) = (server % servers, if at == 8 { f64::INFINITY } else { f64::from(at) });
                schedule.set(server, at_s);
                times[server as usize] = at_s;
                let earliest = times.iter().copied().fold(f64::INFINITY, f64::min);
                prop_assert_eq!(schedule.first_s(), earliest);
                if earliest < f64::INFINITY {
                    let lowest = times.iter().position(|time| *time == earliest).unwrap();
                    prop_assert_eq!(schedule.first() as usize, lowest);
                }
            }
        }
    }
}
