//! What somebody does who holds the line, the flash or the power switch of an appliance. Each test performs the attack, and fails where
//! the defence is taken away.

mod device;

use device::*;
use rand_core::{Rng, SeedableRng};
use symbolon::{
    Event, Field, Kind, Principal, Purposes, Reason, RecordKey, Rights, Table, Token, View,
    appliance::{
        Asked, AuditorAct, CONTEXT, Fault, IssuerAct, OfficerAct, Opening, Request, Role, RoleKey, Sealing, SessionAct,
        TransportKey, Who, write,
    },
};

const OWN: Opening<'_> = Opening { purpose: 0, masked: false, grant: &[], address_field: 0, address: &[] };
const WRONG: [u8; 32] = [0x77; 32];

fn wrong_log_in(bench: &mut Bench, role: Role) -> Fault {
    bench.log_in(role, WRONG).unwrap_err()
}

/// A token of alice's, and her and bob's sessions.
fn sealed(bench: &mut Bench, value: &[u8]) -> (Vec<u8>, Caller, Caller) {
    let shop = Principal::service(TENANT, "shop").unwrap();
    let (credential, key) = bench.issue(&shop, Rights::TOKENIZE, Purposes::OWN_USE);
    let mut bytes = [0; 256];
    let len = write(&Sealing { field: Field::EMAIL.code(), record: &[], value }, &mut bytes).unwrap();
    let owner = Who { kind: Kind::Person.code(), subject: b"alice" };
    let act = SessionAct::Tokenize { owner, erasable: false, values: &bytes[..len] };
    let (token, _) = bench.in_session(&Caller { credential, key }, &act).unwrap();
    (token, bench.person("alice"), bench.person("bob"))
}

fn open(token: &[u8]) -> SessionAct<'_> {
    SessionAct::Detokenize { opening: OWN, item: Asked { field: Field::EMAIL.code(), record: &[], token } }
}

/// Power is cut after the comparison and before the count: so the count comes first, and where it can't be made durable there is no verdict,
/// for a right key as for a wrong one.
#[test]
fn attempts_are_counted_before_the_comparison() {
    for key in [OFFICER, WRONG] {
        let mut bench = Bench::ready(20);
        *bench.flash.commits_left.borrow_mut() = Some(0);
        assert_eq!(bench.log_in(Role::Officer, key).unwrap_err(), Fault::Unavailable);
        *bench.flash.commits_left.borrow_mut() = Some(1);
        assert_eq!(bench.log_in(Role::Officer, key).unwrap_err(), Fault::Unavailable);
        *bench.flash.commits_left.borrow_mut() = None;
        bench.restart();
        assert_eq!(bench.status().attempts, [7, 8, 8], "the count was durable before there was an answer");
    }
}

/// Guessing ends, for the right key too, and over restarts; the other roles go on, and the officer lets the role try again.
#[test]
fn guessing_ends() {
    let mut bench = Bench::ready(21);
    for left in (0..8).rev() {
        assert_eq!(wrong_log_in(&mut bench, Role::Auditor), Fault::Denied);
        assert_eq!(bench.status().attempts, [8, 8, left]);
        bench.restart();
    }
    assert_eq!(bench.log_in(Role::Auditor, AUDITOR).unwrap_err(), Fault::Blocked);
    assert_eq!(wrong_log_in(&mut bench, Role::Auditor), Fault::Blocked);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::SetRole { role: Role::Auditor, key: &[6; 32] }).unwrap();
    assert_eq!(bench.log_in(Role::Auditor, AUDITOR).unwrap_err(), Fault::Denied, "the old key");
    let mut auditor = bench.log_in(Role::Auditor, [6; 32]).unwrap();
    let key = bench.act(&mut auditor, &AuditorAct::AuditKey).unwrap();
    let mut reader = symbolon::AuditKey::read_secret(&key.try_into().unwrap()).unwrap().reader();
    let refused = bench.drain_with([6; 32]);
    let refused = refused.iter().map(|entry| reader.read(entry).unwrap().entry);
    let refused =
        refused.filter(|entry| (entry.event, entry.reason, entry.view) == (Event::RoleLogIn, Reason::BadProof, 2));
    assert_eq!(refused.count(), 9, "and each attempt is on the record");
}

