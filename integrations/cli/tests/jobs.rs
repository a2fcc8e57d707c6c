//! Jobs over whole tables: values that are bound to a record, tokens that can be erased, and moving everything to a new root key.
//! The real program over real files, interruptions included.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{fs, process::Stdio, thread, time::Duration};

use base64ct::{Base64, Encoding};
use common::{CANARY, PLAN, Place, cells, said, table};
use symbolon::{AuditKey, Entry, Event, Reason, SealedEntry, TokenBuf};

const KEYS: [&str; 4] = ["--keyring", "k", "--tenant", "shop-17"];
const REWRAP: [&str; 7] = ["rewrap", "--keyring", "k", "--tenant", "shop-17", "--owner", "id"];

/// Orders: two of Alice's, one of Bob's; a name, and an address that is bound to the order.
const ORDERS: [&str; 8] =
    ["--owner", "id", "--record", "order", "--field", "name=person-name", "--field", "to=shipping-address"];

fn orders() -> String {
    let row = |who: &str, order: u32| format!("{who},o{order},{CANARY} {who},{CANARY} street {order}\n");
    format!("id,order,name,to\n{}{}{}", row("alice", 1), row("bob", 2), row("alice", 3))
}

/// Protects `input` to `output`, with these options.
fn protect(place: &Place, input: &str, output: &str, more: &[&str]) {
    place.ok(&[&["protect"], &KEYS[..], more, &[input, "-o", output]].concat());
}

fn rotate(place: &Place) {
    place.ok(&["rotate", "--keyring", "k"]);
}

/// The epochs of all tokens in a text, in order.
fn epochs(text: &str) -> Vec<u16> {
    let is_digit = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let tokens = text.split(|c| !is_digit(c)).filter_map(|word| TokenBuf::from_text(word.as_bytes()).ok());
    tokens.map(|token| token.as_token().epoch()).collect()
}

/// A text with the same word in place of every token.
fn without_tokens(text: &str) -> String {
    let word = |word: &str| if word.starts_with("sym_") { "TOKEN".to_owned() } else { word.to_owned() };
    text.split_inclusive([',', '\n', '"']).map(word).collect()
}

/// The whole audit trail, as the auditor reads it: the chain is whole.
fn trail(place: &Place) -> Vec<Entry> {
    let text = place.text("k.audit");
    let secret = Base64::decode_vec(text.lines().nth(1).unwrap()).unwrap();
    let mut reader = AuditKey::read_secret(&secret.try_into().unwrap()).unwrap().reader();
    let log = place.read("k.state/trail.log");
    let entries = log.as_chunks::<{ SealedEntry::LEN }>().0.iter();
    entries.map(|bytes| reader.read(&SealedEntry::from_bytes(*bytes)).unwrap().entry).collect()
}

fn count(trail: &[Entry], event: Event, reason: Reason) -> usize {
    trail.iter().filter(|entry| entry.event == event && entry.reason == reason).count()
}

