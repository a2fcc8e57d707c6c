//! Canaries, the kill switch, and what the trail has of both. The real program.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use common::{CANARY, PLAN, Place, cells, said, table};

const SHOP: [&str; 4] = ["--keyring", "k", "--tenant", "shop-17"];

fn canary(place: &Place, more: &[&str]) -> std::process::Output {
    place.ok(&[&["canary"], &SHOP[..], more].concat())
}

fn list(place: &Place) -> Vec<serde_json::Value> {
    place.text("k.canaries").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Rows among the others: everything else stays byte for byte, nobody's session opens them, the list says which they are, and presenting them is
/// noticed and recorded.
#[test]
fn rows_that_open_for_nobody() {
    let place = Place::new();
    place.write("in.csv", table(60));
    place.protect("in.csv", "t.csv");
    canary(&place, &["--export", "2026-11 newsletter", "--count", "5", "--set", "id=x9@", "t.csv", "-o", "out.csv"]);
    let (before, after) = (place.text("t.csv"), place.text("out.csv"));
    let added: Vec<&str> = after.lines().filter(|line| line.starts_with("x9")).collect();
    assert_eq!(added.len(), 5);
    let rest: String = after.split_inclusive('\n').filter(|line| !line.starts_with("x9")).collect();
    assert_eq!(rest, before, "the other rows stay as they are, in their order");
    let rows = cells(after.as_bytes());
    let known = list(&place);
    assert_eq!(known.len(), 10, "a name and a mail in each");
    for canary in &known {
        let row = &rows[canary["row"].as_u64().unwrap() as usize - 1];
        let column = if canary["field"] == "email" { 2 } else { 1 };
        assert_eq!(row[column], canary["token"].as_str().unwrap());
        assert_eq!((canary["export"].as_str(), canary["file"].as_str()), (Some("2026-11 newsletter"), Some("out.csv")));
        assert!(!before.contains(canary["token"].as_str().unwrap()));
        // It looks like the others, and another column's value is one that there is.
        assert!(rows.iter().filter(|other| other[column].len() == row[column].len()).count() > 5);
        assert!(row[3].starts_with("kept "));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.at("k.canaries")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // The control: no alarm over the table without them.
    let session = place.log_in("alice");
    let reveal = |input: &str| place.ok(&["reveal", "--keyring", "k", "--session", &session, input]);
    assert!(!said(&reveal("t.csv")).contains("ALARM"));
    let revealed = reveal("out.csv");
    assert!(said(&revealed).contains("ALARM: a canary"), "{}", said(&revealed));
    let seen = cells(&revealed.stdout);
    assert!(seen.iter().filter(|row| row[0].starts_with("x9")).all(|row| row[1] == "●●● ●●●"));
    let report = place.ok(&[
        "trail",
        "report",
        "--audit-key",
        "k.audit",
        "--tenant",
        "shop-17",
        "--caller",
        "person:alice",
        "--json",
    ]);
    let report: serde_json::Value = serde_json::from_slice(&report.stdout).unwrap();
    let canaries = report["by_reason"].as_array().unwrap().iter().find(|row| row["reason"] == "canary").unwrap();
    assert_eq!(canaries["times"], 10);
    assert_eq!(
        (&report["alarms"][0]["cause"], &report["alarms"][0]["caller"]["name"]),
        (&"canary".into(), &"alice".into())
    );
}

/// CRLF, quotes, no end at the last line; JSON Lines with nested tokens; only some columns; tokens alone.
#[test]
fn other_forms() {
    let place = Place::new();
    place.write(
        "in.csv",
        "id,name,mail,note\r\na,X,a@example.com,\"one, two\"\r\nb,Y,b@example.com,\"three \"\"3\"\"\"",
    );
    place.protect("in.csv", "t.csv");
    place.write("t.csv", place.text("t.csv").trim_end());
    canary(&place, &["--export", "e", "--count", "2", "--column", "mail", "--set", "id=@", "t.csv", "-o", "out.csv"]);
    let (before, after) = (place.text("t.csv"), place.text("out.csv"));
    assert!(
        after.ends_with(before.lines().last().unwrap())
            && after.matches("\r\n").count() == before.matches("\r\n").count() + 2
    );
    let rows = cells(after.as_bytes());
    let added: Vec<_> = rows.iter().filter(|row| ["1", "2"].contains(&row[0].as_str())).collect();
    assert!(added.len() == 2 && added.iter().all(|row| row[1].is_empty() && row[2].starts_with("sym_")), "{after}");

    let lines: String =
        (0..9).map(|at| format!("{{\"id\": {at}, \"name\": \"X{at}\", \"mail\": \"x{at}@example.com\"}}\n")).collect();
    place.write("in.jsonl", lines);
    place.protect("in.jsonl", "t.jsonl");
    let nest = |line: &str| {
        let token = line.split('"').find(|text| text.starts_with("sym_")).unwrap();
        format!("{}, \"to\": [{{\"cc\": \"{token}\"}}]}}\n", &line[..line.len() - 1])
    };
    let nested: String = place.text("t.jsonl").lines().map(nest).collect();
    place.write("t.jsonl", &nested);
    canary(&place, &["--export", "e2", "--count", "3", "--set", "id=100@", "t.jsonl", "-o", "out.jsonl"]);
    let after = place.text("out.jsonl");
    let added: Vec<&str> = after.lines().filter(|line| !nested.contains(*line)).collect();
    assert_eq!((added.len(), after.lines().count()), (3, 12));
    for line in &added {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(
            value["id"].as_u64().unwrap() > 1000 && value["to"][0]["cc"].as_str().unwrap().starts_with("sym_"),
            "{line}"
        );
        let real = nested.split('"').filter(|text| text.starts_with("sym_"));
        assert!(real.into_iter().all(|token| !line.contains(token)), "no token of anybody's is in it: {line}");
    }
    assert_eq!(list(&place).iter().filter(|canary| canary["export"] == "e2").count(), 9);

    let like = cells(place.text("t.csv").as_bytes())[1][2].clone();
    let printed =
        String::from_utf8(canary(&place, &["--export", "table customers", "--tokens", "4", "--like", &like]).stdout)
            .unwrap();
    assert!(
        printed.lines().count() == 4 && printed.lines().all(|line| line.len() == like.len() && line != like),
        "{printed}"
    );
    let known = list(&place);
    assert!(
        printed.lines().all(|line| known.iter().any(|canary| canary["token"] == line && canary["field"] == "email"))
    );
}

/// What can't be done is said, and nothing is left behind or remembered.
#[test]
fn mistakes() {
    let place = Place::new();
    place.write("in.csv", table(3));
    place.protect("in.csv", "t.csv");
    let fails = |more: &[&str], words: &[&str]| place.fails(&[&["canary"], &SHOP[..], more].concat(), 5, words);
    fails(&["--export", "a name of more than thirty bytes", "t.csv", "-o", "o.csv"], &["30 bytes", "has 32"]);
    fails(&["--export", "", "t.csv", "-o", "o.csv"], &["30 bytes"]);
    fails(&["--export", "e", "--count", "4", "t.csv", "-o", "o.csv"], &["has 3 rows"]);
    fails(&["--export", "e", "--set", "nothing=1", "t.csv", "-o", "o.csv"], &["no column nothing", "id, name"]);
    fails(&["--export", "e", "--column", "note", "t.csv", "-o", "o.csv"], &["no tokens in note"]);
    fails(&["--export", "e", "in.csv", "-o", "o.csv"], &["no tokens", "protect"]);
    place.write("t.jsonl", "{\"id\": 1}\n");
    fails(&["--export", "e", "--set", "nothing=1", "t.jsonl", "-o", "o.jsonl"], &["no column nothing", "it has id"]);
    fails(&["--export", "e", "none.csv", "-o", "o.csv"], &["no file none.csv"]);
    fails(&["--export", "e", "t.csv", "-o", "t.csv"], &["is the input itself"]);
    fails(&["--export", "e", "--tokens", "2", "--like", "sym_no"], &["not a token"]);
    let _unused = (CANARY, PLAN);
}

/// From stop to release nothing opens, also for a new run; and only who has the right can do either.
#[test]
fn stop_and_release() {
    let place = Place::new();
    place.write("in.csv", table(3));
    place.protect("in.csv", "t.csv");
    let alice = place.log_in("alice");
    place.ok(&[&["login"], &SHOP[..], &["--staff", "on-call", "--right", "operate", "-o", "on-call.session"]].concat());
    let switch = |what: &'static str, session: &str| {
        vec![what.to_owned(), "--keyring".into(), "k".into(), "--session".into(), session.into()]
    };
    let words = |line: &[String]| line.iter().map(String::as_str).map(str::to_owned).collect::<Vec<_>>();
    let run = |line: Vec<String>| place.ok(&words(&line).iter().map(String::as_str).collect::<Vec<_>>());
    let fails =
        |line: Vec<String>| place.fails(&line.iter().map(String::as_str).collect::<Vec<_>>(), 3, &["--right operate"]);
    let name = |place: &Place| {
        cells(&place.ok(&["reveal", "--keyring", "k", "--session", &alice, "t.csv"]).stdout)[1][1].clone()
    };
    fails(switch("stop", &alice));
    assert_eq!(name(&place), format!("{CANARY} 0"));
    assert!(said(&run(switch("stop", "on-call.session"))).contains("nothing opens"));
    assert_eq!(name(&place), "●●● ●●●");
    fails(switch("release", &alice));
    assert_eq!(name(&place), "●●● ●●●");
    run(switch("release", "on-call.session"));
    assert_eq!(name(&place), format!("{CANARY} 0"));
    let shown = place.ok(&["trail", "show", "--audit-key", "k.audit"]);
    let shown = String::from_utf8(shown.stdout).unwrap();
    for words in ["stop: done, staff with the tag", "release: done", "stop: no right", "detokenize: stopped"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
}
