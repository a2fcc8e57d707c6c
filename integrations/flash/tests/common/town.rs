//! An appliance at work: who lives there, what is sealed, and what its flash held at several times.

use symbolon::{
    AuditKey, Field, Keyring, Principal, Purpose, Purposes, Rights, SealedEntry, Time, Token, TrailReader, View,
    appliance::{
        Asked, AuditorAct, Granting, OfficerAct, Opening, Role, RoleKey, Sealing, SessionAct, TransportKey, Who, write,
    },
};

use super::{
    TestRng,
    client::{AUDITOR, Bench, Caller, Flash, ISSUER, Kept, OFFICER, RoleAct, TENANT, TRANSPORT, WRONG, who_of},
    nor::{Board as _, Line},
};

/// What the flash held, and when.
#[derive(Clone)]
pub struct Moment {
    pub image: Vec<u8>,
    pub time: Time,
    pub entries: Vec<SealedEntry>,
    /// Attempts left, by role.
    pub attempts: [u8; 3],
}

pub struct Town {
    pub line: Line,
    pub blank: Moment,
    pub initialised: Moment,
    pub working: Moment,
    /// Two epochs.
    pub rotated: Moment,
    pub stopped: Moment,
    /// Somebody guessed.
    pub guessed: Moment,
    pub wrapped: Vec<u8>,
    pub audit_key: AuditKey,
    /// A reader that stands before the first entry of `working`.
    pub reader: TrailReader,
    pub alice: Caller,
    pub bob: Caller,
    pub shop: Caller,
    pub carrier: Caller,
    /// Alice's tokens: of her e-mail address, of her telephone number, and an erasable one.
    pub email: Vec<u8>,
    pub phone: Vec<u8>,
    pub erasable: Vec<u8>,
    /// From alice to the carrier, for one use.
    pub grant: Vec<u8>,
}

pub const EMAIL: &[u8] = b"a@example.com";
pub const PHONE: &[u8] = b"+81312345678";
pub const OWN: Opening<'_> = Opening { purpose: 0, masked: false, grant: &[], address_field: 0, address: &[] };
pub const NOW: Time = Time::from_secs(1_795_435_200);

pub fn alice() -> Principal {
    Principal::person(TENANT, "alice").unwrap()
}

pub fn bob() -> Principal {
    Principal::person(TENANT, "bob").unwrap()
}

pub fn carrier() -> Principal {
    Principal::service(TENANT, "carrier").unwrap()
}

pub fn initialise() -> OfficerAct<'static> {
    OfficerAct::Initialise {
        officer: &OFFICER,
        issuer: &ISSUER,
        auditor: &AUDITOR,
        transport: &TRANSPORT,
        audience: b"shop-hsm",
        node: 7,
        max_life: 3_600_000,
    }
}

pub fn open<'a>(field: Field, token: &'a [u8]) -> SessionAct<'a> {
    SessionAct::Detokenize { opening: OWN, item: asked(field, token) }
}

pub fn asked(field: Field, token: &[u8]) -> Asked<'_> {
    Asked { field: field.code(), record: &[], token }
}

/// What the carrier asks for with the grant.
pub fn deliver<'a>(grant: &'a [u8], token: &'a [u8]) -> SessionAct<'a> {
    let opening = Opening { purpose: Purpose::SHIPPING.code(), grant, ..OWN };
    SessionAct::Detokenize { opening, item: asked(Field::PHONE, token) }
}

pub fn granting<'a>(grantee: Who<'a>, fields: &'a [u8], uses: u32) -> SessionAct<'a> {
    let terms = Granting {
        grantee,
        fields,
        purpose: Purpose::SHIPPING.code(),
        view: View::Full.code(),
        record: &[],
        not_before: NOW.as_millis(),
        expires: NOW.plus(3_600_000).as_millis(),
        uses,
    };
    SessionAct::Grant { terms }
}

/// One value to be sealed.
pub fn sealing(field: Field, value: &[u8]) -> Vec<u8> {
    let mut bytes = [0; 256];
    let len = write(&Sealing { field: field.code(), record: &[], value }, &mut bytes).unwrap();
    bytes[..len].to_vec()
}

