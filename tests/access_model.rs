//! Who may see what: an independent model of SPEC.md sections 4, 9 and 12, a few lines long, against the core.
//!
//! A case has a value in each of fourteen dimensions, whose product has 1,100 million. Run are: products of those that meet each other; around each of ten
//! cases in which something is shown, all that differ from it in at most two things; and a sample of the rest. Millions more are in
//! [`everything_around`], for releases (some minutes): `cargo test --test access_model -- --ignored everything_around`.

mod common;

use std::{cell::Cell, collections::BTreeMap, rc::Rc};

use common::{AUDIENCE, NOW, TestRng, forge};
use symbolon::{
    Access, AuditKey, Batch, CheckedRng, Class, Config, Credential, Entry, Error, Event, Field, Grant, GrantTerms,
    Host, Item, Keyring, MemoryStore, Parts, Principal, Purpose, Purposes, Reason, Record, RecordKey, Rights,
    SealedEntry, Session, SessionKey, Slot, Store, StoreError, Table, Terms, Time, Token, TokenBuf, TrailReader, Vault,
    View, reply_len,
};

// ---- The dimensions of a case.

#[derive(Clone, Copy, PartialEq, Debug)]
enum Caller {
    Alice,
    Bob,
    Carrier,
    Parcels,
    Staff,
    TwinAlice,
    TwinCarrier,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Live {
    Fresh,
    Ended,
    LoggedOut,
}

/// The purposes in the credential.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Purse {
    All,
    OwnUseOnly,
    AllButOwnUse,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Op {
    Detokenize,
    DetokenizeMasked,
    Reveal,
    RevealMasked,
    Rewrap,
    Reown,
}

/// What the place is for.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Asked {
    Name,
    Email,
    Parcel,
    ParcelOfAnotherOrder,
    ParcelOfNone,
}

/// The field that the token was sealed for; a parcel's, in order 7.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Sealed {
    Name,
    Parcel,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Whose {
    Alice,
    Bob,
    TwinAlice,
    /// Alice's, with the commitment of a canary.
    Canary,
    /// Alice's, with another last byte.
    Tampered,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Epoch {
    Newest,
    Older,
    BelowFloor,
    Retired,
}

/// What the store has of Alice.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Kept {
    Record,
    Erased,
    /// Her record, but without the secret of her erasable tokens.
    NoSecret,
}

/// Where a message goes.
#[derive(Clone, Copy, PartialEq, Debug)]
enum To {
    Nowhere,
    Verified,
    VerifiedUnderOlder,
    VerifiedBelowFloor,
    Former,
    Bobs,
    OfAnotherField,
}

/// What became of a grant.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Fate {
    Good,
    ByAuthority,
    Counted,
    OlderEpoch,
    BeginsIn2000,
    EndsIn1,
    EndsNow,
    BeginsIn2001,
    RevokedOne,
    RevokedAll,
    UsedUp,
    BadMac,
    BadBody,
    RetiredEpoch,
    BelowFloor,
    NextGrantEpoch,
}

struct Granted {
    owner: Caller,
    grantee: Caller,
    purpose: Purpose,
    view: View,
    fields: &'static [Field],
    record: Option<&'static [u8]>,
    fate: Fate,
}

const BOTH: &[Field] = &[Field::PERSON_NAME, Field::SHIPPING_ADDRESS];
const ORDER: &[u8] = b"order-7";
const OTHER_ORDER: &[u8] = b"order-8";

const fn granted(fate: Fate) -> Granted {
    Granted {
        owner: Caller::Alice,
        grantee: Caller::Carrier,
        purpose: Purpose::SHIPPING,
        view: View::Full,
        fields: BOTH,
        record: None,
        fate,
    }
}

/// The grants; number 0 stands for none.
const GRANTS: [Granted; 29] = {
    const GOOD: Granted = granted(Fate::Good);
    const PARCEL: &[Field] = &[Field::SHIPPING_ADDRESS];
    const RESEAL: Granted = Granted { view: View::Reseal, purpose: Purpose::MAINTENANCE, ..GOOD };
    [
        GOOD, // none
        GOOD,
        granted(Fate::ByAuthority),
        granted(Fate::Counted),
        granted(Fate::OlderEpoch),
        granted(Fate::BeginsIn2000),
        granted(Fate::EndsIn1),
        Granted { record: Some(ORDER), fields: PARCEL, ..GOOD },
        Granted { view: View::Masked, ..GOOD },
        Granted { grantee: Caller::Staff, purpose: Purpose::SUPPORT, view: View::Masked, ..GOOD },
        Granted { purpose: Purpose::MESSAGE, ..GOOD },
        RESEAL,
        Granted { purpose: Purpose::TRANSFER, ..RESEAL },
        Granted { purpose: Purpose::TRANSFER, grantee: Caller::Bob, ..RESEAL },
        Granted { record: Some(OTHER_ORDER), fields: PARCEL, ..GOOD },
        Granted { fields: &[Field::EMAIL], ..GOOD },
        Granted { grantee: Caller::Parcels, ..GOOD },
        Granted { owner: Caller::Bob, ..GOOD },
        Granted { owner: Caller::TwinAlice, grantee: Caller::TwinCarrier, ..GOOD },
        granted(Fate::EndsNow),
        granted(Fate::BeginsIn2001),
        granted(Fate::RevokedOne),
        granted(Fate::RevokedAll),
        granted(Fate::UsedUp),
        granted(Fate::BadMac),
        granted(Fate::BadBody),
        granted(Fate::RetiredEpoch),
        granted(Fate::BelowFloor),
        granted(Fate::NextGrantEpoch),
    ]
};

const CALLERS: [Caller; 7] = {
    use Caller::*;
    [Alice, Bob, Carrier, Parcels, Staff, TwinAlice, TwinCarrier]
};
const LIVES: [Live; 3] = [Live::Fresh, Live::Ended, Live::LoggedOut];
const PURSES: [Purse; 3] = [Purse::All, Purse::OwnUseOnly, Purse::AllButOwnUse];
const PURPOSES: [Purpose; 6] =
    [Purpose::OWN_USE, Purpose::SHIPPING, Purpose::MESSAGE, Purpose::SUPPORT, Purpose::MAINTENANCE, Purpose::TRANSFER];
