//! The client's half: session key, proof of possession, and the key that both ends derive from a credential. SPEC.md section 7.

use core::fmt;

use rand_core::TryCryptoRng;

use zeroize::{ZeroizeOnDrop, Zeroizing};

use crate::{
    Credential, Error, Time,
    bytes::put,
    credential::Sealed,
    entry::take,
    keyring::random_key,
    label::Label,
    prf::{
        Key,
        Part::{EachFramed, Items, Raw},
    },
    replay::MAC_LEN,
    reveal::Item,
};

/// Bytes of a proof.
pub(crate) const PROOF_LEN: usize = 16 + 8 + MAC_LEN;

/// The client's secret: 32 random bytes that it makes at every log-in and sends once, in the log-in request.
///
/// Replies get cached, requests do not; so no reply ever carries it.
#[derive(ZeroizeOnDrop)]
pub struct SessionKey(Key);

impl SessionKey {
    /// A fresh one.
    ///
    /// # Errors
    /// [`Error::RngFailed`]
    pub fn generate<R: TryCryptoRng>(rng: &mut R) -> Result<Self, Error> {
        random_key(rng).map(Self)
    }

    /// The bytes, for the log-in request and for the client's own storage.
    #[must_use]
    pub fn write_secret(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(*self.0.as_bytes())
    }

    /// From those bytes.
    #[must_use]
    pub const fn read_secret(bytes: &[u8; 32]) -> Self {
        Self(Key::new(*bytes))
    }

    /// Proves, for one request, that this client has the key of `credential`.
    ///
    /// `context` is what the proof is for: method, path and body, say. Its parts are framed, so that no two lists are alike.
    ///
    /// # Errors
    /// [`Error::RngFailed`]; [`Error::Malformed`] never, for a `Credential` is of the right form.
    pub fn prove<R: TryCryptoRng>(
        &self,
        credential: &Credential,
        context: &[&[u8]],
        now: Time,
        rng: &mut R,
    ) -> Result<Proof, Error> {
        let mut nonce = [0; 16];
        rng.try_fill_bytes(&mut nonce).map_err(|_| Error::RngFailed)?;
        let mac = self.bind(credential)?.mac(&nonce, now, context);
        Ok(Proof { nonce, time: now, mac })
    }

    pub(crate) const fn key(&self) -> &Key {
        &self.0
    }

    pub(crate) fn bind(&self, credential: &Credential) -> Result<BoundKey, Error> {
        let parts = credential.read().ok_or(Error::Malformed)?;
        Ok(self.bind_to(&parts.sealed))
    }

    /// `K_s = F(session key, SESSION, serial ‖ tag)`: of one credential, not of another that shares the session key.
    pub(crate) fn bind_to(&self, sealed: &Sealed) -> BoundKey {
        BoundKey(self.0.derive(Label::Session, &[Raw(&sealed.serial), Raw(&sealed.tag)]))
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionKey(redacted)")
    }
}

/// Shows, for one request and about a minute, that its sender has the session key.
#[derive(Clone, PartialEq, Eq)]
pub struct Proof {
    pub(crate) nonce: [u8; 16],
    pub(crate) time: Time,
    pub(crate) mac: [u8; MAC_LEN],
}

impl Proof {
    /// Bytes of a proof.
    pub const LEN: usize = PROOF_LEN;

    /// `nonce 16 ‖ LE64 time ‖ MAC 16`
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PROOF_LEN] {
        let mut bytes = [0; PROOF_LEN];
        let time = self.time.to_le_bytes();
        put(&mut bytes, &[&self.nonce, &time, &self.mac]);
        bytes
    }

    /// From those bytes.
    ///
    /// # Errors
    /// [`Error::Malformed`]: not 40 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let mut rest = bytes;
        match (take(&mut rest), take(&mut rest), take(&mut rest)) {
            (Some(nonce), Some(time), Some(mac)) if rest.is_empty() => {
                Ok(Self { nonce, time: Time::from_le_bytes(time), mac })
            }
            _ => Err(Error::Malformed),
        }
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proof").field("time", &self.time).finish_non_exhaustive()
    }
}

/// `K_s`: shared by the client and the vault, for one credential.
#[derive(ZeroizeOnDrop)]
pub(crate) struct BoundKey(Key);

impl BoundKey {
    #[cfg(test)]
    pub(crate) const fn key(&self) -> &Key {
        &self.0
    }

    /// `F(K_s, PROOF, nonce16 ‖ LE64 time ‖ context, each part framed)[..16]`
    pub(crate) fn mac(&self, nonce: &[u8; 16], time: Time, context: &[&[u8]]) -> [u8; MAC_LEN] {
        self.0.derive_short(Label::Proof, &[Raw(nonce), Raw(&time.to_le_bytes()), EachFramed(context)])
    }

    /// `salt = F(K_s, SALT, LE32 node ‖ LE64 sequence of the first trail entry)[..16]`: no two replies share one.
    pub(crate) fn salt(&self, node: u32, sequence: u64) -> [u8; 16] {
        self.0.derive_short(Label::Salt, &[Raw(&node.to_le_bytes()), Raw(&sequence.to_le_bytes())])
    }

    /// `D = F(K_s, ITEMS, LE16 count ‖ items)`, an item being `LE16 field ‖ framed token`.
    pub(crate) fn items(&self, items: &[Item<'_>]) -> ItemsDigest {
        let count = u16::try_from(items.len()).unwrap_or(u16::MAX);
        ItemsDigest(self.0.derive(Label::Items, &[Raw(&count.to_le_bytes()), Items(items)]))
    }

    /// `F(K_s, REPLY, salt ‖ nonce ‖ D)`
    pub(crate) fn reply(&self, salt: &[u8; 16], nonce: &[u8; 16], items: &ItemsDigest) -> Key {
        self.0.derive(Label::Reply, &[Raw(salt), Raw(nonce), Raw(items.0.as_bytes())])
    }
}

/// What was asked for, as 32 bytes that are never shown.
#[derive(ZeroizeOnDrop)]
pub(crate) struct ItemsDigest(Key);
