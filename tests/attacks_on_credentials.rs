//! Attacks on credentials, proofs and sessions: each is refused as `Denied`, and the trail knows why.

mod common;

use std::{cell::Cell, ops::Deref, rc::Rc};

use common::{AUDIENCE, CONTEXT, Client, NOW, TestRng, World, alice, bob, keyring};
use symbolon::{
    Access, CheckedRng, Config, Credential, Error, Field, Issuer, Item, Keyring, Kind, Principal, Proof, Purpose,
    Purposes, Reason, Rights, Session, SessionKey, Terms, Time, Token, Vault, reply_len,
};

const DAY: u64 = 86_400_000;

/// Presents credential and proof; `Ok` or the reason that the trail has.
fn authenticate(world: &mut World, credential: &Credential, proof: &Proof, context: &[&[u8]]) -> Result<(), Reason> {
    let outcome = world.vault.authenticate(credential, proof, context, &mut world.host).map(drop);
    verdict(world, outcome)
}

fn bearer(world: &mut World, credential: &Credential) -> Result<(), Reason> {
    let outcome = world.vault.authenticate_bearer(credential, &mut world.host).map(drop);
    verdict(world, outcome)
}

fn verdict(world: &mut World, outcome: Result<(), Error>) -> Result<(), Reason> {
    let reason = world.last().entry.reason;
    match outcome {
        Ok(()) => {
            assert_eq!(reason, Reason::Done);
            Ok(())
        }
        Err(error) => {
            assert_eq!(error, Error::Denied, "one answer for every refusal");
            Err(reason)
        }
    }
}

/// A fresh proof for this client, now.
fn try_now(world: &mut World, client: &Client) -> Result<(), Reason> {
    let proof = world.prove(client);
    authenticate(world, &client.credential, &proof, CONTEXT)
}

fn copy(keyring: &Keyring) -> Keyring {
    let mut bytes = [0; Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut bytes).unwrap();
    Keyring::read_secret(&bytes[..len]).unwrap()
}

/// The control of everything below.
#[test]
fn untouched_it_authenticates() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    assert_eq!(try_now(&mut world, &client), Ok(()));
}

/// Valid from its first millisecond (and two seconds before, for clocks differ) to its last.
#[test]
fn too_early_and_too_late() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let life = Terms::default().life;
    for (time, expected) in [
        (NOW.minus(2_001), Err(Reason::NotYetValid)),
        (NOW.minus(2_000), Ok(())),
        (NOW, Ok(())),
        (NOW.plus(life - 1), Ok(())),
        (NOW.plus(life), Err(Reason::Expired)),
        (NOW.plus(life + DAY), Err(Reason::Expired)),
    ] {
        world.clock.set(Some(time));
        assert_eq!(try_now(&mut world, &client), expected, "{time:?}");
    }
}

/// A clock that is set back doesn't make an expired credential valid again: nothing opens, and it's on the record.
#[test]
fn a_clock_set_back() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    world.clock.set(Some(NOW.plus(DAY)));
    assert_eq!(try_now(&mut world, &client), Err(Reason::Expired));
    world.clock.set(Some(NOW));
    let proof = world.prove(&client);
    for _ in 0..3 {
        let refused = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
        assert_eq!(refused.unwrap_err(), Error::Unavailable);
    }
    // After a restart too, for the latest time is stored.
    assert_eq!(world.restart(NOW).unwrap_err(), Error::Unavailable);
    world.restart(NOW.plus(DAY)).unwrap();
    // A little behind is no matter: clocks are set by small steps. More is.
    world.clock.set(Some(NOW.plus(DAY - 2_000)));
    assert_eq!(try_now(&mut world, &client), Err(Reason::Expired));
    for _ in 0..2 {
        world.clock.set(Some(NOW.plus(DAY - 2_001)));
        let refused = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
        assert_eq!(refused.unwrap_err(), Error::Unavailable);
        world.clock.set(Some(NOW.plus(DAY - 2_001)));
        let refused = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
        assert_eq!(refused.unwrap_err(), Error::Unavailable);
        world.clock.set(Some(NOW.plus(DAY)));
        assert_eq!(try_now(&mut world, &client), Err(Reason::Expired));
    }
    let backs = world.trail().iter().filter(|recorded| recorded.entry.event == symbolon::Event::ClockBack).count();
    assert_eq!(backs, 3, "once each time that it fell behind");
    // No clock at all is the same.
    world.clock.set(None);
    let refused = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Unavailable);
}

