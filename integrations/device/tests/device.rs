//! The client against an appliance on loopback: what works, and what doesn't, and lines that damage.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use chacha20::ChaCha20Rng;
use common::{Served, noisy};
use getrandom::SysRng;
use rand_core::{Rng, SeedableRng};
use symbolon::{
    Config, Credential, Field, GrantTerms, Item, Keyring, Principal, Purpose, Purposes, Rights, SessionKey, Token,
    TokenBuf, Vault, View,
    appliance::{Fault, Opening, Role, RoleKey, SELF_TEST, TransportKey},
};
use symbolon_device::{Address, Device, Error, Initial, Issue, OWN, Relay, Value};

const OFFICER: [u8; 32] = [1; 32];
const ISSUER: [u8; 32] = [2; 32];
const AUDITOR: [u8; 32] = [3; 32];
const TRANSPORT: [u8; 32] = [4; 32];
const TENANT: &str = "shop-17";

fn initialise(device: &mut Device, node: u32) {
    let initial = Initial {
        officer: &OFFICER,
        issuer: &ISSUER,
        auditor: &AUDITOR,
        transport: &TRANSPORT,
        audience: b"shop-hsm",
        node,
        max_life: 3_600_000,
    };
    device.officer(&RoleKey::BLANK).unwrap().initialise(&initial).unwrap();
}

/// With roots of its own.
fn ready(served: &Served) -> Device {
    let mut device = served.connect();
    initialise(&mut device, 0);
    assert_eq!(device.officer(&OFFICER).unwrap().generate().unwrap(), 1);
    served.ahead.fetch_add(5000, Ordering::SeqCst);
    device.status().unwrap();
    device
}

fn issue(device: &mut Device, who: &Principal, rights: Rights, purposes: Purposes) -> (Credential, SessionKey) {
    let key = SessionKey::generate(&mut SysRng).unwrap();
    let issue = Issue { who, rights, purposes, life: 900_000 };
    (device.issuer(&ISSUER).unwrap().issue(&issue, &key).unwrap(), key)
}

fn person(device: &mut Device, name: &str) -> (Credential, SessionKey) {
    issue(device, &Principal::person(TENANT, name).unwrap(), Rights::OWN, Purposes::OWN_USE)
}

fn shop(device: &mut Device) -> (Credential, SessionKey) {
    let rights = Rights::TOKENIZE.and(Rights::MAINTAIN).and(Rights::OPERATE).and(Rights::CONFIRM_ADDRESS);
    issue(device, &Principal::service(TENANT, "shop").unwrap(), rights, Purposes::OWN_USE)
}

fn seal(device: &mut Device, owner: &str, values: &[Value<'_>]) -> Vec<TokenBuf> {
    let (credential, key) = shop(device);
    let owner = Principal::person(TENANT, owner).unwrap();
    device.in_session(&credential, &key).tokenize(&owner, false, values).unwrap()
}

fn items(tokens: &[TokenBuf]) -> Vec<Item<'_>> {
    tokens.iter().map(|token| Item::of(token.as_token())).collect()
}

fn shown(values: Vec<Option<zeroize::Zeroizing<Vec<u8>>>>) -> Vec<Option<String>> {
    values.into_iter().map(|value| value.map(|value| String::from_utf8(value.to_vec()).unwrap())).collect()
}