/// An address opens with its own order and with no other, in both formats.
#[test]
fn bound_values_open_with_their_record() {
    let place = Place::new();
    place.write("in.csv", orders());
    protect(&place, "in.csv", "out.csv", &ORDERS);
    assert!(!place.text("out.csv").contains(CANARY));
    let seen = cells(&place.reveal("out.csv", "alice", &["--record-column", "order"]));
    assert_eq!(seen[1], cells(orders().as_bytes())[1]);
    assert_eq!(seen[2][2..], ["●●● ●●●", "●●●●"]);
    assert_eq!(seen[3], cells(orders().as_bytes())[3]);
    let seen = cells(&place.reveal("out.csv", "alice", &["--record", "o3"]));
    assert_eq!((seen[1][3].as_str(), &seen[3][3]), ("●●●●", &format!("{CANARY} street 3")));

    let line = |order: &str| format!("{{\"order\":{order},\"id\":\"alice\",\"to\":\"{CANARY} street\"}}\n");
    place.write("in.jsonl", line("17") + &line("\"o2\""));
    let only_to = ["--owner", "id", "--record", "order", "--field", "to=shipping-address"];
    protect(&place, "in.jsonl", "out.jsonl", &only_to);
    let seen = String::from_utf8(place.reveal("out.jsonl", "alice", &["--record", "17"])).unwrap();
    assert!(seen.lines().next().unwrap().contains("street") && !seen.lines().nth(1).unwrap().contains("street"));
    // By a schema too.
    let schema = "tenant = \"shop-17\"\nowner = \"id\"\nrecord = \"order\"\nerasable = true\n[fields]\nto = \"shipping-address\"\n";
    place.write("s.toml", schema);
    place.ok(&["protect", "--keyring", "k", "--schema", "s.toml", "in.csv", "-o", "s.csv"]);
    let text = place.text("s.csv");
    assert_eq!(epochs(&text).len(), 3);
    let token = text.split([',', '\n']).find(|cell| cell.starts_with("sym_")).unwrap();
    assert!(TokenBuf::from_text(token.as_bytes()).unwrap().as_token().is_erasable());
}

/// Erasable tokens open until their owner is erased, and for an erased owner nothing is protected any more.
#[test]
fn erasable_tokens_can_be_erased() {
    let place = Place::new();
    place.write("in.csv", table(2500));
    protect(&place, "in.csv", "out.csv", &[&PLAN[2..], &["--erasable"]].concat());
    let before = cells(table(2500).as_bytes());
    let seen = cells(&place.reveal("out.csv", "c7", &[]));
    assert_eq!((&seen[8], seen[9][1].as_str()), (&before[8], "●●● ●●●"));
    // The same owners again: their secrets are there.
    place.write("more.csv", "id,name,mail\nc7,x y,\n");
    protect(&place, "more.csv", "more.out.csv", &[&PLAN[2..], &["--erasable"]].concat());
    place.ok(&[&["erase"], &KEYS[..], &["--person", "c7", "--yes"]].concat());
    for file in ["out.csv", "more.out.csv"] {
        let seen = cells(&place.reveal(file, "c7", &[]));
        assert!(!seen.concat().concat().contains("x y") && seen.iter().all(|row| !row[1].contains(CANARY)));
    }
    let seen = cells(&place.reveal("out.csv", "c8", &[]));
    assert_eq!(seen[9], before[9]);
    place.write("again.csv", format!("id,name,mail\nc8,x y,\nc7,{CANARY},\n"));
    let args = [&["protect", "--keyring", "k", "--erasable", "again.csv", "-o", "again.out.csv"][..], &PLAN].concat();
    place.fails(&args, 5, &["again.csv, row 3, column \"id\": this owner was erased"]);
    // What is a token already needs nothing of the erased owner.
    let text = place.text("more.out.csv");
    place.write("tokens.csv", text);
    protect(&place, "tokens.csv", "tokens.out.csv", &[&PLAN[2..], &["--erasable"]].concat());
    // Checking needs no keyring, so it can't tell who was erased.
    place.ok(&[&["protect", "--check", "--erasable", "again.csv"][..], &PLAN].concat());
}

/// The owners' secrets of a chunk are made durable together: some commits, not one for each owner.
#[test]
fn secrets_share_a_commit() {
    let place = Place::new();
    place.write("in.csv", table(3000));
    let started = std::time::Instant::now();
    protect(&place, "in.csv", "out.csv", &[&PLAN[2..], &["--erasable", "--threads", "3"]].concat());
    // 2,701 owners with an fsync or two each would take longer on any disk. (Generous: the machine may be busy.)
    assert!(started.elapsed() < Duration::from_secs(60));
    assert_eq!(count(&trail(&place), Event::Tokenize, Reason::Done), 2700 + 3, "one for each owner in a chunk");
}

