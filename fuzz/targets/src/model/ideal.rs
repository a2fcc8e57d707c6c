//! The model: what is known of tokens, sessions and grants, and who may see what. Written from SPEC.md sections 4, 7, 9, 12, 13 and 16 in maps
//! and sets; nothing here calls the core.

use std::collections::{BTreeMap, BTreeSet};

use symbolon::Reason;

use super::{Wrong, cast::*};

pub(super) const SECOND: u64 = 1000;
pub(super) const MINUTE: u64 = 60 * SECOND;
pub(super) const DAY: u64 = 1440 * MINUTE;

pub(super) const OWN: u16 = 1;
pub(super) const TOKENIZE: u16 = 1 << 2;
pub(super) const LOOK_UP: u16 = 1 << 3;
pub(super) const MAINTAIN: u16 = 1 << 4;
pub(super) const CONFIRM: u16 = 1 << 6;
pub(super) const GRANT: u16 = 1 << 7;
pub(super) const OPERATE: u16 = 1 << 8;

pub(super) const MESSAGE: u8 = 3;
pub(super) const MAINTENANCE: u8 = 8;
pub(super) const TRANSFER: u8 = 9;

/// The root keys that a vault has, and its floors.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Keys {
    pub(super) epochs: Vec<u16>,
    pub(super) token_floor: u16,
    pub(super) credential_floor: u16,
}

impl Keys {
    pub(super) fn newest(&self) -> u16 {
        *self.epochs.last().expect("there is one")
    }

    pub(super) fn opens(&self, epoch: u16) -> bool {
        self.epochs.contains(&epoch) && epoch >= self.token_floor
    }
}

/// A session's name in the model, through all renewals.
pub(super) type Name = usize;

#[derive(Clone, Debug)]
pub(super) struct SessionFacts {
    pub(super) who: Who,
    pub(super) rights: u16,
    pub(super) purposes: u64,
    pub(super) name: Name,
    pub(super) ends: u64,
    pub(super) keys: Keys,
}

impl SessionFacts {
    pub(super) fn has(&self, right: u16) -> bool {
        self.rights & right == right
    }
}

/// A token as its bytes say, and what it was made from.
#[derive(Clone, Debug)]
pub(super) struct TokenFacts {
    pub(super) owner: Who,
    /// The field, record, epoch and owner's secret that it was sealed with; the field and epoch it says now.
    pub(super) field: usize,
    pub(super) says_field: u16,
    pub(super) record: Option<usize>,
    pub(super) epoch: u16,
    pub(super) erasable: bool,
    pub(super) secret: u32,
    pub(super) value: Vec<u8>,
    /// The tenant whose mark it bears.
    pub(super) mark: Option<usize>,
    /// Of this tenant.
    pub(super) canary: Option<usize>,
    pub(super) is_altered: bool,
}

#[derive(Clone, Debug)]
pub(super) struct GrantFacts {
    pub(super) number: usize,
    pub(super) owner: Who,
    pub(super) grantee: Who,
    pub(super) fields: Vec<usize>,
    pub(super) purpose: u8,
    pub(super) view: u8,
    pub(super) record: Option<usize>,
    pub(super) begins: u64,
    pub(super) expires: u64,
    pub(super) uses: u32,
    pub(super) epoch: u16,
    pub(super) grant_epoch: u32,
    pub(super) is_altered: bool,
}

/// What stands in the way of a place: the field and the record that are asked for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Place {
    pub(super) field: usize,
    pub(super) record: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Asked {
    Show,
    Rewrap,
    /// Another's token, under a grant.
    TakeOver,
    /// One's own, for another session.
    HandOver,
}

#[derive(Clone, Debug)]
pub(super) struct AccessFacts {
    pub(super) purpose: u8,
    pub(super) masked: bool,
    pub(super) grant: Option<GrantFacts>,
    /// Field and address, by their numbers.
    pub(super) address: Option<(usize, usize)>,
}

impl AccessFacts {
    pub(super) const fn own() -> Self {
        Self { purpose: 0, masked: false, grant: None, address: None }
    }
}

/// What is kept of an owner.
#[derive(Clone, Default, Debug)]
pub(super) struct OwnerRow {
    /// There is a row.
    pub(super) exists: bool,
    pub(super) erased: bool,
    pub(super) grant_epoch: u32,
    pub(super) secret: Option<u32>,
    /// By field: the address, and the epoch of its tag.
    pub(super) addresses: BTreeMap<usize, (usize, u16)>,
}

/// What must outlive a restart.
#[derive(Clone, Default, Debug)]
pub(super) struct Registry {
    pub(super) owners: [OwnerRow; COUNT],
    pub(super) logged_out: BTreeSet<Name>,
    pub(super) revoked: BTreeSet<usize>,
    pub(super) uses: BTreeMap<usize, u32>,
    pub(super) stopped: bool,
}

