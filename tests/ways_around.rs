//! Ways around the promises that are open to whoever holds the parts: a request that outlives its session, tickets and receipts of something else,
//! a store that reads but doesn't write, one that has no room. Each was a defect once, or would be if its check were gone.

mod common;

use common::{AUDIENCE, BadRng, CONTEXT, Client, Fault, NOW, TestRng, World, alice, bob, session};
use symbolon::{
    Access, Config, Error, Event, Field, Item, Keyring, Principal, Reason, SessionId, Terms, Token, TokenBuf, Vault,
    reply_len,
};

fn setting() -> (World, Client, TokenBuf) {
    let mut world = World::new();
    let token = world.token(&alice(), Field::EMAIL, "alice@example.com");
    let client = world.log_in(&alice());
    (world, client, token)
}

/// A request begun with the right host goes on with another vault's trail: nothing is opened.
#[test]
fn a_request_with_another_trail() {
    let (mut world, client, token) = setting();
    let mut other = World::with(Keyring::generate(&mut TestRng(77)).unwrap(), &Config::new(b"x"));
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut request = session.request(&Access::OWN, 1, &mut world.host).unwrap();
    let mut work = [0; Token::MAX_OPEN_LEN];
    let opened = request.detokenize_held(&Item::of(token.as_token()), &mut work, &mut other.host);
    assert_eq!(opened.unwrap_err(), Error::Unavailable);
    assert_eq!(work, [0; Token::MAX_OPEN_LEN]);
    let opened = request.detokenize_held(&Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
    assert!(opened.release(&world.host.commit(&world.vault).unwrap()).is_ok(), "the control");
}

/// A request does not outlive its session: an end or a log-out in the middle of it counts, and entries have their own time.
#[test]
fn a_request_that_outlives_its_session() {
    for log_out in [false, true] {
        let (mut world, client, token) = setting();
        let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
        let mut request = session.request(&Access::OWN, 2, &mut world.host).unwrap();
        let mut work = [0; Token::MAX_OPEN_LEN];
        let held = request.detokenize_held(&Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
        assert!(held.release(&world.host.commit(&world.vault).unwrap()).is_ok());
        let later = if log_out {
            world.vault.log_out(session.id(), &mut world.host).unwrap();
            NOW.plus(1)
        } else {
            session.ends()
        };
        world.clock.set(Some(later));
        work.fill(0xaa);
        let held = request.detokenize_held(&Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
        assert_eq!(held.release(&world.host.commit(&world.vault).unwrap()).unwrap_err(), Error::Denied);
        let used = token.as_token().as_bytes().len() - 38;
        assert!(work[..used].iter().all(|byte| *byte == 0), "it would have opened: nothing of it may stay");
        drop(session);
        let last = world.last();
        let expected = if log_out { Reason::LoggedOut } else { Reason::SessionEnded };
        assert_eq!((last.entry.reason, last.time), (expected, later));
    }
}

/// A ticket is for its own batch, of its own host, once; a batch without anything in it is a batch, too.
#[test]
fn tickets_of_something_else() {
    let (mut world, client, token) = setting();
    let (mut other, ..) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let (batch, empty) = world.host.batch(&world.vault).unwrap();
    assert_eq!(batch.entries().count(), 0);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let held = session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
    assert_eq!(world.host.batch(&world.vault).unwrap_err(), Error::Unavailable, "one at a time");
    let receipt = world.host.committed(empty).unwrap();
    assert!(!held.is_covered_by(&receipt), "it was empty");
    let (_, lost) = world.host.batch(&world.vault).unwrap();
    world.host.abandon();
    let (_, current) = world.host.batch(&world.vault).unwrap();
    assert_eq!(world.host.committed(lost).unwrap_err(), Error::Unavailable, "it was given up");
    let (_, theirs) = other.host.batch(&other.vault).unwrap();
    assert_eq!(world.host.committed(theirs).unwrap_err(), Error::Unavailable, "another host's");
    let receipt = world.host.committed(current).unwrap();
    assert_eq!(held.release(&receipt).unwrap().expose(), b"alice@example.com");
}

/// A receipt of another trail with higher numbers releases nothing.
#[test]
fn a_receipt_of_another_trail() {
    let (mut world, client, token) = setting();
    let (mut other, theirs, other_token) = setting();
    let far = session(&other.vault, &mut other.host, &theirs, &mut other.rng);
    for _ in 0..20 {
        let mut work = [0; Token::MAX_OPEN_LEN];
        far.detokenize(Field::EMAIL, &other_token.as_token(), &mut work, &mut other.host).unwrap();
    }
    let receipt = other.host.commit(&other.vault).unwrap();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let held = session.detokenize_held(&Access::OWN, &Item::of(token.as_token()), &mut work, &mut world.host).unwrap();
    assert_eq!(held.release(&receipt).unwrap_err(), Error::Unavailable);
}

/// A disk that is full reads but doesn't write: nothing opens, buffers stay clean, and when it has room again all goes on by itself.
#[test]
fn a_store_that_reads_but_does_not_write() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let commits = world.host.environment().store.commits.clone();
    commits.set(0);
    let mut work = [0; Token::MAX_OPEN_LEN];
    let items = [Item::of(token.as_token())];
    let mut out = vec![0xaa; reply_len(&items)];
    for _ in 0..100 {
        work.fill(0xaa);
        let refused = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
        assert_eq!(refused.unwrap_err(), Error::Unavailable);
        assert!(!work.windows(5).any(|window| window == b"alice"));
        assert_eq!(session.reveal(&Access::OWN, &items, &mut out, &mut world.host).unwrap_err(), Error::Unavailable);
        assert!(!out.windows(5).any(|window| window == b"alice"));
        assert_eq!(
            world.vault.log_out(SessionId::from_bytes([1; 16]), &mut world.host).unwrap_err(),
            Error::Unavailable
        );
    }
    commits.set(usize::MAX);
    assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok());
    assert!(session.reveal(&Access::OWN, &items, &mut out, &mut world.host).is_ok());
}

/// Log-outs can't fill a store's records so far that nothing is committed any more: the last places are the host's.
#[test]
fn log_outs_without_end() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut taken = 0;
    for n in 0..100_u8 {
        match world.vault.log_out(SessionId::from_bytes([n; 16]), &mut world.host) {
            Ok(()) => taken += 1,
            Err(error) => assert_eq!(error, Error::Unavailable),
        }
    }
    assert!((20..=31).contains(&taken), "{taken} of 32 places");
    let mut work = [0; Token::MAX_OPEN_LEN];
    assert!(session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).is_ok());
    // A day later their places are free again.
    world.clock.set(Some(NOW.plus(90_000_000)));
    assert!(world.vault.log_out(SessionId::from_bytes([200; 16]), &mut world.host).is_ok());
}