/// Another audience of the same keyring: its credentials are its own.
#[test]
fn another_audience() {
    let keyring = common::keyring();
    let mut world = World::with(copy(&keyring), &Config::new(AUDIENCE));
    let mut other = World::with(keyring, &Config::new(b"mail-sender"));
    let client = other.log_in(&alice());
    assert_eq!(try_now(&mut world, &client), Err(Reason::WrongAudience));
    assert_eq!(try_now(&mut other, &client), Ok(()));
}

/// Every bit of the credential flipped: it has no form any more, or it is refused.
#[test]
fn every_bit_flipped() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let original = client.credential.as_bytes().to_vec();
    let (mut denied, mut formless) = (0, 0);
    for bit in 0..original.len() * 8 {
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let Ok(credential) = Credential::from_bytes(&bytes) else {
            formless += 1;
            continue;
        };
        let proof = client.key.prove(&credential, CONTEXT, NOW, &mut world.rng).unwrap();
        let outcome = world.vault.authenticate(&credential, &proof, CONTEXT, &mut world.host);
        assert_eq!(outcome.unwrap_err(), Error::Denied, "bit {bit}");
        denied += 1;
        drain(&mut world);
    }
    assert_eq!(denied + formless, original.len() * 8);
    assert!(denied > 1000 && formless > 10, "{denied} {formless}");
    for len in 0..original.len() {
        assert_eq!(Credential::from_bytes(&original[..len]).unwrap_err(), Error::Malformed);
    }
    assert_eq!(Credential::from_bytes(&[original.as_slice(), &[0]].concat()).unwrap_err(), Error::Malformed);
}

fn drain(world: &mut World) {
    use symbolon::Store;
    world.host.environment().store.acknowledge(u64::MAX).unwrap();
}

/// A person who registers under a service's or a member of staff's name is neither; nor is a name of another tenant's.
#[test]
fn names_of_another_kind() {
    let mut world = World::new();
    let service = Principal::service("shop-17", "mailer").unwrap();
    let token = world.token(&service, Field::EMAIL, "a@example.com");
    for who in [
        Principal::person("shop-17", "mailer"),
        Principal::staff("shop-17", "mailer"),
        Principal::service("shop-18", "mailer"),
    ] {
        let client = world.log_in(&who.unwrap());
        let proof = world.prove(&client);
        let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
        let mut work = [0; Token::MAX_OPEN_LEN];
        let refused = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
        assert_eq!(refused.unwrap_err(), Error::Denied);
    }
    let client = world.log_in(&service);
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok(), "the control");
}

/// An issuer speaks for its tenant, kind and day alone, and its terms have bounds.
#[test]
fn an_issuer_keeps_to_its_scope() {
    let mut world = World::new();
    let issuer = world.vault.issuer("shop-17", Kind::Person, NOW.period()).unwrap();
    let key = SessionKey::generate(&mut world.rng).unwrap();
    let terms = Terms::default();
    let mut issue = |who: &Principal, terms: Terms, now: Time| issuer.issue(who, &key, &terms, now, &mut world.rng);
    assert!(issue(&alice(), terms, NOW).is_ok(), "the control");
    assert!(issue(&alice(), Terms { life: DAY, ..terms }, NOW).is_ok(), "24 hours are the most");
    let refused = [
        issue(&Principal::person("shop-18", "alice").unwrap(), terms, NOW),
        issue(&Principal::staff("shop-17", "alice").unwrap(), terms, NOW),
        issue(&Principal::service("shop-17", "alice").unwrap(), terms, NOW),
        issue(&alice(), terms, NOW.plus(DAY)),
        issue(&alice(), terms, NOW.minus(DAY)),
        issue(&alice(), Terms { life: DAY + 1, ..terms }, NOW),
        issue(&alice(), Terms { life: 0, ..terms }, NOW),
        issue(&alice(), Terms { rights: Rights::OWN.and(Rights::LOOKUP), ..terms }, NOW),
        issue(&alice(), Terms { rights: Rights::MAINTAIN, ..terms }, NOW),
    ];
    for outcome in refused {
        assert_eq!(outcome.unwrap_err(), Error::InvalidTerms);
    }
}