/// Who reaches the line blocks a role while they are there, and not for good: ten minutes after the last attempt there is one, over restarts
/// too, and a refusal meanwhile doesn't begin the ten minutes anew. A clock that is gone gives nothing back.
#[test]
fn a_blocked_role_may_try_again_later() {
    for role in [(Role::Officer, OFFICER), (Role::Issuer, ISSUER)] {
        let mut bench = Bench::ready(40);
        let at = usize::from(role.0.code());
        for _ in 0..8 {
            assert_eq!(wrong_log_in(&mut bench, role.0), Fault::Denied);
            bench.drain();
        }
        for _ in 0..3 {
            let last = bench.now().as_millis();
            bench.restart();
            bench.pass(last + 599_999 - bench.now().as_millis());
            assert_eq!(bench.status().attempts[at], 0);
            assert_eq!(wrong_log_in(&mut bench, role.0), Fault::Blocked);
            let time = bench.time.replace(None);
            assert_eq!(bench.status().attempts[at], 0, "no clock");
            bench.time.replace(time);
            bench.pass(1);
            assert_eq!(bench.status().attempts[at], 1);
            assert_eq!(wrong_log_in(&mut bench, role.0), Fault::Denied);
            bench.drain();
            assert_eq!(bench.log_in(role.0, role.1).unwrap_err(), Fault::Blocked, "the right key, too early");
        }
        bench.pass(600_000);
        bench.log_in(role.0, role.1).unwrap();
        assert_eq!(bench.status().attempts, [8, 8, 8]);
    }
}

/// What everybody's key opened on a blank appliance ends when it is blank no more: who listened can't go on as its officer.
#[test]
fn the_channel_of_a_blank_appliance_ends_with_its_first_act() {
    let mut bench = Bench::blank(41);
    let mut listener = bench.log_in(Role::Officer, RoleKey::BLANK).unwrap();
    let initialise = OfficerAct::Initialise {
        officer: &OFFICER,
        issuer: &ISSUER,
        auditor: &AUDITOR,
        transport: &[4; 32],
        audience: b"shop",
        node: 0,
        max_life: 1000,
    };
    bench.officer(&mut listener, &initialise).unwrap();
    assert_eq!(bench.officer(&mut listener, &OfficerAct::Generate).unwrap_err(), Fault::Denied);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::Generate).unwrap();
}

/// A right key gives all attempts back, so a few slips a year lock nobody out.
#[test]
fn a_right_key_gives_the_attempts_back() {
    let mut bench = Bench::ready(22);
    for _ in 0..30 {
        assert_eq!(wrong_log_in(&mut bench, Role::Issuer), Fault::Denied);
        bench.log_in(Role::Issuer, ISSUER).unwrap();
        bench.drain();
    }
    assert_eq!(bench.status().attempts, [8, 8, 8]);
}

/// Somebody fills the trail, so that log-ins fail: that costs no attempts, and locks nobody out.
#[test]
fn a_full_trail_costs_no_attempts() {
    let mut bench = Bench::ready(23);
    let alice = bench.person("alice");
    while bench.in_challenged_session(&alice, &SessionAct::Authenticate).is_ok() {}
    for _ in 0..20 {
        assert_eq!(bench.log_in(Role::Officer, OFFICER).unwrap_err(), Fault::Unavailable);
        assert_eq!(wrong_log_in(&mut bench, Role::Issuer), Fault::Unavailable);
    }
    assert_eq!(bench.status().attempts, [8, 8, 8]);
    bench.drain();
    bench.log_in(Role::Officer, OFFICER).unwrap();
}

