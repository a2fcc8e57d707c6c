//! Sealing several values of one owner.

use core::fmt;

use rand_core::TryCryptoRng;

use crate::{CheckedRng, Error, Field, Token, seal, vault::EpochKeys};

/// Seals values for one owner under the newest epoch. It needs nothing that changes, so any thread can have its own.
///
/// It opens nothing.
pub struct Sealer(EpochKeys);

impl Sealer {
    pub(crate) const fn new(keys: EpochKeys) -> Self {
        Self(keys)
    }

    /// Seals `value` and writes the token to the front of `out`: see [`Vault::tokenize`](crate::Vault::tokenize).
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::InvalidValue`], [`Error::ForbiddenValue`], [`Error::BufferTooSmall`], [`Error::RngFailed`]
    pub fn tokenize<'o, R: TryCryptoRng>(
        &self,
        field: Field,
        value: &[u8],
        out: &'o mut [u8],
        rng: &mut CheckedRng<R>,
    ) -> Result<Token<'o>, Error> {
        let random = rng.next16()?;
        self.seal(field, value, &random, out)
    }

    pub(crate) fn seal<'o>(
        &self,
        field: Field,
        value: &[u8],
        random: &[u8; 16],
        out: &'o mut [u8],
    ) -> Result<Token<'o>, Error> {
        field.check(value)?;
        let EpochKeys { epoch, owner, mark, .. } = &self.0;
        let len = seal::seal(owner, mark, field, *epoch, random, value, out)?;
        Token::from_bytes(out.get(..len).unwrap_or_default())
    }
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("epoch", &self.0.epoch).finish_non_exhaustive()
    }
}
