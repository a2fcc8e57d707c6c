//! The appliance, asked as its clients ask it.

mod device;

use device::*;
use symbolon::{
    Cause, Config, Event, Field, Grant, Item, Keyring, Kind, Principal, Purpose, Purposes, Rights, Token, Vault, View,
    appliance::{
        Asked, AuditorAct, Fault, FrameReader, Granting, IssuerAct, OfficerAct, Opening, Request, Response, Role,
        RoleKey, SELF_TEST, Sealing, SessionAct, TransportKey, Who, read, write,
    },
};

const OWN: Opening<'_> = Opening { purpose: 0, masked: false, grant: &[], address_field: 0, address: &[] };

fn sealing(values: &[(Field, &[u8])]) -> Vec<u8> {
    let mut all = Vec::new();
    for (field, value) in values {
        let mut bytes = [0; 2048];
        let len = write(&Sealing { field: field.code(), record: &[], value }, &mut bytes).unwrap();
        all.extend(&bytes[..len]);
    }
    all
}

fn tokens_of(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut tokens = Vec::new();
    while !bytes.is_empty() {
        let len = (1..=bytes.len()).find(|len| Token::from_bytes(&bytes[..*len]).is_ok()).unwrap();
        tokens.push(bytes[..len].to_vec());
        bytes = &bytes[len..];
    }
    tokens
}

fn asked(field: Field, token: &[u8]) -> Asked<'_> {
    Asked { field: field.code(), record: &[], token }
}

/// A service that may seal for others.
fn sealer(bench: &mut Bench) -> Caller {
    let shop = Principal::service(TENANT, "shop").unwrap();
    let (credential, key) = bench.issue(&shop, Rights::TOKENIZE.and(Rights::MAINTAIN), Purposes::OWN_USE);
    Caller { credential, key }
}

fn seal_for(bench: &mut Bench, service: &Caller, owner: &str, values: &[(Field, &[u8])]) -> Vec<Vec<u8>> {
    let owner = Who { kind: Kind::Person.code(), subject: owner.as_bytes() };
    let act = SessionAct::Tokenize { owner, erasable: false, values: &sealing(values) };
    tokens_of(&bench.in_session(service, &act).unwrap().0)
}

/// From a blank device to a value that its owner sees and her neighbour doesn't.
#[test]
fn from_blank_to_reveal() {
    let mut bench = Bench::blank(1);
    assert_eq!(bench.status().stage, 0);
    assert_eq!(read(&bench.send(&Request::SelfTest)), Ok(Response::SelfTest(SELF_TEST)));
    bench.initialise(7);
    assert_eq!((bench.status().stage, bench.status().node), (1, 7));
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Generate), Ok(vec![1, 0]));
    let status = bench.status();
    assert_eq!((status.stage, status.epoch, status.healthy, status.locked), (2, 1, true, false));
    bench.pass(5000);

    let shop = sealer(&mut bench);
    let name = "山田 太郎".as_bytes();
    let tokens = seal_for(&mut bench, &shop, "alice", &[(Field::PERSON_NAME, name), (Field::EMAIL, b"a@example.com")]);
    let (alice, bob) = (bench.person("alice"), bench.person("bob"));
    bench.in_session(&alice, &SessionAct::Authenticate).unwrap();

    let items = [Item::of(Token::from_bytes(&tokens[0]).unwrap()), Item::of(Token::from_bytes(&tokens[1]).unwrap())];
    let mut bytes = Vec::new();
    for item in &items {
        let mut buffer = [0; 2048];
        let len = write(&asked(item.slot.field(), item.token.as_bytes()), &mut buffer).unwrap();
        bytes.extend(&buffer[..len]);
    }
    let reveal = SessionAct::Reveal { opening: OWN, items: &bytes };
    for (caller, expected) in [(&alice, [Some(name), Some(b"a@example.com".as_slice())]), (&bob, [None, None])] {
        let (mut reply, proof) = bench.in_session(caller, &reveal).unwrap();
        assert!(!reply.windows(name.len()).any(|part| part == name), "the line carries noise");
        let opened = caller.key.open_reply(&caller.credential, Some(&proof), &items, &mut reply).unwrap();
        assert!(opened.values().eq(expected));
    }

    let detokenize = SessionAct::Detokenize { opening: OWN, item: asked(Field::EMAIL, &tokens[1]) };
    assert_eq!(bench.in_session(&alice, &detokenize).unwrap().0, b"a@example.com");
    assert_eq!(bench.in_session(&bob, &detokenize).unwrap_err(), Fault::Denied);

    let key = bench.audit_key();
    assert_eq!(key.node(), 7);
    let mut reader = key.reader();
    let events: Vec<_> = bench.drain().iter().map(|entry| reader.read(entry).unwrap().entry.event).collect();
    for event in [Event::Started, Event::RoleLogIn, Event::Tokenize, Event::Reveal, Event::Detokenize] {
        assert!(events.contains(&event), "{event:?} in {events:?}");
    }
}

