//! Normal scores: values of any law as values of the normal one.

use sim::normal;
use sim::sampling::{Purpose, Stream};

/// Values that are kept for reference; further ones are scored by them and not added.
const MOST: usize = 20_000;

/// Scores each value by its rank among those before it.
///
/// ```text
/// z_n = Φ⁻¹((R_n − 1 + U)/n),     R_n: rank of x_n among x_1 … x_n,     U uniform on (0, 1)
/// ```
///
/// As long as the values are independent and of one law, whichever that is, the z_n are independent and *exactly*
/// standard normal: the rank of the newest of n such values is uniform, and says nothing of the order of those before
/// it. So the run lengths of theory hold for heavy tails, for ties, and without an error of estimated parameters. A
/// pause of a second scores no higher than the largest of n values does.
///
/// A value is scored three times, among the same ones before it: as it is, and less and more by a shift that is tolerated. A
/// chart for higher values takes the lowest of the three and one for lower values the highest, so that a shift up to the
/// tolerance raises no more alarms than none.
///
/// Values whose law depends on something known beforehand are ranked among those of the same stratum.
#[derive(Debug, Clone)]
pub(super) struct Scores {
    /// Ascending values of each stratum.
    strata: Vec<Vec<f64>>,
    is_closed: bool,
    chance: Stream,
}

impl Scores {
    /// No values yet; `seed` decides ties and places within a rank.
    pub fn new(strata: usize, seed: u64) -> Self {
        let chance = Stream::new(seed, 0, Purpose::Resampling);
        Scores { strata: vec![Vec::new(); strata], is_closed: false, chance }
    }

    /// The scores of one more value: less a tolerance, as it is, and with the tolerance more.
    pub fn push(&mut self, stratum: usize, [less, value, more]: [f64; 3]) -> [f64; 3] {
        let before = &mut self.strata[stratum];
        let within = self.chance.uniform();
        let smaller = |value: f64| before.partition_point(|other| *other < value);
        let score = |value: f64| {
            let smaller = smaller(value);
            let equal = before[smaller..].partition_point(|other| *other <= value);
            normal::quantile((smaller as f64 + within * (equal as f64 + 1.0)) / (before.len() as f64 + 1.0))
        };
        let scores = [less, value, more].map(score);
        let place = smaller(value);
        if !self.is_closed && before.len() < MOST {
            before.insert(place, value);
        }
        scores
    }

    /// Values of each stratum.
    pub fn sizes(&self) -> Vec<usize> {
        self.strata.iter().map(Vec::len).collect()
    }

    /// Adds no further values: what comes now may be of another law.
    pub fn close(&mut self) {
        self.is_closed = true;
    }
}

#[cfg(test)]
mod tests {
    use sim::model::Shape;
    use sim::sampling::Sampler;

    use super::*;
    use crate::statistics::{kolmogorov, ljung_box};

    fn below(x: f64) -> f64 {
        normal::tail(-x)
    }

    /// Stratum and value of the n-th of some values.
    type Law<'l> = Box<dyn FnMut(usize, &mut Stream) -> (usize, f64) + 'l>;

    /// Scores of 2,000 values of a law.
    fn scores(seed: u64, mut value: impl FnMut(usize, &mut Stream) -> (usize, f64)) -> Vec<f64> {
        let (mut scores, mut stream) = (Scores::new(2, seed), Stream::new(seed, 1, Purpose::Resampling));
        (0..2_000)
            .map(|n| {
                let (stratum, value) = value(n, &mut stream);
                scores.push(stratum, [value; 3])[1]
            })
            .collect()
    }

    #[test]
    fn values_of_any_law_have_independent_normal_scores() {
        let heavy = Sampler::new(Shape::Pareto { tail: 1.2 }, 1.0);
        let laws: [(&str, Law<'_>); 3] = [
            ("heavy tail", Box::new(|_, stream| (0, heavy.sample(stream)))),
            ("ties", Box::new(|_, stream| (0, (3.0 * stream.uniform()).floor()))),
            // Two laws that take turns, as busy periods do: within its stratum each has one.
            ("strata", Box::new(|n, stream| (n / 50 % 2, (n / 50 % 2) as f64 + stream.uniform()))),
        ];
        for (name, mut law) in laws {
            let found = scores(5, &mut law);
            let fit = kolmogorov(&found, below).unwrap();
            assert!(fit.p_value > 0.01, "{name}: {fit:?}");
            assert!(ljung_box(&found, 20).unwrap().p_value > 0.01, "{name}");
        }
        // The negative: strata that are not told apart are a series that remembers.
        let mixed = scores(5, |n, stream| (0, (n / 50 % 2) as f64 + stream.uniform()));
        assert!(ljung_box(&mixed, 20).unwrap().p_value < 1e-6);
    }

    #[test]
    fn what_is_not_added_does_not_shift_the_reference() {
        let mut scores = Scores::new(1, 1);
        (0..1_000).for_each(|n| _ = scores.push(0, [f64::from(n * 7919 % 1009); 3]));
        scores.close();
        let late: Vec<f64> = (0..1_000).map(|_| scores.push(0, [1e9; 3])[0]).collect();
        assert!(late.iter().all(|score| *score > 3.0));
    }
}