const OPS: [Op; 6] = [Op::Detokenize, Op::DetokenizeMasked, Op::Reveal, Op::RevealMasked, Op::Rewrap, Op::Reown];
const ASKED: [Asked; 5] = [Asked::Name, Asked::Email, Asked::Parcel, Asked::ParcelOfAnotherOrder, Asked::ParcelOfNone];
const SEALED: [Sealed; 2] = [Sealed::Name, Sealed::Parcel];
const WHOSE: [Whose; 5] = [Whose::Alice, Whose::Bob, Whose::TwinAlice, Whose::Canary, Whose::Tampered];
const EPOCHS: [Epoch; 4] = [Epoch::Newest, Epoch::Older, Epoch::BelowFloor, Epoch::Retired];
const KEPT: [Kept; 3] = [Kept::Record, Kept::Erased, Kept::NoSecret];
const TOS: [To; 7] = {
    use To::*;
    [Nowhere, Verified, VerifiedUnderOlder, VerifiedBelowFloor, Former, Bobs, OfAnotherField]
};

/// One value of each dimension, by its number: caller, live, right own, purposes, purpose, grant, operation, asked, sealed, whose token and epoch,
/// erasable, what is kept of Alice, destination.
type Numbers = [usize; 14];
const SIZES: Numbers = [7, 3, 2, 3, 6, 29, 6, 5, 2, 5, 4, 2, 3, 7];
const CALLER: usize = 0;
const LIVE: usize = 1;
const OWN: usize = 2;
const PURSE: usize = 3;
const PURPOSE: usize = 4;
const GRANT: usize = 5;
const OP: usize = 6;
const ASK: usize = 7;
const SEAL: usize = 8;
const WHO: usize = 9;
const EPOCH: usize = 10;
const ERASABLE: usize = 11;
const ERASED: usize = 12;
const TO: usize = 13;

#[derive(Clone, Copy)]
struct Case {
    numbers: Numbers,
    caller: Caller,
    live: Live,
    own: bool,
    purse: Purse,
    purpose: Purpose,
    grant: Option<&'static Granted>,
    op: Op,
    asked: Asked,
    sealed: Sealed,
    whose: Whose,
    epoch: Epoch,
    erasable: bool,
    erased: bool,
    kept: Kept,
    to: To,
}

impl Case {
    fn of(numbers: Numbers) -> Self {
        static GRANTED: [Granted; 29] = GRANTS;
        Self {
            numbers,
            caller: CALLERS[numbers[CALLER]],
            live: LIVES[numbers[LIVE]],
            own: numbers[OWN] == 0,
            purse: PURSES[numbers[PURSE]],
            purpose: PURPOSES[numbers[PURPOSE]],
            grant: (numbers[GRANT] > 0).then(|| &GRANTED[numbers[GRANT]]),
            op: OPS[numbers[OP]],
            asked: ASKED[numbers[ASK]],
            sealed: SEALED[numbers[SEAL]],
            whose: WHOSE[numbers[WHO]],
            epoch: EPOCHS[numbers[EPOCH]],
            erasable: numbers[ERASABLE] == 1,
            erased: KEPT[numbers[ERASED]] == Kept::Erased,
            kept: KEPT[numbers[ERASED]],
            to: TOS[numbers[TO]],
        }
    }
}

// ---- The model: who may see what. From SPEC.md, and without a call into the core.

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Shown {
    Refused,
    Value,
    Mask,
    Resealed,
}

fn may(c: &Case) -> Shown {
    let tenant = |who| if matches!(who, Caller::TwinAlice | Caller::TwinCarrier) { 2 } else { 1 };
    let (owner, allowed) = match c.grant {
        None => (c.caller, c.own && c.op != Op::Reown),
        Some(g) => {
            let genuine = tenant(c.caller) == tenant(g.owner)
                && !matches!(g.fate, Fate::BadMac | Fate::BadBody | Fate::RetiredEpoch | Fate::BelowFloor);
            let holds = !matches!(
                g.fate,
                Fate::EndsNow | Fate::BeginsIn2001 | Fate::RevokedOne | Fate::RevokedAll | Fate::UsedUp
            );
            let of_this_grant_epoch = (c.erased && g.owner == Caller::Alice) == (g.fate == Fate::NextGrantEpoch);
            let view = match c.op {
                Op::Detokenize | Op::Reveal => g.view == View::Full,
                Op::DetokenizeMasked | Op::RevealMasked => g.view != View::Reseal,
                Op::Rewrap => g.purpose == Purpose::MAINTENANCE,
                Op::Reown => g.purpose == Purpose::TRANSFER && c.own,
            };
            let field = match c.asked {
                Asked::Name => g.fields.contains(&Field::PERSON_NAME),
                Asked::Email => g.fields.contains(&Field::EMAIL),
                _ => g.fields.contains(&Field::SHIPPING_ADDRESS) && (g.record.is_none() || g.record == record(c.asked)),
            };
            (
                g.owner,
                genuine
                    && g.grantee == c.caller
                    && holds
                    && of_this_grant_epoch
                    && g.purpose == c.purpose
                    && view
                    && field,
            )
        }
    };
    let session = c.live == Live::Fresh && in_purse(c.purse, c.purpose);
    let arrives = match (c.purpose == Purpose::MESSAGE, owner) {
        (false, _) => c.to == To::Nowhere,
        (true, Caller::Alice) => matches!(c.to, To::Verified | To::VerifiedUnderOlder),
        (true, Caller::Bob) => c.to == To::Bobs,
        _ => false,
    };
    let owners = matches!(
        (c.whose, owner),
        (Whose::Alice, Caller::Alice) | (Whose::Bob, Caller::Bob) | (Whose::TwinAlice, Caller::TwinAlice)
    );
    let epoch = c.epoch == Epoch::Older || c.epoch == Epoch::Newest && c.op != Op::Rewrap;
    let place = matches!((c.sealed, c.asked), (Sealed::Name, Asked::Name) | (Sealed::Parcel, Asked::Parcel));
    let gone = owner == Caller::Alice && (c.erased || c.erasable && c.kept == Kept::NoSecret);
    match c.op {
        _ if !(allowed && session && arrives && owners && epoch && place && !gone) => Shown::Refused,
        Op::Detokenize | Op::Reveal => Shown::Value,
        Op::DetokenizeMasked | Op::RevealMasked => Shown::Mask,
        Op::Rewrap | Op::Reown => Shown::Resealed,
    }
}

fn record(asked: Asked) -> Option<&'static [u8]> {
    match asked {
        Asked::Parcel => Some(ORDER),
        Asked::ParcelOfAnotherOrder => Some(OTHER_ORDER),
        _ => None,
    }
}