/// From a blank device to values that their owner sees and her neighbour doesn't, and to the trail; in more than one request each.
#[test]
fn from_blank_to_trail() {
    let served = Served::blank();
    let mut device = served.connect();
    assert_eq!((device.status().unwrap().stage, device.self_test().unwrap()), (0, SELF_TEST));
    assert!(matches!(device.issuer(&ISSUER), Err(Error::Fault(Fault::Stage))));
    initialise(&mut device, 7);
    assert!(matches!(device.officer(&[9; 32]), Err(Error::Fault(Fault::Denied))));
    device.officer(&OFFICER).unwrap().generate().unwrap();
    served.ahead.fetch_add(5000, Ordering::SeqCst);
    assert_eq!((device.status().unwrap().stage, device.last_status().node), (2, 7));
    let mut auditor = device.auditor(&AUDITOR).unwrap();
    let key = auditor.audit_key().unwrap();
    assert_eq!(*auditor.audit_key().unwrap().write_secret(), *key.write_secret(), "until it is confirmed");
    auditor.confirm_audit_key().unwrap();
    assert!(matches!(auditor.audit_key(), Err(Error::Fault(Fault::Stage))));

    let texts: Vec<String> = (0..40).map(|number| format!("value {number} {}", "x".repeat(number * 20))).collect();
    let values: Vec<Value<'_>> = texts.iter().map(|text| Value::of(Field::FREE_TEXT, text.as_bytes())).collect();
    let tokens = seal(&mut device, "alice", &values);
    let items = items(&tokens);
    let (credential, session_key) = person(&mut device, "alice");
    let seen = shown(device.in_session(&credential, &session_key).reveal(&OWN, &items).unwrap());
    assert_eq!(seen, texts.iter().cloned().map(Some).collect::<Vec<_>>());
    let (credential, session_key) = person(&mut device, "bob");
    let mut bob = device.in_session(&credential, &session_key);
    assert!(bob.reveal(&OWN, &items).unwrap().iter().all(Option::is_none));
    assert!(matches!(bob.detokenize(&OWN, &items[0]), Err(Error::Fault(Fault::Denied))));

    let mut auditor = device.auditor(&AUDITOR).unwrap();
    let (mut reader, mut count) = (key.reader(), 0);
    loop {
        let entries = auditor.read().unwrap();
        let Some(last) = entries.last() else { break };
        for entry in &entries {
            reader.read(entry).unwrap();
            count += 1;
        }
        auditor.acknowledge(last.sequence()).unwrap();
    }
    assert!(count > 80, "{count}");
    assert_eq!(auditor.checkpoint().unwrap().node(), 7);
}

/// Every length of value around what fits: nothing that is asked for is ever too long for the device, whatever answers it has room for.
#[test]
fn batches_fit() {
    for longest_answer in [1152, 1200, 2048, 8192] {
        let served = Served::with_room::<4096>(longest_answer);
        let mut device = ready(&served);
        let mut rng = ChaCha20Rng::from_seed([longest_answer as u8; 32]);
        let (credential, key) = person(&mut device, "alice");
        for round in 0..12 {
            let lengths: Vec<usize> =
                (0..12).map(|_| 1 + (rng.next_u32() as usize) % [30, 200, 700, 1022][round % 4]).collect();
            let texts: Vec<Vec<u8>> = lengths.iter().map(|len| vec![b'v'; *len]).collect();
            let bound = Field::bound(3, symbolon::Class::SMALLEST).unwrap();
            let values: Vec<Value<'_>> = texts
                .iter()
                .map(|value| match round % 2 {
                    0 => Value::of(Field::FREE_TEXT, value),
                    _ => Value { field: bound, record: b"order-7", value },
                })
                .collect();
            let tokens = seal(&mut device, "alice", &values);
            let items: Vec<Item<'_>> = tokens
                .iter()
                .map(|token| match round % 2 {
                    0 => Item::of(token.as_token()),
                    _ => Item::new(symbolon::Slot::in_record(bound, "order-7").unwrap(), token.as_token()),
                })
                .collect();
            let seen = device.in_session(&credential, &key).reveal(&OWN, &items).unwrap();
            assert!(
                seen.iter().zip(&texts).all(|(seen, text)| seen.as_deref() == Some(text)),
                "{longest_answer} {round}"
            );
            // Without its record a bound one is refused, and the others are not held up by it.
            let mixed: Vec<Item<'_>> = tokens.iter().take(2).map(|token| Item::of(token.as_token())).collect();
            let seen = device.in_session(&credential, &key).reveal(&OWN, &mixed).unwrap();
            assert!(seen.iter().all(|seen| seen.is_some() == (round % 2 == 0)));
        }
    }
}

