//! Wrapped keyrings: how roots travel from one appliance to another, or from a keyring file. SPEC.md section 17, "Wrapped keyrings".

use core::fmt;

use rand_core::TryCryptoRng;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    Error, Keyring,
    aead::{open_once, seal_once},
    bytes::put,
    keyring::{MAX_KEYRING_LEN, random_key},
    label::Label,
    prf::{Key, Part::Raw},
    token::TAG_LEN,
};

/// Under which keyrings are wrapped: shared by those between whom roots may travel. Whoever has it, and a backup, has the roots.
pub struct TransportKey(Key);

impl TransportKey {
    /// The longest wrapped keyring, in bytes: `1 ‖ salt 16 ‖ sealed keyring ‖ tag 16`.
    pub const MAX_WRAPPED: usize = HEAD_LEN + MAX_KEYRING_LEN + TAG_LEN;

    /// From bytes that were drawn at random.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Key::new(bytes))
    }

    /// Wraps a keyring at the front of `out`, which needs [`MAX_WRAPPED`](Self::MAX_WRAPPED) bytes: its length.
    ///
    /// # Errors
    /// [`Error::RngFailed`], [`Error::BufferTooSmall`]
    pub fn wrap<R: TryCryptoRng>(&self, keyring: &Keyring, rng: &mut R, out: &mut [u8]) -> Result<usize, Error> {
        let drawn = random_key(rng)?;
        let salt: [u8; SALT_LEN] = drawn.as_bytes().first_chunk().copied().unwrap_or_default();
        self.wrap_with(keyring, &salt, out)
    }

    pub(super) fn wrap_with(&self, keyring: &Keyring, salt: &[u8; SALT_LEN], out: &mut [u8]) -> Result<usize, Error> {
        let (head, rest) = out.split_first_chunk_mut::<HEAD_LEN>().ok_or(Error::BufferTooSmall)?;
        let (room, _) = rest.split_at_mut_checked(MAX_KEYRING_LEN + TAG_LEN).ok_or(Error::BufferTooSmall)?;
        let len = keyring.write_secret(room)?;
        let (secret, behind) = room.split_at_mut_checked(len).ok_or(Error::BufferTooSmall)?;
        match (seal_once(&self.key(salt), &[], secret), behind.first_chunk_mut::<TAG_LEN>()) {
            (Ok(tag), Some(place)) => *place = tag,
            _ => {
                secret.zeroize();
                return Err(Error::BufferTooSmall);
            }
        }
        put(head, &[&[FORMAT], salt]);
        Ok(HEAD_LEN.saturating_add(len).saturating_add(TAG_LEN))
    }

    /// Unwraps a keyring.
    ///
    /// # Errors
    /// [`Error::InvalidKeyring`]: wrapped under another key, altered, or not a wrapped keyring.
    pub fn unwrap(&self, wrapped: &[u8]) -> Result<Keyring, Error> {
        let ([format, salt @ ..], rest) = wrapped.split_first_chunk::<HEAD_LEN>().ok_or(Error::InvalidKeyring)?;
        let (sealed, tag) = rest.split_last_chunk::<TAG_LEN>().ok_or(Error::InvalidKeyring)?;
        let mut secret = Zeroizing::new([0; MAX_KEYRING_LEN]);
        let secret = secret.get_mut(..sealed.len()).ok_or(Error::InvalidKeyring)?;
        secret.copy_from_slice(sealed);
        if *format != FORMAT || !open_once(&self.key(salt), &[], secret, tag) {
            return Err(Error::InvalidKeyring);
        }
        Keyring::read_secret(secret).map_err(|_| Error::InvalidKeyring)
    }

    /// `F(K_transport, WRAP, salt)`
    fn key(&self, salt: &[u8; SALT_LEN]) -> Key {
        self.0.derive(Label::Wrap, &[Raw(salt)])
    }
}

impl fmt::Debug for TransportKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TransportKey").finish_non_exhaustive()
    }
}

const FORMAT: u8 = 1;
const SALT_LEN: usize = 16;
const HEAD_LEN: usize = 1 + SALT_LEN;
