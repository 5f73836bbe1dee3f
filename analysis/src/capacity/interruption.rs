//! Consumers that stop where they are and go on later.

use sim::sampling::Stream;

/// Spans of the wall's clock during which the consumers' own stands still: the recursion runs on that one, with all jobs of a
/// span due at once, and what it says is put back on the clock of the wall.
#[derive(Debug, Clone)]
pub(super) struct Interruptions {
    /// When each begins by the clock of the wall, s, ascending.
    begins_s: Vec<f64>,
    /// How long each is, s.
    length_s: f64,
}

impl Interruptions {
    /// One from an instant on.
    pub(super) fn once(begin_s: f64, length_s: f64) -> Self {
        Interruptions { begins_s: vec![begin_s], length_s }
    }

    /// One after another until an instant, from one begin to the next `gap_s` of the stream, which is no shorter than they are.
    pub(super) fn until(
        until_s: f64,
        length_s: f64,
        stream: &mut Stream,
        gap_s: impl Fn(&mut Stream) -> f64,
    ) -> Self {
        let mut begins_s = Vec::new();
        let mut next_s = gap_s(stream);
        while next_s < until_s {
            begins_s.push(next_s);
            next_s += gap_s(stream).max(length_s);
        }
        Interruptions { begins_s, length_s }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.begins_s.len()
    }

    /// The consumers' own time at an instant of the wall.
    pub(super) fn own(&self, wall_s: f64) -> f64 {
        let begun = self.begins_s.partition_point(|begin_s| *begin_s <= wall_s);
        let Some(last_s) = begun.checked_sub(1).map(|last| self.begins_s[last]) else { return wall_s };
        // Within the last one it stands still.
        (wall_s - self.lost_s(begun)).max(last_s - self.lost_s(begun - 1))
    }

    /// The last instant of the wall at which the consumers' own time is so late.
    pub(super) fn wall(&self, own_s: f64) -> f64 {
        // What is just at the begin of one must not be put before it by rounding.
        let (mut few, mut many) = (0, self.begins_s.len());
        while few < many {
            let middle = usize::midpoint(few, many);
            let begin_s = self.begins_s[middle] - self.lost_s(middle);
            if begin_s <= own_s + 1e-12 * own_s.abs() { few = middle + 1 } else { many = middle }
        }
        own_s + self.lost_s(few)
    }

    fn lost_s(&self, interruptions: usize) -> f64 {
        interruptions as f64 * self.length_s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_stands_still_in_an_interruption_and_goes_on_after_it() {
        let clock = Interruptions { begins_s: vec![1.0, 10.0], length_s: 2.0 };
        for (wall_s, own_s) in
            [(0.0, 0.0), (1.0, 1.0), (2.9, 1.0), (4.0, 2.0), (9.5, 7.5), (10.5, 8.0), (13.0, 9.0)]
        {
            assert!((clock.own(wall_s) - own_s).abs() < 1e-12, "{wall_s}");
            let back_s = clock.wall(own_s);
            assert!(
                back_s >= wall_s - 1e-9 && (clock.own(back_s) - own_s).abs() < 1e-9,
                "{wall_s}: {back_s}"
            );
        }
        assert!((clock.wall(8.0) - 12.0).abs() < 1e-9, "work begins when the pause is over");
        let once = Interruptions::once(1.0, 2.0);
        assert_eq!(
            [once.own(0.5), once.own(2.0), once.own(4.0), once.wall(0.5), once.wall(2.0)],
            [0.5, 1.0, 2.0, 0.5, 4.0]
        );
    }
}