/// Roots travel: from a keyring to a device, and on to a second one, which is then locked.
#[test]
fn roots_travel_and_change() {
    let (first, second) = (Served::blank(), Served::blank());
    let (mut one, mut other) = (first.connect(), second.connect());
    initialise(&mut one, 1);
    initialise(&mut other, 2);
    let keyring = Keyring::generate(&mut SysRng).unwrap();
    let mut wrapped = [0; TransportKey::MAX_WRAPPED];
    let len = TransportKey::new(TRANSPORT).wrap(&keyring, &mut SysRng, &mut wrapped).unwrap();
    let mut officer = one.officer(&OFFICER).unwrap();
    assert_eq!(officer.import(&wrapped[..len]).unwrap(), 1);
    assert_eq!(officer.rotate().unwrap(), 2);
    let backup = officer.backup().unwrap();
    let mut officer = other.officer(&OFFICER).unwrap();
    assert_eq!(officer.import(&backup).unwrap(), 2);
    officer.lock().unwrap();
    assert!(matches!(officer.backup(), Err(Error::Fault(Fault::Stage))));
    assert!(matches!(officer.set_role(Role::Auditor, &[8; 32]), Err(Error::Fault(Fault::Stage))));
    assert!(other.status().unwrap().locked);
    second.ahead.fetch_add(5000, Ordering::SeqCst);
    other.status().unwrap();

    let vault = Vault::new(keyring, &Config::new(b"file")).unwrap();
    let alice = Principal::person(TENANT, "alice").unwrap();
    let (mut out, mut rng) = ([0; Token::MAX_LEN], symbolon::CheckedRng::new(SysRng));
    let token = vault.sealer(&alice).tokenize(Field::EMAIL, b"a@example.com", &mut out, &mut rng).unwrap();
    let (credential, key) = person(&mut other, "alice");
    let mut session = other.in_session(&credential, &key);
    assert_eq!(*session.detokenize(&OWN, &Item::of(token)).unwrap(), b"a@example.com");
    let newer = session.rewrap(&OWN, &Item::of(token)).unwrap();
    assert_eq!(newer.as_token().epoch(), 2);
    let mut officer = other.officer(&OFFICER).unwrap();
    assert_eq!(officer.retire(1).unwrap(), 2);
    let mut session = other.in_session(&credential, &key);
    assert!(matches!(session.detokenize(&OWN, &Item::of(token)), Err(Error::Fault(Fault::Denied))));
    assert_eq!(*session.detokenize(&OWN, &Item::of(newer.as_token())).unwrap(), b"a@example.com");
    one.officer(&OFFICER).unwrap().set_role(Role::Officer, &[8; 32]).unwrap();
    one.officer(&[8; 32]).unwrap().zeroise().unwrap();
    assert_eq!(one.status().unwrap().stage, 0);
}

/// Grants, erasure, stop and release, log-out, and the issuer's end of a session.
#[test]
fn acts_in_a_session() {
    let served = Served::blank();
    let mut device = ready(&served);
    let tokens = seal(&mut device, "alice", &[Value::of(Field::PHONE, b"+81312345678")]);
    let item = Item::of(tokens[0].as_token());
    let (alice, alices_key) = person(&mut device, "alice");
    let carrier = Principal::service(TENANT, "carrier").unwrap();
    let (theirs, their_key) = issue(&mut device, &carrier, Rights::NONE, Purposes::of(&[Purpose::SHIPPING]));
    let now = device.now().unwrap();
    let terms = GrantTerms {
        grantee: &carrier,
        fields: &[Field::PHONE],
        purpose: Purpose::SHIPPING,
        view: View::Full,
        record: None,
        not_before: now,
        expires: now.plus(60_000),
        uses: Some(3),
    };
    let grant = device.in_session(&alice, &alices_key).grant(&terms).unwrap();
    let under = Opening { purpose: Purpose::SHIPPING.code(), grant: grant.as_bytes(), ..OWN };
    let open = |device: &mut Device, opening: &Opening<'_>| {
        shown(device.in_session(&theirs, &their_key).reveal(opening, &[item]).unwrap()).remove(0)
    };
    assert_eq!(open(&mut device, &under).as_deref(), Some("+81312345678"));
    let masked = open(&mut device, &Opening { masked: true, ..under }).unwrap();
    assert!(masked.ends_with("78") && masked != "+81312345678");
    device.in_session(&alice, &alices_key).revoke(&grant).unwrap();
    assert_eq!(open(&mut device, &under), None);
    device.in_session(&alice, &alices_key).revoke_all(&Principal::person(TENANT, "alice").unwrap()).unwrap();

    let (service, service_key) = shop(&mut device);
    device.in_session(&service, &service_key).stop().unwrap();
    assert!(device.status().unwrap().stopped);
    assert!(device.in_session(&alice, &alices_key).detokenize(&OWN, &item).is_err());
    device.in_session(&service, &service_key).release().unwrap();
    let owner = Principal::person(TENANT, "alice").unwrap();
    let mut session = device.in_session(&service, &service_key);
    session.confirm_address(&owner, Field::PHONE, b"+81312345678").unwrap();
    let erasable = session.tokenize(&owner, true, &[Value::of(Field::PHONE, b"+81312345678")]).unwrap();
    session.erase(&owner).unwrap();
    let again = session.tokenize(&owner, true, &[Value::of(Field::PHONE, b"+81312345678")]);
    assert!(matches!(again, Err(Error::Fault(Fault::Denied))));
    let mut session = device.in_session(&alice, &alices_key);
    assert!(session.detokenize(&OWN, &Item::of(erasable[0].as_token())).is_err());
    session.log_out().unwrap();
    assert!(matches!(session.authenticate(), Err(Error::Fault(Fault::Denied))));
    let (bob, bobs_key) = person(&mut device, "bob");
    device.in_session(&bob, &bobs_key).authenticate().unwrap();
    device.issuer(&ISSUER).unwrap().end_session(bob.session_unverified()).unwrap();
    assert!(matches!(device.in_session(&bob, &bobs_key).authenticate(), Err(Error::Fault(Fault::Denied))));
}

