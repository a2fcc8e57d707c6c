//! What is done to an owner's record and in an owner's name: sealing, confirming an address, erasing. SPEC.md sections 12 and 13.
//!
//! These take an owner's name, and open nothing.

use core::ops::Deref;

use crate::{
    Environment, Error, Field, Held, Host, Issuer, Kind, Principal, Rights, Sealer, Session, Vault,
    entry::{Entry, Event, Reason},
    owner::{OwnerRecord, VerifiedAddress},
    time::DAY,
};

impl<V: Deref<Target = Vault>> Session<V> {
    /// What seals values for an owner: for oneself, or for others of one's tenant with [`Rights::TOKENIZE`].
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn sealer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Sealer>, Error> {
        self.seals(owner, host, |_, _| Ok(Ok(self.vault().sealer(owner))))
    }

    /// The same for erasable tokens, which can be made unopenable for good ([`erase_held`](Self::erase_held)). The owner's first one makes
    /// the owner's secret, which is durable before the sealer is handed out.
    ///
    /// # Errors
    /// [`Error::RngFailed`], [`Error::Unavailable`]; refusals come by way of [`Held::release`], also for an owner who was erased.
    pub fn erasable_sealer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Sealer>, Error> {
        self.seals(owner, host, |tag, host| self.vault().erasable_sealer(owner, tag, host))
    }

    fn seals<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
        make: impl FnOnce(&[u8; 16], &mut Host<E, N, W>) -> Result<Result<Sealer, Reason>, Error>,
    ) -> Result<Held<Sealer>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        let own = owner == self.principal() && self.rights().contains(Rights::OWN);
        verdict.require(owner.tenant == self.principal().tenant, Reason::OtherTenant);
        verdict.require(own || self.rights().contains(Rights::TOKENIZE), Reason::NoRight);
        let tag = self.vault().owner_tag(owner);
        let sealer = match verdict.reason() {
            Some(reason) => Err(reason),
            None => make(&tag, host)?,
        };
        let mut entry = self.entry(Event::Tokenize, sealer.as_ref().err().copied().unwrap_or(Reason::Done));
        entry.owner_or_commitment = tag;
        Ok(Held::new(sealer.map_err(|_| Error::Denied), self.stage(now, &entry, host)?))
    }

    /// Records that `address` was confirmed to be the owner's: messages to the owner open for it alone
    /// ([`Access::to_address`](crate::Access::to_address)). It takes the place of an earlier one of the same field (an e-mail address,
    /// a telephone number), and an empty one withdraws that. Takes [`Rights::CONFIRM_ADDRESS`].
    ///
    /// `address` has up to 320 bytes and is compared as it is: normalise it first, always in the same way.
    ///
    /// # Errors
    /// [`Error::TooLong`]: a longer address; [`Error::Unavailable`]; refusals come by way of [`Held::release`], also where four other fields have one.
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
        let tag = self.vault().owner_key(owner, epoch).0.address(field, address);
        self.change_owner(Event::ConfirmAddress, owner, allowed, Some(field), host, |record| {
            if record.erased {
                return Ok(Some(Reason::Erased));
            }
            if address.is_empty() {
                record.remove_address(field);
                return Ok(None);
            }
            let found_room = record.set_address(VerifiedAddress { field, epoch, tag });
            Ok((!found_room).then_some(Reason::NoRoom))
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
        self.change_owner(Event::Erase, owner, allowed, None, host, |record| {
            if record.erased { Ok(Some(Reason::Erased)) } else { record.erase().map(|()| None) }
        })
    }

    /// An issuer for one's own tenant, for today or tomorrow: for a log-in service, with [`Rights::ISSUE`]. Whoever has that right can become
    /// anybody of the tenant, with any right.
    ///
    /// # Errors
    /// [`Error::InvalidTerms`]: another day; [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn issuer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        kind: Kind,
        period: u32,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Issuer>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        verdict.require(self.rights().contains(Rights::ISSUE), Reason::NoRight);
        if period != now.period() && period != now.plus(DAY).period() {
            return Err(Error::InvalidTerms);
        }
        let issuer = self.vault().issuer(self.principal().tenant(), kind, period)?;
        let mut entry = self.entry(Event::Issuer, verdict.reason().unwrap_or(Reason::Done));
        entry.count = period;
        entry.view = kind.code();
        Ok(Held::new(verdict.outcome(issuer), self.stage(now, &entry, host)?))
    }

    /// Changes the record of an owner of one's own tenant, where that is allowed and `change` finds nothing against it, and says so in the
    /// trail.
    pub(crate) fn change_owner<E: Environment, const N: usize, const W: usize>(
        &self,
        event: Event,
        owner: &Principal,
        allowed: bool,
        field: Option<Field>,
        host: &mut Host<E, N, W>,
        change: impl FnOnce(&mut OwnerRecord) -> Result<Option<Reason>, Error>,
    ) -> Result<Held<()>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        verdict.require(owner.tenant == self.principal().tenant, Reason::OtherTenant);
        verdict.require(allowed, Reason::NoRight);
        let tag = self.vault().owner_tag(owner);
        let mut record = OwnerRecord::of(&tag, host)?;
        let refused = match verdict.reason() {
            Some(reason) => Some(reason),
            None => change(&mut record)?,
        };
        if refused.is_none() {
            record.put(&tag, host)?;
        }
        let mut entry = self.entry(event, refused.unwrap_or(Reason::Done));
        entry.field = field.map_or(0, Field::code);
        entry.owner_or_commitment = tag;
        let staged = self.stage(now, &entry, host)?;
        Ok(Held::new(refused.map_or(Ok(()), |_| Err(Error::Denied)), staged))
    }
}

