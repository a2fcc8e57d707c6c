//! An appliance in the place of a keyring file: the real program, and the core's appliance in another process.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod appliance;
mod common;

use std::fs;

use appliance::Appliance;
use common::{CANARY, PLAN, Place, cells, said, table};
use symbolon::{Field, Principal};
use symbolon_device::{Address, Device, Value};

/// An appliance that is set up, and the directory with its files.
struct Shop {
    place: Place,
    appliance: Appliance,
    address: String,
}

impl Shop {
    /// With `shop.roles`; more options for keygen.
    fn new(more: &[&str]) -> Self {
        Self::on(Appliance::blank(), more)
    }

    fn on(appliance: Appliance, more: &[&str]) -> Self {
        let (place, address) = (Place::new(), appliance.address());
        place.ok(&[&["keygen", "shop.roles", "--device", &address], more].concat());
        Self { place, appliance, address }
    }

    /// A command with the appliance and its roles.
    fn args<'a>(&'a self, command: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [command, &["--device", &self.address, "--roles", "shop.roles"], more].concat()
    }

    fn ok(&self, command: &[&str], more: &[&str]) -> String {
        said(&self.place.ok(&self.args(command, more)))
    }

    fn log_in(&self, person: &str) -> String {
        let session = format!("{person}.session");
        self.ok(&["login", "--force"], &["--tenant", "shop-17", "--person", person, "-o", &session]);
        session
    }

    fn protect(&self, input: &str, output: &str, more: &[&str]) -> String {
        self.ok(&["protect", input, "-o", output], &[&PLAN, more].concat())
    }

    /// What a person sees, without any role's key.
    fn reveal(&self, input: &str, person: &str, more: &[&str]) -> String {
        let session = self.log_in(person);
        let args = ["reveal", input, "--device", &self.address, "--session", &session];
        String::from_utf8(self.place.ok(&[&args[..], more].concat()).stdout).unwrap()
    }

    /// Erases a person, as a service of the tenant may.
    fn erase(&self, person: &str) {
        let service = ["--tenant", "shop-17", "--service", "crm", "--right", "maintain,tokenize", "-o", "crm.session"];
        self.ok(&["login"], &service);
        let (credential, key) = self.place.session("crm.session");
        let mut device = Device::connect(&Address::parse(&self.address).unwrap()).unwrap();
        let person = Principal::person("shop-17", person).unwrap();
        let mut crm = device.in_session(&credential, &key);
        // Only who had something erasable can be erased.
        crm.tokenize(&person, true, &[Value::of(Field::PERSON_NAME, b"x")]).unwrap();
        crm.erase(&person).unwrap();
    }

    fn fetch(&self) -> String {
        self.ok(&["trail", "fetch"], &[])
    }

    fn verify(&self) -> String {
        let output = self.place.ok(&["trail", "verify", "--audit-key", "shop.roles.audit"]);
        String::from_utf8(output.stdout).unwrap()
    }
}

