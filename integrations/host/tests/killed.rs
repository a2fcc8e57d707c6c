//! A process that is killed while it commits: what it was told is kept is kept, and of every batch there is all or nothing.
//!
//! The child is this test program again. It works through a real host, and prints a number whenever a commit has returned.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use chacha20::ChaCha20Rng;
use getrandom::SysRng;
use rand_core::{Rng, SeedableRng};
use symbolon::*;
use symbolon_host::registry::{DiskStore, Index, IndexRow};

/// 60 times: the child is killed at some moment, and what it left is looked at.
#[test]
fn killed_at_any_moment() {
    let place = tempfile::tempdir().unwrap();
    let (dir, secret) = (place.path().join("store"), place.path().join("keyring"));
    let audit = create(&dir, &secret);
    let mut rng = ChaCha20Rng::from_seed([3; 32]);
    let (mut acknowledged, mut unacknowledged) = (BTreeSet::new(), 0);
    for _ in 0..KILLS {
        let wait = Duration::from_micros(rng.next_u64() % 120_000);
        acknowledged.extend(child(place.path(), wait));
        let (logged, recorded, rows) = look(&dir, &audit);
        assert_eq!(logged, recorded, "an entry without its record, or a record without its entry");
        let lost: Vec<_> = acknowledged.iter().filter(|number| !logged.contains(number)).collect();
        assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
        unacknowledged = logged.difference(&acknowledged).count();
        assert!(rows.iter().all(|number| logged.contains(number)), "an index row before its commit");
    }
    println!("{} kills, {} acknowledged commits, {unacknowledged} kept without", KILLS, acknowledged.len());
    assert!(acknowledged.len() > KILLS);
}

/// What the child does, for as long as it lives.
#[test]
fn as_the_child() {
    let Some(place) = env::var_os(CHILD) else { return };
    let place = Path::new(&place);
    let (dir, vault) = (place.join("store"), vault(&place.join("keyring")));
    let store = DiskStore::open(&dir).unwrap();
    let mut first = recorded(&store).last().map_or(0, |number| number + 1);
    let mut host: Host<_> = Host::open(&vault, parts(store)).unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "ready").unwrap();
    loop {
        // A record and its entry in one batch, then entries alone, rows, and now and then a scrub.
        vault.log_out(session(first), &mut host).unwrap();
        writeln!(out, "{first}").unwrap();
        let mut bytes = [0; Token::MAX_LEN];
        let alice = Principal::person("shop-17", "alice").unwrap();
        let _token = vault.tokenize(&alice, Field::PHONE, b"03-1234-5678", &mut bytes, &mut host).unwrap();
        let store = &mut host.environment().store;
        store
            .put_rows(&index(), [IndexRow { value: [1; 8], owner: [2; 16], reference: &first.to_be_bytes() }])
            .unwrap();
        if first % 16 == 15 {
            store.scrub().unwrap();
        }
        first += 1;
    }
}

/// Starts a child, kills it after so long, and returns what it was told is durable.
fn child(place: &Path, wait: Duration) -> Vec<u64> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "as_the_child", "--nocapture", "--test-threads=1"])
        .env(CHILD, place)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.by_ref().any(|line| line.unwrap().ends_with("ready")), "the child did not start");
    thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    // A number that the kill cut short is the front of a greater one, and was acknowledged itself.
    lines.map_while(Result::ok).filter_map(|line| line.parse().ok()).collect()
}

/// The numbers in the trail, read with the audit key; those with a record; and those with an index row.
fn look(dir: &Path, audit: &AuditKey) -> (BTreeSet<u64>, BTreeSet<u64>, BTreeSet<u64>) {
    let store = DiskStore::open(dir).unwrap();
    let (mut reader, mut logged) = (audit.reader(), BTreeSet::new());
    let sink = &mut |sealed: &SealedEntry| {
        let entry = reader.read(sealed).unwrap().entry;
        if entry.event == Event::LogOut {
            assert!(logged.insert(u64::from_be_bytes(entry.session)), "twice in the trail");
        }
        true
    };
    store.entries(sink).unwrap();
    let rows = store.find(&index(), &[1; 8], usize::MAX).unwrap();
    let rows = rows.iter().map(|row| u64::from_be_bytes(row.reference.as_slice().try_into().unwrap()));
    (logged, recorded(&store), rows.collect())
}

/// The numbers of the records, which have no gap.
fn recorded(store: &DiskStore) -> BTreeSet<u64> {
    let key = |number| RecordKey { table: Table::LoggedOut, id: *session(number).as_bytes() };
    let has = |number: &u64| store.get(&key(*number), &mut [0; Record::MAX_LEN]).unwrap().is_some();
    (0..).take_while(has).collect()
}

fn session(number: u64) -> SessionId {
    let mut id = [0; 16];
    id[..8].copy_from_slice(&number.to_be_bytes());
    SessionId::from_bytes(id)
}

fn index() -> Index {
    Index::new(Field::PHONE, b"by-number", 2).unwrap()
}

fn create(dir: &Path, secret: &Path) -> AuditKey {
    let keyring = Keyring::generate(&mut SysRng).unwrap();
    let mut bytes = [0; Keyring::MAX_LEN];
    let len = keyring.write_secret(&mut bytes).unwrap();
    fs::write(secret, &bytes[..len]).unwrap();
    AuditKey::create(&vault(secret), &mut DiskStore::create(dir).unwrap(), &mut SysRng).unwrap()
}

fn vault(secret: &Path) -> Vault {
    Vault::new(Keyring::read_secret(&fs::read(secret).unwrap()).unwrap(), &Config::new(b"test")).unwrap()
}

fn parts(store: DiskStore) -> Parts<impl FnMut() -> Option<Time>, SysRng, DiskStore> {
    Parts { clock: || Some(Time::from_secs(1_800_000_000)), rng: SysRng, store }
}

const KILLS: usize = 60;

/// Set in the child's environment.
const CHILD: &str = "SYMBOLON_KILLED_CHILD";