/// Whoever alters an issuer's day gets keys that no vault derives: the period is in the key, and it must be the day of not-before.
#[test]
fn a_period_that_is_not_the_day() {
    let mut world = World::new();
    let today = world.vault.issuer("shop-17", Kind::Person, NOW.period()).unwrap();
    let mut secret = [0; Issuer::MAX_LEN];
    let len = today.write_secret(&mut secret).unwrap();
    let same = Issuer::read_secret(&secret[..len]).unwrap();
    secret[3..7].copy_from_slice(&(NOW.period() + 1).to_le_bytes());
    let tomorrow = Issuer::read_secret(&secret[..len]).unwrap();
    let key = SessionKey::generate(&mut world.rng).unwrap();
    let credential = same.issue(&alice(), &key, &Terms::default(), NOW, &mut world.rng).unwrap();
    assert_eq!(
        try_now(&mut world, &Client { key: SessionKey::read_secret(&key.write_secret()), credential }),
        Ok(()),
        "the control"
    );
    let later = NOW.plus(DAY);
    let credential = tomorrow.issue(&alice(), &key, &Terms::default(), later, &mut world.rng).unwrap();
    world.clock.set(Some(later));
    assert_eq!(try_now(&mut world, &Client { key, credential }), Err(Reason::BadCredential));
}

/// The vault's own maximum binds even an issuer that says more; and the default is 15 minutes.
#[test]
fn a_life_beyond_the_vaults_maximum() {
    let mut world = World::new();
    let client = world.log_in_with(&alice(), &Terms { life: 15 * 60_000, ..Terms::default() });
    assert_eq!(try_now(&mut world, &client), Ok(()));
    let client = world.log_in_with(&alice(), &Terms { life: 15 * 60_000 + 1, ..Terms::default() });
    assert_eq!(try_now(&mut world, &client), Err(Reason::LifeTooLong));
    let config = Config { max_life: DAY + 1, ..Config::new(AUDIENCE) };
    assert_eq!(Vault::new(common::keyring(), &config).unwrap_err(), Error::InvalidTerms);
}

/// Credentials of an epoch below the floor are refused: by default the newest but one is the oldest, after a compromise the newest.
#[test]
fn epochs_below_the_floor() {
    let mut keyring = common::keyring();
    let old = World::with(copy(&keyring), &Config::new(AUDIENCE)).log_in(&alice());
    for (epochs, floor, expected) in [
        (1, None, Ok(())),
        (1, Some(2), Err(Reason::BelowFloor)),
        (2, None, Err(Reason::BelowFloor)),
        (2, Some(1), Ok(())),
    ] {
        while keyring.newest() < epochs + 1 {
            keyring.add_epoch(&mut common::TestRng(u64::from(epochs) + 600)).unwrap();
        }
        let mut world = World::with(copy(&keyring), &Config { credential_floor: floor, ..Config::new(AUDIENCE) });
        assert_eq!(try_now(&mut world, &old), expected, "{epochs} {floor:?}");
    }
}

/// A proof is for one request: used again, for another context, or with its parts cut elsewhere, it is refused.
#[test]
fn proofs_replayed_or_moved() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let moved: [&[&[u8]]; 5] = [
        &[b"POST", b"/reveal", b"other"],
        &[b"POST", b"/revealb", b"ody"],
        &[b"POST", b"/reveal"],
        &[b"POST", b"/reveal", b"body", b""],
        &[],
    ];
    for context in moved {
        assert_eq!(authenticate(&mut world, &client.credential, &proof, context), Err(Reason::BadProof));
    }
    assert_eq!(authenticate(&mut world, &client.credential, &proof, CONTEXT), Ok(()));
    assert_eq!(authenticate(&mut world, &client.credential, &proof, CONTEXT), Err(Reason::Replayed));
    // For as long as its time would be accepted, and then it is stale.
    world.clock.set(Some(NOW.plus(59_999)));
    assert_eq!(authenticate(&mut world, &client.credential, &proof, CONTEXT), Err(Reason::Replayed));
    world.clock.set(Some(NOW.plus(60_000)));
    assert_eq!(authenticate(&mut world, &client.credential, &proof, CONTEXT), Err(Reason::StaleProof));
    let ahead = client.key.prove(&client.credential, CONTEXT, NOW.plus(62_002), &mut world.rng).unwrap();
    assert_eq!(authenticate(&mut world, &client.credential, &ahead, CONTEXT), Err(Reason::FutureProof));
}

