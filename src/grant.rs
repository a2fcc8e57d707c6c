//! The grant: one owner lets one grantee open some fields, for a purpose, for a time. SPEC.md section 12.

use core::{fmt, ops::Deref};

use subtle::ConstantTimeEq;

use crate::{
    Environment, Error, Field, Held, Host, Kind, MAX_RECORD_LEN, Principal, Purpose, Record, RecordKey, Rights,
    Session, Slot, Table, Time, Vault, View,
    access::Asked,
    authenticate::Verdict,
    bytes::put,
    entry::{Entry, Event, REASON_LEN, Reason, TokenHead, take},
    held::Withheld,
    keys::GrantKey,
    owner::OwnerRecord,
    principal::{Id, MAX_ID_LEN},
    replay::MAX_AHEAD,
    time::{DAY, MINUTE},
};

/// A grant: public bytes of one size, worth nothing to anybody but the grantee's own sessions, and no longer than its owner wants.
///
/// A narrower one is minted afresh; nothing can be taken from a grant or added to it.
#[derive(Clone, PartialEq, Eq)]
pub struct Grant([u8; Self::LEN]);

/// What a grant is to say.
#[derive(Clone, Copy)]
pub struct GrantTerms<'a> {
    /// Who may open: a principal of the same tenant, not the owner and not who mints it.
    pub grantee: &'a Principal,
    /// Which fields: 1 to 8.
    pub fields: &'a [Field],
    /// What for. [`Purpose::MAINTENANCE`] and [`Purpose::TRANSFER`] go with [`View::Reseal`] and with nothing else.
    pub purpose: Purpose,
    /// The most that is shown.
    pub view: View,
    /// Only values that are bound to this record, 1 to 64 bytes: then every field must be a bound one.
    pub record: Option<&'a [u8]>,
    /// From when on.
    pub not_before: Time,
    /// Until when: at most 366 days from now.
    pub expires: Time,
    /// How many openings, refused ones included: at least 1. `None`: they are not counted, which a [`View::Reseal`] grant can't be.
    pub uses: Option<u32>,
}

impl Grant {
    /// Bytes of a grant.
    pub const LEN: usize = BODY_LEN + MAC_LEN;

    /// The longest reason of a policy authority, in bytes: what the trail has room for.
    pub const MAX_REASON_LEN: usize = REASON_LEN;

    /// Checks the form. Whether it is genuine only a session can find out, by opening under it.
    ///
    /// # Errors
    /// [`Error::Malformed`]
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let grant = Self(bytes.try_into().map_err(|_| Error::Malformed)?);
        match grant.read() {
            Some(_) => Ok(grant),
            None => Err(Error::Malformed),
        }
    }

    /// The bytes, as SPEC.md section 12 draws them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; Self::LEN] {
        &self.0
    }

    /// When it ends, unverified.
    #[must_use]
    pub fn expires_unverified(&self) -> Time {
        self.read().map_or(Time::default(), |claims| claims.expires)
    }

    /// Its purpose, unverified: what an [`Access`](crate::Access) under it must say.
    #[must_use]
    pub fn purpose_unverified(&self) -> Purpose {
        self.read().map_or(Purpose::OWN_USE, |claims| claims.purpose)
    }

    /// The most that it shows, unverified.
    #[must_use]
    pub fn view_unverified(&self) -> View {
        self.read().map_or(View::Reseal, |claims| claims.view)
    }

    /// The first 8 bytes of its id, unverified: what the trail calls it.
    #[must_use]
    pub fn id_unverified(&self) -> [u8; 8] {
        self.read().map_or([0; 8], |claims| first8(&claims.id))
    }

    fn body(&self) -> &[u8] {
        self.0.get(..BODY_LEN).unwrap_or_default()
    }

    fn mac(&self) -> [u8; MAC_LEN] {
        self.0.last_chunk().copied().unwrap_or_default()
    }

    /// The parts; `None` never happens to a grant, for its form was checked.
    fn read(&self) -> Option<Claims> {
        Claims::from_body(self.body())
    }
}

impl fmt::Debug for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Grant").field("purpose", &self.purpose_unverified()).finish_non_exhaustive()
    }
}

