//! A leak is found, and it is told whose it is and which export it is of.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use std::io::Write;

use common::{Place, said};

const ROWS: u64 = 25;

/// A place with a table of shop-17's tokens, one of shop-18's, and scanner keys.
fn place() -> Place {
    let place = Place::new();
    place.write("in.csv", common::table(25));
    place.protect("in.csv", "out.csv");
    let other = ["--tenant", "shop-18", "--owner", "id", "--field", "name=person-name"];
    place.ok(&[&["protect", "--keyring", "k", "in.csv", "-o", "other.csv"], &other[..]].concat());
    for tenant in ["shop-17", "shop-18", "shop-19"] {
        place.ok(&["scanner-key", "--keyring", "k", "--tenant", tenant, "-o", &format!("{tenant}.scanner")]);
    }
    place
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn sum(output: &std::process::Output) -> serde_json::Value {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Each key tells its own tenant's tokens, in a table, a mail's archive, and what comes by a pipe.
#[test]
fn whose_it_is() {
    let place = place();
    let text = format!("{}{}", place.text("out.csv"), place.text("other.csv").replacen("id,", "x,", 1));
    place.write("leak.zip", zip(&[("a/members.csv", text.as_bytes())]));
    let scan =
        |tenant: &str, path: &str| place.ok(&["scan", path, "--scanner-key", &format!("{tenant}.scanner"), "--json"]);
    let ours = sum(&scan("shop-17", "leak.zip"));
    assert_eq!((&ours["found"], &ours["others"]), (&(2 * ROWS).into(), &ROWS.into()), "{ours}");
    assert_eq!(
        ours["tenants"]["shop-17"]["kinds"][0],
        serde_json::json!({"field": "email", "epoch": 1, "tokens": ROWS})
    );
    assert_eq!(ours["controls"]["found"], ours["controls"]["of"]);
    assert_eq!(sum(&scan("shop-18", "leak.zip"))["found"], ROWS);
    let nobodys = sum(&scan("shop-19", "leak.zip"));
    assert_eq!((&nobodys["found"], &nobodys["others"]), (&0.into(), &(3 * ROWS).into()));
    let keys = ["--scanner-key", "shop-17.scanner", "--scanner-key", "shop-18.scanner"];
    let piped = place.pipe(&[&["scan"], &keys[..]].concat(), &zip(&[("a/members.csv", text.as_bytes())]));
    let told = String::from_utf8(piped.stdout.clone()).unwrap();
    assert!(piped.status.success(), "{}", said(&piped));
    for words in
        ["50 tokens of shop-17", "25 tokens of shop-18", "standard input > zip:a/members.csv: 75", "person-name"]
    {
        assert!(told.contains(words), "{told}");
    }
    assert!(told.contains("Controls: ") && !told.contains("look like"), "{told}");
}

/// A canary tells the export, even where it was altered elsewhere.
#[test]
fn which_export_it_is() {
    let place = place();
    let token = place.text("out.csv").split(',').find(|cell| cell.starts_with("sym_")).unwrap().to_owned();
    let line = format!(
        "{{\"token\":\"{token}\",\"export\":\"2026-11 newsletter\",\"file\":\"customers.csv\",\"row\":17,\"field\":\"email\",\"placed\":\"2026-11-23T10:00:00Z\"}}\n"
    );
    let by_hand = place.text("out.csv").split(',').filter(|cell| cell.starts_with("sym_")).nth(1).unwrap().to_owned();
    let other = format!(
        "{{\"token\":\"{by_hand}\",\"export\":\"table\",\"file\":null,\"field\":\"email\",\"placed\":\"x\"}}\n"
    );
    place.write("k.canaries", line + &other);
    // The end of the token is its tag.
    let altered = format!("{}AAAA", &token[..token.len() - 4]);
    place.write("mail.eml", format!("Subject: x\r\n\r\n> {token}\r\n> {altered}\r\n{by_hand}\r\n"));
    let args = ["scan", "mail.eml", "--scanner-key", "shop-17.scanner", "--canaries", "k.canaries"];
    let told = String::from_utf8(place.ok(&args).stdout).unwrap();
    assert!(told.contains("2026-11 newsletter") && told.contains("2  customers.csv row 17, email"), "{told}");
    assert!(told.contains("\"table\"") && told.contains("1  by hand, email"), "{told}");
    place.write("k.canaries", "{\"token\":\"sym_x\",\"export\":\"x\"}\n");
    place.fails(&args, 5, &["k.canaries line 1"]);
}

/// A scanner key is private, opens nothing, and is told from other files.
#[test]
fn the_key_is_a_secret_that_opens_nothing() {
    let place = place();
    place.fails(
        &["scanner-key", "--keyring", "k", "--tenant", "shop-17", "-o", "shop-17.scanner"],
        1,
        &["there already"],
    );
    place.fails(&["scan", "out.csv", "--scanner-key", "k"], 5, &["not a file of symbolon scanner-key"]);
    place.fails(&["reveal", "--keyring", "shop-17.scanner", "--session", "x", "out.csv"], 5, &[]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = place.at("shop-17.scanner");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        place.fails(&["scan", "out.csv", "--scanner-key", "shop-17.scanner"], 5, &["others on this machine"]);
    }
}

/// What can't be looked into is told, the rest goes on, and the exit code says so; a gate can ask for nothing to be there.
#[test]
fn exit_codes() {
    let place = place();
    place.write("broken.zip", &zip(&[("x", b"some text")])[..30]);
    let args = ["scan", "broken.zip", "gone.txt", "out.csv", "--scanner-key", "shop-17.scanner"];
    let output = place.run(&args);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
    assert!(said(&output).contains("broken.zip") && said(&output).contains("gone.txt"), "{}", said(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("50 tokens of shop-17"));
    place.fails(&["scan", "out.csv", "--scanner-key", "shop-17.scanner", "--must-be-clean"], 5, &["50 found"]);
    place.ok(&["scan", "in.csv", "--scanner-key", "shop-17.scanner", "--must-be-clean"]);
}
