//! Sealing several values of one owner.

use core::fmt;

use rand_core::TryCryptoRng;

use crate::{
    CheckedRng, Error, Slot, Token,
    held::Withheld,
    keys::{MarkKey, OwnerKey},
    seal::{self, Under},
    vault::EpochKeys,
};

/// Seals values for one owner under the newest epoch. It needs nothing that changes, so any thread can have its own.
///
/// It opens nothing.
///
/// One that makes erasable tokens holds what the owner's secret gave: drop it soon, for what it seals after the owner was erased opens
/// for nobody.
pub struct Sealer {
    epoch: u16,
    /// Of erasable tokens, the key that the owner's secret gave.
    owner: OwnerKey,
    mark: MarkKey,
    erasable: bool,
}

impl Sealer {
    /// With an owner's secret, of erasable tokens.
    pub(crate) fn new(keys: EpochKeys, secret: Option<&[u8; 32]>) -> Self {
        let (mark, erasable) = (keys.tenant.mark(), secret.is_some());
        let owner = match secret {
            Some(secret) => keys.owner.erasable(secret),
            None => keys.owner,
        };
        Self { epoch: keys.epoch, owner, mark, erasable }
    }

    /// Seals `value` and writes the token to the front of `out`: see [`Vault::tokenize`](crate::Vault::tokenize).
    ///
    /// # Errors
    /// [`Error::TooLong`], [`Error::InvalidValue`], [`Error::ForbiddenValue`], [`Error::InvalidField`], [`Error::BufferTooSmall`], [`Error::RngFailed`]
    pub fn tokenize<'s, 'o, R: TryCryptoRng>(
        &self,
        slot: impl Into<Slot<'s>>,
        value: &[u8],
        out: &'o mut [u8],
        rng: &mut CheckedRng<R>,
    ) -> Result<Token<'o>, Error> {
        let random = rng.next16()?;
        self.seal(slot.into(), value, &random, out)
    }

    pub(crate) fn seal<'o>(
        &self,
        slot: Slot<'_>,
        value: &[u8],
        random: &[u8; 16],
        out: &'o mut [u8],
    ) -> Result<Token<'o>, Error> {
        slot.check()?.field().check(value)?;
        let under = Under { owner: &self.owner, mark: &self.mark, epoch: self.epoch, erasable: self.erasable };
        let len = seal::seal(&under, slot, random, value, out)?;
        Token::from_bytes(out.get(..len).unwrap_or_default())
    }
}

impl Withheld for Sealer {
    fn restore(&mut self) {}
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}