/// A rotation, a rewrap of everything there is, the old root key retired: all of it still opens, with 2 epochs and with 8.
#[test]
fn after_a_rewrap_the_old_root_can_go() {
    for rotations in [1, 7] {
        let place = Place::new();
        place.write("in.csv", table(1300));
        place.write("orders.csv", orders());
        let line = format!("{{\"id\":\"alice\",\"n\":1.0,\"name\":\"{CANARY} \\\" x\",\"mail\":null}}\r\n");
        place.write("in.jsonl", line.repeat(3));
        protect(&place, "in.csv", "t.csv", &PLAN[2..]);
        protect(&place, "in.csv", "e.csv", &[&PLAN[2..], &["--erasable"]].concat());
        protect(&place, "orders.csv", "o.csv", &ORDERS);
        protect(&place, "in.jsonl", "l.jsonl", &PLAN[2..]);
        (0..rotations).for_each(|_| rotate(&place));
        let newest = rotations + 1;
        for (file, record) in [("t.csv", None), ("e.csv", None), ("o.csv", Some("order")), ("l.jsonl", None)] {
            let new = format!("new.{file}");
            let record = record.map(|record| vec!["--record", record]).unwrap_or_default();
            let output = place.ok(&[&REWRAP[..], &record, &[file, "-o", &new]].concat());
            let (old_text, new_text) = (place.text(file), place.text(&new));
            assert_eq!(without_tokens(&old_text), without_tokens(&new_text));
            let epochs = epochs(&new_text);
            assert!(!epochs.is_empty() && epochs.iter().all(|epoch| *epoch == newest), "{file}");
            let told = format!("tokens rewrapped to epoch {newest}; 0 had it already; 0 left as they are");
            assert!(said(&output).contains(&told), "{}", said(&output));
            // A second time there is nothing to do.
            place.ok(&[&REWRAP[..], &record, &[new.as_str(), "-o", "again"]].concat());
            assert_eq!(place.text("again"), new_text);
            fs::remove_file(place.at("again")).unwrap();
        }
        for epoch in 1..newest {
            place.ok(&["rotate", "--keyring", "k", "--retire", &epoch.to_string(), "--yes"]);
        }
        let plain = cells(table(1300).as_bytes());
        for file in ["new.t.csv", "new.e.csv"] {
            let seen = cells(&place.reveal(file, "alice", &[]));
            assert!((1..plain.len()).step_by(10).all(|row| seen[row] == plain[row]), "{file}");
            assert_eq!(seen[2][1], "●●● ●●●");
        }
        let seen = cells(&place.reveal("new.o.csv", "alice", &["--record-column", "order"]));
        assert_eq!([&seen[1], &seen[3]], [&cells(orders().as_bytes())[1], &cells(orders().as_bytes())[3]]);
        assert_eq!(place.reveal("new.l.jsonl", "alice", &[]), place.read("in.jsonl"));
        // The control: the old file opens no more.
        assert_eq!(cells(&place.reveal("t.csv", "alice", &[]))[1][1], "●●● ●●●");
    }
}

/// The trail has grants first, each with its reason, and then the tokens; and nothing was shown.
#[test]
fn the_trail_has_all_of_it() {
    let place = Place::new();
    place.write("in.csv", orders());
    protect(&place, "in.csv", "t.csv", &ORDERS);
    rotate(&place);
    place.ok(&[&REWRAP[..], &["--record", "order", "--reason", "ticket 4711", "t.csv", "-o", "new.csv"]].concat());
    let trail = trail(&place);
    let at = |event: Event| trail.iter().position(|entry| entry.event == event).unwrap();
    assert_eq!(count(&trail, Event::Grant, Reason::Done), 2, "one for each owner");
    assert_eq!(count(&trail, Event::GrantReason, Reason::Done), 2);
    assert_eq!(count(&trail, Event::Rewrap, Reason::Done), 6);
    assert!(at(Event::GrantReason) < at(Event::Rewrap));
    let uses: Vec<u32> = trail.iter().filter(|entry| entry.event == Event::Grant).map(|entry| entry.count).collect();
    assert_eq!(uses.iter().sum::<u32>(), 6, "as many uses as tokens");
    assert_eq!(count(&trail, Event::Detokenize, Reason::Done), 0);
    place.fails(&[&REWRAP[..], &["--reason", &"x".repeat(35), "t.csv"]].concat(), 5, &["34 bytes"]);
}