impl Withheld for Grant {
    fn restore(&mut self) {}
}

/// What a grant's body says.
#[derive(Clone)]
struct Claims {
    view: View,
    owner: (Kind, Id),
    purpose: Purpose,
    epoch: u16,
    grant_epoch: u32,
    not_before: Time,
    expires: Time,
    uses: u32,
    fields: [u16; MAX_FIELDS],
    grantee: [u8; 16],
    grantor: [u8; 16],
    record: [u8; 16],
    id: [u8; 16],
}

impl Claims {
    fn to_body(&self) -> [u8; BODY_LEN] {
        let mut body = [0; BODY_LEN];
        let (kind, subject) = (self.owner.0.code(), self.owner.1.as_bytes());
        let fields = self.fields.map(u16::to_le_bytes);
        let parts: [&[u8]; 14] = [
            &[VERSION, self.view.code(), kind, self.purpose.code()],
            &self.epoch.to_le_bytes(),
            &self.grant_epoch.to_le_bytes(),
            &self.not_before.to_le_bytes(),
            &self.expires.to_le_bytes(),
            &self.uses.to_le_bytes(),
            fields.as_flattened(),
            &self.grantee,
            &self.grantor,
            &self.record,
            &self.id,
            &[u8::try_from(subject.len()).unwrap_or_default()],
            subject,
            &[],
        ];
        put(&mut body, &parts);
        body
    }

    fn from_body(mut body: &[u8]) -> Option<Self> {
        let rest = &mut body;
        let [VERSION, view, kind, purpose] = take(rest)? else { return None };
        let claims = Self {
            view: View::from_code(view)?,
            purpose: Purpose::from_code(purpose).ok()?,
            epoch: u16::from_le_bytes(take(rest)?),
            grant_epoch: u32::from_le_bytes(take(rest)?),
            not_before: Time::from_le_bytes(take(rest)?),
            expires: Time::from_le_bytes(take(rest)?),
            uses: u32::from_le_bytes(take(rest)?),
            fields: take_fields(rest)?,
            grantee: take(rest)?,
            grantor: take(rest)?,
            record: take(rest)?,
            id: take(rest)?,
            owner: (Kind::from_code(kind)?, take_subject(rest)?),
        };
        let reseals = view == View::Reseal.code();
        let well_formed = claims.not_before < claims.expires
            && claims.purpose.is_resealing() == reseals
            && !(reseals && claims.uses == 0)
            && rest.is_empty();
        well_formed.then_some(claims)
    }

    /// Stands for claims that can't be read, which never happens to a grant. It is over, and good for nothing.
    fn of_nothing(caller: &Principal) -> Self {
        Self {
            view: View::Reseal,
            owner: (caller.kind, caller.subject.clone()),
            purpose: Purpose::OWN_USE,
            epoch: 0,
            grant_epoch: 0,
            not_before: Time::default(),
            expires: Time::default(),
            uses: 0,
            fields: [0; MAX_FIELDS],
            grantee: [0; 16],
            grantor: [0; 16],
            record: [0; 16],
            id: [0; 16],
        }
    }

    fn has(&self, field: Field) -> bool {
        self.fields.contains(&field.code())
    }
}

/// 1 to 8 codes of fields, rising, zeros behind them.
fn take_fields(rest: &mut &[u8]) -> Option<[u16; MAX_FIELDS]> {
    let mut fields = [0; MAX_FIELDS];
    let mut last = 0;
    let mut ended = false;
    for field in &mut fields {
        let code = u16::from_le_bytes(take(rest)?);
        ended |= code == 0;
        let in_order = if ended { code == 0 && last != 0 } else { code > last && Field::from_code(code).is_ok() };
        if !in_order {
            return None;
        }
        *field = code;
        last = last.max(code);
    }
    Some(fields)
}

/// A length, the subject, zeros behind it.
fn take_subject(rest: &mut &[u8]) -> Option<Id> {
    let [len] = take(rest)?;
    let bytes: [u8; MAX_ID_LEN] = take(rest)?;
    let (subject, zeros) = bytes.split_at_checked(usize::from(len))?;
    Id::new(subject).ok().filter(|_| zeros.iter().all(|byte| *byte == 0))
}

