//! The FCFS recursion for several servers and one central line.

use super::recursion::Timing;
use super::schedule::Schedule;

/// Servers up to which looking at each is faster than keeping an order.
const FEW: u32 = 16;

/// Kiefer and Wolfowitz's recursion: each job goes to the server that is free first.
///
/// ```text
/// start_n = max(due_n, min_c free_c),      done_n = start_n + S_n
/// ```
///
/// With one server it is Lindley's. A job that finds several servers idle goes to the one that was free first.
///
/// # References
/// Kiefer & Wolfowitz 1955, *Trans. AMS* 78.
#[derive(Debug, Clone)]
pub struct Servers {
    free: Free,
}

/// When each server is free, s; before all time for one that never worked.
#[derive(Debug, Clone)]
enum Free {
    Few(Vec<f64>),
    Many(Schedule),
}

impl Servers {
    /// `count` idle servers; 0 is read as 1.
    pub fn new(count: u32) -> Self {
        let count = count.max(1);
        if count <= FEW {
            return Servers { free: Free::Few(vec![f64::NEG_INFINITY; count as usize]) };
        }
        let mut free = Schedule::new(count);
        (0..count).for_each(|server| free.set(server, f64::NEG_INFINITY));
        Servers { free: Free::Many(free) }
    }

    /// Serves the next job; the second value is the server's number.
    #[inline]
    pub fn serve(&mut self, due_s: f64, demand_s: f64) -> (Timing, u32) {
        match &mut self.free {
            Free::Few(free) => {
                let (mut server, mut first_s) = (0, f64::INFINITY);
                for (number, free_s) in free.iter().enumerate() {
                    // Selections, not branches: which server is first cannot be foretold.
                    let earlier = *free_s < first_s;
                    server = if earlier { number } else { server };
                    first_s = if earlier { *free_s } else { first_s };
                }
                let timing = Timing::of(due_s.max(first_s), demand_s);
                free[server] = timing.done_s;
                (timing, server as u32)
            }
            Free::Many(free) => {
                let server = free.first();
                let timing = Timing::of(due_s.max(free.first_s()), demand_s);
                free.set(server, timing.done_s);
                (timing, server)
            }
        }
    }
}

impl Timing {
    fn of(start_s: f64, demand_s: f64) -> Self {
        Timing { start_s, done_s: start_s + demand_s }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_servers_follow_the_same_rule() {
        let mut few = Servers::new(FEW);
        let mut many = Servers { free: Free::Many(Schedule::new(FEW)) };
        if let Free::Many(free) = &mut many.free {
            (0..FEW).for_each(|server| free.set(server, f64::NEG_INFINITY));
        }
        for n in 0..1000_u32 {
            let (due_s, demand_s) = (f64::from(n / 3), f64::from(n * 7919 % 61));
            assert_eq!(few.serve(due_s, demand_s), many.serve(due_s, demand_s));
        }
    }
}
