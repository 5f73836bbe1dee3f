//! The natural logarithm, the same bits on every machine.

/// The natural logarithm of a positive normal number, to within 1 ulp.
///
/// ```text
/// x = 2^k·m,  √½ ≤ m < √2,  f = m − 1,  s = f/(2 + f)
/// ln x = k·ln 2 + f − s·(f − R(s²)),    R(s²) = ln(m)/s − 2
/// ```
///
/// Only additions, multiplications, one division and operations on bits, each rounded as IEEE 754
/// demands: no C library, no table, no branch, no fused multiply-add. So a loop over it turns into vector
/// instructions, and whatever their width each value has the same bits.
///
/// # References
/// The reduction and the polynomial are those of Sun's fdlibm (`e_log.c`, 1993).
#[inline(always)]
pub(super) fn ln(x: f64) -> f64 {
    const EXPONENT: u64 = 0xfff << 52;
    // ln 2 in two parts; the first has trailing zeros, so that k times it is exact.
    const LN_2_HIGH: f64 = 0.693_147_180_369_123_8;
    const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;
    let above_root = x.to_bits().wrapping_sub(std::f64::consts::FRAC_1_SQRT_2.to_bits());
    let k = (above_root.cast_signed() >> 52) as f64;
    let f = f64::from_bits(x.to_bits().wrapping_sub(above_root & EXPONENT)) - 1.0;
    let s = f / (2.0 + f);
    k * LN_2_HIGH + (f - (s * (f - remainder(s * s)) - k * LN_2_LOW))
}

/// R of [`ln`]: a minimax polynomial with an error below 2⁻⁵⁸, in two halves that run side by side.
#[inline(always)]
fn remainder(z: f64) -> f64 {
    let w = z * z;
    let even = w * (0.399_999_999_994_094_2 + w * (0.222_221_984_321_497_84 + w * 0.153_138_376_992_093_73));
    let odd = z
        * (0.666_666_666_666_673_5
            + w * (0.285_714_287_436_623_9 + w * (0.181_835_721_616_180_5 + w * 0.147_981_986_051_165_86)));
    odd + even
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sampling::{Purpose, Stream};

    /// How many representable numbers lie between our value and libm's, which is itself within 1 ulp.
    fn distance(x: f64) -> u64 {
        ln(x).to_bits().abs_diff(libm::log(x).to_bits())
    }

    #[test]
    fn the_logarithm_agrees_with_libm_over_the_unit_interval() {
        let mut stream = Stream::new(1, 0, Purpose::Resampling);
        for _ in 0..200_000 {
            let uniform = stream.uniform();
            let near_root = 0.7 + 0.02 * uniform;
            for x in [uniform, 1.0 - uniform * 1e-3, 1.0 - uniform * 1e-12, near_root, uniform.powi(15)] {
                assert!(distance(x) <= 1, "ln {x:e} is {:e}, libm {:e}", ln(x), libm::log(x));
            }
        }
    }

    #[test]
    fn the_logarithm_agrees_with_libm_at_the_extremes() {
        let half_grid = 0.5_f64.powi(53);
        let root = std::f64::consts::FRAC_1_SQRT_2;
        for x in [half_grid, 1.0 - half_grid, root, root.next_down(), root.next_up(), f64::MIN_POSITIVE] {
            assert!(distance(x) <= 1, "ln {x:e} is {:e}, libm {:e}", ln(x), libm::log(x));
        }
        for power in -1022..=0 {
            assert!(distance(2.0_f64.powi(power)) <= 1, "2^{power}");
        }
        assert_eq!(ln(1.0).to_bits(), 0.0_f64.to_bits());
    }

    // Rounded from 60 digits, computed in another language.
    #[test]
    fn logarithms_are_unchanged() {
        let smallest = 0.5_f64.powi(53);
        assert_eq!(ln(smallest), -36.7368005696771);
        assert_eq!(ln(0.1), -2.3025850929940455);
        assert_eq!(ln(0.9), -0.10536051565782628);
        assert_eq!(ln(1.0 - smallest), -1.1102230246251565e-16);
    }
}