/// A refused proof takes no place in the window: only what was verified is remembered.
#[test]
fn refused_proofs_are_not_remembered() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    assert_eq!(authenticate(&mut world, &client.credential, &proof, &[b"GET"]), Err(Reason::BadProof));
    let bytes = proof.to_bytes();
    for bit in 0..bytes.len() * 8 {
        let mut altered = bytes;
        altered[bit / 8] ^= 1 << (bit % 8);
        let altered = Proof::from_bytes(&altered).unwrap();
        let outcome = world.vault.authenticate(&client.credential, &altered, CONTEXT, &mut world.host);
        assert_eq!(outcome.unwrap_err(), Error::Denied, "bit {bit}");
        drain(&mut world);
    }
    assert!(
        world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).is_ok(),
        "the first use of the genuine one"
    );
    for len in [0, 39, 41] {
        assert_eq!(Proof::from_bytes(&vec![0; len]).unwrap_err(), Error::Malformed);
    }
}

/// Two credentials of one session share its key; a proof made under one is refused with the other.
#[test]
fn a_proof_under_another_credential_of_the_session() {
    let mut world = World::new();
    let first = world.log_in(&alice());
    let issuer = world.vault.issuer("shop-17", Kind::Person, NOW.period()).unwrap();
    let verified = issuer.verify(&first.credential, NOW).unwrap();
    let renewed = issuer.renew(&verified, &Terms::default(), NOW.plus(1000), &mut world.rng).unwrap();
    assert_eq!(renewed.session_unverified(), first.credential.session_unverified());
    assert_ne!(renewed, first.credential);
    let proof = world.prove(&first);
    assert_eq!(authenticate(&mut world, &renewed, &proof, CONTEXT), Err(Reason::BadProof));
    assert_eq!(authenticate(&mut world, &first.credential, &proof, CONTEXT), Ok(()));
    let proof = first.key.prove(&renewed, CONTEXT, NOW, &mut world.rng).unwrap();
    assert_eq!(
        authenticate(&mut world, &renewed, &proof, CONTEXT),
        Ok(()),
        "the same session key proves for the renewal"
    );
}

/// Renewals go on with the same session across midnight, end 24 hours after the log-in, and a log-out ends them all.
#[test]
fn renewals_end_and_log_out_covers_them() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let mut now = NOW;
    let mut credential = client.credential.clone();
    let mut renewals = 0;
    let end = loop {
        let issuer = world.vault.issuer("shop-17", Kind::Person, now.period()).unwrap();
        let verified = issuer.verify(&credential, now).unwrap();
        now = now.plus(10 * 60_000);
        let todays = world.vault.issuer("shop-17", Kind::Person, now.period()).unwrap();
        match todays.renew(&verified, &Terms::default(), now, &mut world.rng) {
            Ok(renewed) => credential = renewed,
            Err(error) => break error,
        }
        renewals += 1;
        if credential.expires_unverified() == NOW.plus(DAY) {
            now = NOW.plus(DAY - 60_000);
        }
        assert!(credential.expires_unverified() <= NOW.plus(DAY));
    };
    assert_eq!(end, Error::InvalidTerms);
    assert!(renewals >= 140, "{renewals}");
    let last = Client { key: client.key, credential };
    world.clock.set(Some(NOW.plus(DAY - 1000)));
    assert_eq!(try_now(&mut world, &last), Ok(()));
    world.vault.log_out(last.credential.session_unverified(), &mut world.host).unwrap();
    assert_eq!(try_now(&mut world, &last), Err(Reason::LoggedOut));
    world.clock.set(Some(NOW.plus(DAY)));
    assert_eq!(try_now(&mut world, &last), Err(Reason::Expired));
    // The logged-out record survives a restart.
    let other = world.log_in(&bob());
    world.vault.log_out(other.credential.session_unverified(), &mut world.host).unwrap();
    world.restart(NOW.plus(DAY + 10_000)).unwrap();
    world.clock.set(Some(NOW.plus(DAY + 20_000)));
    assert_eq!(try_now(&mut world, &other), Err(Reason::LoggedOut));
}