/// Given the same roots, what one seals the other opens: a keyring file and a device, and a device and a second one.
#[test]
fn roots_travel_wrapped() {
    let mut rng = <chacha20::ChaCha20Rng as rand_core::SeedableRng>::from_seed([8; 32]);
    let keyring = Keyring::generate(&mut rng).unwrap();
    let mut wrapped = [0; TransportKey::MAX_WRAPPED];
    let len = TransportKey::new(TRANSPORT).wrap(&keyring, &mut rng, &mut wrapped).unwrap();
    let mut first = Bench::blank(2);
    first.initialise(1);
    let mut officer = first.log_in(Role::Officer, OFFICER).unwrap();
    let mut altered = wrapped[..len].to_vec();
    altered[40] ^= 1;
    assert_eq!(first.officer(&mut officer, &OfficerAct::Import { wrapped: &altered }), Err(Fault::InvalidKeyring));
    first.officer(&mut officer, &OfficerAct::Import { wrapped: &wrapped[..len] }).unwrap();
    first.pass(5000);

    // The keyring file's sealer, the device's reader.
    let vault = Vault::new(keyring, &Config::new(b"file")).unwrap();
    let owner = Principal::person(TENANT, "alice").unwrap();
    let mut out = [0; Token::MAX_LEN];
    let mut checked = symbolon::CheckedRng::new(rng);
    let token = vault.sealer(&owner).tokenize(Field::PHONE, b"+81312345678", &mut out, &mut checked).unwrap();
    let detokenize = SessionAct::Detokenize { opening: OWN, item: asked(Field::PHONE, token.as_bytes()) };
    let alice = first.person("alice");
    assert_eq!(first.in_session(&alice, &detokenize).unwrap().0, b"+81312345678");

    // And a second device by a backup.
    let backup = first.officer(&mut officer, &OfficerAct::Backup);
    assert_eq!(backup, Err(Fault::Denied), "the channel ended when others logged in");
    let mut officer = first.log_in(Role::Officer, OFFICER).unwrap();
    let backup = first.officer(&mut officer, &OfficerAct::Backup).unwrap();
    let mut second = Bench::blank(3);
    second.initialise(2);
    let mut officer = second.log_in(Role::Officer, OFFICER).unwrap();
    second.officer(&mut officer, &OfficerAct::Import { wrapped: &backup }).unwrap();
    second.pass(5000);
    let alice = second.person("alice");
    assert_eq!(second.in_session(&alice, &detokenize).unwrap().0, b"+81312345678");
}

/// Rotation, rewrapping and retirement; and all of it there after a restart.
#[test]
fn rotates_and_goes_on_after_a_restart() {
    let mut bench = Bench::ready(4);
    let shop = sealer(&mut bench);
    let tokens = seal_for(&mut bench, &shop, "alice", &[(Field::EMAIL, b"a@example.com")]);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Rotate), Ok(vec![2, 0]));
    bench.restart();
    assert_eq!(bench.status().epoch, 2);
    let alice = bench.person("alice");
    let rewrap = SessionAct::Rewrap { opening: OWN, item: asked(Field::EMAIL, &tokens[0]) };
    let (token, _) = bench.in_session(&alice, &rewrap).unwrap();
    assert_eq!(Token::from_bytes(&token).unwrap().epoch(), 2);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Retire { epoch: 1 }), Ok(vec![2, 0]));
    let open = |token| SessionAct::Detokenize { opening: OWN, item: asked(Field::EMAIL, token) };
    let alice = bench.person("alice");
    assert_eq!(bench.in_session(&alice, &open(&tokens[0])).unwrap_err(), Fault::Denied);
    assert_eq!(bench.in_session(&alice, &open(&token)).unwrap().0, b"a@example.com");
    bench.restart();
    let alice = bench.person("alice");
    assert_eq!(bench.in_session(&alice, &open(&token)).unwrap().0, b"a@example.com");
}

