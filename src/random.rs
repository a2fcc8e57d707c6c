//! Random bytes for nonces, with the one health check that costs nothing.

use core::fmt;

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;

use crate::Error;

/// A generator whose failure is noticed where it can be: an error, the same 16 bytes twice in a row, or zeros, and nothing is
/// sealed. (What it gives is hedged besides: SPEC.md section 4.)
pub struct CheckedRng<R> {
    rng: R,
    last: Repetition,
}

impl<R: TryCryptoRng> CheckedRng<R> {
    /// Watches over `rng`.
    #[must_use]
    pub fn new(rng: R) -> Self {
        Self { rng, last: Repetition::default() }
    }

    pub(crate) fn next16(&mut self) -> Result<[u8; 16], Error> {
        self.last.next16(&mut self.rng)
    }
}

impl<R> fmt::Debug for CheckedRng<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CheckedRng").finish_non_exhaustive()
    }
}

/// Remembers what came last.
#[derive(Default)]
pub(crate) struct Repetition([u8; 16]);

impl Repetition {
    pub(crate) const fn new() -> Self {
        Self([0; 16])
    }

    pub(crate) fn next16<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<[u8; 16], Error> {
        let mut random = [0; 16];
        rng.try_fill_bytes(&mut random).map_err(|_| Error::RngFailed)?;
        if bool::from(random.ct_eq(&self.0) | random.ct_eq(&[0; 16])) {
            return Err(Error::RngFailed);
        }
        self.0 = random;
        Ok(random)
    }
}