/// A grant that a session presented, and the keys that tell whether it is genuine.
pub(crate) struct Presented {
    claims: Claims,
    pub(crate) owner: Principal,
    pub(crate) owner_tag: [u8; 16],
    key: GrantKey,
    genuine: bool,
}

impl Presented {
    /// The owner is of the caller's tenant: a grant of another one does not verify.
    pub(crate) fn new(grant: &Grant, vault: &Vault, caller: &Principal) -> Self {
        let claims = grant.read().unwrap_or_else(|| Claims::of_nothing(caller));
        let (kind, subject) = claims.owner.clone();
        let owner = Principal { tenant: caller.tenant.clone(), kind, subject };
        let (owner_key, has_epoch) = vault.owner_key(&owner, claims.epoch);
        let key = owner_key.grant(claims.grant_epoch);
        let genuine = bool::from(key.mac(grant.body()).ct_eq(&grant.mac())) && has_epoch;
        Self { owner_tag: vault.tag_key().tag(&owner), owner, key, genuine, claims }
    }

    /// Makes every check of a grant, counts the use where all hold, and gives the grant's id for the entry where it is genuine.
    #[expect(clippy::too_many_arguments, reason = "everything that a grant is bound to comes together here")]
    pub(crate) fn examine<E: Environment, const N: usize, const W: usize>(
        &self,
        caller: &[u8; 16],
        purpose: Purpose,
        asked: Asked,
        slot: Slot<'_>,
        record: &OwnerRecord,
        now: Time,
        verdict: &mut Verdict,
        host: &mut Host<E, N, W>,
    ) -> Result<[u8; 8], Error> {
        let claims = &self.claims;
        let revoked = host.has(&RecordKey { table: Table::RevokedGrant, id: claims.id })?;
        let used = self.used(host)?;
        let in_time = claims.not_before <= now.plus(MAX_AHEAD) && now < claims.expires;
        let record_tag = self.key.record(slot.record());
        let any_record = claims.record == [0; 16];
        let this_record = slot.field().is_bound() && bool::from(record_tag.ct_eq(&claims.record));
        let allows = claims.view.allows(asked.view());
        verdict.require(self.genuine, Reason::BadGrant);
        verdict.require(bool::from(claims.grantee.ct_eq(caller)), Reason::WrongGrantee);
        verdict.require(in_time, Reason::GrantNotInTime);
        verdict.require(!revoked && claims.grant_epoch == record.grant_epoch, Reason::GrantRevoked);
        verdict.require(claims.uses == 0 || used < claims.uses, Reason::GrantUsedUp);
        let for_this = claims.purpose == purpose && asked.purpose().is_none_or(|asked| asked == purpose);
        let covers = for_this && allows && claims.has(slot.field()) && (any_record || this_record);
        verdict.require(covers, Reason::NotInGrant);
        if verdict.reason().is_none() && claims.uses > 0 {
            self.count(used.saturating_add(1), host)?;
        }
        Ok(if self.genuine { first8(&claims.id) } else { [0; 8] })
    }

    fn used<E: Environment, const N: usize, const W: usize>(&self, host: &mut Host<E, N, W>) -> Result<u32, Error> {
        let mut value = [0; MAX_RECORD_LEN];
        match (host.read(&self.uses_key(), &mut value)?, value.first_chunk()) {
            (None, _) => Ok(0),
            (Some(4), Some(count)) => Ok(u32::from_le_bytes(*count)),
            _ => Err(Error::Unavailable),
        }
    }

    fn count<E: Environment, const N: usize, const W: usize>(
        &self,
        used: u32,
        host: &mut Host<E, N, W>,
    ) -> Result<(), Error> {
        let value = heapless::Vec::from_slice(&used.to_le_bytes()).map_err(|_| Error::Unavailable)?;
        host.put_for_caller(Record { key: self.uses_key(), value, expires: self.claims.expires.plus(MINUTE) })
    }

    const fn uses_key(&self) -> RecordKey {
        RecordKey { table: Table::GrantUses, id: self.claims.id }
    }
}

