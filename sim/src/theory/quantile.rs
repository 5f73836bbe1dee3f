//! Quantiles of laws that are known by their tail.

/// The time at which a decreasing tail falls to `tail`, s.
///
/// `tail_at(t)` is P(T > t), continuous where it falls below its value at 0; `scale` is any time of the order
/// of T, from which the bracket grows. Bisection to the last digit: a few dozen evaluations, no derivative.
pub(super) fn of_tail(tail_at: impl Fn(f64) -> f64, tail: f64, scale: f64) -> f64 {
    if tail_at(0.0) <= tail {
        return 0.0;
    }
    let (mut low, mut high) = (0.0, scale);
    while tail_at(high) > tail {
        low = high;
        high *= 2.0;
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if tail_at(middle) > tail { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::of_tail;

    #[test]
    fn the_quantile_of_an_exponential_law_is_its_logarithm() {
        for tail in [0.9, 0.5, 1e-3, 1e-12] {
            let time = of_tail(|t| (-t).exp(), tail, 1.0);
            assert!((time + tail.ln()).abs() < 1e-12 * (1.0 - tail.ln()), "{tail}: {time}");
        }
    }

    #[test]
    fn an_atom_at_zero_has_the_quantile_zero() {
        assert_eq!(of_tail(|t| 0.5 * (-t).exp(), 0.7, 1.0), 0.0);
    }
}