/// Another's token in a row, an erased owner, no owner, no record, another field, a damaged token, one among text: left as they are and
/// told, and everything else is done.
#[test]
fn what_does_not_open_is_left_and_told() {
    let place = Place::new();
    place.write("in.csv", orders());
    protect(&place, "in.csv", "t.csv", &ORDERS);
    let rows = cells(&place.read("t.csv"));
    rotate(&place);
    let token = |row: usize, column: usize| rows[row][column].clone();
    let (name, to) = (token(1, 2), token(1, 3));
    let lines = [
        "id,order,name,to,note".to_owned(),
        format!("alice,o1,{name},{to},{CANARY}"),
        format!("bob,o1,{name},,\"two\nlines\""),
        format!("alice,o2,,{to},sym_x"),
        format!("alice,,{name},{to},"),
        format!(",o1,{name},,"),
        format!("alice,o1,,,see {name}"),
        format!("alice,o1,{}x,,", &name[..name.len() - 1]),
        format!("carol,o1,{},,", name),
    ];
    place.write("bad.csv", lines.join("\n") + "\n");
    let args = [&REWRAP[..], &["--record", "order", "bad.csv", "-o", "new.csv"]].concat();
    let output = place.run(&args);
    let said = said(&output);
    assert_eq!(output.status.code(), Some(6), "{said}");
    for words in [
        "3 tokens rewrapped to epoch 2; 0 had it already; 7 left as they are",
        "bad.csv, row 3, column \"name\": this token did not open",
        "bad.csv, row 4 (line 5), column \"to\": this token did not open",
        "row 5 (line 6), column \"to\": there is no record",
        "row 6 (line 7), column \"name\": there is no owner",
        "row 7 (line 8), column \"note\": there is a token among other text",
        "row 8 (line 9), column \"name\": this looks like a damaged token",
        "row 9 (line 10), column \"name\": this token did not open",
        "7 tokens were left as they are; the result has been written",
    ] {
        assert!(said.contains(words), "{words:?}: {said}");
    }
    assert!(!said.contains(CANARY) && !said.contains("sym_EQ"));
    let new = place.text("new.csv");
    assert_eq!(without_tokens(&new), without_tokens(&(lines.join("\n") + "\n")));
    let (old, new) = (cells(&place.read("bad.csv")), cells(new.as_bytes()));
    for (row, column, done) in [
        (1, 2, true),
        (1, 3, true),
        (2, 2, false),
        (3, 3, false),
        (4, 2, true),
        (4, 3, false),
        (5, 2, false),
        (7, 2, false),
    ] {
        assert_eq!(old[row][column] != new[row][column], done, "row {row}, column {column}");
    }

    // Named columns alone, of the field that is said; and an owner who was erased.
    let only = [&REWRAP[..], &["--field", "name=person-name", "t.csv"]].concat();
    assert_eq!(epochs(std::str::from_utf8(&place.ok(&only).stdout).unwrap()), [2, 1, 2, 1, 2, 1]);
    let other = place.run(&[&REWRAP[..], &["--field", "name=email", "t.csv", "-o", "other.csv"]].concat());
    assert_eq!(other.status.code(), Some(6));
    assert!(common::said(&other).contains("this token is of person-name, and the column is said to hold email"));
    assert_eq!(place.read("other.csv"), place.read("t.csv"));
    place.ok(&[&["erase"], &KEYS[..], &["--person", "bob", "--yes"]].concat());
    let erased = place.run(&[&REWRAP[..], &["--record", "order", "t.csv", "-o", "erased.csv"]].concat());
    assert_eq!(erased.status.code(), Some(6));
    assert!(common::said(&erased).contains("4 tokens rewrapped to epoch 2; 0 had it already; 2 left as they are"));
}