impl<V: Deref<Target = Vault>> Session<V> {
    /// Mints a grant to what is the session's own.
    ///
    /// # Errors
    /// [`Error::InvalidTerms`], [`Error::InvalidField`], [`Error::RngFailed`], [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn grant_held<E: Environment, const N: usize, const W: usize>(
        &self,
        terms: &GrantTerms<'_>,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Grant>, Error> {
        let (now, mut verdict) = self.live(2, host)?;
        verdict.require(self.rights().contains(Rights::OWN), Reason::NoRight);
        self.mint(self.principal(), terms, now, &mut verdict, host)
    }

    /// Mints a grant to what is another's, as the tenant's policy authority ([`Rights::GRANT`]): an act of its own, on the record
    /// with its reason (a ticket's number: 1 to 34 bytes), never part of the request that opens.
    ///
    /// # Errors
    /// As [`grant_held`](Self::grant_held); [`Error::InvalidTerms`] also for a reason of another length or with a NUL in it, and for
    /// [`Purpose::TRANSFER`]: only the owner can give a token away.
    pub fn grant_for_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        terms: &GrantTerms<'_>,
        reason: &str,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Grant>, Error> {
        let words = Entry::words(reason).ok_or(Error::InvalidTerms)?;
        if terms.purpose == Purpose::TRANSFER {
            return Err(Error::InvalidTerms);
        }
        let (now, mut verdict) = self.live(3, host)?;
        verdict.require(owner.tenant == self.principal().tenant, Reason::OtherTenant);
        verdict.require(self.rights().contains(Rights::GRANT), Reason::NoRight);
        let held = self.mint(owner, terms, now, &mut verdict, host)?;
        let mut entry = self.entry(Event::GrantReason, verdict.reason().unwrap_or(Reason::Done));
        (entry.token, entry.owner_or_commitment) = words;
        let staged = self.stage(now, &entry, host)?;
        Ok(held.also(staged))
    }

    fn mint<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        terms: &GrantTerms<'_>,
        now: Time,
        verdict: &mut Verdict,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<Grant>, Error> {
        let tags = self.vault().tag_key();
        let (owner_tag, grantee) = (tags.tag(owner), tags.tag(terms.grantee));
        let to_another = *terms.grantee != *owner && *terms.grantee != *self.principal();
        let fields = sorted(terms.fields).ok_or(Error::InvalidTerms)?;
        let uses = terms.uses.unwrap_or(0);
        if terms.uses == Some(0)
            || terms.grantee.tenant != owner.tenant
            || !to_another
            || terms.expires > now.plus(MAX_LIFE)
            || !all_bound_if(terms)
        {
            return Err(Error::InvalidTerms);
        }
        let random = host.random16()?;
        let owner_record = OwnerRecord::of(&owner_tag, host)?;
        verdict.require(!owner_record.erased, Reason::Erased);
        let epoch = self.vault().newest_epoch();
        let key = self.vault().owner_key(owner, epoch).0.grant(owner_record.grant_epoch);
        let record = match terms.record {
            Some(record) => key.record(Slot::in_record(Field::SHIPPING_ADDRESS, record)?.record()),
            None => [0; 16],
        };
        let mut claims = Claims {
            view: terms.view,
            owner: (owner.kind, owner.subject.clone()),
            purpose: terms.purpose,
            epoch,
            grant_epoch: owner_record.grant_epoch,
            not_before: terms.not_before,
            expires: terms.expires,
            uses,
            fields,
            grantee,
            grantor: self.caller(),
            record,
            id: [0; 16],
        };
        claims.id = key.id(&random, &claims.to_body());
        let grant = assemble(&key, &claims).ok_or(Error::InvalidTerms)?;
        let refused = verdict.reason();
        let mut entry = self.entry(Event::Grant, refused.unwrap_or(Reason::Done));
        let [lowest, ..] = fields;
        entry.field = lowest;
        entry.purpose = terms.purpose.code().into();
        entry.view = terms.view.code();
        entry.count = uses;
        entry.token = TokenHead::of_principal(&grantee);
        entry.owner_or_commitment = owner_tag;
        if refused.is_none() {
            entry.grant = first8(&claims.id);
        }
        let mut scope = Entry::grant_scope_of(terms.not_before, terms.expires, &fields);
        (scope.caller, scope.caller_kind) = (entry.caller, entry.caller_kind);
        (scope.session, scope.grant, scope.reason) = (entry.session, entry.grant, entry.reason);
        let _first = self.stage(now, &entry, host)?;
        let staged = self.stage(now, &scope, host)?;
        Ok(Held::new(if refused.is_none() { Ok(grant) } else { Err(Error::Denied) }, staged))
    }

    /// Revokes one grant, from its commit on: its owner, or who has the right to mint grants for others or to maintain.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn revoke_held<E: Environment, const N: usize, const W: usize>(
        &self,
        grant: &Grant,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        let (now, mut verdict) = self.live(1, host)?;
        let presented = Presented::new(grant, self.vault(), self.principal());
        verdict.require(presented.genuine, Reason::BadGrant);
        verdict.require(self.may_manage(&presented.owner), Reason::NoRight);
        let mut entry = self.entry(Event::Revoke, verdict.reason().unwrap_or(Reason::Done));
        if presented.genuine {
            entry.owner_or_commitment = presented.owner_tag;
            entry.grant = first8(&presented.claims.id);
        }
        if verdict.reason().is_none() {
            let key = RecordKey { table: Table::RevokedGrant, id: presented.claims.id };
            let expires = presented.claims.expires.plus(MINUTE);
            host.put_for_caller(Record { key, value: heapless::Vec::new(), expires })?;
        }
        Ok(Held::new(verdict.outcome(()), self.stage(now, &entry, host)?))
    }

    /// Revokes all grants of an owner that were ever minted: for oneself, or with the right to mint grants for others or to maintain.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; refusals come by way of [`Held::release`].
    pub fn revoke_all_held<E: Environment, const N: usize, const W: usize>(
        &self,
        owner: &Principal,
        host: &mut Host<E, N, W>,
    ) -> Result<Held<()>, Error> {
        self.change_owner(Event::RevokeAll, owner, self.may_manage(owner), None, host, |record| {
            record.grant_epoch = record.next_grant_epoch()?;
            Ok(None)
        })
    }

    /// For the owner, and for who may mint grants for others or maintain.
    fn may_manage(&self, owner: &Principal) -> bool {
        let own = owner == self.principal() && self.rights().contains(Rights::OWN);
        own || self.rights().contains(Rights::GRANT) || self.rights().contains(Rights::MAINTAIN)
    }
}