/// What went over the line is sent again: log-ins, acts, session acts.
#[test]
fn nothing_is_taken_twice() {
    let mut bench = Bench::ready(24);
    let challenge = bench.challenge();
    let (log_in, mut channel) = RoleKey::new(OFFICER).log_in(Role::Officer, &challenge, &mut bench.rng).unwrap();
    assert_eq!(bytes_of(&bench.send(&log_in)), Ok(vec![]));
    let mut sealed_act = [0; 64];
    let len = channel.seal_act(&OfficerAct::Rotate, &mut sealed_act).unwrap();
    let rotate = Request::Act { sealed: &sealed_act[..len] };
    bench.send(&rotate);
    assert_eq!(bench.status().epoch, 2);
    assert_eq!(bytes_of(&bench.send(&rotate)), Err(Fault::Denied));
    assert_eq!(bytes_of(&bench.send(&log_in)), Err(Fault::Denied));
    bench.challenge();
    assert_eq!(bytes_of(&bench.send(&log_in)), Err(Fault::Denied), "for another challenge");
    assert_eq!(bench.status().epoch, 2);
    // The channel is still the one that was opened, and its next act is taken.
    assert_eq!(bench.officer(&mut channel, &OfficerAct::Rotate), Ok(vec![3, 0]));

    let (token, alice, _) = sealed(&mut bench, b"a@example.com");
    let mut bytes = [0; 512];
    let len = write(&open(&token), &mut bytes).unwrap();
    let act = &bytes[..len];
    for challenged in [false, true] {
        let challenge = bench.challenge();
        let context: [&[u8]; 3] = [CONTEXT, &challenge, act];
        let context = if challenged { &context[..] } else { &[CONTEXT, act] };
        let proof = alice.key.prove(&alice.credential, context, bench.now(), &mut bench.rng).unwrap().to_bytes();
        let request = Request::InSession { credential: alice.credential.as_bytes(), proof: &proof, challenged, act };
        assert_eq!(bytes_of(&bench.send(&request)).unwrap(), b"a@example.com");
        assert_eq!(bytes_of(&bench.send(&request)), Err(Fault::Denied));
        bench.challenge();
        assert_eq!(bytes_of(&bench.send(&request)), Err(Fault::Denied));
        // Nor is one kind of proof good as the other.
        let other =
            Request::InSession { credential: alice.credential.as_bytes(), proof: &proof, challenged: !challenged, act };
        bench.challenge();
        assert_eq!(bytes_of(&bench.send(&other)), Err(Fault::Denied));
    }
}

/// Each role has its own acts only, whatever it sends; and a log-in for one role opens no other's channel.
#[test]
fn roles_are_apart() {
    let mut bench = Bench::ready(25);
    for (role, key) in [(Role::Issuer, ISSUER), (Role::Auditor, AUDITOR)] {
        for other in Role::ALL.into_iter().filter(|other| *other != role) {
            let challenge = bench.challenge();
            let (_, mut channel) = RoleKey::new(key).log_in(other, &challenge, &mut bench.rng).unwrap();
            assert!(bench.officer(&mut channel, &OfficerAct::Rotate).is_err());
            assert_eq!(bench.log_in(other, key).unwrap_err(), Fault::Denied);
        }
        let key_of_role = key;
        let mut channel = bench.log_in(role, key_of_role).unwrap();
        for act in [
            OfficerAct::Backup,
            OfficerAct::Rotate,
            OfficerAct::Zeroise,
            OfficerAct::Lock,
            OfficerAct::SetRole { role: Role::Officer, key: &WRONG },
            OfficerAct::Import { wrapped: &[0; 40] },
        ] {
            // Where the number is one of the role's own acts, what follows doesn't fit it.
            let answer = bench.officer(&mut channel, &act);
            if role == Role::Issuer {
                assert_eq!(answer.unwrap_err(), Fault::Malformed, "{role:?}");
            }
        }
    }
    let status = bench.status();
    assert_eq!((status.epoch, status.stage, status.locked), (1, 2, false));
    // Acts of a session in a role's channel, and without any.
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    assert_eq!(bench.act(&mut officer, &SessionAct::Stop), Err(Fault::Malformed));
    bench.restart();
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Backup), Err(Fault::Denied), "a channel ends with the power");
}

