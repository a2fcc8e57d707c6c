//! The trail's reader, over logs that were altered.

use std::sync::OnceLock;

use arbitrary::Unstructured;
use symbolon::{AuditKey, Checkpoint, Field, Host, Recorded, Rights, SealedEntry, Token, TrailReader};

use crate::promises::{tells_nothing, written_back};
use crate::world::{Env, World, alice, bob, enter};

/// An entry that was altered, moved or made up is never read, and none is read out of its order; what is genuine is read wherever the chain
/// before it is whole. A checkpoint that was altered is not confirmed.
pub fn run(data: &[u8]) {
    let genuine = genuine();
    let mut data = Unstructured::new(data);
    let passes = data.arbitrary().unwrap_or_default();
    let log = altered_log(&genuine.entries, &mut data);
    let mut reader = genuine.key().reader();
    reads_genuine_only(&genuine.entries, &log, passes, |entry| {
        let before = (reader.next(), reader.fork());
        match reader.read(entry) {
            Ok(read) => Ok(read),
            Err(_) => {
                assert_eq!(reader.next(), before.0, "a refusal moves nothing");
                let mut again = before.1;
                assert!(again.read(entry).is_err());
                if passes && reader.pass(reader.next(), entry).is_ok() {
                    assert_eq!(reader.next(), before.0 + 1);
                }
                Err(())
            }
        }
    });
    confirms_its_own_only(data.take_rest());
}

/// Whatever `read` reads is an entry of the genuine log, each at most once and in order; a log without a change is read whole.
///
/// Where the reader passes what it can't read, the numbers that it skips by that are gone.
pub fn reads_genuine_only(
    genuine: &[SealedEntry],
    log: &[SealedEntry],
    passes: bool,
    mut read: impl FnMut(&SealedEntry) -> Result<Recorded, ()>,
) {
    let mut next = 0;
    for entry in log {
        // Looking for a number far ahead takes time and shows nothing more.
        if entry.sequence() > 4096 && entry.sequence() < 2 << 20 {
            continue;
        }
        match read(entry) {
            Ok(read) => {
                let place = genuine.iter().position(|genuine| genuine == entry);
                let place = place.expect("an entry that nobody made was read");
                assert!(place >= next, "entry {place} was read after {next}");
                assert!(passes || place == next, "entry {place} was read in place of {next}");
                assert_eq!((read.sequence, read.time), (entry.sequence(), entry.time()));
                next = place + 1;
            }
            Err(()) => assert!(genuine.get(next) != Some(entry) || passes, "entry {next} is genuine and was refused"),
        }
    }
    if log == genuine {
        assert_eq!(next, genuine.len());
    }
}

fn confirms_its_own_only(data: &[u8]) {
    written_back(data, |bytes| Checkpoint::from_bytes(bytes).ok().map(|point| point.to_bytes().to_vec()));
    let genuine = genuine();
    let mut reader = genuine.key().reader();
    for entry in &genuine.entries {
        reader.read(entry).expect("genuine");
    }
    let own = reader.checkpoint(crate::world::NOW).to_bytes();
    crate::promises::only_genuine(&own, data, |bytes| {
        let Ok(point) = Checkpoint::from_bytes(bytes) else { return false };
        assert!(!genuine.key().reader().confirms(&point), "of another place");
        tells_nothing(&format!("{reader:?} {:?}", genuine.entries), &[&genuine.secret, &genuine.secret[5..37]]);
        reader.confirms(&point)
    });
}

/// A log, and what reads it.
struct Genuine {
    entries: Vec<SealedEntry>,
    secret: [u8; AuditKey::LEN],
}

impl Genuine {
    fn key(&self) -> AuditKey {
        AuditKey::read_secret(&self.secret).expect("its secret form")
    }
}

/// A log with a restart in it. The same for every input.
fn genuine() -> &'static Genuine {
    static LOG: OnceLock<Genuine> = OnceLock::new();
    LOG.get_or_init(|| {
        let mut world = World::new();
        some_use(&mut world);
        // The power fails, and numbers are skipped.
        let env = world.host.environment();
        let env = Env { clock: env.clock.clone(), rng: env.rng.clone(), store: env.store.clone() };
        world.host = Host::open(&world.vault, env).expect("a host");
        some_use(&mut world);
        let mut entries = Vec::new();
        let mut add = |entry: &SealedEntry| {
            entries.push(entry.clone());
            true
        };
        symbolon::Store::entries(&world.host.environment().store, &mut add).expect("entries");
        let mut reader: TrailReader = world.audit.reader();
        assert!(entries.len() >= 10 && entries.iter().all(|entry| reader.read(entry).is_ok()));
        Genuine { entries, secret: *world.audit.write_secret() }
    })
}

fn some_use(world: &mut World) {
    let token = world.token(&alice(), Field::EMAIL, b"alice@example.com");
    for who in [alice(), bob()] {
        let client = world.log_in_as_bearer(&who, Rights::OWN);
        let session = enter(&world.vault, &client, &mut world.host);
        for _ in 0..2 {
            let mut work = [0; Token::MAX_OPEN_LEN];
            let _refused_to_him = session.detokenize(Field::EMAIL, &token.as_token(), &mut work, &mut world.host);
        }
    }
}

/// Entries changed, moved, left out, doubled and made up, as the input says.
fn altered_log(genuine: &[SealedEntry], data: &mut Unstructured<'_>) -> Vec<SealedEntry> {
    let mut log = genuine.to_vec();
    let edits = data.int_in_range(0..=6).unwrap_or_default();
    for _ in 0..edits {
        let mut number = |most: usize| data.int_in_range(0..=most).unwrap_or_default();
        let (what, at) = (number(5), number(log.len() - 1));
        match what {
            0 => {
                let mut bytes = *log[at].as_bytes();
                let place = number(SealedEntry::LEN - 1);
                bytes[place] ^= u8::try_from(number(255)).unwrap_or_default();
                log[at] = SealedEntry::from_bytes(bytes);
            }
            1 => drop(log.remove(at)),
            2 => {
                let to = number(log.len() - 1);
                log.swap(at, to);
            }
            3 => {
                let (entry, to) = (log[at].clone(), number(log.len()));
                log.insert(to, entry);
            }
            4 => {
                // One's head, another's rest.
                let (other, cut) = (number(log.len() - 1), number(SealedEntry::LEN));
                let mut bytes = *log[at].as_bytes();
                bytes[cut..].copy_from_slice(&log[other].as_bytes()[cut..]);
                log[at] = SealedEntry::from_bytes(bytes);
            }
            _ => log.truncate(at + 1),
        }
        if log.len() < 2 {
            break;
        }
    }
    log
}

/// Every kind of change.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = vec![Vec::new(), vec![0; 52], vec![1; 53]];
    for what in 0..6 {
        for passes in 0..2 {
            // Numbers are taken from the end.
            let mut seed = vec![passes, 0, 1, 0, 0, 3, 0, 9, 1, 40, 3, what, 1];
            seed.extend([what, 4, 7, 2]);
            seeds.push(seed);
        }
    }
    seeds
}

/// The genuine log, for the tests of this target.
#[must_use]
pub fn genuine_log() -> (&'static [SealedEntry], AuditKey) {
    (&genuine().entries, genuine().key())
}