/// From blank to a trail that is whole, with the commands of a keyring file: owners see what is theirs, and nobody else does.
#[test]
fn the_whole_way() {
    let shop = Shop::new(&[]);
    let place = &shop.place;
    place.write("in.csv", table(60));
    let closing = shop.protect("in.csv", "out.csv", &[]);
    assert!(closing.contains("60 rows: 120 values protected"), "{closing}");
    let (before, after) = (cells(&place.read("in.csv")), cells(&place.read("out.csv")));
    assert!(!place.text("out.csv").contains(CANARY));
    for (row, sealed) in before.iter().zip(&after).skip(1) {
        assert!(
            row[0] == sealed[0]
                && row[3] == sealed[3]
                && sealed[1].starts_with("sym_")
                && sealed[2].starts_with("sym_")
        );
    }
    let seen = cells(shop.reveal("out.csv", "alice", &[]).as_bytes());
    for (row, seen) in before.iter().zip(&seen).skip(1) {
        if row[0] == "alice" { assert_eq!(row, seen) } else { assert!(seen[1] != row[1] && !seen[1].contains("sym_")) }
    }
    assert!(!shop.reveal("out.csv", "bob", &[]).contains(CANARY));
    let masked = shop.reveal("out.csv", "alice", &["--masked"]);
    assert!(!masked.contains(CANARY) && masked.contains('●'), "{masked}");

    // Again: what is protected stays as it is. JSON Lines, erasable ones, and a bound field.
    shop.protect("out.csv", "again.csv", &[]);
    assert_eq!(place.read("again.csv"), place.read("out.csv"));
    place.write(
        "in.jsonl",
        format!(
            "{{\"id\":\"alice\",\"name\":\"{CANARY}\",\"mail\":\"a@example.com\",\"to\":\"{CANARY} 1\",\"order\":7}}\n"
        ),
    );
    shop.protect("in.jsonl", "out.jsonl", &["--erasable", "--field", "to=shipping-address", "--record", "order"]);
    assert!(!place.text("out.jsonl").contains(CANARY));
    let seen = shop.reveal("out.jsonl", "alice", &["--record", "7"]);
    assert_eq!(seen, place.text("in.jsonl"));
    let seen = shop.reveal("out.jsonl", "alice", &["--record", "8"]);
    assert_eq!(seen.matches(CANARY).count(), 1);

    let fetched = shop.fetch();
    assert!(!fetched.starts_with("0 entries"), "{fetched}");
    let verified = shop.verify();
    assert!(verified.starts_with("node 0: whole: ") && verified.contains("checkpoint confirms it"), "{verified}");
    let shown =
        place.ok(&["trail", "who-saw", "--audit-key", "shop.roles.audit", "--tenant", "shop-17", "--person", "alice"]);
    assert!(!shown.stdout.is_empty());
    shop.fetch();
    shop.verify();
    let status = String::from_utf8(place.ok(&["device", "status", "--device", &shop.address]).stdout).unwrap();
    assert!(status.contains("set up") && status.contains("officer 8, issuer 8, auditor 8"), "{status}");
    place.ok(&["device", "self-test", "--device", &shop.address]);

    // Log-out by the issuer, and by the session itself.
    let reveal = |session: &'static str| ["reveal", "out.csv", "--device", &shop.address, "--session", session];
    for (person, roles) in [("alice", &["--roles", "shop.roles"][..]), ("bob", &[])] {
        let session = shop.log_in(person);
        place.ok(&[&["logout", &session, "--device", &shop.address], roles].concat());
    }
    for session in ["alice.session", "bob.session"] {
        place.fails(&reveal(session), 3, &["session was not accepted"]);
    }
}

/// Input that is wrong is told as with a keyring file, with its row and column, and nothing is written.
#[test]
fn bad_input_has_its_place() {
    let shop = Shop::new(&[]);
    let place = &shop.place;
    let protect = |input: &'static str, more: &[&'static str]| {
        shop.args(&["protect", input, "-o", "out.csv"], &[&PLAN, more].concat()).join("\n")
    };
    let fails = |line: &str, words: &[&str]| place.fails(&line.split('\n').collect::<Vec<_>>(), 5, words);
    place.write("bad.csv", format!("id,name,mail\nalice,{CANARY},a@example.com\nbob,{CANARY},{CANARY}\n"));
    fails(&protect("bad.csv", &[]), &["row 3", "\"mail\"", "email"]);
    place.write("nobody.csv", format!("id,name,mail\n,{CANARY},a@example.com\n"));
    fails(&protect("nobody.csv", &[]), &["row 2", "no owner"]);
    place.write("in.csv", table(3));
    place.write("tel.csv", "id,name,mail,tel\nalice,Alice,a@example.com,0300000001\n");
    fails(&protect("tel.csv", &["--field", "tel=phone", "--surrogate", "tel"]), &["no surrogates", "\"tel\""]);
    place.write("uneven.csv", format!("id,name,mail\nalice,{CANARY},a@example.com\nbob,{CANARY}\n"));
    fails(&protect("uneven.csv", &[]), &["row 3", "3 columns"]);
    // An owner who was erased is told as such.
    shop.erase("c1");
    place.write("erased.csv", table(2));
    fails(&protect("erased.csv", &["--erasable"]), &["row 3", "\"id\"", "was erased"]);
    // The check takes neither keyring nor appliance.
    place.ok(&[&["protect", "--check", "in.csv"], &PLAN[..]].concat());
}