/// What is granted to a carrier here: a phone number, whole, for shipping, for a minute, so many times.
fn shipping<'t>(bench: &Bench, grantee: &'t Principal, fields: &'t [u8], uses: u32) -> Granting<'t> {
    Granting {
        grantee: who_of(grantee),
        fields,
        purpose: Purpose::SHIPPING.code(),
        view: View::Full.code(),
        record: &[],
        not_before: bench.now().as_millis(),
        expires: bench.now().plus(60_000).as_millis(),
        uses,
    }
}

/// A grant, minted and used on the device, and taken back.
#[test]
fn grants() {
    let mut bench = Bench::ready(5);
    let shop = sealer(&mut bench);
    let tokens = seal_for(&mut bench, &shop, "alice", &[(Field::PHONE, b"+81312345678")]);
    let alice = bench.person("alice");
    let phone = Field::PHONE.code().to_le_bytes();
    let carrier = Principal::service(TENANT, "carrier").unwrap();
    let (credential, key) = bench.issue(&carrier, Rights::NONE, Purposes::of(&[Purpose::SHIPPING]));
    let carrier_session = Caller { credential, key };
    let terms = shipping(&bench, &carrier, &phone, 2);
    let (grant, _) = bench.in_session(&alice, &SessionAct::Grant { terms }).unwrap();
    assert!(Grant::from_bytes(&grant).is_ok());
    let opening = Opening { purpose: Purpose::SHIPPING.code(), grant: &grant, ..OWN };
    let open = SessionAct::Detokenize { opening, item: asked(Field::PHONE, &tokens[0]) };
    assert_eq!(bench.in_session(&carrier_session, &open).unwrap().0, b"+81312345678");
    let masked =
        SessionAct::Detokenize { opening: Opening { masked: true, ..opening }, item: asked(Field::PHONE, &tokens[0]) };
    let (mask, _) = bench.in_session(&carrier_session, &masked).unwrap();
    assert!(mask.ends_with(b"78") && mask != b"+81312345678", "{}", String::from_utf8_lossy(&mask));
    bench.in_session(&alice, &SessionAct::Revoke { grant: &grant }).unwrap();
    assert_eq!(bench.in_session(&carrier_session, &open).unwrap_err(), Fault::Denied);
}

/// As often as the grant says, and no more; without a number, as often as one likes.
#[test]
fn uses_of_a_grant_are_counted() {
    let mut bench = Bench::ready(15);
    let shop = sealer(&mut bench);
    let tokens = seal_for(&mut bench, &shop, "alice", &[(Field::PHONE, b"+81312345678")]);
    let alice = bench.person("alice");
    let phone = Field::PHONE.code().to_le_bytes();
    let carrier = Principal::service(TENANT, "carrier").unwrap();
    let (credential, key) = bench.issue(&carrier, Rights::NONE, Purposes::of(&[Purpose::SHIPPING]));
    let carrier_session = Caller { credential, key };
    for (uses, expected) in [(1, [true, false, false]), (0, [true; 3])] {
        let terms = shipping(&bench, &carrier, &phone, uses);
        let (grant, _) = bench.in_session(&alice, &SessionAct::Grant { terms }).unwrap();
        let opening = Opening { purpose: Purpose::SHIPPING.code(), grant: &grant, ..OWN };
        let open = SessionAct::Detokenize { opening, item: asked(Field::PHONE, &tokens[0]) };
        assert_eq!([(); 3].map(|()| bench.in_session(&carrier_session, &open).is_ok()), expected, "{uses}");
    }
}

/// Bob tries until it is too often: the alarm comes out once, is counted, and then there is none.
#[test]
fn alarms_come_out() {
    let mut bench = Bench::ready(16);
    let shop = sealer(&mut bench);
    let tokens = seal_for(&mut bench, &shop, "alice", &[(Field::PHONE, b"+81312345678")]);
    let bob = bench.person("bob");
    let open = SessionAct::Detokenize { opening: OWN, item: asked(Field::PHONE, &tokens[0]) };
    let mut alarm = None;
    for _ in 0..20 {
        assert_eq!(bench.in_session(&bob, &open).unwrap_err(), Fault::Denied);
        alarm = bench.appliance.next_alarm();
        if alarm.is_some() {
            break;
        }
    }
    assert_eq!(alarm.map(|alarm| alarm.cause), Some(Cause::Refusals));
    assert!(bench.appliance.next_alarm().is_none());
    assert_eq!(bench.status().alarms, 1);
}