impl fmt::Debug for GrantTerms<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrantTerms").field("purpose", &self.purpose).field("view", &self.view).finish_non_exhaustive()
    }
}

/// The grant of these claims, where their form is right.
fn assemble(key: &GrantKey, claims: &Claims) -> Option<Grant> {
    let body = claims.to_body();
    let mut bytes = [0; Grant::LEN];
    put(&mut bytes, &[&body, &key.mac(&body)]);
    Grant::from_bytes(&bytes).ok()
}

/// 1 to 8 fields, each once, in order.
fn sorted(fields: &[Field]) -> Option<[u16; MAX_FIELDS]> {
    let mut codes = [u16::MAX; MAX_FIELDS];
    for (slot, field) in codes.get_mut(..fields.len())?.iter_mut().zip(fields) {
        *slot = field.code();
    }
    codes.sort_unstable();
    let twice = codes.windows(2).any(|pair| matches!(pair, [a, b] if a == b && *a != u16::MAX));
    (!fields.is_empty() && !twice).then(|| codes.map(|code| if code == u16::MAX { 0 } else { code }))
}

/// A grant for one record is good for bound fields only: of another, nothing tells the record.
fn all_bound_if(terms: &GrantTerms<'_>) -> bool {
    terms.record.is_none() || terms.fields.iter().all(|field| field.is_bound())
}

fn first8(id: &[u8; 16]) -> [u8; 8] {
    id.first_chunk().copied().unwrap_or_default()
}

