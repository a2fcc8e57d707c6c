//! What is done to an owner's record and in an owner's name: sealing, confirming an address, erasing. SPEC.md sections 12 and 13.
//!
//! These take an owner's name, and open nothing.

use core::ops::Deref;

use crate::{
    Environment, Error, Field, Held, Host, Issuer, Kind, Principal, Rights, Sealer, Session, Vault,
    authenticate::Verdict,
    entry::{Entry, Event, Reason},
    owner::{OwnerRecord, VerifiedAddress},
};

impl<V: Deref<Target = Vault>> Session<V> {
    /// What seals values for an owner: for oneself, or for others of one's tenant with [`Rights::TOKENIZE`].
    ///
    /// `erasable` tokens can be made unopenable for good ([`erase_held`](Self::erase_held)). The owner's first one makes the owner's
    /// secret, which is durable before the sealer is handed out.
    ///
    /// # Errors
    /// [`Error::Erased`], [`Error::RngFailed`], [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn sealer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        erasable: bool,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Sealer>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        let own = owner == self.principal() && self.rights().contains(Rights::OWN);
        verdict.require(owner.tenant == self.principal().tenant, Reason::OtherTenant);
        verdict.require(own || self.rights().contains(Rights::TOKENIZE), Reason::NoRight);
        let tag = self.vault().tag_key().tag(owner);
        let mut entry = self.entry(Event::Tokenize, verdict.reason().unwrap_or(Reason::Done));
        entry.owner_or_commitment = tag;
        let sealer = match verdict.reason() {
            None if erasable => self.vault().erasable_sealer(owner, &tag, host).map(Ok)?,
            None => Ok(self.vault().sealer(owner)),
            Some(_) => Err(Error::Denied),
        };
        Ok(Held::new(sealer, host.stage(now, &entry)?))
    }

    /// Records that `address` was confirmed to be the owner's: messages to the owner open for it alone
    /// ([`Access::to_address`](crate::Access::to_address)). It takes the place of an earlier one of the same field (an e-mail address,
    /// a telephone number), and an empty one withdraws that. Takes [`Rights::CONFIRM_ADDRESS`].
    ///
    /// `address` has up to 320 bytes and is compared as it is: normalise it first, always in the same way.
    ///
    /// # Errors
    /// [`Error::TooLong`]: a longer address, or four other fields have one; [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn confirm_address_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        field: Field,
        address: &[u8],
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        if address.len() > MAX_ADDRESS_LEN {
            return Err(Error::TooLong);
        }
        let allowed = self.rights().contains(Rights::CONFIRM_ADDRESS);
        let epoch = self.vault().newest_epoch();
        let tag = self.vault().keys(owner, epoch).owner.address(field, address);
        self.change_owner(Event::ConfirmAddress, owner, allowed, host, |entry, record, verdict| {
            entry.field = field.code();
            verdict.require(!record.erased, Reason::Erased);
            if address.is_empty() {
                record.remove_address(field);
            } else if !record.set_address(VerifiedAddress { field, epoch, tag }) {
                return Err(Error::TooLong);
            }
            Ok(())
        })
    }

    /// Erases an owner: oneself, or another of one's tenant with [`Rights::MAINTAIN`]. There is no way back.
    ///
    /// The owner's secret is destroyed, so that erasable tokens can't be opened by anybody, with all root keys in hand; and the owner's
    /// record says from then on that nothing of this owner opens, erasable or not. Grants and verified addresses go, too. SECURITY.md says
    /// what must happen to backups of the store.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn erase_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        let own = owner == self.principal() && self.rights().contains(Rights::OWN);
        let allowed = own || self.rights().contains(Rights::MAINTAIN);
        self.change_owner(Event::Erase, owner, allowed, host, |_, record, verdict| {
            verdict.require(!record.erased, Reason::Erased);
            record.erase()
        })
    }

    /// An issuer for one's own tenant: for a log-in service, with [`Rights::ISSUE`].
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn issuer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        kind: Kind,
        period: u32,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Issuer>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        verdict.require(self.rights().contains(Rights::ISSUE), Reason::NoRight);
        let issuer = self.vault().issuer(self.principal().tenant(), kind, period)?;
        let entry = self.entry(Event::Issuer, verdict.reason().unwrap_or(Reason::Done));
        Ok(Held::new(verdict.outcome(issuer), host.stage(now, &entry)?))
    }

    /// Changes the record of an owner of one's own tenant, where that is allowed, and says so in the trail.
    pub(crate) fn change_owner<E: Environment, const N: usize, const W: usize>(
        &self,
        event: Event,
        owner: &Principal,
        allowed: bool,
        host: &mut Host<E, N, W>,
        change: impl FnOnce(&mut Entry, &mut OwnerRecord, &mut Verdict) -> Result<(), Error>,
    ) -> Result<Held<()>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        verdict.require(owner.tenant == self.principal().tenant, Reason::OtherTenant);
        verdict.require(allowed, Reason::NoRight);
        let tag = self.vault().tag_key().tag(owner);
        let mut record = OwnerRecord::of(&tag, host)?;
        let mut entry = self.entry(event, Reason::Done);
        entry.owner_or_commitment = tag;
        change(&mut entry, &mut record, &mut verdict)?;
        match verdict.reason() {
            Some(reason) => entry.reason = reason,
            None => record.put(&tag, host)?,
        }
        Ok(Held::new(verdict.outcome(()), host.stage(now, &entry)?))
    }
}

impl Vault {
    /// Seals erasable tokens for one owner: [`sealer`](Self::sealer) for whoever holds the vault itself, a migration for example.
    /// Recorded without a caller.
    ///
    /// # Errors
    /// [`Error::Erased`], [`Error::RngFailed`], [`Error::Unavailable`]
    pub fn erasable_sealer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Sealer>, Error> {
        let now = host.now()?;
        host.reserve(self, 1)?;
        let tag = self.tag_key().tag(owner);
        let sealer = self.erasable_sealer(owner, &tag, host)?;
        let mut entry = Entry::new(Event::Tokenize, Reason::Done);
        entry.owner_or_commitment = tag;
        Ok(Held::new(Ok(sealer), host.stage(now, &entry)?))
    }

    /// With the owner's secret, which is made and staged where there is none.
    fn erasable_sealer<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        tag: &[u8; 16],
        host: &mut Host<E, N, W>,
    ) -> Result<Sealer, Error> {
        let mut record = OwnerRecord::of(tag, host)?;
        if record.make_secret(host.rng())? {
            record.put(tag, host)?;
        }
        Ok(Sealer::new(self.keys(owner, self.newest_epoch()), record.secret().0, true))
    }

    /// What the registry and the trail call this principal: `T(p)`, 16 bytes that tell nothing without the audit key.
    #[must_use]
    pub fn owner_tag(&self, owner: &Principal) -> [u8; 16] {
        self.tag_key().tag(owner)
    }
}

const MAX_ADDRESS_LEN: usize = 320;
