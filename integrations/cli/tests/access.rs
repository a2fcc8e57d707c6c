//! Who else may see what: purposes, grants, masks, messages; and what changes with time: rotation, erasure, re-owning. The real program,
//! as a shop, its customers and its carrier would run it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::fs;

use base64ct::{Base64, Encoding};
use common::{CANARY, Place, cells, said};
use symbolon::{
    AuditKey, CheckedRng, Config, Entry, Event, Field, Keyring, Principal, Recorded, SealedEntry, Slot, Token, Vault,
};

const K: [&str; 2] = ["--keyring", "k"];
const SHOP: [&str; 4] = ["--keyring", "k", "--tenant", "shop-17"];

/// A shop with two customers, whose names, addresses and cards are protected in `t.csv`.
fn shop() -> Place {
    let place = Place::new();
    let row = |who: &str, card: &str| format!("{who},{who} {CANARY},{CANARY}.{who}@example.com,{card}\n");
    let rows = row("alice", "4242424242424242") + &row("bob", "5555555555554444");
    place.write("in.csv", format!("id,name,mail,card\n{rows}"));
    let fields = ["--field", "name=person-name", "--field", "mail=email", "--field", "card=card-number"];
    place.ok(&[&["protect"], &SHOP[..], &["--owner", "id", "in.csv", "-o", "t.csv"], &fields].concat());
    place.log_in("alice");
    place
}

/// A session file `NAME.session` for staff or a service.
fn log_in(place: &Place, kind: &str, name: &str, purposes: &str) {
    let session = format!("{name}.session");
    place.ok(&[&["login"], &SHOP[..], &[kind, name, "--purpose", purposes, "--force", "-o", &session]].concat());
}

/// Alice's own grant, in the file `grant`.
fn grant(place: &Place, more: &[&str], grant: &str) -> String {
    let args = [&["grant"], &K[..], &["--session", "alice.session", "--for", "3d", "-o", grant], more].concat();
    said(&place.ok(&args))
}

/// What the session sees of `input`, and what is said about it.
fn see(place: &Place, session: &str, input: &str, more: &[&str]) -> (Vec<Vec<String>>, String) {
    let args = [&["reveal"], &K[..], &["--session", session, input], more].concat();
    let output = place.run(&args);
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    (cells(&output.stdout), said(&output))
}

fn keyring(place: &Place) -> Keyring {
    let text = place.text("k");
    Keyring::read_secret(&Base64::decode_vec(text.lines().nth(2).unwrap()).unwrap()).unwrap()
}

/// A token as an application would make it, of a bound field if there is a record.
fn token(place: &Place, who: &str, field: Field, record: Option<&str>, value: &str) -> String {
    let vault = Vault::new(keyring(place), &Config::new(b"symbolon-cli")).unwrap();
    let slot = record.map_or(field.into(), |record| Slot::in_record(field, record).unwrap());
    let mut out = [0; Token::MAX_LEN];
    let owner = Principal::person("shop-17", who).unwrap();
    let rng = &mut CheckedRng::new(getrandom::SysRng);
    vault.sealer(&owner).tokenize(slot, value.as_bytes(), &mut out, rng).unwrap().to_string()
}

/// The whole audit trail, as the auditor reads it.
fn trail(place: &Place) -> Vec<Recorded> {
    let text = place.text("k.audit");
    let secret = Base64::decode_vec(text.lines().nth(1).unwrap()).unwrap();
    let mut reader = AuditKey::read_secret(&secret.try_into().unwrap()).unwrap().reader();
    let log = place.read("k.state/trail.log");
    let entries = log.as_chunks::<{ SealedEntry::LEN }>().0.iter();
    entries.map(|bytes| reader.read(&SealedEntry::from_bytes(*bytes)).unwrap()).collect()
}

fn events(place: &Place, event: Event) -> Vec<Entry> {
    trail(place).into_iter().map(|recorded| recorded.entry).filter(|entry| entry.event == event).collect()
}