fn in_purse(purse: Purse, purpose: Purpose) -> bool {
    match purse {
        Purse::All => true,
        Purse::OwnUseOnly => purpose == Purpose::OWN_USE,
        Purse::AllButOwnUse => purpose != Purpose::OWN_USE,
    }
}

/// The reason that the trail has: the first that holds, in the order of section 9.
fn why(c: &Case) -> Reason {
    let twin = matches!(c.caller, Caller::TwinAlice | Caller::TwinCarrier);
    let known = matches!(c.epoch, Epoch::Newest | Epoch::Older);
    let owner = c.grant.map_or(c.caller, |g| g.owner);
    let grant = |wrong: &dyn Fn(&Granted) -> bool| c.grant.is_some_and(wrong);
    let message = c.purpose == Purpose::MESSAGE;
    let own_mail = match owner {
        Caller::Alice => !c.erased && matches!(c.to, To::Verified | To::VerifiedUnderOlder),
        owner => owner == Caller::Bob && c.to == To::Bobs,
    };
    [
        (c.whose == Whose::Canary && known && !twin, Reason::Canary),
        (c.live == Live::Ended, Reason::SessionEnded),
        (c.live == Live::LoggedOut, Reason::LoggedOut),
        (!c.own && (c.grant.is_none() || c.op == Op::Reown), Reason::NoRight),
        (!in_purse(c.purse, c.purpose), Reason::WrongPurpose),
        (grant(&|g| twin != (g.owner == Caller::TwinAlice)), Reason::BadGrant),
        (
            grant(&|g| matches!(g.fate, Fate::BadMac | Fate::BadBody | Fate::RetiredEpoch | Fate::BelowFloor)),
            Reason::BadGrant,
        ),
        (grant(&|g| g.grantee != c.caller), Reason::WrongGrantee),
        (grant(&|g| matches!(g.fate, Fate::EndsNow | Fate::BeginsIn2001)), Reason::GrantNotInTime),
        (grant(&|g| matches!(g.fate, Fate::RevokedOne | Fate::RevokedAll)), Reason::GrantRevoked),
        (grant(&|g| (c.erased && g.owner == Caller::Alice) != (g.fate == Fate::NextGrantEpoch)), Reason::GrantRevoked),
        (grant(&|g| g.fate == Fate::UsedUp), Reason::GrantUsedUp),
        (grant(&|g| !covered(g, c)), Reason::NotInGrant),
        (c.op == Op::Reown && c.grant.is_none(), Reason::NotInGrant),
        (if message { !own_mail } else { c.to != To::Nowhere }, Reason::WrongDestination),
        (c.erased && owner == Caller::Alice, Reason::Erased),
        (!known, Reason::UnknownEpoch),
        (twin != (c.whose == Whose::TwinAlice), Reason::ForeignToken),
        ((c.sealed == Sealed::Name) != (c.asked == Asked::Name) || c.asked == Asked::Email, Reason::WrongField),
        (c.op == Op::Rewrap && c.epoch != Epoch::Older, Reason::NotOlder),
    ]
    .into_iter()
    .find_map(|(holds, reason)| holds.then_some(reason))
    .unwrap_or(Reason::DoesNotOpen)
}

/// Point 5 of an opening under a grant.
fn covered(g: &Granted, c: &Case) -> bool {
    let (field, bound) = match c.asked {
        Asked::Name => (Field::PERSON_NAME, false),
        Asked::Email => (Field::EMAIL, false),
        _ => (Field::SHIPPING_ADDRESS, true),
    };
    let view = match c.op {
        Op::Detokenize | Op::Reveal => g.view == View::Full,
        Op::DetokenizeMasked | Op::RevealMasked => matches!(g.view, View::Full | View::Masked),
        Op::Rewrap | Op::Reown => g.view == View::Reseal,
    };
    g.purpose == c.purpose
        && (c.op != Op::Rewrap || g.purpose == Purpose::MAINTENANCE)
        && (c.op != Op::Reown || g.purpose == Purpose::TRANSFER)
        && view
        && g.fields.contains(&field)
        && (g.record.is_none() || bound && record(c.asked) == g.record)
}

// ---- The core, set up with all that the cases need.

/// When the cases happen.
const AT: Time = NOW.plus(10_000);
const FLOOR: u16 = 3;
const NAME: &str = "山田 太郎";
const PARCEL: &str = "〒100-0001 東京都千代田区千代田1-1";

/// A store that can lose an owner's secret.
struct Shop {
    memory: MemoryStore<128, 128>,
    hidden: Rc<Cell<Option<[u8; 16]>>>,
}

impl Store for Shop {
    fn room(&self) -> usize {
        self.memory.room()
    }

    fn record_room(&self, now: Time) -> usize {
        self.memory.record_room(now)
    }

    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        let found = self.memory.get(key, out)?;
        if found.is_some() && key.table == Table::Owner && self.hidden.get() == Some(key.id) {
            out[1] &= !2;
            out[6..38].fill(0);
        }
        Ok(found)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.memory.commit(batch)
    }

    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.memory.entries(sink)
    }

    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.memory.last_entry()
    }

    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.memory.acknowledge(sequence)
    }
}

type Env = Parts<Box<dyn FnMut() -> Option<Time>>, TestRng, Shop>;
type Of = Session<&'static Vault>;

struct Setup {
    vault: &'static Vault,
    host: Host<Env, 64, 256>,
    audit: AuditKey,
    reader: TrailReader,
    sessions: Vec<(SessionKey, Credential, Of)>,
    tokens: Vec<TokenBuf>,
    grants: Vec<Option<Grant>>,
}

fn who(caller: Caller) -> Principal {
    let (tenant, kind, subject) = match caller {
        Caller::Alice => ("shop-17", 1, "alice"),
        Caller::Bob => ("shop-17", 1, "bob"),
        Caller::Carrier => ("shop-17", 3, "carrier"),
        Caller::Parcels => ("shop-17", 3, "parcels"),
        Caller::Staff => ("shop-17", 2, "support"),
        Caller::TwinAlice => ("shop-18", 1, "alice"),
        Caller::TwinCarrier => ("shop-18", 3, "carrier"),
    };
    match kind {
        1 => Principal::person(tenant, subject),
        2 => Principal::staff(tenant, subject),
        _ => Principal::service(tenant, subject),
    }
    .unwrap()
}