/// A credential lives no longer than the officer's settings say, whatever its issuer wrote.
#[test]
fn the_officers_longest_life() {
    for (max_life, expected) in [(15 * 60_000, Ok(())), (15 * 60_000 - 1, Err(Fault::Denied))] {
        let mut bench = Bench::blank(17);
        bench.initialise_with(0, max_life);
        let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
        bench.officer(&mut officer, &OfficerAct::Generate).unwrap();
        bench.pass(5000);
        let alice = bench.person("alice");
        let entered = bench.in_session(&alice, &SessionAct::Authenticate).map(drop);
        assert_eq!(entered, expected, "{max_life}");
    }
}

/// A generator that gives the same again fails its part of the self-test, and no other.
#[test]
fn the_self_test_finds_a_dead_generator() {
    let mut bench = Bench::ready(18);
    *bench.dead_rng.borrow_mut() = true;
    assert_eq!(read(&bench.send(&Request::SelfTest)), Ok(Response::SelfTest(SELF_TEST & !4)));
}

/// Challenged proofs need no memory: as many as one likes leave the window to the others.
#[test]
fn challenged_proofs_take_no_room() {
    let mut bench = Bench::ready(21);
    let alice = bench.person("alice");
    bench.drain();
    for _ in 0..34 {
        bench.in_challenged_session(&alice, &SessionAct::Authenticate).unwrap();
    }
    bench.in_session(&alice, &SessionAct::Authenticate).unwrap();
}

/// More tokens than an answer holds are refused whole.
#[test]
fn an_answer_that_would_be_too_long() {
    let mut bench = Bench::ready(19);
    let shop = sealer(&mut bench);
    let values = [(Field::PERSON_NAME, b"alice".as_slice()); 30];
    let owner = Who { kind: Kind::Person.code(), subject: b"alice" };
    let act = SessionAct::Tokenize { owner, erasable: false, values: &sealing(&values) };
    assert_eq!(bench.in_session(&shop, &act).unwrap_err(), Fault::TooLong);
    assert_eq!(seal_for(&mut bench, &shop, "alice", &values[..10]).len(), 10, "the control");
}

/// `Debug` shows neither keys nor what came.
#[test]
fn debug_shows_no_key() {
    let mut bench = Bench::ready(20);
    let channel = bench.log_in(Role::Issuer, ISSUER).unwrap();
    let mut reader = FrameReader::<8>::new();
    reader.push(7).unwrap();
    let shown = [
        format!("{:?}", bench.appliance),
        format!("{channel:?}"),
        format!("{:?}", RoleKey::new(ISSUER)),
        format!("{:?}", TransportKey::new(TRANSPORT)),
        format!("{reader:?}"),
    ];
    let expected = [
        "Appliance { settled: true, .. }",
        "RoleChannel { role: Issuer, .. }",
        "RoleKey { .. }",
        "TransportKey { .. }",
        "FrameReader { len: 1, .. }",
    ];
    assert_eq!(shown, expected);
}

/// After the lock, no way leads out for the roots, and role keys stay what they are; work goes on.
#[test]
fn a_lock_is_for_good() {
    let mut bench = Bench::ready(6);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::Backup).unwrap();
    bench.officer(&mut officer, &OfficerAct::Lock).unwrap();
    for _ in 0..2 {
        assert!(bench.status().locked);
        let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
        assert_eq!(bench.officer(&mut officer, &OfficerAct::Backup), Err(Fault::Stage));
        let set = OfficerAct::SetRole { role: Role::Officer, key: &[9; 32] };
        assert_eq!(bench.officer(&mut officer, &set), Err(Fault::Stage));
        assert_eq!(bench.officer(&mut officer, &OfficerAct::Generate), Err(Fault::Stage));
        bench.restart();
    }
    let alice = bench.person("alice");
    bench.in_session(&alice, &SessionAct::Authenticate).unwrap();
}