/// Whatever is thrown at the line, the next good request works. So after a connection that ends in the middle of a frame.
#[test]
fn noise_is_passed_over() {
    let served = Served::blank();
    drop(ready(&served));
    let mut rng = ChaCha20Rng::from_seed([6; 32]);
    for round in 0..60 {
        let mut raw = TcpStream::connect(("127.0.0.1", served.port)).unwrap();
        let mut noise = vec![0; (rng.next_u32() % [3, 40, 400, 5000][round % 4]) as usize];
        rng.fill_bytes(&mut noise);
        raw.write_all(&noise).unwrap();
        drop(raw);
        assert_eq!(served.connect().status().unwrap().stage, 2);
    }
    let mut device = served.connect();
    let (credential, key) = person(&mut device, "alice");
    drop(device);
    // The next client comes when the first is gone, and sees nothing of it.
    device = served.connect();
    device.in_session(&credential, &key).authenticate().unwrap();
}

/// A line that flips bits: what comes through is right, and what doesn't is an error that says so.
#[test]
fn never_a_wrong_result() {
    let served = Served::blank();
    let mut clean = ready(&served);
    let tokens = seal(
        &mut clean,
        "alice",
        &[Value::of(Field::EMAIL, b"alice@example.com"), Value::of(Field::PHONE, b"+81312345678")],
    );
    let (credential, key) = person(&mut clean, "alice");
    drop(clean);
    let items = items(&tokens);
    let (mut right, mut lost) = (0, 0);
    for (seed, one_in) in [(1, 20_000), (2, 3_000), (3, 800)] {
        let port = noisy(served.port, one_in, seed);
        for _ in 0..25 {
            let address = Address::Tcp(format!("127.0.0.1:{port}"));
            let told = Device::connect_within(&address, Duration::from_millis(600)).and_then(|mut device| {
                let mut session = device.in_session(&credential, &key);
                session.reveal(&OWN, &items)
            });
            match told {
                Ok(values) => {
                    let expected = [Some("alice@example.com".to_owned()), Some("+81312345678".to_owned())];
                    assert_eq!(shown(values), expected);
                    right += 1;
                }
                Err(Error::Noisy | Error::AnswerLost | Error::NoAnswer(_)) => lost += 1,
                // A challenge that was used up by a request whose answer was damaged twice over.
                Err(Error::Fault(Fault::Denied)) => lost += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
    }
    assert!(right >= 55, "{right} right, {lost} lost");
}

/// Answers that are lost: what may be asked twice is, the rest is told; a role's channel is found again.
#[test]
fn lost_answers() {
    let served = Served::blank();
    let mut device = ready(&served);
    drop(device);
    device = Device::connect_within(&served.address(), Duration::from_millis(300)).unwrap();
    let (credential, key) = person(&mut device, "alice");
    let mut session = device.in_session(&credential, &key);
    session.authenticate().unwrap();
    let mut officer = device.officer(&OFFICER).unwrap();
    served.mute.store(1, Ordering::SeqCst);
    assert!(matches!(officer.rotate(), Err(Error::AnswerLost)));
    assert_eq!(officer.rotate().unwrap(), 3, "it was done the first time, and the channel is there again");
    served.mute.store(1, Ordering::SeqCst);
    assert!(officer.backup().is_ok());
    // Two rotations on, the older credential is no good any more.
    let (credential, key) = person(&mut device, "alice");
    let alice = Principal::person(TENANT, "alice").unwrap();
    let (service, service_key) = shop(&mut device);
    served.mute.store(2, Ordering::SeqCst);
    let one = [Value::of(Field::PHONE, b"+81312345678")];
    let lost = device.in_session(&service, &service_key).tokenize(&alice, false, &one);
    assert!(matches!(lost, Ok(_) | Err(Error::AnswerLost)));
    served.mute.store(0, Ordering::SeqCst);
    let tokens = device.in_session(&service, &service_key).tokenize(&alice, false, &one).unwrap();
    served.mute.store(1, Ordering::SeqCst);
    assert!(device.in_session(&credential, &key).reveal(&OWN, &items(&tokens)).unwrap()[0].is_some());
    served.mute.store(1, Ordering::SeqCst);
    device.auditor(&AUDITOR).unwrap().read().unwrap();
    served.mute.store(100, Ordering::SeqCst);
    let began = Instant::now();
    assert!(matches!(device.status(), Err(Error::NoAnswer(_))));
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// A clock that is hours off is no obstacle; none at all is told. After a start there is a wait, and it is said.
#[test]
fn clocks_and_starts() {
    let served = Served::blank();
    served.ahead.store(-7_200_000, Ordering::SeqCst);
    let mut device = ready(&served);
    let (credential, key) = person(&mut device, "alice");
    let ends = device.in_session(&credential, &key).authenticate().unwrap();
    assert!(ends.as_millis() < device.now().unwrap().as_millis() + 120_000);
    drop(device);
    served.restart.store(true, Ordering::SeqCst);
    let mut device = served.connect();
    let told = Arc::new(Mutex::new(Vec::new()));
    let said = told.clone();
    device.tell(move |notice| said.lock().unwrap().push(notice.to_string()));
    device.in_session(&credential, &key).authenticate().unwrap();
    let told = told.lock().unwrap();
    assert!(told.len() == 1 && told[0].contains("two seconds"), "{told:?}");
    served.ahead.store(i64::MIN, Ordering::SeqCst);
    device.status().unwrap();
    assert!(matches!(device.in_session(&credential, &key).authenticate(), Err(Error::NoClock)));
}

/// A serial line's two ends, as far as a pseudo-terminal is one.
#[cfg(unix)]
#[test]
fn over_a_pseudo_terminal() {
    use serialport::{SerialPort, TTYPort};
    let served = Served::blank();
    let (mut near, far) = TTYPort::pair().unwrap();
    let path = far.name().unwrap();
    drop(far);
    let (mut back, stream) =
        (near.try_clone_native().unwrap(), TcpStream::connect(("127.0.0.1", served.port)).unwrap());
    let mut answers = stream.try_clone().unwrap();
    thread::spawn(move || std::io::copy(&mut answers, &mut back));
    thread::spawn(move || {
        let (mut stream, mut bytes) = (stream, [0; 512]);
        loop {
            // Until somebody opens the other end it is an error to read.
            match near.read(&mut bytes) {
                Ok(len) => stream.write_all(&bytes[..len]).unwrap(),
                Err(_) => thread::sleep(Duration::from_millis(10)),
            }
        }
    });
    let address = Address::parse(&path).unwrap().with_speed(57_600);
    let mut device = Device::connect_within(&address, Duration::from_secs(3)).unwrap();
    initialise(&mut device, 0);
    device.officer(&OFFICER).unwrap().generate().unwrap();
    served.ahead.fetch_add(5000, Ordering::SeqCst);
    device.status().unwrap();
    let texts: Vec<Vec<u8>> = (0..20).map(|at| vec![at + 1; 100]).collect();
    let values: Vec<_> =
        texts.iter().map(|text| Value::of(Field::custom(1, symbolon::Class::SMALLEST).unwrap(), text)).collect();
    let tokens = seal(&mut device, "alice", &values);
    let (credential, key) = person(&mut device, "alice");
    let seen = device.in_session(&credential, &key).reveal(&OWN, &items(&tokens)).unwrap();
    assert!(seen.iter().zip(&texts).all(|(seen, text)| seen.as_deref() == Some(text)));
}

/// Nobody there, somebody silent, somebody else: each is told for what it is, and soon.
#[test]
fn what_is_no_device() {
    let wait = Duration::from_millis(300);
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let gone = Device::connect_within(&Address::Tcp(free.to_string()), wait);
    assert!(matches!(gone, Err(Error::Connect(..))));
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let began = Instant::now();
    let address = Address::Tcp(silent.local_addr().unwrap().to_string());
    assert!(matches!(Device::connect_within(&address, wait), Err(Error::NoAnswer(_))));
    assert!(began.elapsed() < Duration::from_secs(1));
    let chatty = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = Address::Tcp(chatty.local_addr().unwrap().to_string());
    thread::spawn(move || {
        let (mut stream, _) = chatty.accept().unwrap();
        let mut bytes = [0; 64];
        while let Ok(1..) = stream.read(&mut bytes) {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n\0").unwrap();
        }
    });
    assert!(matches!(Device::connect_within(&address, wait), Err(Error::Noisy)));
    for bad in ["", "tcp:", "tcp:host", "tcp::7", "tcp:host:port", "tcp:host:70000"] {
        assert!(matches!(Address::parse(bad), Err(Error::Address(_))), "{bad:?}");
    }
}

/// One value alone that doesn't fit with what must go with it is told, and nothing is sent.
#[test]
fn too_long_is_told() {
    let served = Served::blank();
    let mut device = ready(&served);
    let long = Principal::person("t".repeat(64), "p".repeat(64)).unwrap();
    let service = Principal::service("t".repeat(64), "s".repeat(64)).unwrap();
    let (credential, key) = issue(&mut device, &service, Rights::TOKENIZE, Purposes::of(&[]));
    let value = vec![b'v'; 1022];
    device.in_session(&credential, &key).tokenize(&long, false, &[Value::of(Field::FREE_TEXT, &value)]).unwrap();
    let too_long = vec![b'v'; 1500];
    let told = device.in_session(&credential, &key).tokenize(&long, false, &[Value::of(Field::FREE_TEXT, &too_long)]);
    assert!(matches!(told, Err(Error::TooLong)));
}

/// Several clients by turns through a relay; one that dies in the middle of a frame, and one that says nothing, disturb nobody.
#[test]
fn a_relay_serves_several() {
    let served = Served::blank();
    let mut device = ready(&served);
    let tokens = seal(&mut device, "alice", &[Value::of(Field::EMAIL, b"alice@example.com")]);
    let sessions: Vec<_> = (0..3).map(|_| person(&mut device, "alice")).collect();
    drop(device);
    let relay = Relay::listen(&served.address(), "127.0.0.1:0").unwrap();
    let address = Address::Tcp(relay.place().unwrap().to_string());
    thread::spawn(move || relay.run());
    let Address::Tcp(place) = &address else { panic!() };
    let _silent = TcpStream::connect(place).unwrap();
    thread::scope(|scope| {
        for (credential, key) in &sessions {
            let (address, tokens) = (&address, &tokens);
            scope.spawn(move || {
                let mut device = Device::connect(address).unwrap();
                for _ in 0..40 {
                    let seen = device.in_session(credential, key).reveal(&OWN, &items(tokens)).unwrap();
                    assert_eq!(shown(seen), [Some("alice@example.com".to_owned())]);
                }
            });
        }
        scope.spawn(|| {
            for round in 1..20 {
                let mut dying = TcpStream::connect(place).unwrap();
                dying.write_all(&[0, 9, 1, 1, 1, 5, 7][..1 + round % 6]).unwrap();
                thread::sleep(Duration::from_millis(20));
            }
        });
    });
    let mut device = Device::connect(&address).unwrap();
    let mut officer = device.officer(&OFFICER).unwrap();
    assert_eq!(officer.rotate().unwrap(), 2);
}