/// The carrier opens what it was granted, of the owner who granted it, for that purpose and no longer than she wants.
#[test]
fn a_carrier_opens_what_it_was_granted() {
    let place = shop();
    let made = grant(&place, &["--to-service", "yamato", "--purpose", "shipping", "--field", "person-name"], "g");
    for words in ["g: service yamato may open person-name of person alice for shipping until 20", "Z."] {
        assert!(made.contains(words), "{made}");
    }
    let file = place.text("g");
    assert!(file.starts_with("# symbolon grant 1: ") && file.contains("\ngrantee = \"service yamato\"\n"), "{file}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(place.at("g")).unwrap().permissions().mode() & 0o777, 0o600);
    }
    log_in(&place, "--service", "yamato", "shipping,accounting");
    let (seen, _) = see(&place, "yamato.session", "t.csv", &["--grant", "g"]);
    assert_eq!(seen[1][1..], [&format!("alice {CANARY}"), "●●●@●●●", "●●●● ●●●● ●●●● ●●●●"]);
    assert_eq!(seen[2][1..], ["●●● ●●●", "●●●@●●●", "●●●● ●●●● ●●●● ●●●●"]);
    let opened = events(&place, Event::Detokenize);
    assert_eq!((opened[0].purpose, opened[0].view), (1, 1));
    let name = file.lines().find_map(|line| line.strip_prefix("name_in_trail = \"")).unwrap().trim_end_matches('"');
    let hex: String = opened[0].grant.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, name, "the trail and the file call the grant the same");

    // Others who have the file, another purpose, and no grant at all.
    log_in(&place, "--service", "sagawa", "shipping");
    let (seen, said) = see(&place, "sagawa.session", "t.csv", &["--grant", "g"]);
    assert!(seen[1][1] == "●●● ●●●" && said.contains("Nothing opened under this grant"), "{said}");
    let with = |more: &[&'static str]| [&["reveal"], &K[..], &["--session", "yamato.session", "t.csv"], more].concat();
    place.fails(&with(&["--grant", "g", "--purpose", "accounting"]), 5, &["the grant is for shipping"]);
    place.fails(&with(&["--purpose", "payment"]), 3, &["not for payment", "--purpose payment"]);
    place.fails(&with(&["--grant", "none"]), 5, &["no grant file none"]);
    place.fails(&with(&["--grant", "t.csv"]), 5, &["t.csv is not a grant file"]);
    place.fails(&with(&[]), 3, &["not for own-use"]);

    // One grant is taken back, then all.
    grant(&place, &["--to-service", "yamato", "--purpose", "shipping", "--field", "email"], "g2");
    let said =
        common::said(&place.ok(&[&["revoke"], &K[..], &["--session", "alice.session", "--grant", "g"]].concat()));
    assert!(said.contains("g is revoked"), "{said}");
    assert_eq!(see(&place, "yamato.session", "t.csv", &["--grant", "g"]).0[1][1], "●●● ●●●");
    assert_eq!(
        see(&place, "yamato.session", "t.csv", &["--grant", "g2"]).0[1][2],
        format!("{CANARY}.alice@example.com")
    );
    place.ok(&[&["revoke"], &K[..], &["--session", "alice.session", "--all"]].concat());
    assert_eq!(see(&place, "yamato.session", "t.csv", &["--grant", "g2"]).0[1][2], "●●●@●●●");
}

/// Support sees masks only, by the policy authority's grant; the trail says that they were masks, and why.
#[test]
fn support_sees_masks() {
    let place = shop();
    let args = ["--owner-person", "alice", "--reason", "ticket 4711", "--to-staff", "sue", "--purpose", "support"];
    let more = ["--field", "person-name,card-number", "--view", "masked", "--until", "2027-06-30", "-o", "g"];
    let made = said(&place.ok(&[&["grant"], &SHOP[..], &args, &more].concat()));
    assert!(made.contains("sue may see masks of person-name, card-number of person alice"), "{made}");
    assert!(made.contains("until 2027-07-01T00:00:00Z"), "{made}");
    log_in(&place, "--staff", "sue", "support");
    for masked in [&[][..], &["--masked"]] {
        let more = [&["--grant", "g"], masked].concat();
        let (seen, said) = see(&place, "sue.session", "t.csv", &more);
        assert_eq!(seen[1][1..], ["a●●", "●●●@●●●", "●●●● 4242"]);
        assert_eq!(seen[2][3], "●●●● ●●●● ●●●● ●●●●");
        assert!(said.contains("2 tokens opened to their masks, 4 refused"), "{said}");
    }
    let (opened, reasons) = (events(&place, Event::Detokenize), events(&place, Event::GrantReason));
    assert_eq!(opened.iter().filter(|entry| entry.view == 2).count(), 4);
    assert!(opened.iter().all(|entry| entry.view != 1));
    assert!(reasons[0].reason_given().unwrap().starts_with(b"ticket 4711\0"));
    // The owner's own masks are masks in the trail, too.
    assert_eq!(see(&place, "alice.session", "t.csv", &["--masked"]).0[1][3], "●●●● 4242");
    assert_eq!(events(&place, Event::Detokenize).iter().filter(|entry| entry.view == 2).count(), 7);
    // The authority takes it back, by the file alone.
    place.ok(&[&["revoke"], &K[..], &["--grant", "g"]].concat());
    assert_eq!(see(&place, "sue.session", "t.csv", &["--grant", "g"]).0[1][1], "●●● ●●●");
}