/// The trail fills up: nothing opens, the officer and the issuer wait, and the auditor empties it, even after a restart.
#[test]
fn a_full_trail_is_emptied_by_the_auditor() {
    let mut bench = Bench::ready(7);
    let key = bench.audit_key();
    let alice = bench.person("alice");
    let mut asked = 0;
    while bench.in_challenged_session(&alice, &SessionAct::Authenticate).is_ok() {
        asked += 1;
        assert!(asked < 200);
    }
    assert!(asked > 40 && bench.status().room == 0, "{asked}");
    let again = bench.in_challenged_session(&alice, &SessionAct::Authenticate);
    assert_eq!(again.unwrap_err(), Fault::Unavailable);
    assert_eq!(bench.log_in(Role::Officer, OFFICER).unwrap_err(), Fault::Unavailable);
    bench.restart();
    let mut reader = key.reader();
    for entry in bench.drain() {
        reader.read(&entry).unwrap();
    }
    // It goes on now, and proofs of the moment of a start are refused.
    assert_eq!(bench.status().stage, 2);
    bench.pass(5000);
    bench.in_session(&alice, &SessionAct::Authenticate).unwrap();
    for entry in bench.drain() {
        reader.read(&entry).unwrap();
    }
}

/// Everything is gone, and the device is as blank as a new one.
#[test]
fn zeroise_leaves_nothing() {
    let mut bench = Bench::ready(8);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::Zeroise).unwrap();
    assert_eq!(bench.status().stage, 0);
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Generate), Err(Fault::Denied));
    bench.initialise(3);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::Generate).unwrap();
    bench.pass(5000);
    let alice = bench.person("alice");
    bench.in_session(&alice, &SessionAct::Authenticate).unwrap();
}

/// A flash that can't be wiped may hold the roots still: the device does nothing more, where a blank one would be initialised by anybody.
#[test]
fn a_zeroise_that_fails_leaves_no_blank_device() {
    let mut bench = Bench::ready(8);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    *bench.flash.commits_left.borrow_mut() = Some(0);
    assert_eq!(bench.appliance.zeroise(), Err(Fault::Unavailable));
    *bench.flash.commits_left.borrow_mut() = None;
    assert!(!bench.status().healthy);
    assert_eq!(bench.log_in(Role::Officer, [0; 32]).map(drop), Err(Fault::Unhealthy));
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Zeroise), Err(Fault::Unhealthy));
    bench.appliance.zeroise().unwrap();
    bench.initialise(3);
    assert!(bench.log_in(Role::Officer, OFFICER).is_ok());
}

/// The audit key goes out until the auditor has it, and then no more.
#[test]
fn the_audit_key_goes_out_once() {
    let mut bench = Bench::ready(9);
    let mut auditor = bench.log_in(Role::Auditor, AUDITOR).unwrap();
    let first = bench.act(&mut auditor, &AuditorAct::AuditKey).unwrap();
    assert_eq!(
        bench.act(&mut auditor, &AuditorAct::AuditKey).unwrap(),
        first,
        "an answer that was lost is asked for again"
    );
    bench.act(&mut auditor, &AuditorAct::HaveAuditKey).unwrap();
    assert_eq!(bench.act(&mut auditor, &AuditorAct::AuditKey), Err(Fault::Stage));
    bench.restart();
    let mut auditor = bench.log_in(Role::Auditor, AUDITOR).unwrap();
    assert_eq!(bench.act(&mut auditor, &AuditorAct::AuditKey), Err(Fault::Stage));
    let checkpoint = bench.act(&mut auditor, &AuditorAct::Checkpoint).unwrap();
    assert_eq!(symbolon::Checkpoint::from_bytes(&checkpoint).unwrap().node(), 0);
}

/// An issuer can end a session that it began.
#[test]
fn the_issuer_ends_sessions() {
    let mut bench = Bench::ready(10);
    let alice = bench.person("alice");
    bench.in_session(&alice, &SessionAct::Authenticate).unwrap();
    let mut issuer = bench.log_in(Role::Issuer, ISSUER).unwrap();
    let session = *alice.credential.session_unverified().as_bytes();
    bench.act(&mut issuer, &IssuerAct::EndSession { session }).unwrap();
    assert_eq!(bench.in_session(&alice, &SessionAct::Authenticate).unwrap_err(), Fault::Denied);
    let carol = bench.person("carol");
    bench.in_session(&carol, &SessionAct::LogOut).unwrap();
    assert_eq!(bench.in_session(&carol, &SessionAct::Authenticate).unwrap_err(), Fault::Denied);
}