/// Who asks is in the credential, and nowhere else: no act can name another caller, tenant or owner to open for.
#[test]
fn the_caller_is_never_what_the_request_says() {
    let mut bench = Bench::ready(26);
    let (token, alice, bob) = sealed(&mut bench, b"a@example.com");
    assert_eq!(bench.in_session(&bob, &open(&token)).unwrap_err(), Fault::Denied);
    // Bob with alice's credential, which he found in a cache; and alice's proof for another act.
    let thief = Caller { credential: alice.credential.clone(), key: bob.key };
    assert_eq!(bench.in_session(&thief, &open(&token)).unwrap_err(), Fault::Denied);
    let proof =
        alice.key.prove(&alice.credential, &[CONTEXT, b"\x00"], bench.now(), &mut bench.rng).unwrap().to_bytes();
    let mut bytes = [0; 512];
    let len = write(&open(&token), &mut bytes).unwrap();
    let credential = alice.credential.as_bytes();
    let request = Request::InSession { credential, proof: &proof, challenged: false, act: &bytes[..len] };
    assert_eq!(bytes_of(&bench.send(&request)), Err(Fault::Denied));
    // A person seals for nobody else, and erases nobody else.
    let mut values = [0; 64];
    let len =
        write(&Sealing { field: Field::EMAIL.code(), record: &[], value: b"b@example.com" }, &mut values).unwrap();
    let owner = Who { kind: Kind::Person.code(), subject: b"bob" };
    let seal = SessionAct::Tokenize { owner, erasable: false, values: &values[..len] };
    assert_eq!(bench.in_session(&alice, &seal).unwrap_err(), Fault::Denied);
    assert_eq!(bench.in_session(&alice, &SessionAct::Erase { owner }).unwrap_err(), Fault::Denied);
    assert_eq!(bench.in_session(&alice, &SessionAct::Stop).unwrap_err(), Fault::Denied);
    // The neighbour of the same name in another tenant.
    let other = Principal::person("shop-18", "alice").unwrap();
    let (credential, key) = bench.issue(&other, Rights::OWN, Purposes::OWN_USE);
    assert_eq!(bench.in_session(&Caller { credential, key }, &open(&token)).unwrap_err(), Fault::Denied);
}

/// No byte that ever leaves, and none that the flash keeps, shows a root, the tag key, a role's key or a session key; with a control that the
/// eyes are open.
#[test]
fn no_key_leaves_and_none_lies_in_the_flash() {
    let mut rng = chacha20::ChaCha20Rng::from_seed([9; 32]);
    let keyring = symbolon::Keyring::generate(&mut rng).unwrap();
    let mut secret = [0; symbolon::Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut secret).unwrap();
    let mut wrapped = [0; TransportKey::MAX_WRAPPED];
    let wrapped_len = TransportKey::new(TRANSPORT).wrap(&keyring, &mut rng, &mut wrapped).unwrap();
    let mut bench = Bench::blank(27);
    bench.initialise(0);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::Import { wrapped: &wrapped[..wrapped_len] }).unwrap();
    bench.pass(5000);
    bench.said.clear();
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    bench.officer(&mut officer, &OfficerAct::Backup).unwrap();
    let (token, alice, bob) = sealed(&mut bench, b"a@example.com");
    bench.in_session(&bob, &open(&token)).unwrap_err();
    bench.audit_key();
    bench.drain();
    let keys: Vec<[u8; 32]> = [&secret[2..34], &secret[len - 32..len]].map(|key| key.try_into().unwrap()).into();
    let keys: Vec<_> = keys.into_iter().chain([OFFICER, ISSUER, AUDITOR, TRANSPORT, DEVICE]).collect();
    let session_key = *alice.key.write_secret();
    let flash = bench.flash.all_records();
    for key in keys.iter().chain([&session_key]) {
        for part in key.windows(8) {
            assert!(!holds(&bench.said, part), "on the line");
            assert!(!holds(&flash, part), "in the flash");
        }
    }
    assert!(flash.len() > 500, "{}", flash.len());
    bench.in_session(&alice, &open(&token)).unwrap();
    assert!(holds(&bench.said, b"a@example.com"), "what is asked for in clear would be seen");
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Whoever can rewrite the flash deletes the settings, so that the appliance looks blank, and initialises it anew: it has no roots then, and
/// doesn't work.
#[test]
fn deleting_records_gives_nobody_the_roots() {
    let kept = |kind: u8, index: u8| {
        let mut id = [0; 16];
        (id[0], id[1]) = (kind, index);
        RecordKey { table: Table::Device, id }
    };
    for (kind, index) in [(1, 0), (2, 0), (2, 1), (3, 0), (5, 0), (5, 3)] {
        let mut bench = Bench::ready(28);
        bench.flash.delete(&kept(kind, index));
        bench.restart();
        let blank = bench.log_in(Role::Officer, RoleKey::BLANK);
        assert!(blank.is_err(), "{kind} {index}");
        // All that could tell that it isn't blank is deleted, but for the roots, which are hidden while it is initialised.
        let mut bench = Bench::ready(28);
        let roots: Vec<_> = (0..4).map(|piece| bench.flash.take(&kept(5, piece))).collect();
        for key in [kept(1, 0), kept(2, 0), kept(2, 1), kept(2, 2), kept(3, 0), kept(6, 0), kept(4, 0), kept(4, 1)] {
            bench.flash.delete(&key);
        }
        bench.flash.delete(&kept(4, 2));
        bench.restart();
        assert_eq!(bench.status().stage, 0);
        bench.initialise(0);
        for (piece, root) in (0..).zip(roots) {
            bench.flash.put(kept(5, piece), &root);
        }
        bench.restart();
        assert_eq!(bench.status().stage, 1);
        let backup =
            bench.log_in(Role::Officer, OFFICER).map(|mut officer| bench.officer(&mut officer, &OfficerAct::Backup));
        assert!(!matches!(backup, Ok(Ok(_))), "{backup:?}");
    }
}

