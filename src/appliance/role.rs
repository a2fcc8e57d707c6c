//! Role keys and channels: how an appliance knows who administers it, and how nobody between reads or alters what is said.
//! SPEC.md section 17, "Roles".

use core::fmt;

use rand_core::TryCryptoRng;
use subtle::ConstantTimeEq;

use super::{Fault, Request, Role, message};
use crate::{
    Error,
    aead::{open_once, seal_once},
    keyring::random_key,
    label::Label,
    prf::{Key, Part::Raw},
    token::TAG_LEN,
};
use serde::Serialize;

/// What a role proves itself with: 32 secret bytes, which are never sent.
pub struct RoleKey(Key);

impl RoleKey {
    /// The officer's key of a blank appliance: everybody's. Whoever reaches it first initialises it.
    pub const BLANK: [u8; 32] = [0; 32];

    /// From bytes that were drawn at random, or made slowly from a passphrase.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(Key::new(bytes))
    }

    /// The client's answer to a challenge, and its end of the channel that opens where the appliance says that it is done.
    ///
    /// # Errors
    /// [`Error::RngFailed`]
    pub fn log_in<R: TryCryptoRng>(
        &self,
        role: Role,
        challenge: &[u8; 16],
        rng: &mut R,
    ) -> Result<(Request<'static>, RoleChannel), Error> {
        let drawn = random_key(rng)?;
        let nonce = drawn.as_bytes().first_chunk().copied().unwrap_or_default();
        let mac = self.mac(role, challenge, &nonce);
        Ok((Request::LogIn { role, nonce, mac }, self.channel(role, challenge, &nonce)))
    }

    /// `F(K_role, ROLE_LOG_IN, role ‖ challenge ‖ nonce)[..16]`
    fn mac(&self, role: Role, challenge: &[u8; 16], nonce: &[u8; 16]) -> [u8; 16] {
        self.0.derive_short(Label::RoleLogIn, &[Raw(&[role.code()]), Raw(challenge), Raw(nonce)])
    }

    /// Whether that is what the holder of this key would answer.
    pub(super) fn confirms(&self, role: Role, challenge: &[u8; 16], nonce: &[u8; 16], mac: &[u8; 16]) -> bool {
        self.mac(role, challenge, nonce).ct_eq(mac).into()
    }

    /// `K_channel = F(K_role, ROLE_CHANNEL, role ‖ challenge ‖ nonce)`
    pub(super) fn channel(&self, role: Role, challenge: &[u8; 16], nonce: &[u8; 16]) -> RoleChannel {
        let key = self.0.derive(Label::RoleChannel, &[Raw(&[role.code()]), Raw(challenge), Raw(nonce)]);
        RoleChannel { role, key, next: 0 }
    }
}

impl fmt::Debug for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleKey").finish_non_exhaustive()
    }
}

/// One end of a channel. Acts and answers go by turns, each sealed under a key that nothing else is.
pub struct RoleChannel {
    role: Role,
    key: Key,
    next: u32,
}

impl RoleChannel {
    /// The client's part: seals an act at the front of `out`, for [`Request::Act`]. Send the same bytes again where the answer was
    /// [`Fault::BadFrame`]; after any other fault outside the channel, log in anew.
    ///
    /// # Errors
    /// [`Fault::BufferTooSmall`]; [`Fault::Denied`]: the channel has come to its end.
    pub fn seal_act<T: Serialize>(&mut self, act: &T, out: &mut [u8]) -> Result<usize, Fault> {
        let len = message::write(act, out)?;
        let sealed = self.seal(out, len, FROM_CLIENT)?;
        self.next = self.next.checked_add(1).ok_or(Fault::Denied)?;
        Ok(sealed)
    }

    /// The client's part: opens, in place, the answer to the act that was sealed last.
    ///
    /// # Errors
    /// [`Fault::Denied`]: it isn't.
    pub fn open_answer<'b>(&self, sealed: &'b mut [u8]) -> Result<&'b [u8], Fault> {
        let last = self.next.checked_sub(1).ok_or(Fault::Denied)?;
        self.open(last, sealed, FROM_APPLIANCE)
    }

    pub(super) const fn role(&self) -> Role {
        self.role
    }

    /// The appliance's part: opens the next act, in place.
    pub(super) fn open_act<'b>(&self, sealed: &'b mut [u8]) -> Result<&'b [u8], Fault> {
        self.open(self.next, sealed, FROM_CLIENT)
    }

    /// The appliance's part: seals the answer of `len` bytes at the front of `out`, whatever it is, and goes on to the next act.
    pub(super) fn seal_answer(&mut self, out: &mut [u8], len: usize) -> Result<usize, Fault> {
        let sealed = self.seal(out, len, FROM_APPLIANCE)?;
        self.next = self.next.checked_add(1).ok_or(Fault::Denied)?;
        Ok(sealed)
    }

    fn seal(&self, out: &mut [u8], len: usize, from: u8) -> Result<usize, Fault> {
        let (text, behind) = out.split_at_mut_checked(len).ok_or(Fault::BufferTooSmall)?;
        let tag = behind.first_chunk_mut::<TAG_LEN>().ok_or(Fault::BufferTooSmall)?;
        *tag = seal_once(&self.act_key(self.next, from), &[], text)?;
        Ok(len.saturating_add(TAG_LEN))
    }

    fn open<'b>(&self, number: u32, sealed: &'b mut [u8], from: u8) -> Result<&'b [u8], Fault> {
        let (text, tag) = sealed.split_last_chunk_mut::<TAG_LEN>().ok_or(Fault::Denied)?;
        if open_once(&self.act_key(number, from), &[], text, tag) { Ok(text) } else { Err(Fault::Denied) }
    }

    /// `F(K_channel, ROLE_ACT, LE32 number ‖ from)`
    fn act_key(&self, number: u32, from: u8) -> Key {
        self.key.derive(Label::RoleAct, &[Raw(&number.to_le_bytes()), Raw(&[from])])
    }
}

impl fmt::Debug for RoleChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleChannel").field("role", &self.role).finish_non_exhaustive()
    }
}

const FROM_CLIENT: u8 = 0;
const FROM_APPLIANCE: u8 = 1;