fn address(to: To) -> Option<(Field, &'static [u8])> {
    Some(match to {
        To::Nowhere => return None,
        To::Verified => (Field::EMAIL, b"alice@example.com".as_slice()),
        To::VerifiedUnderOlder => (Field::PHONE, b"+81312345678"),
        To::VerifiedBelowFloor => (Field::custom(1, Class::SMALLEST).unwrap(), b"@alice"),
        To::Former => (Field::EMAIL, b"alice@old.example.com"),
        To::Bobs => (Field::EMAIL, b"bob@example.com"),
        To::OfAnotherField => (Field::PHONE, b"alice@example.com"),
    })
}

impl Setup {
    fn new(kept: Kept) -> Self {
        // Epoch 1 is retired, 2 below the floor, 3 older, 4 the newest.
        let mut keyring = Keyring::generate(&mut TestRng(1)).unwrap();
        let mut vaults: Vec<&'static Vault> = Vec::new();
        for epoch in 1..=4 {
            let floor = if epoch == 4 { FLOOR } else { 0 };
            let mut copied = forge::copy(&keyring);
            if epoch == 4 {
                copied.retire(1).unwrap();
            }
            let config = Config { token_floor: floor, ..Config::new(AUDIENCE) };
            vaults.push(Box::leak(Box::new(Vault::new(copied, &config).unwrap())));
            if epoch < 4 {
                keyring.add_epoch(&mut TestRng(1 + u64::from(epoch as u8))).unwrap();
            }
        }
        let roots = forge::secrets(&keyring).1;
        let vault = vaults[3];
        let mut store = Shop { memory: MemoryStore::new(), hidden: Rc::default() };
        let hidden = store.hidden.clone();
        let audit = AuditKey::create(vault, &mut store, &mut TestRng(10 + kept as u64)).unwrap();
        let clock = Rc::new(Cell::new(NOW));
        let its = clock.clone();
        let env = Parts { clock: Box::new(move || Some(its.get())) as Box<dyn FnMut() -> _>, rng: TestRng(2), store };
        let host = Host::open(vault, env).unwrap();
        let reader = audit.reader();
        let mut setup = Self { vault, host, audit, reader, sessions: vec![], tokens: vec![], grants: vec![] };
        setup.log_in_everybody();
        setup.seal_everything(&vaults, &roots);
        setup.confirm_addresses(&vaults);
        setup.grant_everything(&roots);
        if kept == Kept::Erased {
            let maintainer = setup.log_in(vault, &who(Caller::Staff), Rights::MAINTAIN, Purposes::OWN_USE, 60_000).2;
            let held = maintainer.erase_held(&who(Caller::Alice), &mut setup.host).unwrap();
            setup.host.settle(vault, held).unwrap();
        }
        hidden.set((kept == Kept::NoSecret).then(|| vault.owner_tag(&who(Caller::Alice))));
        clock.set(AT);
        setup.drain();
        setup
    }

    fn log_in(
        &mut self,
        vault: &'static Vault,
        who: &Principal,
        rights: Rights,
        purposes: Purposes,
        life: u64,
    ) -> (SessionKey, Credential, Of) {
        let rng = &mut self.host.environment().rng;
        let key = SessionKey::generate(rng).unwrap();
        let issuer = vault.issuer(who.tenant(), who.kind(), NOW.period()).unwrap();
        let terms = Terms { rights, purposes, life, proof_required: false };
        let credential = issuer.issue(who, &key, &terms, NOW, rng).unwrap();
        let session = vault.authenticate_bearer(&credential, &mut self.host).unwrap();
        self.drain();
        (key, credential, session)
    }

    fn log_in_everybody(&mut self) {
        for caller in CALLERS {
            for live in LIVES {
                for rights in [Rights::OWN, Rights::NONE] {
                    for purse in PURSES {
                        let purposes = match purse {
                            Purse::All => Purposes::from_bits(u64::MAX),
                            Purse::OwnUseOnly => Purposes::OWN_USE,
                            Purse::AllButOwnUse => Purposes::from_bits(!1),
                        };
                        let life = if live == Live::Ended { 10_000 } else { 60_000 };
                        let session = self.log_in(self.vault, &who(caller), rights, purposes, life);
                        if live == Live::LoggedOut {
                            self.vault.log_out(session.2.id(), &mut self.host).unwrap();
                        }
                        self.sessions.push(session);
                    }
                }
            }
        }
    }