/// In JSON Lines a token in a list would be forgotten: it is told.
#[test]
fn tokens_in_lists_are_told() {
    let place = Place::new();
    place.write("in.jsonl", "{\"id\":\"alice\",\"name\":\"x y\",\"mail\":\"\"}\n");
    protect(&place, "in.jsonl", "t.jsonl", &PLAN[2..]);
    rotate(&place);
    let text = place.text("t.jsonl");
    let token = text.split('"').find(|word| word.starts_with("sym_")).unwrap();
    place.write("list.jsonl", format!("{{\"id\":\"alice\",\"names\":[\"{token}\",1],\"x\":[1.50]}}\n"));
    let output = place.run(&[&REWRAP[..], &["list.jsonl", "-o", "new.jsonl"]].concat());
    assert_eq!(output.status.code(), Some(6));
    assert!(said(&output).contains("line 1, column \"names\": there is a token among other text or values"));
    assert_eq!(place.read("new.jsonl"), place.read("list.jsonl"));
}

/// More fields than one grant has, and more tokens than one batch.
#[test]
fn many_fields_and_many_tokens() {
    let place = Place::new();
    let names: Vec<String> = (0..11).map(|n| format!("f{n}")).collect();
    let options: Vec<String> = (0..11).map(|n| format!("f{n}=custom-32-{n}")).collect();
    let options: Vec<&str> = options.iter().flat_map(|option| ["--field", option]).collect();
    let row = |who: usize| {
        format!("c{who},{}\n", names.iter().map(|name| format!("{CANARY} {name}")).collect::<Vec<_>>().join(","))
    };
    let plain = format!("id,{}\n{}", names.join(","), (0..400).map(|row_at| row(row_at % 7)).collect::<String>());
    place.write("in.csv", &plain);
    protect(&place, "in.csv", "t.csv", &[&["--owner", "id"], &options[..]].concat());
    rotate(&place);
    place.ok(&[&REWRAP[..], &["t.csv", "-o", "new.csv"]].concat());
    assert_eq!(epochs(&place.text("new.csv")), vec![2; 4400]);
    let seen = cells(&place.reveal("new.csv", "c3", &[]));
    assert_eq!(seen[4], cells(plain.as_bytes())[4]);
}

/// A run that is killed in the middle leaves no result and loses nothing: it is started again, and the trail goes on.
#[cfg(unix)]
#[test]
fn a_killed_rewrap_is_started_again() {
    let place = Place::new();
    place.write("in.csv", table(4000));
    protect(&place, "in.csv", "t.csv", &PLAN[2..]);
    rotate(&place);
    let args = [&REWRAP[..], &["--format", "csv", "-o", "new.csv", "-"]].concat();
    let mut child = place.command(&args).stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    // The pipe stays open, so that the run can't come to its end.
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), &place.read("t.csv")).unwrap();
    let hidden = || place.names().into_iter().find(|name| name.ends_with(".part"));
    while hidden().is_none_or(|name| fs::metadata(place.at(&name)).unwrap().len() < 100_000) {
        thread::sleep(Duration::from_millis(5));
    }
    // Meanwhile nobody else can use the state.
    place.fails(&[&REWRAP[..], &["t.csv", "-o", "other.csv"]].concat(), 4, &["another symbolon is using"]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.at("new.csv").exists());
    let left = fs::File::options().write(true).open(place.at(&hidden().unwrap())).unwrap();
    left.set_modified(std::time::SystemTime::now() - Duration::from_secs(60)).unwrap();
    drop(left);
    let done_before = count(&trail(&place), Event::Rewrap, Reason::Done);
    assert!(done_before >= 1000, "{done_before}");
    place.ok(&[&REWRAP[..], &["t.csv", "-o", "new.csv"]].concat());
    assert_eq!(hidden(), None);
    assert_eq!(epochs(&place.text("new.csv")), vec![2; 8000]);
    assert_eq!(count(&trail(&place), Event::Rewrap, Reason::Done), done_before + 8000);
    place.ok(&["rotate", "--keyring", "k", "--retire", "1", "--yes"]);
    let seen = cells(&place.reveal("new.csv", "alice", &[]));
    assert_eq!(seen[1], cells(table(1).as_bytes())[1]);
}

