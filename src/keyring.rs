//! The keyring: the root keys of up to eight epochs, and the key that names people in the trail. SPEC.md section 2.

use core::fmt;

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Error,
    by_epoch::ByEpoch,
    bytes::put,
    keys::{Root, TagKey},
    prf::Key,
};

/// The most epochs that a keyring holds.
pub(crate) const MAX_EPOCHS: usize = 8;

/// The longest secret form of a keyring, in bytes.
pub(crate) const MAX_KEYRING_LEN: usize = HEAD_LEN + MAX_EPOCHS * EPOCH_LEN;

/// Root keys by epoch. Whoever has them can open everything: keep them where the application can't reach.
///
/// New tokens are sealed under the newest epoch; older ones still open.
pub struct Keyring {
    roots: ByEpoch<Root>,
    tag_key: TagKey,
}

impl Keyring {
    /// The most epochs that a keyring holds.
    pub const MAX_EPOCHS: usize = MAX_EPOCHS;

    /// The longest secret form, in bytes.
    pub const MAX_LEN: usize = MAX_KEYRING_LEN;

    /// A keyring with one fresh root, epoch 1.
    ///
    /// # Errors
    /// [`Error::RngFailed`]
    pub fn generate<R: TryCryptoRng>(rng: &mut R) -> Result<Self, Error> {
        let mut keyring = Self { roots: ByEpoch::new(), tag_key: TagKey(random_key(rng)?) };
        keyring.add_epoch(rng)?;
        Ok(keyring)
    }

    /// Adds a fresh root under the next epoch, which is returned: from now on everything is sealed under it.
    ///
    /// # Errors
    /// [`Error::RngFailed`]; [`Error::InvalidKeyring`] where there are eight epochs already, or no higher number.
    pub fn add_epoch<R: TryCryptoRng>(&mut self, rng: &mut R) -> Result<u16, Error> {
        let epoch = self.newest().checked_add(1).ok_or(Error::InvalidKeyring)?;
        let root = random_key(rng)?;
        if self.roots.iter().any(|(_, known)| known.as_bytes().ct_eq(root.as_bytes()).into()) {
            return Err(Error::RngFailed);
        }
        self.push(epoch, Root::new(*root.as_bytes()))?;
        Ok(epoch)
    }

    /// Retires an epoch: its root is wiped. What was sealed under it and not rewrapped is lost, for good where this was the root's last
    /// copy.
    ///
    /// Grants that were minted under it end, too; verified addresses that nothing was sent to since the rotation must be confirmed again; and
    /// rows of a blind index are no longer found by their values of that epoch.
    ///
    /// # Errors
    /// [`Error::InvalidKeyring`]: no such epoch, or the newest.
    pub fn retire(&mut self, epoch: u16) -> Result<(), Error> {
        if epoch == self.newest() || !self.roots.remove(epoch) {
            return Err(Error::InvalidKeyring);
        }
        Ok(())
    }

    /// Writes the secret form (SPEC.md section 2) to the front of `out` and returns its length; [`Keyring::MAX_LEN`](crate::Keyring::MAX_LEN) always do.
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`]
    pub fn write_secret(&self, out: &mut [u8]) -> Result<usize, Error> {
        let len = HEAD_LEN.saturating_add(self.roots.len().saturating_mul(EPOCH_LEN));
        let out = out.get_mut(..len).ok_or(Error::BufferTooSmall)?;
        let (head, epochs) = out.split_first_chunk_mut::<HEAD_LEN>().ok_or(Error::BufferTooSmall)?;
        let count = u8::try_from(self.roots.len()).unwrap_or_default();
        put(head, &[&[FORMAT, count], self.tag_key.0.as_bytes()]);
        for (slot, (epoch, root)) in epochs.chunks_mut(EPOCH_LEN).zip(self.roots.iter()) {
            put(slot, &[&epoch.to_le_bytes(), root.as_bytes()]);
        }
        Ok(len)
    }

    /// Reads the secret form. The bytes stay the caller's to wipe.
    ///
    /// # Errors
    /// [`Error::Malformed`]: not such bytes, or bytes after them; [`Error::InvalidKeyring`]: no epoch, or epochs that don't rise.
    pub fn read_secret(bytes: &[u8]) -> Result<Self, Error> {
        let (head, epochs) = bytes.split_first_chunk::<HEAD_LEN>().ok_or(Error::Malformed)?;
        let [format, count, tag_key @ ..] = head;
        let (epochs, rest) = epochs.as_chunks::<EPOCH_LEN>();
        if *format != FORMAT || epochs.len() != usize::from(*count) || !rest.is_empty() {
            return Err(Error::Malformed);
        }
        let mut keyring = Self { roots: ByEpoch::new(), tag_key: TagKey(Key::new(*tag_key)) };
        for [low, high, root @ ..] in epochs {
            keyring.push(u16::from_le_bytes([*low, *high]), Root::new(*root))?;
        }
        if keyring.roots.len() == 0 { Err(Error::InvalidKeyring) } else { Ok(keyring) }
    }

    /// The newest epoch.
    #[must_use]
    pub fn newest(&self) -> u16 {
        self.roots.newest()
    }

    /// The newest epoch but one; the newest where there is no other.
    pub(crate) fn newest_but_one(&self) -> u16 {
        self.roots.iter().rev().nth(1).map_or(self.newest(), |(epoch, _)| epoch)
    }

    pub(crate) fn root(&self, epoch: u16) -> Option<&Root> {
        self.roots.get(epoch)
    }

    /// The epochs, rising.
    pub fn epochs(&self) -> impl Iterator<Item = u16> {
        self.roots.iter().map(|(epoch, _)| epoch)
    }

    pub(crate) fn roots(&self) -> impl Iterator<Item = (u16, &Root)> {
        self.roots.iter()
    }

    pub(crate) const fn tag_key(&self) -> &TagKey {
        &self.tag_key
    }

    /// Epochs rise, so the last is the newest and none is there twice.
    fn push(&mut self, epoch: u16, root: Root) -> Result<(), Error> {
        if self.roots.push(epoch, root) { Ok(()) } else { Err(Error::InvalidKeyring) }
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("newest", &self.newest()).finish_non_exhaustive()
    }
}

/// 32 bytes from the generator, which must not be all the same: the cheapest sign of a dead one.
pub(crate) fn random_key<R: TryCryptoRng>(rng: &mut R) -> Result<Key, Error> {
    let mut bytes = Zeroizing::new([0_u8; 32]);
    rng.try_fill_bytes(bytes.as_mut_slice()).map_err(|_| Error::RngFailed)?;
    let [first, rest @ ..] = &*bytes;
    // How many of them are the same is as secret as they are.
    let differences = rest.iter().fold(0, |seen, byte| seen | (byte ^ first));
    if bool::from(differences.ct_eq(&0)) {
        bytes.zeroize();
        return Err(Error::RngFailed);
    }
    Ok(Key::new(*bytes))
}

/// The secret form's first byte.
const FORMAT: u8 = 1;
/// Format, count, tag key.
const HEAD_LEN: usize = 2 + 32;
/// Epoch, root.
const EPOCH_LEN: usize = 2 + 32;