    fn seal_everything(&mut self, vaults: &[&'static Vault], roots: &[(u16, forge::Key)]) {
        let mut rng = CheckedRng::new(TestRng(3));
        for sealed in SEALED {
            for whose in WHOSE {
                for epoch in EPOCHS {
                    for erasable in [false, true] {
                        let number = match epoch {
                            Epoch::Newest => 3,
                            Epoch::Older => 2,
                            Epoch::BelowFloor => 1,
                            Epoch::Retired => 0,
                        };
                        let owner = who(match whose {
                            Whose::Bob => Caller::Bob,
                            Whose::TwinAlice => Caller::TwinAlice,
                            _ => Caller::Alice,
                        });
                        let sealer = if erasable {
                            let held = vaults[number].erasable_sealer_held(&owner, &mut self.host).unwrap();
                            self.host.settle(self.vault, held).unwrap()
                        } else {
                            vaults[number].sealer(&owner)
                        };
                        let (slot, value) = match sealed {
                            Sealed::Name => (Field::PERSON_NAME.into(), NAME),
                            Sealed::Parcel => (Slot::in_record(Field::SHIPPING_ADDRESS, ORDER).unwrap(), PARCEL),
                        };
                        let mut out = [0; Token::MAX_LEN];
                        let token = sealer.tokenize(slot, value.as_bytes(), &mut out, &mut rng).unwrap();
                        let mut token = TokenBuf::new(&token);
                        if whose == Whose::Canary {
                            token = forge::canary(&token, &roots[number].1, owner.tenant());
                        }
                        if whose == Whose::Tampered {
                            let mut bytes = token.as_token().as_bytes().to_vec();
                            *bytes.last_mut().unwrap() ^= 1;
                            token = TokenBuf::new(&symbolon::Token::from_bytes(&bytes).unwrap());
                        }
                        self.tokens.push(token);
                        self.drain();
                    }
                }
            }
        }
    }

    fn confirm_addresses(&mut self, vaults: &[&'static Vault]) {
        let clerk = who(Caller::Staff);
        for (owner, to, number) in [
            (Caller::Alice, To::Former, 3),
            (Caller::Alice, To::Verified, 3),
            (Caller::Alice, To::VerifiedUnderOlder, 2),
            (Caller::Alice, To::VerifiedBelowFloor, 1),
            (Caller::Bob, To::Bobs, 3),
        ] {
            let session = self.log_in(vaults[number], &clerk, Rights::CONFIRM_ADDRESS, Purposes::OWN_USE, 60_000).2;
            let (field, address) = address(to).unwrap();
            let held = session.confirm_address_held(&who(owner), field, address, &mut self.host).unwrap();
            self.host.settle(self.vault, held).unwrap();
        }
    }

    fn grant_everything(&mut self, roots: &[(u16, forge::Key)]) {
        let everything = Purposes::from_bits(u64::MAX);
        let mut sessions = BTreeMap::new();
        for owner in [Caller::Alice, Caller::Bob, Caller::TwinAlice] {
            sessions.insert(owner as usize, self.log_in(self.vault, &who(owner), Rights::OWN, everything, 60_000).2);
        }
        let authority = Principal::service("shop-17", "policy").unwrap();
        let authority = self.log_in(self.vault, &authority, Rights::GRANT, Purposes::OWN_USE, 60_000).2;
        self.grants = vec![None; GRANTS.len()];
        // What is revoked with all others comes first.
        let mut order: Vec<usize> = (1..GRANTS.len()).collect();
        order.sort_by_key(|number| GRANTS[*number].fate != Fate::RevokedAll);
        for number in order {
            let Granted { owner, grantee, purpose, view, fields, record, fate } = GRANTS[number];
            let terms = GrantTerms {
                grantee: &who(grantee),
                fields,
                purpose,
                view,
                record,
                not_before: match fate {
                    Fate::BeginsIn2000 => AT.plus(2_000),
                    Fate::BeginsIn2001 => AT.plus(2_001),
                    _ => NOW,
                },
                expires: match fate {
                    Fate::EndsIn1 => AT.plus(1),
                    Fate::EndsNow => AT,
                    _ => AT.plus(60_000),
                },
                uses: match (view, fate) {
                    (View::Reseal, _) | (_, Fate::Counted) => Some(u32::MAX),
                    (_, Fate::UsedUp) => Some(1),
                    _ => None,
                },
            };
            let session = &sessions[&(owner as usize)];
            let held = if fate == Fate::ByAuthority {
                authority.grant_for_held(&who(owner), &terms, "ticket 4711", &mut self.host)
            } else {
                session.grant_held(&terms, &mut self.host)
            };
            let grant = self.host.settle(self.vault, held.unwrap()).unwrap();
            let owner = who(owner);
            // Keyring epochs 1 to 4 are numbers 0 to 3.
            let of_epoch = |epoch: u16| {
                forge::regrant(&grant, &roots[usize::from(epoch) - 1].1, &owner, &[(4, &epoch.to_le_bytes())])
            };
            let edited = |at: usize| {
                let mut bytes = *grant.as_bytes();
                bytes[at] ^= 1;
                Grant::from_bytes(&bytes).unwrap()
            };
            let grant = match fate {
                Fate::RevokedOne => {
                    let held = session.revoke_held(&grant, &mut self.host).unwrap();
                    self.host.settle(self.vault, held).unwrap();
                    grant
                }
                Fate::RevokedAll => {
                    let held = session.revoke_all_held(&owner, &mut self.host).unwrap();
                    self.host.settle(self.vault, held).unwrap();
                    grant
                }
                Fate::UsedUp => {
                    let (_, _, carrier) = self.log_in(self.vault, &who(grantee), Rights::NONE, everything, 60_000);
                    let token = &self.tokens[0];
                    let access = Access::new(purpose).under(&grant);
                    let item = Item::of(token.as_token());
                    carrier.detokenize_as(&access, &item, &mut [0; Token::MAX_OPEN_LEN], &mut self.host).unwrap();
                    grant
                }
                Fate::BadMac => edited(190),
                Fate::BadBody => edited(62),
                Fate::RetiredEpoch => of_epoch(1),
                Fate::BelowFloor => of_epoch(2),
                Fate::OlderEpoch => of_epoch(3),
                Fate::NextGrantEpoch => forge::regrant(&grant, &roots[3].1, &owner, &[(6, &2_u32.to_le_bytes())]),
                _ => grant,
            };
            self.grants[number] = Some(grant);
            self.drain();
        }
    }

    /// All new entries of the trail, which the store then forgets.
    fn drain(&mut self) -> Vec<Entry> {
        let (mut entries, mut last, reader) = (Vec::new(), 0, &mut self.reader);
        let store = &mut self.host.environment().store;
        let each = &mut |sealed: &SealedEntry| {
            last = sealed.sequence();
            entries.push(reader.read(sealed).unwrap().entry);
            true
        };
        store.entries(each).unwrap();
        store.acknowledge(last).unwrap();
        entries
    }

    fn uses(&mut self, grant: &Grant) -> u32 {
        let (mut value, key) =
            ([0; Record::MAX_LEN], RecordKey { table: Table::GrantUses, id: forge::grant_id(grant) });
        match self.host.environment().store.get(&key, &mut value).unwrap() {
            None => 0,
            Some(len) => u32::from_le_bytes(value[..len].try_into().unwrap()),
        }
    }

    /// What the core does with this case, and what the trail says of it.
    fn run(&mut self, c: &Case) -> (Shown, Entry) {
        let n = &c.numbers;
        let number = ((n[CALLER] * 3 + n[LIVE]) * 2 + n[OWN]) * 3 + n[PURSE];
        let token = self.tokens[((n[SEAL] * 5 + n[WHO]) * 4 + n[EPOCH]) * 2 + n[ERASABLE]].clone();
        let token = token.as_token();
        let grant = self.grants[n[GRANT]].clone();
        let mut access = Access::new(c.purpose);
        if let Some(grant) = &grant {
            access = access.under(grant);
        }
        if let Some((field, address)) = address(c.to) {
            access = access.to_address(field, address);
        }
        if matches!(c.op, Op::DetokenizeMasked | Op::RevealMasked) {
            access = access.masked();
        }
        let slot: Slot<'_> = match c.asked {
            Asked::Name => Field::PERSON_NAME.into(),
            Asked::Email => Field::EMAIL.into(),
            Asked::ParcelOfNone => Field::SHIPPING_ADDRESS.into(),
            asked => Slot::in_record(Field::SHIPPING_ADDRESS, record(asked).unwrap()).unwrap(),
        };
        let item = Item::new(slot, token);
        let used = grant.as_ref().map_or(0, |grant| self.uses(grant));
        let (key, credential, session) = &self.sessions[number];
        let mut work = [0xaa; Token::MAX_LEN];
        let (value, mask) = match c.sealed {
            Sealed::Name => (NAME, "山●●"),
            Sealed::Parcel => (PARCEL, "●●●●"),
        };
        let is = |found: &[u8]| {
            if found == value.as_bytes() {
                Shown::Value
            } else {
                assert_eq!(found, mask.as_bytes());
                Shown::Mask
            }
        };
        let mut resealed = None;
        let host = &mut self.host;
        let (shown, event) = match c.op {
            Op::Detokenize | Op::DetokenizeMasked => {
                let shown = match session.detokenize_as(&access, &item, &mut work, host) {
                    Ok(found) => is(found.expose()),
                    Err(error) => refused(error),
                };
                let used = token.as_bytes().len() - 38;
                assert!(work[..used].iter().all(|byte| *byte == 0), "wiped, opened or not");
                (shown, Event::Detokenize)
            }
            Op::Reveal | Op::RevealMasked => {
                let items = [item];
                let mut out = vec![0xaa; reply_len(&items)];
                let barred = c.live != Live::Fresh || !c.own && c.grant.is_none() || !in_purse(c.purse, c.purpose);
                let shown = match session.reveal(&access, &items, &mut out, host) {
                    Ok(reply) => {
                        assert!(!barred);
                        let mut reply = reply.as_bytes().to_vec();
                        let reply = key.open_reply(credential, None, &items, &mut reply).unwrap();
                        let shown = reply.values().next().unwrap().map_or(Shown::Refused, is);
                        let view = reply.views().next().unwrap();
                        assert_eq!(
                            view.map(|view| view == View::Full),
                            (shown != Shown::Refused).then_some(shown == Shown::Value)
                        );
                        shown
                    }
                    Err(error) => {
                        assert!(barred);
                        refused(error)
                    }
                };
                (shown, Event::Reveal)
            }
            Op::Rewrap => match session.rewrap(&access, &item, &mut work, host) {
                Ok(new) => {
                    resealed = Some(TokenBuf::new(&new));
                    (Shown::Resealed, Event::Rewrap)
                }
                Err(error) => (refused(error), Event::Rewrap),
            },
            Op::Reown => {
                let mut request = session.request(&access, 1, host).unwrap();
                let held = request.reown_held(&item, &mut work, host).unwrap();
                match host.settle(self.vault, held) {
                    Ok(new) => {
                        resealed = Some(TokenBuf::new(&new.into_token()));
                        (Shown::Resealed, Event::Reown)
                    }
                    Err(error) => (refused(error), Event::Reown),
                }
            }
        };
        let mut entries = self.drain();
        assert_eq!(entries.len(), 1, "each has its entry");
        let entry = entries.pop().unwrap();
        assert_eq!(entry.event, event);
        if let Some(new) = resealed {
            self.opens_for_its_owner(c, &new, token.is_erasable(), slot, value);
        } else if event == Event::Rewrap || event == Event::Reown {
            assert!(work[..token.as_bytes().len()].iter().all(|byte| *byte == 0));
        }
        if let Some((grant, granted)) = grant.as_ref().zip(c.grant) {
            let valid =
                !matches!(why_of_caller(c), Some(reason) if reason != Reason::NotInGrant) && covered(granted, c);
            let counts = valid && (granted.view == View::Reseal || granted.fate == Fate::Counted);
            assert_eq!(self.uses(grant) - used, u32::from(counts), "what is counted: {:?} {:?}", n, c.op);
        }
        (shown, entry)
    }

    fn opens_for_its_owner(&mut self, c: &Case, new: &TokenBuf, erasable: bool, slot: Slot<'_>, value: &str) {
        let new = new.as_token();
        assert_eq!((new.epoch(), new.field(), new.is_erasable()), (4, slot.field(), erasable));
        let owner = match (c.op, c.grant) {
            (Op::Rewrap, Some(grant)) => grant.owner,
            _ => c.caller,
        };
        let (_, _, session) = &self.sessions[owner as usize * 18];
        let mut work = [0; Token::MAX_OPEN_LEN];
        let opened = session.detokenize_as(&Access::OWN, &Item::new(slot, new), &mut work, &mut self.host).unwrap();
        assert_eq!(opened.expose(), value.as_bytes());
        drop(opened);
        self.drain();
    }
}

fn refused(error: Error) -> Shown {
    assert_eq!(error, Error::Denied, "one answer for every refusal");
    Shown::Refused
}

/// What the model says against the caller or the grant, whatever the token is.
fn why_of_caller(c: &Case) -> Option<Reason> {
    use Reason::*;
    let any_token = Case { whose: Whose::Alice, ..*c };
    Some(why(&any_token)).filter(|reason| {
        matches!(
            reason,
            SessionEnded
                | LoggedOut
                | NoRight
                | WrongPurpose
                | BadGrant
                | WrongGrantee
                | GrantNotInTime
                | GrantRevoked
                | GrantUsedUp
                | NotInGrant
        )
    })
}

// ---- The cases.

/// Compares, and counts the outcomes.
struct Run {
    setups: [Setup; 3],
    outcomes: BTreeMap<String, usize>,
    cases: usize,
    disagreements: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let setups = KEPT.map(Setup::new);
        Self { setups, outcomes: BTreeMap::new(), cases: 0, disagreements: Vec::new() }
    }