/// Plans and inputs that can't be meant.
#[test]
fn bad_jobs_are_refused() {
    let place = Place::new();
    place.write("in.csv", orders());
    let with =
        |more: &[&'static str]| [&["protect"], &KEYS[..], &["--owner", "id", "in.csv", "-o", "out"], more].concat();
    let to = ["--field", "to=shipping-address"];
    place.fails(&with(&to), 5, &["\"to\" is to be shipping-address", "--record COLUMN"]);
    place.fails(&with(&[&to[..], &["--record", "to"]].concat()), 5, &["can't be protected itself"]);
    place.fails(&with(&[&to[..], &["--record", "number"]].concat()), 5, &["no column \"number\""]);
    place.fails(&with(&[&to[..], &["--record", "order", "--drop-column", "order"]].concat()), 5, &["can't be dropped"]);
    let orders = |record: &str| format!("id,order,to\nalice,o1,{CANARY}\nalice,{record},{CANARY}\nbob,,\n");
    for (record, words) in [
        ("", "row 3, column \"order\": there is no record in this row"),
        (" o2", "row 3, column \"order\": there is white space before or behind the record"),
        (&"o".repeat(65), "row 3, column \"order\": the record has 65 bytes; 64 are possible"),
        ("sym_EQABAAEA", "row 3, column \"order\": there is a token in place of the record"),
    ] {
        place.write("in.csv", orders(record));
        place.fails(&with(&[&to[..], &["--record", "order"]].concat()), 5, &[words]);
    }
    place.write("in.csv", orders("o2"));
    place.ok(&with(&[&to[..], &["--record", "order"]].concat()));
    place.write("in.jsonl", format!("{{\"id\":\"alice\",\"to\":\"{CANARY}\"}}\n"));
    let args = ["--owner", "id", "in.jsonl", "--record", "order"];
    place.fails(&[&["protect"], &KEYS[..], &args, &to].concat(), 5, &["line 1, column \"order\": there is no record"]);

    place.fails(&[&REWRAP[..], &["none.csv"]].concat(), 5, &["there is no file none.csv"]);
    place.fails(&[&REWRAP[..], &["--record", "x", "out"]].concat(), 5, &["--format"]);
    place.fails(&[&REWRAP[..], &["--record", "x", "--format", "csv", "out"]].concat(), 5, &["no column \"x\""]);
    place.fails(&["rewrap", "--keyring", "k", "out"], 2, &["--tenant"]);
    place.write("uneven.csv", format!("id,name\nalice,{CANARY},\n"));
    place.fails(&[&REWRAP[..], &["uneven.csv", "-o", "x.csv"]].concat(), 5, &["row 2: the header has 2 columns"]);
}

const CARDS: [&str; 6] = ["--owner", "id", "--field", "card=card-number", "--field", "tel=phone"];

fn cards() -> &'static str {
    "id,card,tel\nalice,4242 4242 4242 4242,03-0000-0001\nbob,5555555555554444,\nalice,,03-0000-0002\n"
}

