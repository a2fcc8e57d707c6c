//! Resealing: the same value under a newer key, or a new owner's, without showing it. SPEC.md section 4.

use core::{fmt, hint::black_box, ops::Deref};

use zeroize::Zeroize;

use crate::{
    Access, Environment, Error, Held, Host, Item, Request, Rights, Session, Token, Vault, View,
    access::{Asked, Authority},
    bytes::Filling,
    entry::{Event, Reason},
    held::Withheld,
    keys::SealKey,
    owner::OwnerRecord,
    principal::Principal,
    seal::{self, Under, apply_key_stream},
    session::Derived,
    token::NONCE_LEN,
};

/// A token that was sealed anew, to be stored where the old one stood.
pub struct Resealed<'o> {
    bytes: &'o mut [u8],
    mask: Option<SealKey>,
}

impl<'o> Resealed<'o> {
    /// The new token.
    #[must_use]
    pub fn into_token(mut self) -> Token<'o> {
        let bytes: &'o mut [u8] = core::mem::take(&mut self.bytes);
        Token::from_sealed(bytes)
    }

    fn withhold(&mut self, mask: SealKey) {
        apply_key_stream(&mask, &[0; NONCE_LEN], self.bytes);
        self.mask = Some(mask);
    }
}

impl Withheld for Resealed<'_> {
    fn restore(&mut self) {
        if let Some(mask) = self.mask.take() {
            apply_key_stream(&mask, &[0; NONCE_LEN], self.bytes);
        }
    }
}

/// What was never released is of no use, and is wiped.
impl Drop for Resealed<'_> {
    fn drop(&mut self) {
        if self.mask.is_some() {
            self.bytes.zeroize();
        }
    }
}

impl fmt::Debug for Resealed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resealed").field("len", &self.bytes.len()).finish_non_exhaustive()
    }
}

/// Whose a resealed token is to be.
struct NewOwner<'p> {
    principal: &'p Principal,
    tag: [u8; 16],
    ready: Ready,
}

/// What was drawn and read before anything was opened.
struct Ready {
    random: [u8; 16],
    /// The new owner's.
    record: OwnerRecord,
    has_new_secret: bool,
}