    fn case(&mut self, numbers: Numbers) {
        let c = Case::of(numbers);
        let setup = &mut self.setups[numbers[ERASED]];
        let (shown, entry) = setup.run(&c);
        let expected = may(&c);
        let reason = if expected == Shown::Refused { why(&c) } else { Reason::Done };
        let in_order = entry.reason == reason;
        let wrong = shown != expected || !in_order || !says_what_happened(setup, &c, &entry);
        if wrong && self.disagreements.len() < 20 {
            let told = format!("{shown:?} for {:?}, not {expected:?} for {reason:?}", entry.reason);
            let case = format!(
                "{:?} {:?} own {} {:?} {:?} grant {} {:?} asked {:?} sealed {:?} {:?} {:?} erasable {} {:?} {:?}",
                c.caller,
                c.live,
                c.own,
                c.purse,
                c.purpose,
                numbers[GRANT],
                c.op,
                c.asked,
                c.sealed,
                c.whose,
                c.epoch,
                numbers[ERASABLE],
                c.kept,
                c.to
            );
            self.disagreements.push(format!("{numbers:?} {case}: {told}\n{entry:?}"));
        }
        *self.outcomes.entry(format!("{expected:?} {reason:?}")).or_default() += 1;
        self.cases += 1;
    }

    /// All values of these dimensions, the others as they are.
    fn product(&mut self, mut numbers: Numbers, dimensions: &[usize]) {
        match dimensions {
            [] => self.case(numbers),
            [dimension, others @ ..] => {
                for value in 0..SIZES[*dimension] {
                    numbers[*dimension] = value;
                    self.product(numbers, others);
                }
            }
        }
    }

