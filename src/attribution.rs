//! Whose a refused token was: found out later, with its owner's key alone. SPEC.md section 16.

use core::fmt;

use subtle::ConstantTimeEq;

use crate::{
    Entry, Error, Field, Principal, Reason, Store, Vault,
    by_epoch::ByEpoch,
    keys::OwnerKey,
    owner::OwnerRecord,
    seal,
    token::{HEADER_LEN, Mode},
};

/// Tells of entries of the trail whether they are about this owner's tokens: of those that were opened by the owner's tag; of those
/// that were refused by the token's commitment, which this owner's key, and no other, gives again.
///
/// [`Vault::attribution`] makes it. It opens nothing.
pub struct Attribution {
    tag: [u8; 16],
    keys: ByEpoch<OwnerKey>,
    /// In their place for erasable tokens, while the owner has a secret.
    erasable: ByEpoch<OwnerKey>,
}

impl Attribution {
    /// True where a token was opened, or sealed anew, that is this owner's.
    #[must_use]
    pub fn was_opened(&self, entry: &Entry) -> bool {
        entry.is_about_a_token() && entry.reason == Reason::Done && entry.owner_or_commitment == self.tag
    }

    /// True where a token of this owner's was presented and refused.
    ///
    /// False also where that can't be known any more: the root of its epoch is gone, or it was erasable and the owner was erased.
    #[must_use]
    pub fn was_refused(&self, entry: &Entry) -> bool {
        let refused = entry.is_about_a_token() && entry.reason != Reason::Done;
        refused && self.gives(&entry.token.header, entry).unwrap_or(false)
    }

    /// Whether the key of what this header says gives the entry's commitment.
    fn gives(&self, header: &[u8; HEADER_LEN], entry: &Entry) -> Option<bool> {
        let [_, shape, field_low, field_high, epoch_low, epoch_high] = *header;
        let field = Field::from_code(u16::from_le_bytes([field_low, field_high])).ok()?;
        let mode = Mode::of_shape(field, shape);
        let epoch = u16::from_le_bytes([epoch_low, epoch_high]);
        let owner = if mode.is_erasable() { &self.erasable } else { &self.keys }.get(epoch)?;
        let commitment = seal::commitment(&owner.seal(field, mode), &entry.token.nonce);
        Some(commitment.ct_eq(&entry.owner_or_commitment).into())
    }
}

impl fmt::Debug for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribution").field("epochs", &self.keys.len()).finish_non_exhaustive()
    }
}

impl Vault {
    /// What finds this owner's tokens in a trail: for whoever holds the vault itself, and answers "who saw mine?". Epochs below the token
    /// floor count as well.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the store failed.
    pub fn attribution(&self, owner: &Principal, store: &impl Store) -> Result<Attribution, Error> {
        let tag = self.owner_tag(owner);
        let record = OwnerRecord::stored(&tag, store)?;
        let (secret, has_secret) = record.secret();
        let roots = self.keyring().roots();
        let keys: ByEpoch<_> = roots.map(|(epoch, root)| (epoch, root.tenant(owner.tenant()).owner(owner))).collect();
        let erasable = keys.iter().filter(|_| has_secret).map(|(epoch, key)| (epoch, key.erasable(secret)));
        Ok(Attribution { tag, erasable: erasable.collect(), keys })
    }
}