/// A renewal says what its own issuer and its own terms say, and nothing of what the first credential said.
#[test]
fn renewals_take_their_terms_anew() {
    let mut world = World::new();
    let first = Terms { proof_required: false, ..Terms::default() };
    let client = world.log_in_with(&alice(), &first);
    let yesterdays = world.vault.issuer("shop-17", Kind::Person, NOW.period()).unwrap();
    let verified = yesterdays.verify(&client.credential, NOW).unwrap();
    let renew = |by: &Vault, terms: &Terms, now: Time| {
        let issuer = by.issuer("shop-17", Kind::Person, now.period()).unwrap();
        issuer.renew(&verified, terms, now, &mut TestRng(5))
    };
    // The proof of possession can be asked for from now on.
    let proven = renew(&world.vault, &Terms { proof_required: true, ..first }, NOW).unwrap();
    assert_eq!(bearer(&mut world, &proven), Err(Reason::ProofRequired));
    // Other purposes, and no rights.
    let other = Terms { purposes: Purposes::of(&[Purpose::SUPPORT]), ..first };
    let other = renew(&world.vault, &other, NOW).unwrap();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let opened = |world: &mut World, credential: &Credential| {
        let session = world.vault.authenticate_bearer(credential, &mut world.host).unwrap();
        let mut work = [0; Token::MAX_OPEN_LEN];
        session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).map(drop)
    };
    assert_eq!(opened(&mut world, &client.credential), Ok(()), "the control");
    assert_eq!(opened(&mut world, &other), Err(Error::Denied));
    assert_eq!(world.last().entry.reason, Reason::WrongPurpose);
    let powerless = renew(&world.vault, &Terms { rights: Rights::NONE, ..first }, NOW).unwrap();
    assert_eq!(opened(&mut world, &powerless), Err(Error::Denied));
    assert_eq!(world.last().entry.reason, Reason::NoRight);
    // By the issuer of a newer epoch it is of that epoch; by one of another audience there is none.
    let mut rotated = copy(&keyring());
    rotated.add_epoch(&mut TestRng(8)).unwrap();
    let newer = Vault::new(rotated, &Config::new(AUDIENCE)).unwrap();
    assert!(renew(&newer, &first, NOW).is_ok());
    let elsewhere = Vault::new(keyring(), &Config::new(b"elsewhere")).unwrap();
    assert_eq!(renew(&elsewhere, &first, NOW).unwrap_err(), Error::InvalidTerms);
}

/// An issuer verifies what it issued, from two seconds before its first millisecond to its last; and nothing of another's.
#[test]
fn verified_in_its_time_and_by_its_issuer() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let issuer = world.vault.issuer("shop-17", Kind::Person, NOW.period()).unwrap();
    let life = Terms::default().life;
    for (time, is_valid) in [
        (NOW.minus(2_001), false),
        (NOW.minus(2_000), true),
        (NOW, true),
        (NOW.plus(life - 1), true),
        (NOW.plus(life), false),
    ] {
        assert_eq!(issuer.verify(&client.credential, time).is_ok(), is_valid, "{time:?}");
    }
    let other = world.vault.issuer("shop-18", Kind::Person, NOW.period()).unwrap();
    assert_eq!(other.verify(&client.credential, NOW).unwrap_err(), Error::Denied);
}

/// A log-out ends a session that is open already, too.
#[test]
fn log_out_ends_an_open_session() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "a@example.com");
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok());
    world.vault.log_out(session.id(), &mut world.host).unwrap();
    let refused = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
    drop(session);
    assert_eq!(world.last().entry.reason, Reason::LoggedOut);
}