    /// All that differ in exactly `things` dimensions, from the `from`th on.
    fn departures(&mut self, numbers: Numbers, things: usize, from: usize) {
        if things == 0 {
            return self.case(numbers);
        }
        for dimension in from..SIZES.len() {
            for value in (0..SIZES[dimension]).filter(|value| *value != numbers[dimension]) {
                let mut numbers = numbers;
                numbers[dimension] = value;
                self.departures(numbers, things - 1, dimension + 1);
            }
        }
    }

    /// A sample: each dimension has its value of `base` with a probability of `keep` in 8, otherwise any.
    fn sample(&mut self, base: Numbers, keep: u64, count: usize, rng: &mut TestRng) {
        use rand_core::TryRng;
        for _ in 0..count {
            let mut numbers = base;
            for (number, size) in numbers.iter_mut().zip(SIZES) {
                let random = rng.try_next_u64().unwrap();
                if random % 8 >= keep {
                    *number = (random >> 8) as usize % size;
                }
            }
            self.case(numbers);
        }
    }

    fn finish(self) {
        for (outcome, count) in &self.outcomes {
            println!("{count:>9} {outcome}");
        }
        println!("{:>9} in all", self.cases);
        assert!(self.disagreements.is_empty(), "{}", self.disagreements.join("\n"));
        use Reason::*;
        for reason in [
            Canary,
            SessionEnded,
            LoggedOut,
            NoRight,
            WrongPurpose,
            BadGrant,
            WrongGrantee,
            GrantNotInTime,
            GrantRevoked,
            GrantUsedUp,
            NotInGrant,
            WrongDestination,
            Erased,
            UnknownEpoch,
            ForeignToken,
            WrongField,
            NotOlder,
            DoesNotOpen,
        ] {
            assert!(self.outcomes.get(&format!("Refused {reason:?}")).is_some_and(|count| *count >= 20), "{reason:?}");
        }
        for shown in ["Value", "Mask", "Resealed"] {
            assert!(self.outcomes[&format!("{shown} Done")] >= 50);
        }
    }
}

/// The other parts of the entry: section 8.
fn says_what_happened(setup: &Setup, c: &Case, entry: &Entry) -> bool {
    let n = &c.numbers;
    let shown = may(c);
    let token = setup.tokens[((n[SEAL] * 5 + n[WHO]) * 4 + n[EPOCH]) * 2 + n[ERASABLE]].as_token();
    let field = match c.asked {
        Asked::Name => Field::PERSON_NAME,
        Asked::Email => Field::EMAIL,
        _ => Field::SHIPPING_ADDRESS,
    };
    let genuine = c.grant.is_some_and(|g| {
        let twin = matches!(c.caller, Caller::TwinAlice | Caller::TwinCarrier);
        twin == (g.owner == Caller::TwinAlice)
            && !matches!(g.fate, Fate::BadMac | Fate::BadBody | Fate::RetiredEpoch | Fate::BelowFloor)
    });
    let grant = setup.grants[n[GRANT]].as_ref().filter(|_| genuine).map(forge::grant_id);
    let owner = who(c.grant.map_or(c.caller, |g| g.owner));
    let (view, owner) = match shown {
        Shown::Refused => (0, token.as_bytes()[22..38].try_into().unwrap()),
        Shown::Value => (1, setup.audit.tag_of(&owner)),
        Shown::Mask => (2, setup.audit.tag_of(&owner)),
        Shown::Resealed => (3, setup.audit.tag_of(&owner)),
    };
    entry.field == field.code()
        && entry.purpose == u16::from(c.purpose.code())
        && (entry.view, entry.count) == (view, 1)
        && entry.caller == setup.audit.tag_of(&who(c.caller))
        && entry.token.header == token.as_bytes()[..6]
        && entry.token.nonce == token.as_bytes()[10..22]
        && entry.owner_or_commitment == owner
        && entry.grant == grant.map_or([0; 8], |id| id[..8].try_into().unwrap())
}

fn at(values: &[(usize, usize)]) -> Numbers {
    let mut numbers = [0; 14];
    for (dimension, value) in values {
        numbers[*dimension] = *value;
    }
    numbers
}

/// Cases in which something is shown; what is not said is number 0: Alice, her own, an own token of the newest epoch.
fn bases() -> [Numbers; 10] {
    let parcel = [(ASK, 2), (SEAL, 1), (EPOCH, 1)];
    let carrier = [(CALLER, 2), (OWN, 1), (PURPOSE, 1), (GRANT, 1)];
    let of = |parts: &[&[(usize, usize)]]| at(&parts.concat());
    [
        of(&[]),
        of(&[&parcel, &[(ERASABLE, 1), (OP, 3)]]),
        of(&[&[(EPOCH, 1), (OP, 4), (PURPOSE, 4)]]),
        of(&[&carrier, &parcel, &[(GRANT, 7)]]),
        of(&[&carrier, &[(OP, 1), (CALLER, 4), (PURPOSE, 3), (GRANT, 9)]]),
        of(&[&carrier, &[(OP, 2), (PURPOSE, 2), (GRANT, 10), (TO, 1), (ERASABLE, 1)]]),
        of(&[&carrier, &[(OP, 4), (PURPOSE, 4), (GRANT, 11), (EPOCH, 1)]]),
        of(&[&carrier, &parcel, &[(OP, 5), (PURPOSE, 5), (GRANT, 13), (CALLER, 1), (OWN, 0), (ERASABLE, 1)]]),
        of(&[&[(CALLER, 5), (WHO, 2), (ERASED, 1)]]),
        of(&[&parcel, &[(OP, 2), (ERASED, 2)]]),
    ]
}

