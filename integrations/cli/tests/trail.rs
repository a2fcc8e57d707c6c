//! The auditor at the command line: whole and damaged trails, one person's answer, an incident's report. The real program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{cell::Cell, fs, rc::Rc};

use base64ct::{Base64, Encoding};
use common::{CANARY, Place, said};
use serde_json::Value;
use symbolon::*;

const SHOP: [&str; 4] = ["--keyring", "k", "--tenant", "shop-17"];
const VERIFY: [&str; 4] = ["trail", "verify", "--audit-key", "k.audit"];
const LOG: &str = "k.state/trail.log";
const ENTRY: usize = SealedEntry::LEN;

/// Alice and Bob, their table in `t.csv`; Bob has looked at Alice's page, and at his own.
fn shop() -> Place {
    let place = Place::new();
    let row = |who: &str| format!("{who},{who} {CANARY},{CANARY}.{who}@example.com\n");
    place.write("in.csv", format!("id,name,mail\n{}{}", row("alice"), row("bob")));
    let fields = ["--field", "name=person-name", "--field", "mail=email"];
    place.ok(&[&["protect"], &SHOP[..], &["--erasable", "--owner", "id", "in.csv", "-o", "t.csv"], &fields].concat());
    let lines: Vec<String> = place.text("t.csv").lines().map(str::to_owned).collect();
    place.write("alices-page.csv", format!("{}\n{}\n", lines[0], lines[1]));
    place.write("known.csv", "tenant,kind,subject\nshop-17,person,alice\nshop-17,person,bob\nshop-17,service,yamato\n");
    place.reveal("alices-page.csv", "alice", &[]);
    place.reveal("alices-page.csv", "bob", &[]);
    place.reveal("t.csv", "bob", &[]);
    place
}

fn who_saw(place: &Place, who: &str, more: &[&str]) -> Value {
    let args = [
        "trail",
        "who-saw",
        "--audit-key",
        "k.audit",
        "--tenant",
        "shop-17",
        "--known",
        "known.csv",
        "--json",
        "--person",
        who,
    ];
    serde_json::from_slice(&place.ok(&[&args[..], more].concat()).stdout).unwrap()
}

fn strings(list: &Value, keys: &[&str]) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let row = |row: &Value| keys.iter().map(|key| text(row.pointer(key).unwrap())).collect::<Vec<_>>().join(" ");
    list.as_array().unwrap().iter().map(row).collect()
}