/// A credential that wants proofs is no bearer credential, and the bit can't be cleared.
#[test]
fn proof_required_presented_as_bearer() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    assert_eq!(bearer(&mut world, &client.credential), Err(Reason::ProofRequired));
    let mut bytes = client.credential.as_bytes().to_vec();
    bytes[1] = 0;
    let cleared = Credential::from_bytes(&bytes).unwrap();
    assert_eq!(bearer(&mut world, &cleared), Err(Reason::BadCredential));
    let client = world.log_in_with(&alice(), &Terms { proof_required: false, ..Terms::default() });
    assert_eq!(bearer(&mut world, &client.credential), Ok(()), "the control");
}

/// A session without the right to its own data opens nothing.
#[test]
fn without_the_right() {
    let mut world = World::new();
    let who = Principal::service("shop-17", "auditor").unwrap();
    let token = world.token(&who, Field::EMAIL, "a@example.com");
    let client = world.log_in_with(&who, &Terms { rights: Rights::READ_TRAIL, ..Terms::default() });
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let refused = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
    drop(session);
    assert_eq!(world.last().entry.reason, Reason::NoRight);
}

/// A session ends 60 s after its proof, or with its credential: to the millisecond.
#[test]
fn a_session_used_after_its_end() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "a@example.com");
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    assert_eq!(session.ends(), NOW.plus(60_000));
    let mut work = [0; Token::MAX_OPEN_LEN];
    world.clock.set(Some(NOW.plus(59_999)));
    assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok());
    world.clock.set(Some(NOW.plus(60_000)));
    let refused = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
    let token_view = token.as_token();
    let items = [Item::of(token_view)];
    let mut out = vec![0; reply_len(&items)];
    assert_eq!(session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap_err(), Error::Denied);
    assert_eq!(out[..16], [0; 16], "no salt: what is there opens to nothing");
    drop(session);
    assert_eq!(world.last().entry.reason, Reason::SessionEnded);
}

/// A pointer that can be switched from one vault to another.
struct Switch {
    vaults: [Rc<Vault>; 2],
    which: Rc<Cell<usize>>,
}

impl Deref for Switch {
    type Target = Vault;

    fn deref(&self) -> &Vault {
        &self.vaults[self.which.get()]
    }
}