/// What was decided of one token.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    /// [`Reason::Done`]: it opens.
    pub(super) reason: Reason,
    pub(super) owner: Who,
    /// Of a grant that verified.
    pub(super) grant: Option<usize>,
    /// A use of it is to be counted.
    pub(super) counts: Option<usize>,
    /// The tag of this field's address is to be made anew.
    pub(super) renews: Option<usize>,
}

pub(super) struct Ideal {
    pub(super) registry: Registry,
    /// What is in the store for certain.
    pub(super) durable: Registry,
    /// Sessions that an alarm ended, in the host's memory.
    pub(super) ended: BTreeSet<Name>,
    pub(super) wrong: Option<Wrong>,
}

impl Ideal {
    pub(super) fn new(wrong: Option<Wrong>) -> Self {
        Self { registry: Registry::default(), durable: Registry::default(), ended: BTreeSet::new(), wrong }
    }

    pub(super) fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

    /// The power is gone: what was not committed is forgotten.
    pub(super) fn forget(&mut self) {
        if !self.is(Wrong::PowerCutsAreNothing) {
            self.registry = self.durable.clone();
        }
        self.ended.clear();
    }

    pub(super) fn is_over(&self, name: Name) -> bool {
        let over = self.registry.logged_out.contains(&name) || self.ended.contains(&name);
        over && !self.is(Wrong::LogOutIgnored)
    }

    /// What stands in the way of a session, whatever it asks for, in the order of section 9.
    pub(super) fn barred(&self, s: &SessionFacts, now: u64, even_if_stopped: bool) -> Option<Reason> {
        if now >= s.ends && !self.is(Wrong::SessionsNeverEnd) {
            Some(Reason::SessionEnded)
        } else if self.is_over(s.name) {
            Some(Reason::LoggedOut)
        } else if self.registry.stopped && !even_if_stopped && !self.is(Wrong::StopIgnored) {
            Some(Reason::Stopped)
        } else {
            None
        }
    }

    /// The same, and what this access takes, whatever token is presented.
    pub(super) fn barred_as(&self, s: &SessionFacts, access: &AccessFacts, asked: Asked, now: u64) -> Option<Reason> {
        let takes_own = access.grant.is_none() || asked == Asked::TakeOver;
        let has_purpose = s.purposes & 1 << access.purpose != 0 || self.is(Wrong::PurposeIgnored);
        self.barred(s, now, false)
            .or((takes_own && !s.has(OWN)).then_some(Reason::NoRight))
            .or((!has_purpose).then_some(Reason::WrongPurpose))
    }

    /// Whether this token opens for this session, and if not the first reason why, in the order of section 9. `new` is the session of who is to
    /// have it, where it is to be made over.
    pub(super) fn judge(
        &self,
        s: &SessionFacts,
        access: &AccessFacts,
        (asked, place, token): (Asked, Place, &TokenFacts),
        new: Option<&SessionFacts>,
        now: u64,
    ) -> Judged {
        let owner = access.grant.as_ref().filter(|grant| self.is_genuine(grant, s)).map_or(s.who, |grant| grant.owner);
        let mut judged = Judged { reason: Reason::Done, owner, grant: None, counts: None, renews: None };
        let mut against = self.barred_as(s, access, asked, now);
        if let Some(grant) = &access.grant {
            let (reason, genuine) = self.against_grant(s, grant, access, asked, place, now);
            against = against.or(reason);
            judged.grant = genuine.then_some(grant.number);
            judged.counts = (against.is_none() && grant.uses > 0).then_some(grant.number);
        } else if asked == Asked::TakeOver {
            against = against.or(Some(Reason::NotInGrant));
        }
        let row = &self.registry.owners[owner];
        let arrives = self.arrives(access, row, &s.keys);
        if arrives && against.is_none() && access.purpose == MESSAGE {
            judged.renews = access
                .address
                .map(|(field, _)| field)
                .filter(|field| row.addresses.get(field).is_some_and(|(_, epoch)| *epoch != s.keys.newest()));
        }
        against = against.or((!arrives).then_some(Reason::WrongDestination));
        against = against.or((row.erased && !self.is(Wrong::ErasureIgnored)).then_some(Reason::Erased));
        against = against.or(new.and_then(|new| self.against_new_owner(s, new, now)));
        judged.reason = self.against_token(s, owner, asked, place, token, against).unwrap_or(Reason::Done);
        judged
    }