/// The whole story: Bob got Alice's page. She learns that he was refused, he that nobody else saw his.
#[test]
fn bob_was_refused() {
    let place = shop();
    let verified = String::from_utf8(place.ok(&VERIFY).stdout).unwrap();
    assert!(verified.starts_with("node 0: whole: ") && verified.contains("no checkpoint"), "{verified}");
    assert!(place.text("k.audit.seen").starts_with("symbolon-checkpoint-1 node=0 next="));
    let again = String::from_utf8(place.ok(&VERIFY).stdout).unwrap();
    assert!(again.contains("the last verification confirms it"), "{again}");

    let alice = who_saw(&place, "alice", &["--keyring", "k"]);
    assert_eq!(
        strings(&alice["openings"], &["/by/name", "/field", "/shown", "/own"]),
        ["alice person-name value true", "alice email value true"]
    );
    let refused = ["bob person-name does not open", "bob email does not open"];
    assert_eq!(strings(&alice["refusals"], &["/by/name", "/field", "/reason"]), [refused, refused].concat());
    assert_eq!(alice["nobody_else"]["proven"], true);
    let bob = who_saw(&place, "bob", &["--keyring", "k"]);
    assert_eq!(strings(&bob["seen_by"], &["/who/name", "/field", "/times"]), ["bob email 1", "bob person-name 1"]);
    assert_eq!(bob["refusals"], Value::Array(vec![]));
    // Without the keyring that part isn't made, and is said not to be.
    let alone = who_saw(&place, "alice", &[]);
    assert!(alone["refusals"].is_null() && alone["refusals_note"].as_str().unwrap().contains("keyring"));
    // For a person to read, to a file of hers alone.
    let plain = [
        "trail",
        "who-saw",
        "--audit-key",
        "k.audit",
        "--keyring",
        "k",
        "--tenant",
        "shop-17",
        "--person",
        "alice",
        "-o",
        "a.txt",
    ];
    place.ok(&[&plain[..], &["--known", "known.csv"]].concat());
    let text = place.text("a.txt");
    for words in [
        "she herself saw the value of email",
        "person bob asked for email and saw nothing: does not open",
        "Is that all? Nobody else: ",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    place.fails(&plain, 5, &["a.txt exists already"]);

    // After her erasure: openings stay, refused erasable tokens can't be told any more, and the answer says so.
    place.ok(&[&["erase"], &SHOP[..], &["--person", "alice", "--yes"]].concat());
    let erased = who_saw(&place, "alice", &["--keyring", "k"]);
    assert_eq!((erased["openings"].as_array().unwrap().len(), erased["refusals"].as_array().unwrap().len()), (2, 0));
    assert!(erased["refusals_note"].as_str().unwrap().contains("erased"));
    assert!(strings(&erased["changes"], &["/what", "/outcome"]).contains(&"erase done".into()));
}

/// A grant, and its reason, are in the answer.
#[test]
fn under_a_grant() {
    let place = shop();
    let args = [
        "--owner-person",
        "alice",
        "--reason",
        "ticket 4711",
        "--to-service",
        "yamato",
        "--purpose",
        "shipping",
        "--for",
        "1d",
    ];
    place.ok(&[&["grant"], &SHOP[..], &args, &["--field", "person-name,email", "--uses", "9", "-o", "g"]].concat());
    place.ok(&[&["login"], &SHOP[..], &["--service", "yamato", "--purpose", "shipping", "-o", "y.session"]].concat());
    place.ok(&["reveal", "--keyring", "k", "--session", "y.session", "--grant", "g", "alices-page.csv"]);
    let alice = who_saw(&place, "alice", &[]);
    let grant = &alice["grants"][0];
    assert_eq!(
        (&grant["reason"], &grant["uses"], &grant["purpose"]),
        (&"ticket 4711".into(), &9.into(), &"shipping".into())
    );
    assert_eq!(
        (&grant["grantee"]["name"], &grant["fields"]),
        (&"yamato".into(), &serde_json::json!(["person-name", "email"]))
    );
    let by_yamato: Vec<&Value> =
        alice["openings"].as_array().unwrap().iter().filter(|row| row["by"]["name"] == "yamato").collect();
    assert!(by_yamato.len() == 2 && by_yamato.iter().all(|row| row["grant"] == grant["grant"] && row["own"] == false));
}

/// What is done to the log is found and located; the answer no longer says that there is nobody else; what was remembered stays.
#[test]
fn a_damaged_log() {
    let place = shop();
    place.ok(&VERIFY);
    let (whole, seen) = (place.read(LOG), place.text("k.audit.seen"));
    let count = whole.len() / ENTRY;
    let damaged = |bytes: &[u8], words: &[&str]| {
        fs::write(place.at("log"), bytes).unwrap();
        let output = place.run(&[&VERIFY[..], &["--log", "log"]].concat());
        assert_eq!(output.status.code(), Some(5));
        let (out, err) = (String::from_utf8(output.stdout.clone()).unwrap(), said(&output));
        assert!(out.contains("NOT WHOLE") && err.contains("wrong with the audit trail"), "{out}{err}");
        for words in words {
            assert!(out.contains(words), "{words}: {out}");
        }
        assert_eq!(place.text("k.audit.seen"), seen);
        let args = [
            "trail",
            "who-saw",
            "--audit-key",
            "k.audit",
            "--log",
            "log",
            "--tenant",
            "shop-17",
            "--person",
            "bob",
            "--json",
        ];
        let answer: Value = serde_json::from_slice(&place.ok(&args).stdout).unwrap();
        assert_eq!(answer["nobody_else"]["proven"], false);
    };
    // Among entries that follow each other: beside a restart some numbers are skipped.
    let number = |at: usize| u64::from_le_bytes(whole[at * ENTRY..][..8].try_into().unwrap());
    let here = (1..count - 2).find(|at| (at - 1..at + 2).all(|at| number(at) + 1 == number(at + 1))).unwrap();
    let mut altered = whole.clone();
    altered[here * ENTRY + 40] ^= 1;
    let (byte, entry) = (here * ENTRY, number(here));
    damaged(&altered, &[&format!("record {here} (byte {byte}): altered or replaced; entry {entry} belongs here")]);
    let without = [&whole[..byte], &whole[byte + ENTRY..]].concat();
    damaged(&without, &[&format!("before record {here} (byte {byte}): no record of entry {entry}:")]);
    damaged(
        &whole[..whole.len() - ENTRY],
        &[&format!("the log ends at record {}", count - 1), "the last verification says that"],
    );
    damaged(&whole[..whole.len() - 30], &["in the middle of an entry", "the last verification says that"]);
    damaged(
        &[&whole[..], &whole[..ENTRY]].concat(),
        &[&format!("record {count} ("), "a copy of entry 0, which stands at record 0"],
    );
    place.ok(&[&VERIFY[..], &["--log", LOG]].concat());
}

/// An old copy of the state put back and written on: the chain is whole, and the auditor's memory says otherwise.
#[test]
fn an_old_state_put_back() {
    let place = shop();
    fs::create_dir(place.at("old")).unwrap();
    for name in ["trail.log", "registry.redb", "lock"] {
        fs::copy(place.at("k.state").join(name), place.at("old").join(name)).unwrap();
    }
    place.ok(&["trail", "checkpoint", "--keyring", "k", "-o", "points"]);
    place.reveal("t.csv", "bob", &[]);
    place.ok(&["trail", "checkpoint", "--keyring", "k", "-o", "points"]);
    assert_eq!(place.text("points").lines().count(), 2);
    place.ok(&[&VERIFY[..], &["--checkpoint", "points"]].concat());
    for name in ["trail.log", "registry.redb"] {
        fs::copy(place.at("old").join(name), place.at("k.state").join(name)).unwrap();
    }
    for _ in 0..6 {
        place.reveal("t.csv", "alice", &[]);
    }
    let found = place.run(&VERIFY);
    let out = String::from_utf8(found.stdout).unwrap();
    assert!(found.status.code() == Some(5) && out.contains("says something else than the last verification"), "{out}");
    fs::remove_file(place.at("k.audit.seen")).unwrap();
    let out = String::from_utf8(place.run(&[&VERIFY[..], &["--checkpoint", "points"]].concat()).stdout).unwrap();
    assert!(out.contains("the checkpoint points"), "{out}");
    // Without either nobody could tell.
    place.ok(&VERIFY);
}

/// Another node's checkpoint in this trail: its log is missed, and verified together with this one, and its cut is found.
#[test]
fn two_nodes() {
    let place = shop();
    let other = Node::new(7);
    let early = other.log.borrow().len();
    place.write("seven", symbolon_host::audit::words::checkpoint_text(&other.host.checkpoint().unwrap()) + "\n");
    let witnessed = place.ok(&["trail", "witness", "--keyring", "k", "seven"]);
    assert!(said(&witnessed).contains("node 7's had come to number"), "{}", said(&witnessed));
    let out = place.run(&VERIFY);
    let text = String::from_utf8(out.stdout).unwrap();
    assert!(out.status.code() == Some(5) && text.contains("node 7, no log was given, but entry"), "{text}");
    other.write(&place, early);
    let both = ["trail", "verify", "--audit-key", "k.audit", "seven.audit", "--log", LOG, "seven.log"];
    let text = String::from_utf8(place.ok(&both).stdout).unwrap();
    assert!(text.contains("node 7: whole") && text.contains("of node 0's trail confirms it"), "{text}");
    fs::remove_file(place.at("seven.audit.seen")).unwrap();
    other.write(&place, early - 1);
    let text = String::from_utf8(place.run(&both).stdout).unwrap();
    assert!(text.contains("node 0: whole") && text.contains("node 7, the log ends at record"), "{text}");
    // One's own is no witness.
    place.ok(&["trail", "checkpoint", "--keyring", "k", "-o", "own"]);
    place.fails(&["trail", "witness", "--keyring", "k", "own"], 5, &["this node's own"]);
}

/// Figures, whom to notify, by caller, session and time; JSON and a page.
#[test]
fn a_report() {
    let place = shop();
    let report = |more: &[&str]| -> Value {
        let args = ["trail", "report", "--audit-key", "k.audit", "--tenant", "shop-17", "--json"];
        serde_json::from_slice(&place.ok(&[&args[..], more].concat()).stdout).unwrap()
    };
    let bob = report(&["--keyring", "k", "--caller", "person:bob", "--subjects", "known.csv"]);
    let affected = &bob["affected"];
    assert_eq!(
        (&affected["people_shown"], &affected["records_shown"], &affected["records_refused"]),
        (&1.into(), &2.into(), &2.into())
    );
    assert_eq!((&affected["people_only_refused"], &affected["refused_of_nobody_tested"]), (&1.into(), &0.into()));
    assert_eq!(strings(&bob["notify"], &["/person/subject", "/refused_attempts"]), ["alice 4", "bob 0"]);
    assert_eq!(strings(&bob["by_caller"], &["/caller/name", "/shown", "/refused", "/sessions"]), ["bob 2 4 2"]);
    let session = who_saw(&place, "bob", &[])["openings"][0]["session"].as_str().unwrap().to_owned();
    assert_eq!(report(&["--session", &session])["affected"]["attempts_refused"], 2);
    assert_eq!(report(&["--to", "2026-01-01"])["affected"]["entries"], 0);
    assert_eq!(report(&["--from", "2026-01-01"])["affected"]["attempts_refused"], 4);
    let args = ["trail", "report", "--audit-key", "k.audit"];
    place.ok(&[&args[..], &["--html", "-o", "r.html"]].concat());
    let page = place.text("r.html");
    assert!(page.contains("GDPR 33(3)(a)") && page.contains("unbroken") && !page.contains(CANARY), "{page}");
    place.fails(
        &[&args[..], &["--json", "--from", "2026-02-01", "--to", "2026-01-01"]].concat(),
        5,
        &["--to is not behind"],
    );
    place.fails(&[&args[..], &["--json", "--session", "zz"]].concat(), 5, &["16 hexadecimal digits"]);
    place.fails(&[&args[..], &["--json", "--subjects", "t.csv"]].concat(), 5, &["no column tenant"]);
}

/// A rotation is in the trail at once.
#[test]
fn a_rotation_is_recorded_at_once() {
    let place = shop();
    let last = |place: &Place| {
        let shown = String::from_utf8(place.ok(&["trail", "show", "--audit-key", "k.audit"]).stdout).unwrap();
        shown.lines().last().unwrap().to_owned()
    };
    place.ok(&["rotate", "--keyring", "k"]);
    assert!(last(&place).ends_with("started: done, epochs 1 2"), "{}", last(&place));
    place.ok(&["rotate", "--keyring", "k", "--retire", "1", "--yes"]);
    assert!(last(&place).ends_with("started: done, epochs 2"), "{}", last(&place));
    place.ok(&VERIFY);
}

/// Wrong keys and files are said to be.
#[test]
fn mistakes() {
    let place = shop();
    place.fails(&["trail", "verify", "--audit-key", "k"], 5, &["k is not an audit key"]);
    place.fails(&["trail", "verify", "--audit-key", "none.audit"], 5, &["no audit key at none.audit"]);
    fs::copy(place.at("k.audit"), place.at("auditor")).unwrap();
    place.fails(&["trail", "verify", "--audit-key", "auditor"], 5, &["say --log"]);
    place.fails(&[&VERIFY[..], &["--log", "a", "b"]].concat(), 5, &["1 audit keys and 2 logs"]);
    place.fails(&[&VERIFY[..], &["--checkpoint", "t.csv"]].concat(), 5, &["t.csv, line 1: this is not a line of"]);
    place.ok(&["keygen", "other"]);
    let output = place.run(&["trail", "verify", "--audit-key", "other.audit", "--log", LOG]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.code() == Some(5) && text.contains("no record is this trail's"), "{text}");
}

/// A node of a server, in memory.
struct Node {
    host: Box<Host<Env>>,
    audit: AuditKey,
    log: Rc<std::cell::RefCell<Vec<SealedEntry>>>,
}

struct Env(Rc<Cell<u64>>, Drained);

#[derive(Clone)]
struct Drained(Box<MemoryStore<64, 64>>, Rc<std::cell::RefCell<Vec<SealedEntry>>>);

impl Environment for Env {
    type Rng = getrandom::SysRng;
    type Store = Drained;
    fn now(&mut self) -> Option<Time> {
        self.0.set(self.0.get() + 1000);
        Some(Time::from_millis(self.0.get()))
    }
    fn rng(&mut self) -> &mut getrandom::SysRng {
        const { assert!(size_of::<getrandom::SysRng>() == 0) };
        Box::leak(Box::new(getrandom::SysRng))
    }
    fn store(&mut self) -> &mut Drained {
        &mut self.1
    }
}

impl Store for Drained {
    fn room(&self) -> usize {
        self.0.room()
    }
    fn record_room(&self, now: Time) -> usize {
        self.0.record_room(now)
    }
    fn get(&self, key: &RecordKey, out: &mut [u8; Record::MAX_LEN]) -> Result<Option<usize>, StoreError> {
        self.0.get(key, out)
    }
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.1.borrow_mut().extend(batch.entries().cloned());
        self.0.commit(batch)
    }
    fn entries(&self, sink: &mut dyn FnMut(&SealedEntry) -> bool) -> Result<(), StoreError> {
        self.0.entries(sink)
    }
    fn last_entry(&self) -> Result<Option<SealedEntry>, StoreError> {
        self.0.last_entry()
    }
    fn acknowledge(&mut self, sequence: u64) -> Result<(), StoreError> {
        self.0.acknowledge(sequence)
    }
}

