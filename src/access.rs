//! Access: what an opening is for, under whose authority, and how much it shows; and whether it may be. SPEC.md section 12.

use core::{fmt, ops::Deref};

use subtle::ConstantTimeEq;

use crate::{
    Environment, Error, Field, Grant, Host, Principal, Purpose, Rights, Session, Slot, Time, Vault, View,
    authenticate::Verdict,
    entry::Reason,
    grant::Presented,
    owner::{OwnerRecord, VerifiedAddress},
};

/// How a session opens: for a purpose, by its own right or under a grant, the whole value or its mask.
///
/// It names no owner: that is the session's own principal, or the one whom the grant names under its MAC.
///
/// ```
/// use symbolon::{Access, Grant, Purpose};
///
/// fn label_printer(grant: &Grant) -> Access<'_> {
///     Access::new(Purpose::SHIPPING).under(grant)
/// }
/// fn support(grant: &Grant) -> Access<'_> {
///     Access::new(Purpose::SUPPORT).under(grant).masked()
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Access<'a> {
    purpose: Purpose,
    view: View,
    grant: Option<&'a Grant>,
    address: Option<(Field, &'a [u8])>,
}

impl<'a> Access<'a> {
    /// The owner's own use: the whole value, by the session's own right.
    pub const OWN: Self = Self::new(Purpose::OWN_USE);

    /// For this purpose, which the session's credential must have: the whole value, by the session's own right.
    #[must_use]
    pub const fn new(purpose: Purpose) -> Self {
        Self { purpose, view: View::Full, grant: None, address: None }
    }

    /// Under this grant: the values of the owner whom it names.
    #[must_use]
    pub const fn under(self, grant: &'a Grant) -> Self {
        Self { grant: Some(grant), ..self }
    }

    /// The mask instead of the value.
    #[must_use]
    pub const fn masked(self) -> Self {
        Self { view: View::Masked, ..self }
    }

    /// Where the message will be sent that the values are for. Nothing opens unless this is the owner's verified address of that field
    /// now, byte for byte. [`Purpose::MESSAGE`] asks for it, and no other purpose may have it.
    #[must_use]
    pub const fn to_address(self, field: Field, address: &'a [u8]) -> Self {
        Self { address: Some((field, address)), ..self }
    }

    /// The purpose.
    #[must_use]
    pub const fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(crate) const fn view(&self) -> View {
        self.view
    }
}

impl fmt::Debug for Access<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access").field("purpose", &self.purpose).field("view", &self.view).finish_non_exhaustive()
    }
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// The value, or its mask.
    Show(View),
    /// The same value under a newer key: by the owner, or under a grant for maintenance.
    Rewrap,
    /// Another's value as one's own: under a grant for transfer.
    TakeOver,
    /// One's own value for another session's principal.
    HandOver,
}

impl Asked {
    pub(crate) const fn view(self) -> View {
        match self {
            Self::Show(view) => view,
            Self::Rewrap | Self::TakeOver | Self::HandOver => View::Reseal,
        }
    }

    /// What a grant must be for, where that is fixed.
    pub(crate) const fn purpose(self) -> Option<Purpose> {
        match self {
            Self::Rewrap => Some(Purpose::MAINTENANCE),
            Self::TakeOver => Some(Purpose::TRANSFER),
            Self::Show(_) | Self::HandOver => None,
        }
    }
}

/// Whose values may be opened now, and what stands in the way.
pub(crate) struct Authority {
    pub(crate) now: Time,
    pub(crate) owner: Principal,
    pub(crate) owner_tag: [u8; 16],
    pub(crate) record: OwnerRecord,
    /// The first bytes of the id of a grant that verified.
    pub(crate) grant: [u8; 8],
    pub(crate) refused: Option<Reason>,
    /// Only tokens of epochs below this one: there is nothing to rewrap in others.
    pub(crate) only_below: Option<u16>,
}

impl<V: Deref<Target = Vault>> Session<V> {
    /// What stands in the way of this session now, whatever it presents; with the trail of this vault, and room in it.
    pub(crate) fn barred<E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        asked: Asked,
        host: &mut Host<E, N, W>,
    ) -> Result<(Time, Verdict), Error> {
        let (now, mut verdict) = self.live(1, host)?;
        let needs_own = access.grant.is_none() || asked == Asked::TakeOver;
        verdict.require(!needs_own || self.rights().contains(Rights::OWN), Reason::NoRight);
        verdict.require(self.purposes().contains(access.purpose), Reason::WrongPurpose);
        let may_open = host.may_open(&self.caller(), self.principal().kind, now);
        verdict.require(may_open || !matches!(asked, Asked::Show(_)), Reason::Limited);
        Ok((now, verdict))
    }

    /// Finds whose values this access opens, and every reason against it; all checks are made whatever the first one says. Counts the
    /// use of a grant.
    pub(crate) fn authority<E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        asked: Asked,
        slot: Slot<'_>,
        host: &mut Host<E, N, W>,
    ) -> Result<Authority, Error> {
        let (now, mut verdict) = self.barred(access, asked, host)?;
        let presented = access.grant.map(|grant| Presented::new(grant, self.vault(), self.principal()));
        let (owner, owner_tag) = match &presented {
            Some(presented) => (presented.owner.clone(), presented.owner_tag),
            None => (self.principal().clone(), self.caller()),
        };
        let mut record = OwnerRecord::of(&owner_tag, host)?;
        let mut grant = [0; 8];
        if let Some(presented) = &presented {
            grant = presented.examine(&self.caller(), access.purpose, asked, slot, &record, now, &mut verdict, host)?;
        }
        verdict.require(access.grant.is_some() || asked != Asked::TakeOver, Reason::NotInGrant);
        let arrives = self.arrives(access, &owner, &owner_tag, &mut record, verdict.reason().is_none(), host)?;
        verdict.require(arrives, Reason::WrongDestination);
        verdict.require(!record.erased, Reason::Erased);
        let only_below = (asked == Asked::Rewrap).then(|| self.vault().newest_epoch());
        Ok(Authority { now, owner, owner_tag, record, grant, refused: verdict.reason(), only_below })
    }

    /// True where a message is for the owner's own verified address, and anything else for none. A tag of an older epoch is made anew.
    fn arrives<E: Environment, const N: usize, const W: usize>(
        &self,
        access: &Access<'_>,
        owner: &Principal,
        owner_tag: &[u8; 16],
        record: &mut OwnerRecord,
        may_renew: bool,
        host: &mut Host<E, N, W>,
    ) -> Result<bool, Error> {
        let is_message = access.purpose == Purpose::MESSAGE;
        let Some((field, address)) = access.address else { return Ok(!is_message) };
        let newest = self.vault().newest_epoch();
        let known = record.address(field).cloned();
        let (epoch, expected) = known.as_ref().map_or((newest, [0; 16]), |known| (known.epoch, known.tag));
        let (key, has_epoch) = self.vault().owner_key(owner, epoch);
        let same = bool::from(key.address(field, address).ct_eq(&expected));
        let arrives = same && has_epoch && known.is_some() && is_message;
        if arrives && may_renew && epoch != newest {
            let tag = self.vault().owner_key(owner, newest).0.address(field, address);
            record.set_address(VerifiedAddress { field, epoch: newest, tag });
            record.put(owner_tag, host)?;
        }
        Ok(arrives)
    }
}