const VERSION: u8 = 0x11;
const BODY_LEN: usize = 175;
const MAC_LEN: usize = 16;
const MAX_FIELDS: usize = 8;
const MAX_LIFE: u64 = 366 * DAY;

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::{
        Config, Keyring,
        vectors::{array, cases, hex},
    };

    fn who(tenant: &str, kind: &str, subject: &str) -> Principal {
        Principal::new(&hex(tenant), Kind::from_code(kind.parse().unwrap()).unwrap(), &hex(subject)).unwrap()
    }

    /// tests/vectors/grants.txt: the same terms make the same bytes as in the second implementation, and these verify.
    #[test]
    fn vectors() {
        for case in cases(include_str!("../tests/vectors/grants.txt")) {
            let [keys, tenant, rest @ ..] = &case[..] else { panic!("{case:?}") };
            let [owner_kind, owner, grantee_kind, grantee, grantor_kind, grantor, view, purpose, rest @ ..] = rest
            else {
                panic!("{case:?}")
            };
            let [grant_epoch, not_before, expires, uses, fields, record, random, grant] = rest else {
                panic!("{case:?}")
            };
            let vault = Vault::new(Keyring::read_secret(&hex(keys)).unwrap(), &Config::new(b"a")).unwrap();
            let owner = who(tenant, owner_kind, owner);
            let tag = |kind, subject| vault.owner_tag(&who(tenant, kind, subject));
            let fields: std::vec::Vec<Field> = fields.split(',').map(|name| Field::from_name(name).unwrap()).collect();
            let grant_epoch = grant_epoch.parse().unwrap();
            let key = vault.owner_key(&owner, vault.newest_epoch()).0.grant(grant_epoch);
            let record = hex(record);
            let mut claims = Claims {
                view: View::from_code(view.parse().unwrap()).unwrap(),
                owner: (owner.kind, owner.subject.clone()),
                purpose: Purpose::from_code(purpose.parse().unwrap()).unwrap(),
                epoch: vault.newest_epoch(),
                grant_epoch,
                not_before: Time::from_millis(not_before.parse().unwrap()),
                expires: Time::from_millis(expires.parse().unwrap()),
                uses: uses.parse().unwrap(),
                fields: sorted(&fields).unwrap(),
                grantee: tag(grantee_kind, grantee),
                grantor: tag(grantor_kind, grantor),
                record: if record.is_empty() { [0; 16] } else { key.record(&record) },
                id: [0; 16],
            };
            claims.id = key.id(&array(random), &claims.to_body());
            let made = assemble(&key, &claims).unwrap();
            assert_eq!(made.as_bytes().as_slice(), hex(grant), "{case:?}");
            let grantee = who(tenant, grantee_kind, grantee);
            assert!(Presented::new(&made, &vault, &grantee).genuine);
            for at in 0..Grant::LEN {
                let mut bytes = *made.as_bytes();
                bytes[at] ^= 1;
                let altered = Grant::from_bytes(&bytes);
                assert!(altered.is_err() || !Presented::new(&altered.unwrap(), &vault, &grantee).genuine, "byte {at}");
            }
        }
    }

    /// tests/vectors/grants-fail.txt: each rule of the form on its own.
    #[test]
    fn forms() {
        let mut malformed = 0;
        for case in cases(include_str!("../tests/vectors/grants-fail.txt")) {
            let well_formed = Grant::from_bytes(&hex(&case[0])).is_ok();
            assert_eq!(well_formed, case[1] == "ok", "{case:?}");
            malformed += usize::from(!well_formed);
        }
        assert!(malformed >= 20, "{malformed}");
    }

    #[test]
    fn fields_are_sorted_and_each_there_once() {
        let custom = |number| Field::custom(number, crate::Class::SMALLEST).unwrap();
        assert_eq!(sorted(&[]), None);
        assert_eq!(sorted(&[Field::PHONE, Field::PHONE]), None);
        assert_eq!(sorted(&[Field::EMAIL, Field::PERSON_NAME]), Some([1, 4, 0, 0, 0, 0, 0, 0]));
        let nine: std::vec::Vec<Field> = (0..9).map(custom).collect();
        assert_eq!(sorted(&nine), None);
        assert!(sorted(&nine[..8]).is_some_and(|codes| !codes.contains(&0)));
    }
}