/// 16 digits take a token's place and give it back; a second run changes nothing; what is unknown is told.
#[test]
fn surrogates_stand_for_tokens() {
    let place = Place::new();
    place.write("in.csv", cards());
    protect(&place, "in.csv", "t.csv", &CARDS);
    let there = [&["surrogate"], &KEYS[..], &["--owner", "id", "--column", "card"]].concat();
    let back = ["surrogate", "--keyring", "k", "--column", "card", "--resolve"];
    place.ok(&[&there[..], &["t.csv", "-o", "narrow.csv"]].concat());
    let narrow = cells(&place.read("narrow.csv"));
    let old = cells(&place.read("t.csv"));
    for row in [1, 2] {
        assert!(narrow[row][1].len() == 16 && narrow[row][1].starts_with("99"), "{narrow:?}");
        assert_eq!((&narrow[row][0], &narrow[row][2]), (&old[row][0], &old[row][2]));
    }
    assert_ne!(narrow[1][1], narrow[2][1]);
    place.ok(&[&there[..], &["narrow.csv", "-o", "narrow.2.csv"]].concat());
    assert_eq!(place.read("narrow.2.csv"), place.read("narrow.csv"));
    place.ok(&[&back[..], &["narrow.csv", "-o", "wide.csv"]].concat());
    assert_eq!(place.read("wide.csv"), place.read("t.csv"));
    // JSON Lines as well.
    place.write("in.jsonl", "{\"id\":\"alice\",\"card\":\"4242424242424242\"}\n");
    protect(&place, "in.jsonl", "t.jsonl", &CARDS[..4]);
    place.ok(&[&there[..], &["t.jsonl", "-o", "narrow.jsonl"]].concat());
    place.ok(&[&back[..], &["narrow.jsonl", "-o", "wide.jsonl"]].concat());
    assert_eq!(place.read("wide.jsonl"), place.read("t.jsonl"));

    // A surrogate that nobody made, and what is neither.
    let foreign = place.text("narrow.csv").replace(&narrow[1][1], "9900000000000000");
    place.write("foreign.csv", foreign);
    let output = place.run(&[&back[..], &["foreign.csv", "-o", "part.csv"]].concat());
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("foreign.csv, row 2, column \"card\": nothing is kept for this surrogate"));
    assert_eq!(cells(&place.read("part.csv"))[2], old[2]);
    place.write("plain.csv", format!("id,card\nalice,{CANARY}\n"));
    for args in [&there[..], &back] {
        place.fails(&[args, &["plain.csv", "-o", "x.csv"]].concat(), 5, &["row 2, column \"card\": this is neither"]);
    }
    let long = [&["surrogate"], &KEYS[..], &["--owner", "id", "--column", "name", "long.csv"]].concat();
    place.write("long.in.csv", "id,name\nalice,x y\n");
    protect(&place, "long.in.csv", "long.csv", &["--owner", "id", "--field", "name=person-name"]);
    place.fails(&long, 5, &["row 2, column \"name\": this token is too long"]);
}