impl Node {
    /// With some log-outs on the record.
    fn new(node: u32) -> Self {
        let keyring = Keyring::generate(&mut getrandom::SysRng).unwrap();
        let vault = Vault::new(keyring, &Config { node, ..Config::new(b"server") }).unwrap();
        let log = Rc::default();
        let mut store = Drained(Box::default(), Rc::clone(&log));
        let audit = AuditKey::create(&vault, &mut store, &mut getrandom::SysRng).unwrap();
        let mut host = Box::new(Host::open(&vault, Env(Rc::new(Cell::new(1_800_000_000_000)), store)).unwrap());
        for id in 0..20 {
            vault.log_out(SessionId::from_bytes([id; 16]), &mut host).unwrap();
        }
        Self { host, audit, log }
    }

    /// Key and log, as an auditor gets them.
    fn write(&self, place: &Place, entries: usize) {
        let title = "symbolon audit key 1 - SECRET: reads the whole audit trail.";
        let key = format!("{title}\n{}\n", Base64::encode_string(self.audit.write_secret().as_slice()));
        let _may_be_new = fs::remove_file(place.at("seven.audit"));
        place.write("seven.audit", key);
        #[cfg(unix)]
        fs::set_permissions(place.at("seven.audit"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let log: Vec<u8> = self.log.borrow()[..entries].iter().flat_map(|entry| *entry.as_bytes()).collect();
        place.write("seven.log", log);
    }
}