    fn against_token(
        &self,
        s: &SessionFacts,
        owner: Who,
        asked: Asked,
        place: Place,
        token: &TokenFacts,
        against: Option<Reason>,
    ) -> Option<Reason> {
        let known = s.keys.opens(token.epoch) || self.is(Wrong::FloorIgnored) && s.keys.newest() >= token.epoch;
        if known && token.canary == Some(tenant(s.who)) && !self.is(Wrong::CanariesAreTokens) {
            return Some(Reason::Canary);
        }
        if against.is_some() {
            return against;
        }
        let same_tenant = token.mark == Some(tenant(s.who)) || self.is(Wrong::TenantIgnored);
        let owns = token.owner == owner || self.is(Wrong::TenantIgnored) && same_but_for_tenant(token.owner, owner);
        let has_secret = !token.erasable || self.registry.owners[owner].secret == Some(token.secret);
        let same_record = token.record == place.record || self.is(Wrong::RecordIgnored);
        let opens = owns && same_record && !token.is_altered && token.canary.is_none() && has_secret;
        if !known {
            Some(Reason::UnknownEpoch)
        } else if !same_tenant {
            Some(Reason::ForeignToken)
        } else if field(place.field).code() != token.says_field && !self.is(Wrong::FieldIgnored) {
            Some(Reason::WrongField)
        } else if asked == Asked::Rewrap && token.epoch >= s.keys.newest() {
            Some(Reason::NotOlder)
        } else if !opens {
            Some(Reason::DoesNotOpen)
        } else {
            None
        }
    }

    /// It verifies: under its owner's key, of the caller's tenant.
    pub(super) fn is_genuine(&self, grant: &GrantFacts, s: &SessionFacts) -> bool {
        s.keys.opens(grant.epoch) && !grant.is_altered && tenant(grant.owner) == tenant(s.who)
    }

    /// Section 12, "Opening under a grant", 1 to 5; and whether it verified.
    fn against_grant(
        &self,
        s: &SessionFacts,
        grant: &GrantFacts,
        access: &AccessFacts,
        asked: Asked,
        place: Place,
        now: u64,
    ) -> (Option<Reason>, bool) {
        let genuine = self.is_genuine(grant, s);
        let over = now >= grant.expires && !self.is(Wrong::GrantExpiryIgnored);
        let of_this_epoch = grant.grant_epoch == self.registry.owners[grant.owner].grant_epoch;
        let revoked = self.registry.revoked.contains(&grant.number) || !of_this_epoch;
        let used = self.registry.uses.get(&grant.number).copied().unwrap_or(0);
        let purpose = match asked {
            Asked::Show => access.purpose,
            Asked::Rewrap => MAINTENANCE,
            Asked::TakeOver | Asked::HandOver => TRANSFER,
        };
        let view = match (asked, access.masked) {
            (Asked::Show, false) => grant.view == 1,
            (Asked::Show, true) => grant.view <= 2,
            _ => grant.view == 3,
        };
        let record = grant.record.is_none() || place.field == PARCEL && grant.record == place.record;
        let covers = grant.purpose == access.purpose
            && purpose == access.purpose
            && (view || self.is(Wrong::ViewIgnored))
            && grant.fields.contains(&place.field)
            && record;
        let reason = if !genuine {
            Some(Reason::BadGrant)
        } else if grant.grantee != s.who && !self.is(Wrong::GranteeIgnored) {
            Some(Reason::WrongGrantee)
        } else if grant.begins > now + 2 * SECOND || over {
            Some(Reason::GrantNotInTime)
        } else if revoked && !self.is(Wrong::RevocationIgnored) {
            Some(Reason::GrantRevoked)
        } else if grant.uses != 0 && used >= grant.uses && !self.is(Wrong::UsesNotCounted) {
            Some(Reason::GrantUsedUp)
        } else if !covers {
            Some(Reason::NotInGrant)
        } else {
            None
        };
        (reason, genuine)
    }

    /// Section 12, "Deliveries".
    fn arrives(&self, access: &AccessFacts, row: &OwnerRow, keys: &Keys) -> bool {
        let Some((field, address)) = access.address else {
            return access.purpose != MESSAGE || self.is(Wrong::DestinationIgnored);
        };
        let known = row.addresses.get(&field);
        let same = known.is_some_and(|(known, epoch)| *known == address && keys.opens(*epoch));
        access.purpose == MESSAGE && (same || self.is(Wrong::DestinationIgnored))
    }

    fn against_new_owner(&self, s: &SessionFacts, new: &SessionFacts, now: u64) -> Option<Reason> {
        self.barred(new, now, false)
            .or((!new.has(OWN)).then_some(Reason::NoRight))
            .or((tenant(new.who) != tenant(s.who)).then_some(Reason::OtherTenant))
            .or(self.registry.owners[new.who].erased.then_some(Reason::Erased))
    }

    /// What stands in the way of a call about an owner who is named: by oneself with the right `own`, or with one of `rights`.
    pub(super) fn against_naming(
        &self,
        s: &SessionFacts,
        owner: Who,
        by_oneself: bool,
        rights: &[u16],
        now: u64,
    ) -> Option<Reason> {
        let own = by_oneself && owner == s.who && s.has(OWN);
        let allowed = own || rights.iter().any(|right| s.has(*right));
        let same_tenant = tenant(owner) == tenant(s.who) || self.is(Wrong::TenantIgnored);
        self.barred(s, now, false)
            .or((!same_tenant).then_some(Reason::OtherTenant))
            .or((!allowed).then_some(Reason::NoRight))
    }
}