/// A flash is put into another device, or a record in another's place: it doesn't open there, and the device is not blank for that.
#[test]
fn records_are_bound_to_the_chip_and_their_place() {
    let bench = Bench::ready(29);
    let mut other = Bench::of_chip(bench.flash.clone(), 1, [6; 32]);
    assert_eq!(other.appliance.start(), Err(Fault::Unhealthy));
    assert_eq!(other.log_in_raw(), Err(Fault::Unhealthy));
    assert!(!other.status().healthy);

    let mut bench = Bench::ready(30);
    let key = |index| RecordKey { table: Table::Device, id: [2, index, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] };
    let issuers = bench.flash.take(&key(1));
    bench.flash.put(key(0), &issuers);
    assert_eq!(bench.log_in(Role::Officer, ISSUER).unwrap_err(), Fault::Unhealthy);
}

/// A relay alters what passes: acts do nothing, and altered answers are not taken for the appliance's.
#[test]
fn an_altered_act_or_answer_is_noticed() {
    let mut bench = Bench::ready(31);
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    let mut sealed = [0; 64];
    let len = officer.seal_act(&OfficerAct::Rotate, &mut sealed).unwrap();
    for at in 0..len {
        let mut altered = sealed;
        altered[at] ^= 1;
        assert_eq!(bytes_of(&bench.send(&Request::Act { sealed: &altered[..len] })), Err(Fault::Denied));
    }
    assert_eq!(bench.status().epoch, 1);
    let answer = bench.send(&Request::Act { sealed: &sealed[..len] });
    let start = answer.len() - 18;
    for at in start..answer.len() {
        let mut altered = answer[start..].to_vec();
        altered[at - start] ^= 1;
        assert!(officer.open_answer(&mut altered).is_err());
    }
    assert_eq!(bench.status().epoch, 2);
}

/// Noise, cut frames, altered frames, frames of every length: each is answered with one frame, and the appliance goes on.
#[test]
fn noise_is_answered_and_survived() {
    let mut bench = Bench::ready(32);
    let (token, alice, _) = sealed(&mut bench, b"a@example.com");
    let mut rng = chacha20::ChaCha20Rng::from_seed([33; 32]);
    let mut bytes = [0; 512];
    let len = write(&open(&token), &mut bytes).unwrap();
    let request = Request::InSession {
        credential: alice.credential.as_bytes(),
        proof: &[0; 40],
        challenged: false,
        act: &bytes[..len],
    };
    let good = bench.frame(&request);
    let status = bench.frame(&Request::Status);
    for round in 0..3000 {
        let mut noise = vec![0; (rng.next_u32() % 2500) as usize];
        rng.fill_bytes(&mut noise);
        let noise = match round % 4 {
            0 => noise,
            1 => good[..noise.len() % good.len()].to_vec(),
            2 => {
                let mut altered = good.clone();
                let at = noise.len() % (good.len() - 1);
                altered[at] = altered[at].wrapping_add(1 + (round % 250) as u8);
                altered
            }
            _ => vec![0x41; noise.len()],
        };
        let frames = noise.split(|byte| *byte == 0);
        let expected = frames.clone().take(frames.count() - 1).filter(|frame| !frame.is_empty()).count();
        assert_eq!(bench.send_bytes(&noise).len(), expected);
        // What was begun ends with the next zero, and then all is well.
        bench.send_bytes(&[0]);
        assert_eq!(bench.send_bytes(&status).len(), 1);
    }
    assert_eq!(bench.in_session(&alice, &open(&token)).unwrap().0, b"a@example.com");
}

