//! The source of chance: SplitMix64 (Steele, Lea, Flood 2014). Small, quick, the same everywhere, and not for secrets.

/// A stream of numbers that follows from a seed.
#[derive(Debug)]
pub(super) struct Generator(u64);

impl Generator {
    /// The stream of one row: rows do not depend on each other, so row 7 is the same in a file of 10 or of 1,000,000.
    pub(super) fn of_row(seed: u64, row: u64) -> Self {
        Self(mixed(seed ^ mixed(row)))
    }

    /// A number below `bound`, which is not zero. (The bias, of 2^-50 at our bounds, does no harm here.)
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mixed(self.0) % bound
    }

    /// True once in `n` times.
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// One of the pool, which is not empty.
    pub(super) fn pick<T: Copy>(&mut self, pool: &[T]) -> T {
        let length = pool.len();
        // Below a length, a number fits a usize.
        pool[self.below(length as u64) as usize]
    }
}

/// The finaliser: every bit of the input changes half the bits of the output.
fn mixed(mut z: u64) -> u64 {
    z = z.wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

#[cfg(test)]
mod tests {
    use super::*;

    /// The published first outputs of SplitMix64 for the seed 1234567.
    #[test]
    fn the_finaliser_is_splitmix64() {
        assert_eq!(mixed(1_234_567), 6_457_827_717_110_365_317);
        assert_eq!(mixed(1_234_567_u64.wrapping_add(STEP)), 3_203_168_211_198_807_973);
    }

    /// Every member of a pool is reached, none beyond it.
    #[test]
    fn pick_reaches_all() {
        let mut generator = Generator::of_row(1, 2);
        let mut seen = [0_u32; 5];
        for _ in 0..1_000 {
            seen[generator.pick(&[0_usize, 1, 2, 3, 4])] += 1;
        }
        assert!(seen.iter().all(|count| *count > 100), "{seen:?}");
    }
}
