//! `symbolon reveal`, as a user meets it: what a session sees, what nobody sees, and what is said about it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

use common::{CANARY, Place, cells, said, table};

/// A token for Alice, as it stands in a protected table.
fn token(place: &Place, name: &str) -> String {
    place.write("one.csv", format!("id,name,mail\nalice,\"{}\",\n", name.replace('"', "\"\"")));
    place.protect("one.csv", "one.out.csv");
    let token = cells(&place.read("one.out.csv"))[1][1].clone();
    std::fs::remove_file(place.at("one.out.csv")).unwrap();
    token
}

/// A big table: Alice sees hers, and of the others placeholders; nobody else's value is anywhere.
#[test]
fn a_table_of_many_commits() {
    let place = Place::new();
    let plain = table(5000);
    place.write("in.csv", &plain);
    place.protect("in.csv", "out.csv");
    let session = place.log_in("alice");
    let args = ["reveal", "--keyring", "k", "--session", &session, "out.csv", "-o", "alice.csv"];
    let closing = said(&place.ok(&args));
    assert!(closing.contains("1,000 tokens opened, 9,000 refused"), "{closing}");
    let (plain, seen) = (cells(plain.as_bytes()), cells(&place.read("alice.csv")));
    assert_eq!(plain.len(), seen.len());
    for (old, new) in plain.iter().zip(&seen).skip(1) {
        if old[0] == "alice" {
            assert_eq!(old, new);
        } else {
            assert_eq!(new[1..], ["●●● ●●●", "●●●@●●●", &old[3]]);
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.at("alice.csv")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "values are for the user's eyes only");
    }
}

/// Masks, and the escapes of each format.
#[test]
fn values_are_escaped_for_their_place() {
    let place = Place::new();
    let name = format!("<b>{CANARY} & \"co\"");
    let token = token(&place, &name);
    place.write("t.csv", format!("{token},x\n"));
    assert_eq!(cells(&place.reveal("t.csv", "alice", &[])), [[name.as_str(), "x"]]);
    place.write("t.tsv", format!("{token}\tx\n"));
    assert_eq!(place.reveal("t.tsv", "alice", &["--masked"]), "●●●\tx\n".as_bytes());
    place.write("t.json", format!("{{\"a\": [\"{token}\"], \"b\": \"see {token}\"}}"));
    let json: serde_json::Value = serde_json::from_slice(&place.reveal("t.json", "alice", &[])).unwrap();
    assert_eq!((&json["a"][0], &json["b"]), (&name.clone().into(), &format!("see {token}").into()));
    let page = |inner: &str| format!("<p data-symbolon=\"m1\">{inner}</p><p>{token}</p><a href=\"/?{token}\">x</a>");
    place.write("t.html", page(&token));
    let shown = place.reveal("t.html", "alice", &["--html-marker", "m1"]);
    assert_eq!(String::from_utf8(shown).unwrap(), page(&format!("&lt;b&gt;{CANARY} &amp; &quot;co&quot;")));
    place.write("t.log", format!("a {token}: b"));
    let shown = place.reveal("t.log", "alice", &["--anywhere-in-plain-text"]);
    assert_eq!(String::from_utf8(shown).unwrap(), format!("a {name}: b"));
}

/// A mask shows what the core's mask shows, and the value is nowhere.
#[test]
fn masks() {
    let place = Place::new();
    let token = token(&place, &format!("山田 {CANARY}"));
    place.write("t.csv", format!("{token}\n"));
    assert_eq!(place.reveal("t.csv", "alice", &["--masked"]), "山●●\n".as_bytes());
    assert_eq!(place.reveal("t.csv", "bob", &["--masked"]), "●●● ●●●\n".as_bytes());
}

/// Another keyring's session, a session that was logged out, a file that is none: exit codes, one line, no output.
#[test]
fn sessions_that_are_not_accepted() {
    let place = Place::new();
    place.write("in.csv", table(3));
    place.protect("in.csv", "t.csv");
    place.ok(&["keygen", "k2"]);
    place.ok(&["login", "--keyring", "k2", "--tenant", "shop-17", "--person", "alice", "-o", "other.session"]);
    let with = |session| ["reveal", "--keyring", "k", "--session", session, "t.csv", "-o", "out.csv"];
    let said = place.fails(&with("other.session"), 3, &["not accepted"]);
    assert_eq!(said.lines().count(), 1, "{said}");
    let session = place.log_in("alice");
    place.ok(&with(&session));
    place.ok(&["logout", "--keyring", "k", &session]);
    place.fails(&with(&session), 3, &["not accepted"]);
}

/// Usage that would do harm or nothing at all is explained.
#[test]
fn formats_are_asked_for() {
    let place = Place::new();
    for (name, words) in [("x", "--format"), ("x.html", "--html-marker"), ("x.log", "--anywhere-in-plain-text")] {
        place.write(name, CANARY);
        place.fails(&["reveal", "--keyring", "k", "--session", "s", name], 5, &[words]);
    }
}

/// Who sees no values is told why that may be.
#[test]
fn hints() {
    let place = Place::new();
    let token = token(&place, CANARY);
    place.write("t.html", format!("<p data-symbolon=\"m1\">{token}</p>{token}"));
    let session = place.log_in("alice");
    let hint = |input: &str, more: &[&str]| {
        let args = ["reveal", "--keyring", "k", "--session", &session, input];
        said(&place.ok(&[&args[..], more].concat()))
    };
    let marked = hint("t.html", &["--html-marker", "m2"]);
    assert!(marked.contains("No token stood in a marked place") && marked.contains("2 that may be tokens"), "{marked}");
    assert!(!hint("t.html", &["--html-marker", "m1"]).contains("No token"));
    assert_eq!(hint("t.html", &["--html-marker", "m2", "--quiet"]), "");
    place.write("t.csv", "a,b\n");
    assert!(hint("t.csv", &[]).contains("nothing that begins like a token"));
    let session = place.log_in("bob");
    place.write("t.csv", &token);
    let args = ["reveal", "--keyring", "k", "--session", &session, "t.csv"];
    assert!(said(&place.ok(&args)).contains("Nothing in this file belongs to this session"));
}

/// A pipe that goes on is revealed as it comes: `tail -f log | symbolon reveal … -`.
#[test]
fn a_pipe_is_revealed_as_it_comes() {
    let place = Place::new();
    let token = token(&place, CANARY);
    let session = place.log_in("alice");
    let args = ["reveal", "--keyring", "k", "--session", &session, "--anywhere-in-plain-text", "--quiet", "-"];
    let mut child = place.command(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, mut lines) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()).lines());
    for number in 0..3 {
        writeln!(stdin, "{number} {token}").unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), format!("{number} {CANARY}"));
    }
    drop(stdin);
    assert!(lines.next().is_none() && child.wait().unwrap().success());
}

/// No space left, in the middle of values: nothing is kept.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let place = Place::new();
    place.write("in.csv", table(20));
    place.protect("in.csv", "t.csv");
    let session = place.log_in("alice");
    place.fails(
        &["reveal", "--keyring", "k", "--session", &session, "t.csv", "-o", "/dev/full"],
        4,
        &["no space left"],
    );
}