/// With the same roots, a file, a session and a grant are good here and there.
#[test]
fn roots_travel() {
    let shop = Shop::new(&["--import", "k"]);
    let place = &shop.place;
    place.write("in.csv", table(20));
    shop.protect("in.csv", "by-device.csv", &[]);
    place.protect("in.csv", "by-keyring.csv");
    let expected = place.reveal("by-keyring.csv", "alice", &[]);
    assert!(String::from_utf8_lossy(&expected).contains(CANARY));
    assert_eq!(place.reveal("by-device.csv", "alice", &[]), expected);
    for file in ["by-device.csv", "by-keyring.csv"] {
        assert_eq!(shop.reveal(file, "alice", &[]).as_bytes(), expected);
    }
    // A session of the keyring's, and a grant that it minted.
    place.log_in("c1");
    let service = ["--tenant", "shop-17", "--service", "yamato", "--purpose", "shipping", "-o", "yamato.session"];
    place.ok(&[&["login", "--keyring", "k"], &service[..]].concat());
    let grant =
        ["grant", "--keyring", "k", "--session", "c1.session", "--to-service", "yamato", "--field", "person-name"];
    place.ok(&[&grant[..], &["--purpose", "shipping", "--for", "1h", "-o", "c1.grant"]].concat());
    let reveal = ["reveal", "by-device.csv", "--device", &shop.address, "--session", "yamato.session"];
    let seen = place.ok(&[&reveal[..], &["--grant", "c1.grant"]].concat());
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert!(seen.contains(&format!("c1,{CANARY} 1,")) && seen.matches(CANARY).count() == 1, "{seen}");
    // Grants hold to their purpose here, too.
    place.fails(
        &[&reveal[..], &["--grant", "c1.grant", "--purpose", "own-use"]].concat(),
        5,
        &["grant is for shipping"],
    );

    // By a backup to another appliance, which is then locked, and rotated, and emptied.
    shop.ok(&["device", "backup"], &["-o", "shop.backup"]);
    let second = Appliance::blank();
    let other = second.address();
    let restore =
        ["device", "restore", "shop.backup", "other.roles", "--device", &other, "--transport-of", "shop.roles"];
    place.ok(&[&restore[..], &["--node", "1"]].concat());
    let with_other = ["--device", &other, "--roles", "other.roles"];
    place.ok(&[
        &["login", "--force", "--tenant", "shop-17", "--person", "alice", "-o", "alice.session"],
        &with_other[..],
    ]
    .concat());
    let seen = place.ok(&["reveal", "by-device.csv", "--device", &other, "--session", "alice.session"]);
    assert_eq!(seen.stdout, expected);
    place.ok(&[&["device", "lock"], &with_other[..]].concat());
    place.fails(&[&["device", "backup", "-o", "no"], &with_other[..]].concat(), 3, &["it is locked"]);
    let told = said(&place.ok(&[&["device", "rotate"], &with_other[..]].concat()));
    assert!(told.contains("epoch 2") && told.contains("alone"), "{told}");
    place.fails(&[&["device", "zeroise"], &with_other[..]].concat(), 2, &["--yes-zeroise"]);
    place.ok(&[&["device", "zeroise", "--yes-zeroise"], &with_other[..]].concat());
    place.fails(&[&["device", "backup", "-o", "no"], &with_other[..]].concat(), 4, &["blank", "symbolon keygen"]);
    // What was set up before has a trail of its own: its files are not taken for a new one.
    place.fails(&["keygen", "other.roles", "--device", &other], 1, &["set up before", "another name"]);
    place.fails(&["keygen", "shop.roles", "--device", &other], 1, &["set up before"]);
}

