//! Random numbers.

use chacha20::ChaCha20Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use crate::host;

/// A generator for keys: ChaCha20, seeded with 32 bytes.
///
/// A real chip has a true random number generator, and this one's is not emulated: the seed comes from `/dev/urandom` of the host,
/// read once, by semihosting.
#[derive(Debug)]
pub struct Entropy(ChaCha20Rng);

/// There is no seed: nothing may be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoEntropy;

impl Entropy {
    /// Draws the seed.
    ///
    /// # Errors
    /// [`NoEntropy`]: the host has no random numbers, or does not give them.
    pub fn new() -> Result<Self, NoEntropy> {
        let mut seed = Zeroizing::new([0; 32]);
        if !host::read_file(c"/dev/urandom", seed.as_mut_slice()) {
            return Err(NoEntropy);
        }
        Ok(Self(ChaCha20Rng::from_seed(*seed)))
    }
}

impl TryRng for Entropy {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.0.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0.try_next_u64()
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        self.0.try_fill_bytes(out)
    }
}

impl TryCryptoRng for Entropy {}