impl<V: Deref<Target = Vault>> Session<V> {
    /// Seals one of the session's own tokens anew under the newest epoch: see [`Request::rewrap_held`]. Commits with the environment's store.
    ///
    /// # Errors
    /// [`Error::Denied`], [`Error::Unavailable`], [`Error::BufferTooSmall`], [`Error::RngFailed`]
    pub fn rewrap<'o, E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        item: &Item<'_>,
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Token<'o>, Error> {
        host.commit_leftovers(self.vault())?;
        let held = self.request(access, 1, host)?.rewrap_held(item, out, host)?;
        host.settle(self.vault(), held).map(Resealed::into_token)
    }

    /// Makes a token of another session's the caller's own: a guest who has just opened an account, say, whose session and the account's are
    /// both there. The value is not shown. (With a grant of the former owner's: [`Request::reown_held`].)
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::BufferTooSmall`], [`Error::RngFailed`]; refusals come by way of [`Held::release`].
    pub fn reown_held<'o, E: Environment, const N: usize, const W: usize>(
        &self,
        from: &Self,
        item: &Item<'_>,
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Resealed<'o>>, Error> {
        let ready = self.ready(item, out, host)?;
        let authority = from.authority(&Access::OWN, Asked::HandOver, item.slot, host)?;
        self.take_over(&Access::OWN, from, authority, ready, item, out, host)
    }

    /// Reseals for this session's principal what `authority` opens by way of `opener`.
    #[expect(clippy::too_many_arguments, reason = "two sessions, one item, and what both ways of re-owning found")]
    fn take_over<'o, E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        opener: &Self,
        mut authority: Authority,
        ready: Ready,
        item: &Item<'_>,
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Resealed<'o>>, Error> {
        let (_, mut verdict) = self.live(1, host)?;
        verdict.require(self.rights().contains(Rights::OWN), Reason::NoRight);
        verdict.require(opener.principal().tenant == self.principal().tenant, Reason::OtherTenant);
        verdict.require(!ready.record.erased, Reason::Erased);
        authority.refused = authority.refused.or(verdict.reason());
        let new = NewOwner { principal: self.principal(), tag: self.caller(), ready };
        self.reseal(Event::Reown, access, opener, &authority, &new, item, out, host)
    }

    /// What can fail before anything is opened, or counted: room, random numbers, the new owner's record with a secret in it.
    fn ready<E: Environment, const N: usize, const W: usize>(
        &self,
        item: &Item<'_>,
        out: &[u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Ready, Error> {
        let random = drawn(item, out, host)?;
        let mut record = OwnerRecord::of(&self.caller(), host)?;
        let erasable = item.token.is_erasable();
        let has_new_secret = erasable && record.make_secret(host)?;
        if !erasable {
            let _same_work = black_box(host.random32()?);
        }
        Ok(Ready { random, record, has_new_secret })
    }

    #[expect(clippy::too_many_arguments, reason = "rewrap and both ways of re-owning end here")]
    fn reseal<'o, E: Environment, const N: usize, const W: usize>(
        &self,
        event: Event,
        access: &Access<'_>,
        opener: &Self,
        authority: &Authority,
        new: &NewOwner<'_>,
        item: &Item<'_>,
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Resealed<'o>>, Error> {
        let out = out.get_mut(..item.token.as_bytes().len()).ok_or(Error::BufferTooSmall)?;
        let newest = self.vault().keys(new.principal, self.vault().newest_epoch());
        let erasable = item.token.is_erasable();
        let owner_erasable = newest.owner.erasable(new.ready.record.secret().0);
        let owner = if erasable { &owner_erasable } else { &newest.owner };
        let under = Under { owner, mark: &newest.tenant.mark(), epoch: newest.epoch, erasable };
        let mut filling = Filling::new(out);
        let resealed = opener.open_with(authority, item, &mut Derived::default(), |key| {
            let done = seal::reseal(key, &item.token, &under, item.slot, &new.ready.random, filling.bytes())?;
            Ok(done.then_some(()))
        });
        let refused = resealed?.err();
        let entry = self.opening_entry(event, access, authority, View::Reseal, item, refused);
        let keep = |host: &mut Host<E, N, W>| match refused {
            // The new owner's secret is durable with the entry, before the token is given out.
            None if new.ready.has_new_secret => new.ready.record.put(&new.tag, host),
            _ => Ok(()),
        };
        let staged = keep(host).and_then(|()| self.stage(authority.now, &entry, host))?;
        if refused.is_some() {
            return Ok(Held::new(Err(Error::Denied), staged));
        }
        let mut token = Resealed { bytes: filling.leave(), mask: None };
        let salt = Token::from_sealed(token.bytes).commitment();
        token.withhold(self.vault().mask_key(b"token", &salt));
        Ok(Held::new(Ok(token), staged))
    }
}

impl<V: Deref<Target = Vault>> Request<'_, V> {
    /// Seals a token of an older epoch anew under the newest one, for the same owner, field and record; nothing is shown. `out` takes as many
    /// bytes as the token has.
    ///
    /// By the session's own right, or under a grant with [`View::Reseal`] for [`Purpose::MAINTENANCE`](crate::Purpose::MAINTENANCE): since the answer
    /// tells whether a token is that owner's, such a grant's uses are always counted. Of a token that has the newest epoch already
    /// ([`Vault::newest_epoch`]) there is nothing to do, and it is refused.
    ///
    /// # Errors
    /// [`Error::Unavailable`], [`Error::BufferTooSmall`], [`Error::RngFailed`]; refusals come by way of [`Held::release`].
    pub fn rewrap_held<'o, E: Environment, const N: usize, const W: usize>(
        &mut self,
        item: &Item<'_>,
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Resealed<'o>>, Error> {
        let (session, access) = (self.session(), self.access());
        let random = drawn(item, out, host)?;
        let authority = session.authority(&access, Asked::Rewrap, item.slot, host)?;
        let ready = Ready { random, record: authority.record.clone(), has_new_secret: false };
        let new = NewOwner { principal: &authority.owner, tag: authority.owner_tag, ready };
        session.reseal(Event::Rewrap, &access, session, &authority, &new, item, out, host)
    }

    /// Makes a token the caller's own, under its former owner's grant with [`View::Reseal`] for [`Purpose::TRANSFER`](crate::Purpose::TRANSFER).
    ///
    /// # Errors
    /// As [`rewrap_held`](Self::rewrap_held).
    pub fn reown_held<'o, E: Environment, const N: usize, const W: usize>(
        &mut self,
        item: &Item<'_>,
        out: &'o mut [u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Resealed<'o>>, Error> {
        let (session, access) = (self.session(), self.access());
        let ready = session.ready(item, out, host)?;
        let authority = session.authority(&access, Asked::TakeOver, item.slot, host)?;
        session.take_over(&access, session, authority, ready, item, out, host)
    }
}

/// 16 random bytes, where there is room for the token.
fn drawn<E: Environment, const N: usize, const W: usize>(
    item: &Item<'_>,
    out: &[u8],
    host: &mut Host<E, N, W>,
) -> Result<[u8; 16], Error> {
    if out.len() < item.token.as_bytes().len() { Err(Error::BufferTooSmall) } else { host.random16() }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;

    /// `Debug` shows a length, masked or not.
    #[test]
    fn debug_shows_the_length() {
        let resealed = Resealed { bytes: &mut [7; 3], mask: None };
        assert_eq!(std::format!("{resealed:?}"), "Resealed { len: 3, .. }");
    }
}
