//! Values that lie about in clear are found, and what is said of them holds none.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use common::{CANARY, Place, said};

const PEOPLE: [(&str, &str, &str); 3] = [
    ("渡邊 花子", "hanako@kanarienvogel.example", "090-1234-5678"),
    ("John O'Kanarienvogel", "john+news@kanarienvogel.example", "+81312345678"),
    ("東京都千代田区丸の内1-9-1", "x@y", "03-0000-0001"),
];

fn place() -> Place {
    let place = Place::new();
    let mut table = String::from("id,name,mail,phone\n");
    PEOPLE.iter().for_each(|(name, mail, phone)| table.push_str(&format!("1,{name},{mail},{phone}\n")));
    place.write("values.csv", table);
    place
}

/// Runs, and nothing that is said may hold a value.
fn run(place: &Place, args: &[&str], code: i32) -> (String, String) {
    let output = place.run(args);
    let (out, told) = (String::from_utf8(output.stdout.clone()).unwrap(), said(&output));
    assert_eq!(output.status.code(), Some(code), "{told}{out}");
    for (name, mail, phone) in PEOPLE {
        for text in [&out, &told] {
            assert!(!text.contains(name) && !text.contains(phone), "{text}");
            assert!(!text.contains(mail) && !text.to_lowercase().contains(CANARY), "{text}");
        }
    }
    (out, told)
}

/// By row and column, where they are; a protected copy holds none.
#[test]
fn values_are_told_by_row() {
    let place = place();
    let escaped: String = PEOPLE[0].0.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
    place.write("log.jsonl", format!("{{\"who\":\"{escaped}\",\"to\":\"john%2Bnews%40kanarienvogel.example\"}}\n"));
    let columns = ["--values", "values.csv", "--column", "name", "--column", "mail"];
    let (out, told) = run(&place, &[&["residue", "log.jsonl"], &columns[..]].concat(), 0);
    assert!(out.starts_with("2 of 5 values found in clear, 2 times in all"), "{out}");
    for words in ["row 1, name", "row 2, mail", "log.jsonl: 1, the first at 8, in json", "in percent", "Controls: "] {
        assert!(out.contains(words), "{words}: {out}");
    }
    assert!(told.contains("1 values of fewer than 4 characters or 6 bytes are NOT looked for"), "{told}");
    let protect = [
        "--tenant",
        "t",
        "--owner",
        "id",
        "--field",
        "name=person-name",
        "--field",
        "mail=free-text",
        "--field",
        "phone=phone",
    ];
    place.write("table.csv", place.text("values.csv"));
    place.ok(&[&["protect", "--keyring", "k", "table.csv", "-o", "safe.csv"], &protect[..]].concat());
    let gate = [&["residue", "safe.csv", "--must-be-clean"], &columns[..]].concat();
    let (out, _) = run(&place, &gate, 0);
    assert!(out.starts_with("0 of 5 values found"), "{out}");
    let gate = [&["residue", "table.csv", "--must-be-clean"], &columns[..]].concat();
    run(&place, &gate, 5);
}

/// Names of files may hold values: they are found, and not told. The list itself doesn't count.
#[test]
fn names_are_hidden() {
    let place = place();
    std::fs::create_dir(place.at("d")).unwrap();
    place.write(&format!("d/{}.txt", PEOPLE[0].0), format!("tel {}", PEOPLE[0].2));
    place.write("d/broken.zip", b"PK\x03\x04broken");
    let args = ["residue", "d", "values.csv", "--values", "values.csv", "--column", "name", "--column", "phone"];
    let (out, _) = run(&place, &args, 6);
    assert!(
        out.contains("d/●●●.txt: 1, the first at its name") && out.contains("The list of values lies there"),
        "{out}"
    );
    let (json, _) = run(&place, &[&args[..], &["--json"]].concat(), 6);
    let lines: Vec<serde_json::Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3, "{json}");
    assert_eq!((&lines[0]["row"], &lines[0]["column"]), (&1.into(), &"name".into()));
    assert_eq!((&lines[2]["found"], &lines[2]["problems"]), (&2.into(), &1.into()));
}

/// Lists that say nothing are refused.
#[test]
fn lists() {
    let place = place();
    place.write("short.txt", "abc\nab\n\n");
    place.write("lines.txt", "\"quoted, with a comma\nkanarienvogel 7\n");
    place.write("note", "it says \"quoted, with a comma");
    run(&place, &["residue", "note", "--values", "short.txt", "--lines"], 5);
    run(&place, &["residue", "note", "--values", "values.csv"], 5);
    run(&place, &["residue", "note", "--values", "values.csv", "--column", "none"], 5);
    run(&place, &["residue", "note", "--values", "gone.csv", "--column", "name"], 1);
    let (out, _) = run(&place, &["residue", "note", "--values", "lines.txt"], 0);
    assert!(out.starts_with("1 of 2 values") && out.contains("row 1, line"), "{out}");
}

/// The memory of a running process.
#[cfg(target_os = "linux")]
#[test]
fn in_memory() {
    let place = place();
    let mut child = std::process::Command::new("sleep").arg("60").env("NAME", PEOPLE[2].0).spawn().unwrap();
    let pid = child.id().to_string();
    while !std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.starts_with(b"sleep")) {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let output = place.run(&["residue", "--process", &pid, "--values", "values.csv", "--column", "name"]);
    child.kill().unwrap();
    child.wait().unwrap();
    // Where only a parent may look into a process, the program says so.
    let out = String::from_utf8(output.stdout.clone()).unwrap();
    match output.status.code() {
        Some(0) => assert!(out.contains("row 3, name") && out.contains("[stack]"), "{out}"),
        code => assert!(code == Some(6) && said(&output).contains(&pid), "{}", said(&output)),
    }
    let output = place.run(&["residue", "--process", "4194305", "--values", "values.csv", "--column", "name"]);
    assert_eq!(output.status.code(), Some(6), "{}", said(&output));
}