/// Whatever is wrong: a message that says what to do, an exit code, and nothing is written over.
#[test]
fn what_is_wrong_is_said() {
    let shop = Shop::new(&[]);
    let (place, here) = (&shop.place, shop.address.as_str());
    let login = ["login", "--tenant", "shop-17", "--person", "alice", "-o", "a.session"];
    let with = |more: &[&'static str]| [&login[..], more].concat();
    place.fails(
        &with(&["--device", "tcp:nowhere", "--roles", "shop.roles"]),
        2,
        &["no device's address", "tcp:HOST:PORT"],
    );
    place.fails(&with(&[]), 2, &["--keyring", "--device"]);
    place.fails(&with(&["--keyring", "k", "--device", "tcp:localhost:1"]), 2, &["cannot be used with"]);
    place.fails(&with(&["--keyring", "k", "--roles", "shop.roles"]), 2, &["cannot be used with"]);
    place.fails(&with(&["--device", "tcp:127.0.0.1:1", "--roles", "shop.roles"]), 4, &["can't reach", "127.0.0.1:1"]);
    place.fails(&with(&["--device", "no/such/line", "--roles", "shop.roles"]), 4, &["can't reach", "no/such/line"]);
    place.fails(&[&login[..], &["--device", here]].concat(), 5, &["--roles"]);
    place.fails(&[&login[..], &["--device", here, "--roles", "nothing"]].concat(), 5, &["no roles file at nothing"]);

    // Not blank: neither under another name, nor with another's roles.
    place.fails(&["keygen", "other.roles", "--device", here], 3, &["not blank", "nothing was changed"]);
    let second = Appliance::blank();
    let blank = second.address();
    place.fails(
        &[&login[..], &["--device", &blank, "--roles", "shop.roles"]].concat(),
        4,
        &["is blank", "symbolon keygen"],
    );
    place.write("in.csv", table(2));
    let protect = ["protect", "in.csv", "-o", "out.csv", "--device", &blank, "--roles", "shop.roles"];
    place.fails(&[&protect[..], &PLAN].concat(), 4, &["is blank"]);
    place.ok(&["keygen", "second.roles", "--device", &blank, "--import", "k"]);
    place.fails(&["keygen", "shop.roles", "--device", &blank], 3, &["another", "auditor key", "7 attempts"]);
    place.fails(&["keygen", "shop.roles", "--device", &blank, "--import", "k"], 3, &["another officer key"]);
    place.fails(&["keygen", "second.roles", "--device", &blank, "--node", "1"], 3, &["has the number 0 already"]);
    place.fails(&["keygen", "third", "--passphrase", "--device", &blank], 2, &["cannot be used with"]);

    // Each wrong key is one attempt less; the officer gives them back with a new key.
    for left in (0..8).rev() {
        let words = match left {
            0 => "no attempt is left".into(),
            1 => "one attempt is left".into(),
            left => format!("{left} attempts are left"),
        };
        place.fails(&[&login[..], &["--device", here, "--roles", "second.roles"]].concat(), 3, &[&words]);
    }
    place.fails(&[&login[..], &["--device", here, "--roles", "shop.roles"]].concat(), 3, &["new-key --role issuer"]);
    shop.ok(&["device", "new-key", "--role", "issuer", "-o", "issuer.roles"], &[]);
    place.ok(&[&login[..], &["--device", here, "--roles", "issuer.roles"]].concat());
    place.fails(&["trail", "fetch", "--device", here, "--roles", "issuer.roles"], 5, &["auditor key"]);
    // A session of another's keys, and one that is over, by its own words.
    let reveal = ["reveal", "in.csv", "--device", &blank, "--session", "a.session"];
    place.fails(&reveal, 3, &["not accepted", "symbolon login"]);
    // A relay has nobody behind it, or no place.
    let relay =
        |device: &str, at: &str, words: &[&str]| place.fails(&["relay", "--device", device, "--listen", at], 4, words);
    relay("tcp:127.0.0.1:1", "127.0.0.1:0", &["can't reach the device"]);
    relay(here, &here[4..], &["can't listen at"]);
    // What answers is no appliance.
    let web = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("tcp:{}", web.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in web.incoming() {
            let _gone = std::io::Write::write_all(&mut stream.unwrap(), b"220 mail ready\r\n\0\0\0");
        }
    });
    place.fails(&["device", "status", "--device", &at], 4, &["the appliance at"]);
}

/// A provisioning that breaks anywhere goes on with the same command, and ends as if it had not been.
#[test]
fn an_interrupted_provisioning_goes_on() {
    let mut broken = 0;
    for answers in 0.. {
        let (place, appliance) = (Place::new(), Appliance::blank());
        let keygen = |address: &str| place.run(&["keygen", "shop.roles", "--device", address, "--import", "k"]);
        let first = keygen(&appliance.broken_after(answers));
        if first.status.success() {
            break;
        }
        broken += 1;
        let told = said(&first);
        assert_eq!(first.status.code(), Some(4), "{answers}: {told}");
        let roles = fs::read(place.at("shop.roles")).ok();
        assert_eq!(roles.is_some(), told.contains("run the same command again"), "{answers}: {told}");
        let second = keygen(&appliance.address());
        assert!(second.status.success(), "{answers}: {told}\n{}", said(&second));
        assert!(roles.is_none_or(|roles| roles == place.read("shop.roles")), "the keys stay what they are");
        let again = keygen(&appliance.address());
        assert!(again.status.success() && said(&again).contains("nothing was left to do"), "{}", said(&again));
        let shop = Shop { place, address: appliance.address(), appliance };
        shop.place.write("in.csv", table(2));
        shop.protect("in.csv", "out.csv", &[]);
        assert!(!shop.place.reveal("out.csv", "alice", &[]).is_empty());
        shop.fetch();
        assert!(shop.verify().contains("whole"));
    }
    assert!(broken >= 8, "{broken}");
}