/// A session belongs to the vault that made it, even where the pointer to the vault is switched under it; and to its trail.
#[test]
fn a_session_with_another_vault() {
    let mut world = World::new();
    let mut other = World::with(Keyring::generate(&mut common::TestRng(43)).unwrap(), &Config::new(AUDIENCE));
    let theirs = other.token(&alice(), Field::EMAIL, "a@example.com");
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let which = Rc::new(Cell::new(0));
    let vault = |seed| {
        Rc::new(Vault::new(Keyring::generate(&mut common::TestRng(seed)).unwrap(), &Config::new(AUDIENCE)).unwrap())
    };
    let switch = Switch { vaults: [vault(42), vault(43)], which: which.clone() };
    let held = Session::authenticate_held(switch, &client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let session = held.release(&world.host.commit(&world.vault).unwrap()).unwrap();
    which.set(1);
    let mut work = [0; Token::MAX_OPEN_LEN];
    // With the other vault's host, whose trail would take it, and with the first one's.
    let refused = session.detokenize(Field::EMAIL, &theirs.as_token(), &mut work, &mut other.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
    assert_eq!(other.last().entry.reason, Reason::OtherVault);
    // Not even a canary of its own is said to be one: this vault's alarm is not about the other's data.
    let (hers, mut out) = (world.token(&alice(), Field::EMAIL, "a@example.com"), [0; Token::MAX_LEN]);
    let mut rng = CheckedRng::new(common::TestRng(5));
    let canary = world.vault.canary("shop-17", &hers.as_token(), b"export", &mut out, &mut rng).unwrap();
    assert!(session.detokenize(Field::EMAIL, &canary, &mut work, &mut other.host).is_err());
    assert_eq!(other.last().entry.reason, Reason::OtherVault);
    let refused = session.detokenize(Field::EMAIL, &theirs.as_token(), &mut work, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Unavailable);
    which.set(0);
    let refused = session.detokenize(Field::EMAIL, &theirs.as_token(), &mut work, &mut other.host);
    assert_eq!(refused.unwrap_err(), Error::Unavailable, "another vault's trail is none");
}

/// The same nonce for another set of tokens, or for the same set again: no two replies share a key stream.
#[test]
fn a_nonce_repeated_by_the_client() {
    let mut world = World::new();
    let one = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let two = world.token(&alice(), Field::EMAIL, "other@example.com");
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    let (one, two) = (one.as_token(), two.as_token());
    let mut streams = Vec::new();
    for items in [[Item::of(one)], [Item::of(two)], [Item::of(one)]] {
        let mut out = vec![0; reply_len(&items)];
        let reply = session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap().as_bytes().to_vec();
        let mut opened = reply.clone();
        let values = client.key.open_reply(&client.credential, Some(&proof), &items, &mut opened).unwrap();
        assert!(values.values().all(|value| value.is_some()));
        drop(values);
        // status, length and value are alike in their first bytes, so equal key streams would show as equal ciphertext.
        streams.push(reply[16..19].to_vec());
        assert!(!streams[..streams.len() - 1].contains(&streams[streams.len() - 1]));
        // Not the reply to another set, nor by another proof.
        let other = [Item::of(if items[0].token == one { two } else { one })];
        assert!(client.key.open_reply(&client.credential, Some(&proof), &other, &mut reply.clone()).is_err());
        let another = client.key.prove(&client.credential, CONTEXT, NOW, &mut world.rng).unwrap();
        assert!(client.key.open_reply(&client.credential, Some(&another), &items, &mut reply.clone()).is_err());
        for bit in 0..reply.len() * 8 {
            let mut altered = reply.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            assert!(client.key.open_reply(&client.credential, Some(&proof), &items, &mut altered).is_err());
        }
    }
}

/// Bytes of one kind as another: none of a token, credential, proof, issuer, keyring, audit key, entry is read as one of the others.
#[test]
fn bytes_of_one_kind_as_another() {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    let issuer = world.vault.issuer("shop-17", Kind::Person, NOW.period()).unwrap();
    let mut issuer_bytes = [0; Issuer::MAX_LEN];
    let issuer_len = issuer.write_secret(&mut issuer_bytes).unwrap();
    let mut keyring_bytes = [0; Keyring::MAX_LEN];
    let keyring_len = common::keyring().write_secret(&mut keyring_bytes).unwrap();
    let kinds: [(&str, Vec<u8>); 7] = [
        ("token", token.as_token().as_bytes().to_vec()),
        ("credential", client.credential.as_bytes().to_vec()),
        ("proof", proof.to_bytes().to_vec()),
        ("issuer", issuer_bytes[..issuer_len].to_vec()),
        ("keyring", keyring_bytes[..keyring_len].to_vec()),
        ("audit key", world.audit.write_secret().to_vec()),
        ("session key", client.key.write_secret().to_vec()),
    ];
    for (name, bytes) in &kinds {
        assert_eq!(Token::from_bytes(bytes).is_ok(), *name == "token", "{name} as token");
        assert_eq!(Credential::from_bytes(bytes).is_ok(), *name == "credential", "{name} as credential");
        assert_eq!(Proof::from_bytes(bytes).is_ok(), *name == "proof", "{name} as proof");
        assert_eq!(Issuer::read_secret(bytes).is_ok(), *name == "issuer", "{name} as issuer");
        assert_eq!(Keyring::read_secret(bytes).is_ok(), *name == "keyring", "{name} as keyring");
    }
}

/// A proof may have been accepted just before a restart, so after it such times are refused, and later ones are not.
#[test]
fn proofs_in_flight_over_a_restart() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    assert_eq!(authenticate(&mut world, &client.credential, &proof, CONTEXT), Ok(()));
    world.restart(NOW.plus(500)).unwrap();
    assert_eq!(authenticate(&mut world, &client.credential, &proof, CONTEXT), Err(Reason::ProofBeforeStart));
    world.clock.set(Some(NOW.plus(1000)));
    assert_eq!(try_now(&mut world, &client), Err(Reason::ProofBeforeStart));
    world.clock.set(Some(NOW.plus(2501)));
    assert_eq!(try_now(&mut world, &client), Ok(()));
}