impl Town {
    pub fn new() -> Self {
        let line = Flash::with_sectors(Kept::MIN_SECTORS).line().clone();
        let mut bench = Bench::power_on(&line, NOW, 1);
        let blank = moment(&mut bench);
        let mut everybody = bench.log_in(Role::Officer, RoleKey::BLANK).unwrap();
        bench.act(&mut everybody, &RoleAct::Officer(initialise())).unwrap();
        let initialised = moment(&mut bench);

        let mut wrapped = [0; TransportKey::MAX_WRAPPED];
        let mut rng = TestRng(77);
        let keyring = Keyring::generate(&mut rng).unwrap();
        let len = TransportKey::new(TRANSPORT).wrap(&keyring, &mut rng, &mut wrapped).unwrap();
        let wrapped = wrapped[..len].to_vec();
        bench.officer(OfficerAct::Import { wrapped: &wrapped }).unwrap();
        bench.pass(5000);
        let secret = bench.auditor(AuditorAct::AuditKey).unwrap();
        let audit_key = AuditKey::read_secret(&secret.try_into().unwrap()).unwrap();
        let mut reader = audit_key.reader();

        let alice_session = bench.issue(&alice(), Rights::OWN, Purposes::OWN_USE);
        let bob_session = bench.issue(&bob(), Rights::OWN, Purposes::OWN_USE);
        let shop = Principal::service(TENANT, "shop").unwrap();
        let rights = Rights::TOKENIZE.and(Rights::MAINTAIN).and(Rights::CONFIRM_ADDRESS).and(Rights::OPERATE);
        let shop = bench.issue(&shop, rights, Purposes::OWN_USE);
        let carrier_session = bench.issue(&carrier(), Rights::NONE, Purposes::of(&[Purpose::SHIPPING]));
        let mut seal = |field, value, erasable| {
            let values = &sealing(field, value);
            bench.in_session(&shop, &SessionAct::Tokenize { owner: who_of(&alice()), erasable, values }).unwrap()
        };
        let email = seal(Field::EMAIL, EMAIL, false);
        let phone = seal(Field::PHONE, PHONE, false);
        let erasable = seal(Field::EMAIL, EMAIL, true);
        let fields = Field::PHONE.code().to_le_bytes();
        let grant = bench.in_session(&alice_session, &granting(who_of(&carrier()), &fields, 1)).unwrap();

        // Until the log has gone around the flash.
        let read = |bench: &mut Bench, reader: &mut TrailReader| {
            bench.drain().iter().for_each(|entry| assert!(reader.read(entry).is_ok()));
        };
        while *line.borrow().erases.iter().min().unwrap() < 1 {
            bench.in_session(&alice_session, &SessionAct::Authenticate).unwrap();
            if bench.entries().len() > 10 {
                read(&mut bench, &mut reader);
            }
            bench.pass(1);
        }
        read(&mut bench, &mut reader);
        let before = reader.fork();
        bench.in_session(&alice_session, &open(Field::EMAIL, &email)).unwrap();
        let working = moment(&mut bench);

        let again = |change: &dyn Fn(&mut Bench)| {
            line.borrow_mut().load(&working.image);
            let mut bench = Bench::power_on(&line, working.time, 2);
            change(&mut bench);
            moment(&mut bench)
        };
        let rotated = again(&|bench| drop(bench.officer(OfficerAct::Rotate).unwrap()));
        let stopped = again(&|bench| drop(bench.in_session(&shop, &SessionAct::Stop).unwrap()));
        let guessed = again(&|bench| {
            for role in [Role::Officer, Role::Issuer, Role::Auditor] {
                for _ in 0..3 {
                    assert!(bench.log_in(role, WRONG).is_err());
                }
            }
        });
        assert!([&email, &phone, &erasable].iter().all(|token| Token::from_bytes(token).is_ok()));
        Self {
            line,
            blank,
            initialised,
            working,
            rotated,
            stopped,
            guessed,
            wrapped,
            audit_key,
            reader: before,
            alice: alice_session,
            bob: bob_session,
            shop,
            carrier: carrier_session,
            email,
            phone,
            erasable,
            grant,
        }
    }
}

fn moment(bench: &mut Bench) -> Moment {
    let image = bench.line.borrow().memory.clone();
    Moment { image, time: bench.time.get(), entries: bench.entries(), attempts: bench.status().attempts }
}