/// Every message, well-framed and random: no answer but a fault or what the message asks for, and nothing panics.
#[test]
fn random_messages_are_faults() {
    let mut bench = Bench::ready(34);
    let mut rng = chacha20::ChaCha20Rng::from_seed([35; 32]);
    for _ in 0..20_000 {
        let mut message = vec![0; (rng.next_u32() % 80) as usize];
        rng.fill_bytes(&mut message);
        if let Some(first) = message.first_mut() {
            *first %= 8;
        }
        let start = symbolon::appliance::room_before(message.len());
        let mut buffer = vec![0; start + message.len() + 4];
        buffer[start..start + message.len()].copy_from_slice(&message);
        let len = symbolon::appliance::seal_frame(&mut buffer, 9, start, message.len()).unwrap();
        assert_eq!(bench.send_bytes(&buffer[..len]).len(), 1);
    }
    let status = bench.status();
    assert_eq!((status.stage, status.epoch, status.attempts), (2, 1, [8, 8, 8]));
}

/// Dead random numbers, no clock, a failing store: everything that needs them says so, and nothing falls back.
#[test]
fn what_fails_is_told() {
    let mut bench = Bench::ready(36);
    let (token, alice, _) = sealed(&mut bench, b"a@example.com");
    let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
    *bench.dead_rng.borrow_mut() = true;
    assert_eq!(bytes_of(&bench.send(&Request::Challenge)), Err(Fault::RngFailed));
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Rotate), Err(Fault::RngFailed));
    assert_eq!(bench.officer(&mut officer, &OfficerAct::Backup), Err(Fault::RngFailed));
    *bench.dead_rng.borrow_mut() = false;
    let time = bench.time.replace(None);
    assert_eq!(bench.status().time, None);
    let credential = alice.credential.as_bytes();
    let mut bytes = [0; 512];
    let len = write(&open(&token), &mut bytes).unwrap();
    let act = &bytes[..len];
    let proof = alice.key.prove(&alice.credential, &[CONTEXT, act], time.unwrap(), &mut bench.rng).unwrap().to_bytes();
    let request = Request::InSession { credential, proof: &proof, challenged: false, act };
    assert_eq!(bytes_of(&bench.send(&request)), Err(Fault::Unavailable));
    *bench.time.borrow_mut() = time;
    *bench.flash.commits_left.borrow_mut() = Some(1);
    assert_eq!(bench.in_session(&alice, &open(&token)).unwrap_err(), Fault::Unavailable, "the opening's entry failed");
    *bench.flash.commits_left.borrow_mut() = None;
    assert_eq!(bench.in_session(&alice, &open(&token)).unwrap().0, b"a@example.com");

    let mut blank = Bench::unstarted(Flash::blank(), 37);
    *blank.dead_rng.borrow_mut() = true;
    assert_eq!(blank.appliance.start(), Err(Fault::Unhealthy));
    *blank.dead_rng.borrow_mut() = false;
    assert_eq!(blank.appliance.start(), Ok(()));
}

/// A reply that the appliance has no room for is told before anything is opened.
#[test]
fn too_much_is_told_before_anything_is_opened() {
    let mut bench = Bench::ready(38);
    let (token, alice, _) = sealed(&mut bench, b"a@example.com");
    let mut items = Vec::new();
    for _ in 0..8 {
        let mut bytes = [0; 256];
        let len = write(&Asked { field: Field::EMAIL.code(), record: &[], token: &token }, &mut bytes).unwrap();
        items.extend(&bytes[..len]);
    }
    let reveal = SessionAct::Reveal { opening: OWN, items: &items };
    let before = bench.status().next_entry;
    assert_eq!(bench.in_challenged_session(&alice, &reveal).unwrap_err(), Fault::TooLong, "ENTRIES is 8");
    assert_eq!(bench.status().next_entry, before + 1, "the authentication, and no opening");
    bench.out = vec![0; 128];
    let one = SessionAct::Reveal { opening: OWN, items: &items[..items.len() / 8] };
    assert_eq!(bench.in_challenged_session(&alice, &one).unwrap_err(), Fault::TooLong);
    assert_eq!(bench.status().next_entry, before + 2);
}