/// Staging stops where the store's room ends, whatever was reserved by whom: what is staged can be committed.
#[test]
fn requests_that_share_the_room() {
    let (mut world, client, token) = setting();
    let session = session(&world.vault, &mut world.host, &client, &mut world.rng);
    let mut work = [0; Token::MAX_OPEN_LEN];
    for _ in 0..250 {
        session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host).unwrap();
    }
    let mut requests = [
        session.request(&Access::OWN, 3, &mut world.host).unwrap(),
        session.request(&Access::OWN, 3, &mut world.host).unwrap(),
    ];
    let mut staged = 0;
    for _ in 0..3 {
        for request in &mut requests {
            let mut work = [0; Token::MAX_OPEN_LEN];
            staged +=
                usize::from(request.detokenize_held(&Item::of(token.as_token()), &mut work, &mut world.host).is_ok());
        }
    }
    assert_eq!(staged, 256 - 2 - 250);
    assert!(world.host.commit(&world.vault).is_ok());
}

/// The same proof after a restart with a clock that is slow: the trail's own times are known, and the window begins behind them.
#[test]
fn a_restart_with_a_slow_clock() {
    let mut world = World::new();
    let at = NOW.plus(55_000);
    world.clock.set(Some(at));
    let client = world.log_in(&alice());
    let proof = world.prove(&client);
    assert!(world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).is_ok());
    assert_eq!(world.restart(NOW).unwrap_err(), Error::Unavailable, "behind the trail's last entry");
    world.restart(at).unwrap();
    let refused = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
}

/// A proof that is dated ahead is remembered until its own minute is over, not ours.
#[test]
fn a_proof_dated_ahead() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let proof = client.key.prove(&client.credential, CONTEXT, NOW.plus(2_000), &mut world.rng).unwrap();
    assert!(world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).is_ok());
    world.clock.set(Some(NOW.plus(61_999)));
    let refused = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::Denied);
    assert_eq!(world.last().entry.reason, Reason::Replayed);
}

/// A session ends with its credential, where that is sooner than its proof's minute.
#[test]
fn a_session_ends_with_its_credential() {
    let mut world = World::new();
    let client = world.log_in_with(&alice(), &Terms { life: 10_000, ..Terms::default() });
    let proof = world.prove(&client);
    let session = world.vault.authenticate(&client.credential, &proof, CONTEXT, &mut world.host).unwrap();
    assert_eq!(session.ends(), NOW.plus(10_000));
}