/// While protecting, with the last four digits kept; a second run over the result changes nothing.
#[test]
fn surrogates_while_protecting() {
    let place = Place::new();
    place.write("in.csv", cards());
    let options = [&CARDS[..], &["--surrogate", "card:last4", "--surrogate", "tel", "--erasable"]].concat();
    protect(&place, "in.csv", "narrow.csv", &options);
    let narrow = cells(&place.read("narrow.csv"));
    assert!(narrow[1][1].starts_with("99") && narrow[1][1].ends_with("4242") && narrow[2][1].ends_with("4444"));
    assert!(narrow[1][2].starts_with("99") && narrow[2][2].is_empty());
    protect(&place, "narrow.csv", "narrow.2.csv", &options);
    assert_eq!(place.read("narrow.2.csv"), place.read("narrow.csv"));
    let back = [
        "surrogate",
        "--keyring",
        "k",
        "--resolve",
        "--column",
        "card",
        "--column",
        "tel",
        "narrow.csv",
        "-o",
        "t.csv",
    ];
    place.ok(&back);
    assert_eq!(cells(&place.reveal("t.csv", "alice", &[]))[1], cells(cards().as_bytes())[1]);
    // Who is erased has no surrogates any more.
    place.ok(&[&["erase"], &KEYS[..], &["--person", "bob", "--yes"]].concat());
    let erased = place.run(&[&back[..8], &["narrow.csv", "-o", "erased.csv"]].concat());
    assert_eq!(erased.status.code(), Some(6), "{}", said(&erased));
    assert!(said(&erased).contains("narrow.csv, row 3, column \"card\": nothing is kept"));
    let with = |more: &[&'static str]| [&["protect"], &KEYS[..], &CARDS, &["in.csv", "-o", "x"], more].concat();
    place.fails(&with(&["--surrogate", "name"]), 5, &["\"name\" is to have surrogates and isn't protected"]);
    place.fails(&with(&["--field", "id2=email", "--surrogate", "id2"]), 5, &["too long for surrogates"]);
}

/// A look-up finds the rows whose value is the same in another spelling; after one rotation it still does; who was erased is gone.
#[test]
fn an_index_finds_other_spellings() {
    let place = Place::new();
    let row = |n: usize| format!("c{n},Person.{n}@Example.com,{n}\n");
    place.write(
        "in.csv",
        format!("id,mail,key\n{}c9,person.7@example.COM,x\nc1,,y\n", (0..1500).map(row).collect::<String>()),
    );
    let index = [&["index"], &KEYS[..], &["--field", "mail=email", "--name", "login"]].concat();
    let fill = [&index[..], &["--owner", "id", "--reference", "key", "in.csv"]].concat();
    for _ in 0..2 {
        let said = said(&place.ok(&fill));
        assert!(
            said.contains("1,502 rows: 1,501 in the index \"login\"; left out: 0 of erased owners, 1 empty"),
            "{said}"
        );
    }
    let find = |value: &str| {
        let output = place.ok(&[&index[..], &["--find", value]].concat());
        assert!(said(&output).contains("only opening tells"));
        String::from_utf8(output.stdout).unwrap()
    };
    assert_eq!(find(" PERSON.7@example.com"), "7\nx\n");
    assert_eq!(find("nobody@example.com"), "");
    place.ok(&[&["erase"], &KEYS[..], &["--person", "c9", "--yes"]].concat());
    assert_eq!(find("person.7@example.com"), "7\n");
    assert!(said(&place.ok(&fill)).contains("left out: 2 of erased owners"));
    rotate(&place);
    assert_eq!(find("person.8@example.com"), "8\n");
    rotate(&place);
    assert_eq!(find("person.8@example.com"), "", "two rotations: to be made again");
    place.ok(&fill);
    assert_eq!(find("person.8@example.com"), "8\n");
    let other =
        [&["index"], &KEYS[..], &["--field", "mail=email", "--name", "other", "--find", "person.8@example.com"]]
            .concat();
    assert!(place.ok(&other).stdout.is_empty(), "another index");
    assert_eq!(count(&trail(&place), Event::LookUp, Reason::Done), 7);

    place.fails(&[&index[..], &["--find", CANARY]].concat(), 5, &["can't be searched by: not an e-mail"]);
    place.write("bad.csv", format!("id,mail,key\nc1,a@example.com,1\nc2,{CANARY},2\n"));
    let with = |file: &'static str| [&index[..], &["--owner", "id", "--reference", "key", file]].concat();
    place.fails(&with("bad.csv"), 5, &["bad.csv, row 3, column \"mail\": this can't be searched by"]);
    place.write("none.csv", "id,mail,key\nc1,a@example.com,\n");
    place.fails(&with("none.csv"), 5, &["none.csv, row 2, column \"key\": there is nothing in this row"]);
    assert_eq!(find("a@example.com"), "", "nothing of a chunk with a problem was put");
    place.write("p.in.csv", "id,mail,key\nc1,a@example.com,1\n");
    protect(&place, "p.in.csv", "p.csv", &["--owner", "id", "--field", "mail=email"]);
    place.fails(&with("p.csv"), 5, &["row 2, column \"mail\": this is a token"]);
    place.fails(
        &[&index[..], &["--owner", "id", "--find", "a@example.com", "in.csv"]].concat(),
        2,
        &["cannot be used with"],
    );
    let phone = [&["index"], &KEYS[..], &["--owner", "id", "--field", "tel=phone", "--name", "n", "p.csv"]].concat();
    place.fails(&phone, 5, &["--country"]);
}