/// A value that went out in clear is not left in the frame that asked, nor behind the answer.
#[test]
fn buffers_are_wiped() {
    let mut bench = Bench::ready(39);
    let (token, alice, _) = sealed(&mut bench, b"a@example.com");
    let mut bytes = [0; 512];
    let len = write(&open(&token), &mut bytes).unwrap();
    let act = &bytes[..len];
    let proof = alice.key.prove(&alice.credential, &[CONTEXT, act], bench.now(), &mut bench.rng).unwrap().to_bytes();
    let credential = alice.credential.as_bytes();
    let mut frame = bench.frame(&Request::InSession { credential, proof: &proof, challenged: false, act });
    frame.pop();
    let mut out = vec![0xee; 2048];
    let sent = bench.appliance.handle(&mut frame, &mut out).len();
    assert!(frame.iter().all(|byte| *byte == 0));
    assert!(out[sent..].iter().all(|byte| *byte == 0), "behind the answer");
    assert!(holds(&out[..sent], b"a@example.com"));
}

/// What came in a frame is not shown by its `Debug`: a value may stand there.
#[test]
fn debug_of_a_frame() {
    let mut bench = Bench::ready(39);
    let mut frame = bench.frame(&Request::LogIn { role: Role::Officer, nonce: [0x61; 16], mac: [0x61; 16] });
    frame.pop();
    let received = symbolon::appliance::open_frame(&mut frame).unwrap();
    assert!(holds(received.message, &[0x61; 32]), "the control");
    assert_eq!(format!("{received:?}"), format!("Received {{ id: {}, .. }}", received.id));
}

/// Once begun, what a role does is on the record before it is done: a power cut leaves no act without its entry.
#[test]
fn no_act_without_its_entry() {
    for commits in 0..6 {
        let mut bench = Bench::ready(40);
        let key = bench.audit_key();
        let mut officer = bench.log_in(Role::Officer, OFFICER).unwrap();
        *bench.flash.commits_left.borrow_mut() = Some(commits);
        let done = bench.officer(&mut officer, &OfficerAct::Rotate);
        *bench.flash.commits_left.borrow_mut() = None;
        bench.restart();
        let mut reader = key.reader();
        let entries: Vec<_> = bench.drain().iter().map(|entry| reader.read(entry).unwrap().entry).collect();
        let recorded = entries.iter().any(|entry| (entry.event, entry.view, entry.field) == (Event::RoleAct, 0, 4));
        let rotated = bench.status().epoch == 2;
        assert!(recorded || !rotated, "{commits}");
        assert!(rotated || done.is_err(), "{commits}: said done, and wasn't durable");
    }
}

/// A credential that is issued is on the record, with whom it is for.
#[test]
fn each_credential_is_on_the_record() {
    let mut bench = Bench::ready(41);
    let key = bench.audit_key();
    let alice = bench.person("alice");
    let mut reader = key.reader();
    let entries: Vec<_> = bench.drain().iter().map(|entry| reader.read(entry).unwrap().entry).collect();
    let whom = key.tag_of(&Principal::person(TENANT, "alice").unwrap());
    let session = alice.credential.session_unverified();
    let session = &session.as_bytes()[..8];
    let issued = |entry: &&symbolon::Entry| (entry.event, entry.view, entry.field) == (Event::RoleAct, 1, 0);
    let entry = entries.iter().find(issued).unwrap();
    assert_eq!((entry.owner_or_commitment, entry.session.as_slice()), (whom, session));
    let mut issuer = bench.log_in(Role::Issuer, ISSUER).unwrap();
    let who = Who { kind: Kind::Person.code(), subject: b"alice" };
    let act = |rights, life| IssuerAct::Issue { tenant: TENANT, who, rights, purposes: 1, life, session_key: &[7; 32] };
    assert_eq!(bench.act(&mut issuer, &act(0xffff, 1000)), Err(Fault::InvalidTerms));
    assert_eq!(bench.act(&mut issuer, &act(2, 1000)), Err(Fault::InvalidTerms), "a person issues nothing");
    assert_eq!(bench.act(&mut issuer, &act(1, 25 * 3_600_000)), Err(Fault::InvalidTerms));
    assert!(Token::from_bytes(&[]).is_err() && View::from_code(9).is_none());
}