/// What is wrong in an act's form, or comes at the wrong stage, is told; and nothing of it was done.
#[test]
fn what_can_not_be_done_is_told() {
    let mut bench = Bench::blank(9);
    let initialise = |max_life: u64, issuer: &'static [u8]| OfficerAct::Initialise {
        officer: &OFFICER,
        issuer,
        auditor: &AUDITOR,
        transport: &TRANSPORT,
        audience: AUDIENCE,
        node: 0,
        max_life,
    };
    const DAY: u64 = 24 * 60 * 60_000;
    let said = |bench: &mut Bench, key: [u8; 32], act: &OfficerAct<'_>| {
        let mut officer = bench.log_in(Role::Officer, key)?;
        bench.officer(&mut officer, act)
    };
    let set_role = |key: &'static [u8]| OfficerAct::SetRole { role: Role::Issuer, key };
    assert_eq!(said(&mut bench, RoleKey::BLANK, &set_role(&ISSUER)), Err(Fault::Stage), "blank");
    assert_eq!(
        said(&mut bench, RoleKey::BLANK, &OfficerAct::Backup),
        Err(Fault::Stage),
        "blank, so there is nothing to wrap"
    );
    for (max_life, issuer, fault) in [
        (0, &ISSUER[..], Fault::InvalidTerms),
        (DAY + 1, &ISSUER, Fault::InvalidTerms),
        (DAY, &ISSUER[1..], Fault::Malformed),
        (DAY, &[0; 32], Fault::Malformed),
    ] {
        assert_eq!(said(&mut bench, RoleKey::BLANK, &initialise(max_life, issuer)), Err(fault), "{max_life}");
        assert_eq!(bench.status().stage, 0);
    }
    assert_eq!(said(&mut bench, RoleKey::BLANK, &initialise(DAY, &ISSUER)), Ok(vec![]));
    assert_eq!(said(&mut bench, OFFICER, &initialise(DAY, &ISSUER)), Err(Fault::Stage), "once");
    assert_eq!(said(&mut bench, OFFICER, &set_role(&ISSUER[1..])), Err(Fault::Malformed));
    assert_eq!(said(&mut bench, OFFICER, &OfficerAct::Generate), Ok(vec![1, 0]));
    bench.pass(5000);

    let (shop, alice) = (sealer(&mut bench), bench.person("alice"));
    let owner = Who { kind: Kind::Person.code(), subject: b"alice" };
    let nothing = SessionAct::Tokenize { owner, erasable: false, values: &[] };
    assert_eq!(bench.in_session(&shop, &nothing).map(|_| ()), Err(Fault::Malformed));
    let nothing = SessionAct::Reveal { opening: OWN, items: &[] };
    assert_eq!(bench.in_session(&alice, &nothing).map(|_| ()), Err(Fault::Malformed));
    let terms = |fields: &'static [u8], now: u64| Granting {
        grantee: Who { kind: Kind::Service.code(), subject: b"yamato" },
        fields,
        purpose: Purpose::SHIPPING.code(),
        view: View::Full.code(),
        record: &[],
        not_before: now,
        expires: now + 1000,
        uses: 0,
    };
    let now = bench.now().as_millis();
    for (fields, fault) in [(&[1, 0, 2][..], Fault::Malformed), (&[0; 18], Fault::InvalidField)] {
        let act = SessionAct::Grant { terms: terms(fields, now) };
        assert_eq!(bench.in_session(&alice, &act).map(|_| ()), Err(fault), "{fields:?}");
    }
    // A policy authority's, for alice.
    let desk = Principal::staff(TENANT, "desk").unwrap();
    let (credential, key) = bench.issue(&desk, Rights::GRANT, Purposes::OWN_USE);
    let act = SessionAct::GrantFor { owner, reason: "order 7", terms: terms(&[1, 0], now) };
    let (grant, _) = bench.in_session(&Caller { credential, key }, &act).unwrap();
    assert!(Grant::from_bytes(&grant).is_ok());
    assert_eq!(bench.in_session(&alice, &act).map(|_| ()), Err(Fault::Denied), "without the right");
}