/// Fetches that break anywhere lose nothing and keep nothing twice; another trail's entries don't come in between.
#[test]
fn fetches_lose_nothing() {
    let shop = Shop::new(&[]);
    let place = &shop.place;
    place.write("in.csv", table(40));
    shop.protect("in.csv", "out.csv", &[]);
    let mut broken = 0;
    for answers in 0.. {
        let fetch = ["trail", "fetch", "--device", &shop.appliance.broken_after(answers), "--roles", "shop.roles"];
        let output = place.run(&fetch);
        if output.status.success() {
            break;
        }
        assert_eq!(output.status.code(), Some(4), "{}", said(&output));
        broken += 1;
        // So that there is something new each time.
        shop.reveal("out.csv", "alice", &["-q"]);
    }
    assert!(broken >= 5, "{broken}");
    let verified = shop.verify();
    assert!(verified.starts_with("node 0: whole") && verified.contains("checkpoint confirms"), "{verified}");
    let log = place.read("shop.roles.state/trail.log");
    assert!(log.len() / 110 > 50, "{}", log.len());
    // The log of another appliance: refused, and nothing acknowledged.
    let other = Shop::new(&[]);
    fs::create_dir_all(other.place.at("shop.roles.state")).unwrap();
    fs::write(other.place.at("shop.roles.state/trail.log"), &log).unwrap();
    other.place.fails(&other.args(&["trail", "fetch"], &[]), 5, &["other entries", "Nothing was acknowledged"]);
    fs::remove_file(other.place.at("shop.roles.state/trail.log")).unwrap();
    other.fetch();
    assert!(other.verify().starts_with("node 0: whole"));
    // That the log's end was cut off shows, by the appliance's own word.
    fs::write(place.at("shop.roles.state/trail.log"), &log[..log.len() - 110]).unwrap();
    fs::remove_file(place.at("shop.roles.audit.seen")).unwrap();
    place.fails(&["trail", "verify", "--audit-key", "shop.roles.audit"], 5, &["wrong with the audit trail"]);
}

/// A full trail stops everything until it is fetched, and is told to who can't fetch it. Who has the auditor's key goes on: a small memory is
/// fetched as it fills, and no entry is lost.
#[test]
fn a_full_trail_is_told_or_fetched() {
    let shop = Shop::on(Appliance::with_little_room(), &[]);
    let place = &shop.place;
    place.write("in.csv", table(200));
    let all: serde_json::Value = serde_json::from_slice(&place.read("shop.roles")).unwrap();
    place.write("issuer.roles", serde_json::json!({ "issuer": all["issuer"] }).to_string());
    #[cfg(unix)]
    fs::set_permissions(place.at("issuer.roles"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let with_issuer = ["--device", &shop.address, "--roles", "issuer.roles"];
    let protect = ["protect", "in.csv", "-o", "out.csv"];
    let full = ["audit trail is full", "symbolon trail fetch"];
    place.fails(&[&protect, &with_issuer[..], &PLAN].concat(), 4, &full);
    let login = ["--tenant", "shop-17", "--person", "alice", "-o", "a.session"];
    place.fails(&[&["login"], &with_issuer[..], &login].concat(), 4, &full);

    let told = shop.ok(&protect, &PLAN);
    assert_eq!(told.matches("is fetched to shop.roles.state as it fills").count(), 1, "{told}");
    shop.ok(&["login"], &login);
    let session = ["--session", "a.session", "-q"];
    place.fails(&[&["reveal", "out.csv", "--device", &shop.address], &session[..]].concat(), 4, &full);
    let seen = String::from_utf8(place.ok(&shop.args(&["reveal", "out.csv"], &session)).stdout).unwrap();
    assert!(seen.contains(CANARY) && seen.lines().count() == 201);
    shop.fetch();
    assert!(shop.verify().starts_with("node 0: whole"));
    // Every token was presented twice at most: by the run that was stopped, and by the one that wasn't.
    let entries = place.read("shop.roles.state/trail.log").len() / 110;
    assert!(entries > 400 + 200, "{entries}");
}