/// Bearer credentials end by a log-out, too, and on a full trail nobody is authenticated by one.
#[test]
fn bearer_credentials_that_logged_out() {
    let mut world = World::new();
    let client = world.log_in_with(&alice(), &Terms { proof_required: false, ..Terms::default() });
    assert!(world.vault.authenticate_bearer(&client.credential, &mut world.host).is_ok());
    world.vault.log_out(client.credential.session_unverified(), &mut world.host).unwrap();
    assert_eq!(world.vault.authenticate_bearer(&client.credential, &mut world.host).unwrap_err(), Error::Denied);
    assert_eq!(world.last().entry.reason, Reason::LoggedOut);
}

/// Who finds a credential can't renew it to one that needs no key.
#[test]
fn renewing_to_bearer() {
    let mut world = World::new();
    let client = world.log_in(&alice());
    let issuer = world.vault.issuer("shop-17", common::PERSON, NOW.period()).unwrap();
    let verified = issuer.verify(&client.credential, NOW).unwrap();
    let bearer = Terms { proof_required: false, ..Terms::default() };
    assert_eq!(issuer.renew(&verified, &bearer, NOW, &mut world.rng).unwrap_err(), Error::InvalidTerms);
    assert!(issuer.renew(&verified, &Terms::default(), NOW, &mut world.rng).is_ok(), "the control");
}

/// An unverified credential names nobody in the trail; a verified one that is refused names its holder.
#[test]
fn who_is_named_in_the_trail() {
    let (mut world, client, _) = setting();
    let mut stranger = World::with(Keyring::generate(&mut TestRng(43)).unwrap(), &Config::new(AUDIENCE));
    let forged = stranger.log_in(&bob());
    let proof = world.prove(&forged);
    assert!(world.vault.authenticate(&forged.credential, &proof, CONTEXT, &mut world.host).is_err());
    let entry = world.last().entry;
    assert_eq!((entry.event, entry.caller, entry.session), (Event::Authenticate, [0; 16], [0; 8]));
    let proof = world.prove(&client);
    assert!(world.vault.authenticate(&client.credential, &proof, &[b"GET"], &mut world.host).is_err());
    let entry = world.last().entry;
    assert_eq!((entry.reason, entry.caller), (Reason::BadProof, world.audit.tag_of(&alice())));
    assert_eq!(entry.session, client.credential.session_unverified().as_bytes()[..8]);
}

/// Two trails that were made for the same node and keyring share no key in what is stored of them.
#[test]
fn trails_that_were_made_anew() {
    use symbolon::{Batch, MemoryStore, RecordKey, SealedEntry, Store, StoreError, Time};
    #[derive(Default)]
    struct Spy(Vec<Vec<u8>>, MemoryStore<8, 8>);
    impl Store for Spy {
        fn room(&self) -> usize {
            self.1.room()
        }
        fn record_room(&self, now: Time) -> usize {
            self.1.record_room(now)
        }
        fn get(&self, key: &RecordKey, out: &mut [u8; symbolon::Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
            self.1.get(key, out)
        }
        fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
            self.0.extend(batch.records().map(|record| record.value().to_vec()));
            self.1.commit(batch)
        }
        fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
            self.1.entries(sink)
        }
        fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
            self.1.last_entry()
        }
        fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
            self.1.acknowledge(sequence)
        }
    }
    let vault = Vault::new(common::keyring(), &Config::new(AUDIENCE)).unwrap();
    let made = |seed| {
        let mut spy = Spy::default();
        let audit = symbolon::AuditKey::create(&vault, &mut spy, &mut TestRng(seed)).unwrap();
        let secret = audit.write_secret();
        (spy.0[0][24..56].to_vec(), secret[5..37].to_vec())
    };
    let ((state_1, first_1), (state_2, first_2)) = (made(1), made(2));
    let xor = |a: &[u8], b: &[u8]| a.iter().zip(b).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
    assert_ne!(
        xor(&state_1, &state_2),
        xor(&first_1, &first_2),
        "two states under one key stream would show each other's trail key"
    );
}

/// Where the generator fails nothing is written: no part of the value stands in the output.
#[test]
fn a_generator_that_fails_while_sealing_leaves_nothing() {
    let mut world = World::new();
    world.fault.set(Fault::Error);
    let mut out = [0; symbolon::Token::MAX_LEN];
    let who = Principal::service("shop-17", "importer").unwrap();
    let refused = world.vault.tokenize(&who, Field::EMAIL, b"secret@example.com", &mut out, &mut world.host);
    assert_eq!(refused.unwrap_err(), Error::RngFailed);
    assert!(!out.windows(6).any(|window| window == b"secret"));
}

/// A second root that is the first one again would be a rotation in name only.
#[test]
fn a_stuck_generator_adds_no_epoch() {
    let mut rng = BadRng::new(Fault::Counting);
    let mut keyring = Keyring::generate(&mut rng).unwrap();
    assert_eq!(keyring.add_epoch(&mut rng), Err(Error::RngFailed));
    rng.fault.set(Fault::None);
    assert_eq!(keyring.add_epoch(&mut rng), Ok(2));
}