/// Uses are counted by tokens that are tried, and then they are used up.
#[test]
fn uses_are_used_up() {
    let place = shop();
    let to = ["--to-service", "yamato", "--purpose", "shipping", "--field", "person-name", "--uses", "3"];
    let made = grant(&place, &to, "g");
    assert!(made.contains("3 tokens at most"), "{made}");
    log_in(&place, "--service", "yamato", "shipping");
    let name = format!("alice {CANARY}");
    // Bob's token uses one as well.
    assert_eq!(see(&place, "yamato.session", "t.csv", &["--grant", "g"]).0[1][1], name);
    assert_eq!(see(&place, "yamato.session", "t.csv", &["--grant", "g"]).0[1][1], name);
    let (seen, said) = see(&place, "yamato.session", "t.csv", &["--grant", "g"]);
    assert!(seen[1][1] == "●●● ●●●" && said.contains("used up"), "{said}");
}

/// What is bound to a record opens for that record, named for the file or read from a column; a grant may be for one record alone.
#[test]
fn records() {
    let place = Place::new();
    let address = |record| token(&place, "alice", Field::SHIPPING_ADDRESS, Some(record), &format!("{CANARY} {record}"));
    let (seven, eight) = (address("o7"), address("o8"));
    place.write("t.csv", format!("to,order\n{seven},o7\n\"{eight}\",\"o8\"\n{seven},o8\n{seven},\n"));
    place.log_in("alice");
    let column = |session, more: &[&str]| {
        let (seen, said) = see(&place, session, "t.csv", more);
        (seen.into_iter().skip(1).map(|row| row[0].clone()).collect::<Vec<_>>(), said)
    };
    let (o7, o8, no) = (format!("{CANARY} o7"), format!("{CANARY} o8"), "●●●●".to_owned());
    let own = |more: &[&str]| column("alice.session", more);
    assert_eq!(own(&["--record", "o7"]).0, [o7.clone(), no.clone(), o7.clone(), o7.clone()]);
    let (seen, said) = own(&["--record-column", "order"]);
    assert_eq!(seen, [o7.clone(), o8, no.clone(), no.clone()]);
    assert!(said.contains("1 of them are bound to a record"), "{said}");
    let (seen, said) = own(&[]);
    assert!(seen == [no.as_str(); 4] && said.contains("4 of them are bound to a record"), "{said}");

    let to = ["--to-service", "yamato", "--purpose", "shipping", "--field", "shipping-address", "--record", "o7"];
    assert!(grant(&place, &to, "g").contains(", of record o7 only"));
    log_in(&place, "--service", "yamato", "shipping");
    let (seen, _) = column("yamato.session", &["--grant", "g", "--record-column", "order"]);
    assert_eq!(seen, [o7, no.clone(), no.clone(), no]);

    let with = |more: &[&'static str]| [&["reveal"], &K[..], &["--session", "alice.session", "t.csv"], more].concat();
    place.fails(&with(&["--record-column", "nr"]), 5, &["t.csv has no column \"nr\""]);
    place.fails(&with(&["--record-column", "order", "--format", "json"]), 5, &["only a table has columns"]);
    place.fails(&with(&["--record", ""]), 5, &["1 to 64 bytes"]);
}

/// A message opens for the address that was verified last, and for no other.
#[test]
fn messages_go_to_the_verified_address() {
    let place = shop();
    let (first, second) = (format!("{CANARY}@example.com"), format!("{CANARY}2@example.com"));
    let confirm = |what: &[&str]| [&["confirm-address"], &SHOP[..], &["--person", "alice"], what].concat().join("\n");
    let run = |line: String| place.ok(&line.split('\n').collect::<Vec<_>>());
    grant(&place, &["--to-service", "mailer", "--purpose", "message", "--field", "person-name"], "g");
    log_in(&place, "--service", "mailer", "message");
    let shown = |address: &str| {
        let (seen, said) = see(&place, "mailer.session", "t.csv", &["--grant", "g", "--to-email", address]);
        assert!(!said.contains(CANARY), "{said}");
        seen[1][1] == format!("alice {CANARY}")
    };
    assert!(!shown(&first), "not verified yet");
    let said = said(&run(confirm(&["--email", &first])));
    assert!(said.contains("person alice of shop-17 has a new verified address (email)"), "{said}");
    assert!(shown(&first) && !shown(&second));
    run(confirm(&["--email", &second]));
    assert!(!shown(&first) && shown(&second), "the earlier one is stale");
    run(confirm(&["--phone", "+81 90 1234 5678"]));
    assert!(shown(&second));
    run(confirm(&["--withdraw", "email"]));
    assert!(!shown(&second));

    let with = |more: &[&'static str]| [&["reveal"], &K[..], &["--session", "mailer.session", "t.csv"], more].concat();
    place.fails(&with(&["--grant", "g"]), 5, &["--to-email"]);
    place.fails(&with(&["--purpose", "message", "--to-email", "kanarienvogel"]), 5, &["An e-mail address has"]);
    place.fails(&with(&["--purpose", "own-use", "--to-phone", "12345"]), 5, &["for the purpose message"]);
    let bad = |what: &[&str], code, words| {
        let line = confirm(what);
        place.fails(&line.split('\n').collect::<Vec<_>>(), code, &[words]);
    };
    bad(&["--email", "kanarienvogel"], 5, "An e-mail address has");
    bad(&["--email", " kanarienvogel@example.com"], 5, "white space");
    bad(&["--phone", "kanarienvogel"], 5, "A phone number has");
    bad(&[], 2, "--email");
    bad(&["--withdraw", "name"], 2, "phone");
}

/// After a rotation everything from before still works; what is retired is gone, and everything else still works.
#[test]
fn rotation() {
    let place = shop();
    grant(&place, &["--to-service", "yamato", "--purpose", "shipping", "--field", "person-name"], "g");
    log_in(&place, "--service", "yamato", "shipping");
    let shown = |session: &str, input: &str, more: &[&str]| see(&place, session, input, more).0[1][1] != "●●● ●●●";
    let rotated = said(&place.ok(&["rotate", "--keyring", "k"]));
    for words in ["k has epoch 2", "symbolon backup k", "symbolon rewrap", "--retire 1"] {
        assert!(rotated.contains(words), "{rotated}");
    }
    assert!(shown("alice.session", "t.csv", &[]) && shown("yamato.session", "t.csv", &["--grant", "g"]));
    let fields = ["--owner", "id", "in.csv", "-o", "t2.csv", "--field", "name=person-name"];
    place.ok(&[&["protect"], &SHOP[..], &fields].concat());
    assert!(shown("alice.session", "t2.csv", &[]), "a session from before opens what is new");
    fs::rename(place.at("alice.session"), place.at("old.session")).unwrap();
    place.log_in("alice");
    assert!(shown("alice.session", "t.csv", &[]), "a new session opens what is old");

    let retire = |epoch: &'static str| ["rotate", "--keyring", "k", "--retire", epoch];
    let before = place.read("k");
    place.fails(&retire("1"), 5, &["destroys the root key of epoch 1", "symbolon inspect", "--yes"]);
    place.fails(&retire("2"), 5, &["is the newest"]);
    place.fails(&retire("7"), 5, &["no epoch 7; it has epochs 1, 2"]);
    place.fails(&["rotate", "--keyring", "k", "--yes"], 2, &["--retire"]);
    place.fails(&["rotate", "--keyring", "none"], 5, &["no keyring at none"]);
    assert_eq!(place.read("k"), before);
    let retired = said(&place.ok(&[&retire("1")[..], &["--yes"]].concat()));
    assert!(retired.contains("Epoch 1 of k is retired") && retired.contains("Left: epoch 2"), "{retired}");
    assert!(shown("alice.session", "t2.csv", &[]) && !shown("alice.session", "t.csv", &[]));
    place.fails(&[&["reveal"], &K[..], &["--session", "old.session", "t2.csv"]].concat(), 3, &["not accepted"]);

    // Eight at most; and the first of them are still there.
    for _ in 0..7 {
        place.ok(&["rotate", "--keyring", "k"]);
    }
    let full = place.read("k");
    place.fails(&["rotate", "--keyring", "k"], 5, &["8 epochs, the most", "2, 3, 4, 5, 6, 7, 8, 9"]);
    assert_eq!(place.read("k"), full);
    place.log_in("bob");
    assert_eq!(see(&place, "bob.session", "t2.csv", &[]).0[2][1], format!("bob {CANARY}"));
}

/// An erased owner's values open for nobody; a receipt says when and where that is recorded; again is no error.
#[test]
fn erasure() {
    let place = shop();
    grant(&place, &["--to-service", "yamato", "--purpose", "shipping", "--field", "person-name"], "g");
    log_in(&place, "--service", "yamato", "shipping");
    place.log_in("bob");
    let erase = |more: &[&str]| [&["erase"], &SHOP[..], more].concat().join("\n");
    let run = |line: String| place.ok(&line.split('\n').collect::<Vec<_>>());
    let fails = |line: String, code, words: &[&str]| place.fails(&line.split('\n').collect::<Vec<_>>(), code, words);
    fails(erase(&["--person", "alice", "carol"]), 5, &["person alice and 1 more of shop-17 for good", "--yes"]);
    assert_eq!(see(&place, "alice.session", "t.csv", &[]).0[1][1], format!("alice {CANARY}"));
    place.write("list", "\u{feff}alice\r\n\r\ncarol\nalice\n");
    let out = String::from_utf8(run(erase(&["--from", "list", "--yes"])).stdout).unwrap();
    let lines: Vec<_> = out.lines().collect();
    let erased: Vec<_> = trail(&place).into_iter().filter(|recorded| recorded.entry.event == Event::Erase).collect();
    assert_eq!(erased.len(), 2, "{out}");
    for ((line, who), recorded) in lines.iter().zip(["alice", "carol"]).zip(&erased) {
        let words = format!("trail entry {}  person {who} of shop-17 is erased", recorded.sequence);
        assert!(line.contains(&words), "{line} should say {words}");
    }
    assert!(out.contains("k.state from before") && out.contains("Never put k.state back"), "{out}");
    let (seen, said) = see(&place, "alice.session", "t.csv", &[]);
    assert!(seen[1][1] == "●●● ●●●" && said.contains("0 tokens opened"), "{said}");
    assert_eq!(see(&place, "yamato.session", "t.csv", &["--grant", "g"]).0[1][1], "●●● ●●●");
    assert_eq!(see(&place, "bob.session", "t.csv", &[]).0[2][1], format!("bob {CANARY}"));
    let out = String::from_utf8(run(erase(&["--person", "alice", "--staff", "alice", "--yes"])).stdout).unwrap();
    assert!(
        out.contains("person alice of shop-17 was erased before") && out.contains("staff alice of shop-17 is"),
        "{out}"
    );
    // Nothing can be granted or confirmed in an erased owner's name.
    let to = ["--to-service", "yamato", "--purpose", "shipping", "--field", "person-name", "--for", "1d", "-o", "h"];
    place.fails(&[&["grant"], &K[..], &["--session", "alice.session"], &to].concat(), 3, &["erased"]);
    let mail = ["--person", "alice", "--email", "a@example.com"];
    place.fails(&[&["confirm-address"], &SHOP[..], &mail].concat(), 3, &["erased"]);

    fails(erase(&["--yes"]), 2, &["--person"]);
    fails(erase(&["--from", "none", "--yes"]), 5, &["no file none"]);
    place.write("bad", format!("bob\n{}\n", "x".repeat(65)));
    fails(erase(&["--from", "bad", "--yes"]), 5, &["bad, line 2: ", "1 to 64 bytes"]);
    place.write("bad", "bob \n");
    fails(erase(&["--from", "bad", "--yes"]), 5, &["bad, line 1: ", "white space"]);
    place.write("bad", "\n");
    fails(erase(&["--from", "bad", "--yes"]), 5, &["no name"]);
    assert_eq!(see(&place, "bob.session", "t.csv", &[]).0[2][1], format!("bob {CANARY}"));
}

/// A list that is longer than one commit.
#[test]
fn a_long_list_is_erased() {
    let place = Place::new();
    let names: String = (0..600).map(|number| format!("c{number}\n")).collect();
    place.write("list", names);
    let args = [&["erase"], &SHOP[..], &["--from", "list", "--yes"]].concat();
    let out = String::from_utf8(place.ok(&args).stdout).unwrap();
    let told: Vec<u64> =
        out.lines().filter_map(|line| line.split("entry ").nth(1)?.split(' ').next()?.parse().ok()).collect();
    let recorded = trail(&place).into_iter().filter(|recorded| recorded.entry.event == Event::Erase);
    assert_eq!(told, recorded.map(|recorded| recorded.sequence).collect::<Vec<_>>());
    assert_eq!(told.len(), 600);
    assert_eq!(String::from_utf8(place.ok(&args).stdout).unwrap().matches("was erased before").count(), 600);
}

/// A guest's tokens become the account's; nobody else's do, and not a byte of the rest changes.
#[test]
fn a_guest_becomes_an_account() {
    let place = shop();
    let guest = token(&place, "guest-1", Field::PERSON_NAME, None, &format!("guest {CANARY}"));
    let bound = token(&place, "guest-1", Field::SHIPPING_ADDRESS, Some("o7"), &format!("street {CANARY}"));
    let others = token(&place, "bob", Field::PERSON_NAME, None, "bob");
    let text = |guest: &str, bound: &str| {
        format!("\u{feff}who,to,order\r\n{guest},\"{bound}\",o7\r\n{others},see {guest},o8\r\n\"{guest}\",,\r\n")
    };
    place.write("in2.csv", text(&guest, &bound));
    for who in ["guest-1", "bob"] {
        place.log_in(who);
    }
    let reown = |more: &[&'static str]| [&["reown"], &K[..], &["--session", "alice.session"], more].concat();
    let record = ["--record-column", "order"];
    let args = [&reown(&["--from", "guest-1.session", "in2.csv", "-o", "out2.csv"])[..], &record].concat();
    let done = said(&place.ok(&args));
    assert!(done.contains("3 tokens are the account's now; 1 are not the guest's"), "{done}");
    let (old, new) = (place.text("in2.csv"), place.text("out2.csv"));
    assert!(old.len() == new.len() && !new.contains(CANARY));
    let new_cells = cells(new.trim_start_matches('\u{feff}').as_bytes());
    assert_eq!(new_cells[2], [others.as_str(), &format!("see {guest}"), "o8"]);
    assert!(new.starts_with("\u{feff}who,to,order\r\n") && new.ends_with(",,\r\n"));
    let (seen, _) = see(&place, "alice.session", "out2.csv", &record);
    assert_eq!(seen[1][..2], [format!("guest {CANARY}"), format!("street {CANARY}")]);
    assert_eq!((seen[2][0].as_str(), &seen[3][0]), ("●●● ●●●", &format!("guest {CANARY}")));
    assert_eq!(see(&place, "guest-1.session", "out2.csv", &record).0[1][0], "●●● ●●●");
    assert_eq!(events(&place, Event::Reown).len(), 4);

    // Without the record its token stays; other formats; and what can't be meant.
    place.write("in.json", format!("{{\"a\":\"{guest}\",\"b\":\"{bound}\",\"{guest}\":1}}"));
    let output = place.ok(&reown(&["--from", "guest-1.session", "in.json"]));
    assert!(said(&output).contains("1 of them for want of a record"), "{}", said(&output));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((json["b"].as_str(), json[&guest].as_i64()), (Some(bound.as_str()), Some(1)));
    assert!(json["a"].as_str().unwrap().starts_with("sym_") && json["a"] != guest.as_str());
    let fails = |more: &[&'static str], code, words| place.fails(&reown(more), code, &[words]);
    fails(&["--from", "alice.session", "in2.csv"], 5, "the same owner's");
    fails(&["in2.csv"], 2, "--from");
    fails(&["--from", "none", "in2.csv"], 5, "no session file at none");
    fails(&["--from", "guest-1.session", "in2.csv", "-o", "in2.csv"], 5, "is the input itself");
    fails(&["--from", "guest-1.session", "none.csv"], 5, "no file none.csv");
    place.ok(&["logout", "guest-1.session", "--keyring", "k"]);
    fails(&["--from", "guest-1.session", "in2.csv", "-o", "out3.csv"], 3, "not accepted");
}

/// The same by the guest's grant, which is counted, and shows nothing.
#[test]
fn a_guest_gives_by_a_grant() {
    let place = shop();
    let guest = token(&place, "guest-1", Field::PERSON_NAME, None, CANARY);
    place.write("in2.csv", format!("{guest}\n{guest}\n{guest}\n"));
    place.log_in("guest-1");
    let to =
        ["--to-person", "alice", "--purpose", "transfer", "--view", "reseal", "--field", "person-name", "--for", "1h"];
    let args = [&["grant"], &K[..], &["--session", "guest-1.session", "--uses", "2", "-o", "g"], &to].concat();
    assert!(said(&place.ok(&args)).contains("person alice may reseal person-name of person guest-1 for transfer"));
    let reown =
        [&["reown"], &K[..], &["--session", "alice.session", "--from-grant", "g", "in2.csv", "-o", "out"]].concat();
    place.fails(&reown, 3, &["not for transfer"]);
    place.ok(&[
        &["login"],
        &SHOP[..],
        &["--person", "alice", "--purpose", "own-use,transfer", "--force", "-o", "alice.session"],
    ]
    .concat());
    let done = said(&place.ok(&reown));
    assert!(done.contains("2 tokens are the account's now; 1 are not"), "{done}");
    let reveal = [&["reveal"], &K[..], &["--session", "alice.session", "--grant", "g", "in2.csv"]].concat();
    place.fails(&reveal, 5, &["this grant shows nothing"]);
    grant(&place, &["--to-service", "yamato", "--purpose", "shipping", "--field", "person-name"], "g2");
    let reown = [&["reown"], &K[..], &["--session", "alice.session", "--from-grant", "g2", "in2.csv"]].concat();
    place.fails(&reown, 5, &["gives nothing away"]);
}

/// Grants that can't be meant are refused with the reason, and leave nothing behind.
#[test]
fn grants_that_are_refused() {
    let place = shop();
    let own = [&["grant"], &K[..], &["--session", "alice.session", "-o", "g"]].concat();
    let refused = |more: &[&str], code, words: &str| place.fails(&[&own[..], more].concat(), code, &[words]);
    let to = ["--to-service", "y", "--purpose", "shipping", "--field", "email"];
    let with = |more: &[&'static str]| [&to[..], more].concat();
    refused(&with(&[]), 2, "--for");
    refused(&with(&["--for", "3"]), 2, "12h or 3d");
    refused(&with(&["--for", "367d"]), 2, "366 days");
    refused(&with(&["--until", "2020-01-01"]), 5, "is over already");
    refused(&with(&["--until", "2099-01-01"]), 5, "366 days");
    refused(&with(&["--until", "tomorrow"]), 2, "2026-12-31");
    refused(&with(&["--for", "1d", "--uses", "0"]), 2, "--uses");
    refused(&with(&["--for", "1d", "--field", "email"]), 5, "each named once");
    refused(&with(&["--for", "1d", "--record", "o7"]), 5, "email is not bound to a record");
    refused(&with(&["--for", "1d", "--view", "reseal"]), 5, "maintenance and transfer");
    refused(&with(&["--for", "1d", "--to-staff", "s"]), 2, "cannot be used with");
    refused(&with(&["--for", "1d", "--reason", "x"]), 2, "--tenant");
    refused(&["--to-service", "y", "--purpose", "maintenance", "--field", "email", "--for", "1d"], 5, "--view reseal");
    let reseal =
        ["--to-service", "y", "--purpose", "maintenance", "--field", "email", "--for", "1d", "--view", "reseal"];
    refused(&reseal, 5, "--uses N");
    refused(&["--to-service", "y", "--purpose", "sales", "--field", "email", "--for", "1d"], 2, "own-use, shipping");
    refused(&["--to-service", "y", "--purpose", "legal", "--field", "mail", "--for", "1d"], 2, "person-name");
    refused(&["--to-person", "alice", "--purpose", "legal", "--field", "email", "--for", "1d"], 5, "needs no grant");
    refused(&["--to-person", "", "--purpose", "legal", "--field", "email", "--for", "1d"], 5, "1 to 64 bytes");

    let authority = [&["grant"], &SHOP[..], &["-o", "g", "--for", "1d"], &to].concat();
    let refused = |more: &[&str], code, words: &str| place.fails(&[&authority[..], more].concat(), code, &[words]);
    refused(&["--owner-person", "alice"], 2, "--reason");
    refused(&["--reason", "x"], 2, "--owner-person");
    refused(&["--owner-person", "alice", "--reason", ""], 5, "1 to 34");
    refused(&["--owner-person", "alice", "--reason", &"x".repeat(35)], 5, "1 to 34");
    refused(&["--owner-person", "alice", "--reason", "x", "--session", "alice.session"], 2, "cannot be used with");
    let transfer = ["--owner-person", "alice", "--reason", "x", "--tenant", "shop-17", "--keyring", "k", "-o", "g"];
    let what = ["--to-person", "bob", "--purpose", "transfer", "--view", "reseal", "--uses", "1", "--for", "1d"];
    place.fails(&[&["grant"], &transfer[..], &what, &["--field", "email"]].concat(), 5, &["only owners"]);

    // Nothing is written over, and what isn't a genuine grant can't be revoked.
    place.write("g", "mine");
    place.fails(&[&own[..], &with(&["--for", "1d"])].concat(), 1, &["is there already"]);
    place.fails(&[&["revoke"], &K[..], &["--grant", "g"]].concat(), 5, &["not a grant file"]);
    place.fails(&[&["revoke"], &K[..], &["--all"]].concat(), 5, &["--owner-person"]);
    place.fails(&[&["revoke"], &SHOP[..], &["--all"]].concat(), 5, &["--owner-person"]);
    place.fails(&["revoke", "--keyring", "k"], 2, &["--grant"]);
    place.ok(&[&own[..], &with(&["--for", "1d", "--force"])].concat());
    place.fails(&[&["revoke", "--keyring", "k", "--tenant", "other", "--grant", "g"][..]].concat(), 3, &["refused"]);
    place.log_in("bob");
    place.fails(&[&["revoke"], &K[..], &["--session", "bob.session", "--grant", "g"]].concat(), 3, &["refused"]);
}

/// Sessions for staff and services say what they are for; persons have no right but one.
#[test]
fn sessions_say_what_they_are_for() {
    let place = Place::new();
    let login = |more: &[&'static str]| [&["login"], &SHOP[..], &["-o", "s", "--force"], more].concat();
    place.ok(&login(&[
        "--service",
        "x",
        "--purpose",
        "shipping,custom-3",
        "--purpose",
        "message",
        "--right",
        "lookup",
    ]));
    let json: serde_json::Value = serde_json::from_slice(&place.read("s")).unwrap();
    assert_eq!(json["purposes"], serde_json::json!(["shipping", "message", "custom-3"]));
    assert_eq!(json["rights"], serde_json::json!(["lookup"]));
    place.ok(&login(&["--person", "x"]));
    let json: serde_json::Value = serde_json::from_slice(&place.read("s")).unwrap();
    assert_eq!((&json["purposes"], &json["rights"]), (&serde_json::json!(["own-use"]), &serde_json::json!(["own"])));
    let before = place.read("s");
    place.fails(&login(&["--person", "x", "--right", "grant"]), 5, &["no right but own"]);
    place.fails(&login(&["--person", "x", "--purpose", "sales"]), 2, &["own-use, shipping", "custom-31"]);
    place.fails(&login(&["--staff", "x", "--right", "root"]), 2, &["read-trail"]);
    assert_eq!(place.read("s"), before);
}