/// What is run each time.
#[test]
fn the_core_does_what_the_model_says() {
    let mut run = Run::new();
    for (number, base) in bases().into_iter().enumerate() {
        assert_ne!(may(&Case::of(base)), Shown::Refused, "base {number}");
        (0..=2).for_each(|things| run.departures(base, things, 0));
    }
    // Who asks, what for, under which grant, to see what.
    run.product(at(&[(EPOCH, 1)]), &[CALLER, PURPOSE, GRANT, OP]);
    run.product(at(&[(EPOCH, 1), (SEAL, 1), (ERASABLE, 1)]), &[CALLER, GRANT, OP, ASK]);
    // Which token, in which place.
    run.product(at(&[]), &[OP, ASK, SEAL, WHO, EPOCH, ERASABLE, ERASED]);
    run.product(at(&[(CALLER, 2), (PURPOSE, 1), (GRANT, 1)]), &[OP, ASK, SEAL, WHO, EPOCH, ERASABLE]);
    // Which session, and where to.
    run.product(at(&[(EPOCH, 1)]), &[LIVE, OWN, PURSE, PURPOSE, OP, TO]);
    run.product(at(&[(PURPOSE, 2), (CALLER, 2), (EPOCH, 1)]), &[LIVE, OWN, PURSE, GRANT, TO]);
    let mut rng = TestRng(4);
    for base in bases() {
        run.sample(base, 6, 1500, &mut rng);
        run.sample(base, 0, 500, &mut rng);
    }
    run.finish();
    every_value_decides();
}

/// Re-owning between two sessions: the former owner's may open it, the new one's is live, has the right own, and is of the same tenant; neither is erased.
#[test]
fn between_two_sessions() {
    let mut setups = [Kept::Record, Kept::Erased].map(Setup::new);
    let (mut done, mut refused) = (0, 0);
    for (number, from) in CALLERS.into_iter().enumerate() {
        for (other, to) in CALLERS.into_iter().enumerate().filter(|(_, to)| *to != from) {
            for sessions in 0..3 * 2 * 3 * 3 * 2 {
                let (its, theirs) = (sessions / 6, sessions % 6 * 3);
                for (erased, whose, epoch, ask) in
                    [(0, 0, 0, 0), (0, 0, 1, 0), (1, 0, 0, 0), (1, 1, 0, 0), (0, 1, 2, 0), (0, 1, 0, 1), (1, 2, 0, 0)]
                {
                    let numbers = at(&[
                        (CALLER, number),
                        (LIVE, its / 6),
                        (OWN, its / 3 % 2),
                        (PURSE, its % 3),
                        (ASK, ask),
                        (WHO, whose),
                        (EPOCH, epoch),
                        (ERASED, erased),
                    ]);
                    let c = Case::of(numbers);
                    let same_tenant = (number < 5) == (other < 5);
                    let takes =
                        same_tenant && theirs / 6 == 0 && theirs / 3 % 2 == 0 && !(c.erased && to == Caller::Alice);
                    let setup = &mut setups[erased];
                    let token = setup.tokens[(whose * 4 + epoch) * 2 + sessions % 2].clone();
                    let slot = if ask == 0 { Field::PERSON_NAME } else { Field::EMAIL };
                    let item = Item::new(slot, token.as_token());
                    // An erasable token's key went with its owner's secret; the new one gets a secret with its first.
                    let expected = takes && may(&c) == Shown::Value;
                    let mut out = [0xaa; Token::MAX_LEN];
                    let (mine, yours) = (&setup.sessions[other * 18 + theirs].2, &setup.sessions[number * 18 + its].2);
                    let held = mine.reown_held(yours, &item, &mut out, &mut setup.host).unwrap();
                    let outcome = setup.host.settle(setup.vault, held).map(|new| TokenBuf::new(&new.into_token()));
                    let entry = setup.drain().pop().unwrap();
                    assert_eq!(outcome.is_ok(), expected, "{from:?} {its} to {to:?} {theirs}: {:?}", entry.reason);
                    assert_eq!(entry.reason == Reason::Done, expected);
                    match outcome {
                        Ok(new) => {
                            done += 1;
                            let mut work = [0; Token::MAX_OPEN_LEN];
                            let Setup { sessions, host, .. } = setup;
                            let (mine, yours) = (&sessions[other * 18].2, &sessions[number * 18].2);
                            assert_eq!(
                                mine.detokenize(slot, &new.as_token(), &mut work, host).unwrap().expose(),
                                NAME.as_bytes()
                            );
                            assert_eq!(
                                yours.detokenize(slot, &new.as_token(), &mut work, host).unwrap_err(),
                                Error::Denied
                            );
                            setup.drain();
                        }
                        Err(error) => {
                            refused += 1;
                            assert_eq!(error, Error::Denied);
                            assert!(out[..token.as_token().as_bytes().len()].iter().all(|byte| *byte == 0), "wiped");
                        }
                    }
                }
            }
        }
    }
    println!("{done} made over, {refused} refused");
    assert!(done >= 20 && refused >= 25_000);
}

/// For releases: around each base all that differ from it in at most three things, larger products, a larger sample.
#[test]
#[ignore = "minutes"]
fn everything_around() {
    let mut run = Run::new();
    for base in bases() {
        run.departures(base, 3, 0);
    }
    run.product(at(&[(EPOCH, 1)]), &[CALLER, OWN, PURPOSE, GRANT, OP, ASK, SEAL, ERASED]);
    run.product(at(&[(PURPOSE, 2)]), &[CALLER, LIVE, OWN, PURSE, GRANT, OP, TO]);
    let mut rng = TestRng(5);
    for base in bases() {
        run.sample(base, 6, 100_000, &mut rng);
        run.sample(base, 0, 100_000, &mut rng);
    }
    run.finish();
}

/// Every value of every dimension makes the difference between shown and refused, or between two ways to be shown, in cases that were run: it is never there in vain.
fn every_value_decides() {
    for (dimension, size) in SIZES.into_iter().enumerate() {
        for value in 0..size {
            let decides = bases().into_iter().any(|base| {
                let with = |value| {
                    let mut numbers = base;
                    numbers[dimension] = value;
                    may(&Case::of(numbers))
                };
                (0..size).any(|other| with(other) != with(value))
            });
            assert!(decides, "dimension {dimension}, value {value}");
        }
    }
}