impl Vault {
    /// Seals erasable tokens for one owner: [`sealer`](Self::sealer) for whoever holds the vault itself, a migration for example.
    /// Recorded without a caller.
    ///
    /// # Errors
    /// [`Error::RngFailed`], [`Error::Unavailable`]; [`Error::Denied`], by way of [`Held::release`]: the owner was erased.
    pub fn erasable_sealer_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Sealer>, Error> {
        let now = host.now()?;
        host.reserve(self, 1)?;
        let tag = self.owner_tag(owner);
        let sealer = self.erasable_sealer(owner, &tag, host)?;
        let mut entry = Entry::new(Event::Tokenize, sealer.as_ref().err().copied().unwrap_or(Reason::Done));
        entry.owner_or_commitment = tag;
        Ok(Held::new(sealer.map_err(|_| Error::Denied), host.stage(now, &entry)?))
    }

    /// With the owner's secret, which is made and staged where there is none; not for an owner who was erased.
    fn erasable_sealer<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        tag: &[u8; 16],
        host: &mut Host<E, N, W>,
    ) -> Result<Result<Sealer, Reason>, Error> {
        let mut record = OwnerRecord::of(tag, host)?;
        if record.erased {
            return Ok(Err(Reason::Erased));
        }
        if record.make_secret(host)? {
            record.put(tag, host)?;
        }
        Ok(Ok(Sealer::new(self.keys(owner, self.newest_epoch()), Some(record.secret().0))))
    }

    /// Whether this owner was erased: for whoever holds the vault itself, a job over a list of owners for example.
    ///
    /// # Errors
    /// [`Error::Unavailable`]
    pub fn is_erased<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
    ) -> Result<bool, Error> {
        OwnerRecord::of(&self.owner_tag(owner), host).map(|record| record.erased)
    }

    /// What the registry and the trail call this principal: `T(p)`, 16 bytes that tell nothing without the audit key.
    #[must_use]
    pub fn owner_tag(&self, owner: &Principal) -> [u8; 16] {
        self.tag_key().tag(owner)
    }
}

const MAX_ADDRESS_LEN: usize = 320;
