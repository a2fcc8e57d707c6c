//! `symbolon protect`, as a user meets it: what changes, what stays, and what happens when a run is cut short.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod common;

use std::{
    fs,
    io::Read,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use common::{CANARY, PLAN, Place, cells, said, table};

/// Awkward quoting, a byte order mark, CR LF: what is not protected keeps its value, what is comes back to its owner.
#[test]
fn a_table_comes_back_to_its_owner() {
    let plain = format!(
        "\u{feff}id,name,mail,note\r\n\
         alice,\"{CANARY}, \"\"the\"\" one\",{CANARY}@example.com,\"two\r\nlines, \"\"quoted\"\"\"\r\n\
         bob,{CANARY} ﷽ 山田,,\"\"\r\n\
         alice,\" {CANARY} \",{CANARY}@example.com,=1+1\r\n"
    );
    let place = Place::new();
    place.write("in.csv", &plain);
    place.protect("in.csv", "out.csv");
    let protected = place.text("out.csv");
    assert!(!protected.contains(CANARY));
    assert!(protected.starts_with("\u{feff}id,name,mail,note\r\n"));
    let (before, after) = (cells(plain.as_bytes()), cells(protected.as_bytes()));
    for (old, new) in before.iter().zip(&after).skip(1) {
        assert_eq!((&old[0], &old[3]), (&new[0], &new[3]));
        assert!(new[1].starts_with("sym_") && (new[2].starts_with("sym_") || old[2].is_empty()));
    }
    let alice = cells(&place.reveal("out.csv", "alice", &[]));
    assert_eq!((&alice[1], &alice[3]), (&before[1], &before[3]));
    assert_eq!(alice[2], ["bob", "●●● ●●●", "", ""]);
    let bob = cells(&place.reveal("out.csv", "bob", &[]));
    assert_eq!(bob[2], before[2]);
    assert_eq!(bob[1][1..3], ["●●● ●●●", "●●●@●●●"]);
}

/// Keys keep their order, numbers their last digit; null and missing keys hold nothing; owners may be numbers.
#[test]
fn json_lines_keep_what_is_not_protected() {
    let plain = format!(
        concat!(
            r#"{{"z":1.0,"id":17,"name":"{0} \"x\" \u5c71\n","big":12345678901234567890.10,"o":{{"name":"kept"}},"e":"\u0041"}}"#,
            "\n\n",
            r#"{{"name":null,"id":17,"mail":"{0}@example.com","list":[1e5,-0, true]}}"#,
            "\r\n",
            r#"{{"id":"17","name":"","k\"ey":0}}"#
        ),
        CANARY
    );
    let place = Place::new();
    place.write("in.jsonl", &plain);
    place.protect("in.jsonl", "out.jsonl");
    let protected = place.text("out.jsonl");
    assert!(!protected.contains(CANARY));
    let lines: Vec<_> = protected.split('\n').collect();
    assert!(lines[0].starts_with(r#"{"z":1.0,"id":17,"name":"sym_"#));
    assert!(lines[0].ends_with(r#"","big":12345678901234567890.10,"o":{"name":"kept"},"e":"\u0041"}"#));
    assert!(
        lines[1].starts_with(r#"{"name":null,"id":17,"mail":"sym_"#)
            && lines[1].ends_with("\"list\":[1e5,-0, true]}\r")
    );
    assert_eq!(lines[2..], [r#"{"id":"17","name":"","k\"ey":0}"#]);
    let revealed = String::from_utf8(place.reveal("out.jsonl", "17", &[])).unwrap();
    let value = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
    assert_eq!(value(revealed.lines().next().unwrap()), value(plain.lines().next().unwrap()));
}

/// A second run over the same file changes nothing, and a run over a file with new rows changes those alone.
#[test]
fn it_can_be_run_again() {
    let place = Place::new();
    for (input, name) in
        [(table(50), "t.csv"), (String::from("{\"id\":1,\"name\":\"a b\",\"mail\":\"\"}\n"), "t.jsonl")]
    {
        place.write(name, input);
        place.protect(name, &format!("1{name}"));
        place.protect(&format!("1{name}"), &format!("2{name}"));
        assert_eq!(place.read(&format!("1{name}")), place.read(&format!("2{name}")));
    }
    let once = place.text("1t.csv");
    place.write("more.csv", format!("{once}alice,{CANARY},,\n"));
    let output = place.ok(&[&["protect", "--keyring", "k", "more.csv"][..], &PLAN].concat());
    let again = String::from_utf8(output.stdout).unwrap();
    assert_eq!(again.strip_prefix(&once).unwrap().matches("sym_").count(), 1);
}

/// One thread and several make the same of a table, apart from what is random.
#[test]
fn threads_change_nothing() {
    let place = Place::new();
    place.write("in.csv", table(2501));
    let shape = |threads: &str| {
        let args = ["protect", "--keyring", "k", "--threads", threads, "in.csv"];
        let rows = cells(&place.ok(&[&args[..], &PLAN].concat()).stdout);
        let lens = |cell: String| if cell.starts_with("sym_") { format!("token of {}", cell.len()) } else { cell };
        rows.into_iter().map(|row| row.into_iter().map(lens).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    let one = shape("1");
    assert_eq!(one.len(), 2502);
    assert_eq!(one, shape("2"));
    assert_eq!(one, shape("5"));
}

/// Through pipes, with another delimiter, by a schema; and columns that may not be stored are left out.
#[test]
fn pipes_schemas_delimiters_and_dropped_columns() {
    let place = Place::new();
    place.write(
        "s.toml",
        "tenant = \"shop-17\"\nowner = \"id\"\ndrop_columns = [\"cvv\"]\n[fields]\nname = \"person-name\"\n",
    );
    let args = ["protect", "--schema", "s.toml", "--format", "csv", "--delimiter", ";", "--keyring", "k", "-"];
    let output = place.pipe(&args, format!("id;cvv;name;a\nalice;123;\"{CANARY}; x\";b,c\n").as_bytes());
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.starts_with("id;name;a\nalice;sym_") && text.ends_with(";b,c\n"), "{text}");
    let closing = said(&output);
    assert!(closing.contains("1 rows: 1 values protected; left alone: 0 tokens, 0 empty cells"), "{closing}");
    let output = place.pipe(&[&args[..], &["--quiet"]].concat(), b"id;name;cvv\nalice;;1\n");
    assert_eq!((output.stdout.as_slice(), said(&output).as_str()), (&b"id;name\nalice;\n"[..], ""));
}

/// A check needs no keyring, finds everything and writes nothing.
#[test]
fn a_check_tells_all_problems() {
    let place = Place::new();
    let mut text = table(40);
    text.push_str(&format!(",{CANARY},{CANARY},\nalice,{CANARY}\n"));
    for _ in 0..25 {
        text.push_str(&format!("alice,{CANARY},{CANARY},\n"));
    }
    place.write("in.csv", &text);
    let said = place.fails(&[&["protect", "--check", "in.csv"][..], &PLAN].concat(), 5, &["28 problems in 67 rows"]);
    assert_eq!(said.lines().count(), 21);
    assert!(said.contains("row 42, column \"id\": there is no owner"));
    assert!(said.contains("row 43: the header has 4 columns and this row 2"));
    place.write("good.csv", table(40));
    let output = place.ok(&[&["protect", "--check", "good.csv"][..], &PLAN].concat());
    assert!(output.stdout.is_empty() && common::said(&output).contains("no problems in 40 rows"));
}

/// An existing file is kept unless the user says so, the input always, by whatever name; links stay links.
#[test]
fn nothing_is_overwritten_by_accident() {
    let place = Place::new();
    place.write("in.csv", table(3));
    place.write("old.csv", "old");
    let with = |more: &[&'static str]| [&["protect", "--keyring", "k", "in.csv"][..], &PLAN, more].concat();
    place.fails(&with(&["-o", "old.csv"]), 5, &["old.csv exists already", "--force"]);
    assert_eq!(place.read("old.csv"), b"old");
    place.ok(&with(&["-o", "old.csv", "--force"]));
    assert!(place.text("old.csv").contains("sym_"));
    place.fails(&with(&["-o", "in.csv", "--force"]), 5, &["input itself"]);
    fs::hard_link(place.at("in.csv"), place.at("twin.csv")).unwrap();
    place.fails(&with(&["-o", "twin.csv", "--force"]), 5, &["input itself"]);
    place.fails(&with(&["-o", "no/where.csv"]), 1, &["directory does not exist"]);
    place.fails(&with(&["-o", "k.state"]), 5, &["is a directory"]);
    assert_eq!(place.text("in.csv"), table(3));
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(place.at("old.csv"), place.at("link.csv")).unwrap();
        place.ok(&with(&["-o", "link.csv", "--force"]));
        assert!(fs::symlink_metadata(place.at("link.csv")).unwrap().is_symlink());
    }
}

/// A run that is killed leaves no result, and the next run removes what it did leave.
#[cfg(unix)]
#[test]
fn a_killed_run_leaves_no_result() {
    let place = Place::new();
    let args = ["protect", "--keyring", "k", "--format", "csv", "-o", "out.csv", "-"];
    let mut child = place.command(&[&args[..], &PLAN].concat()).stdin(Stdio::piped()).spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), table(5000).as_bytes()).unwrap();
    let hidden = || place.names().into_iter().find(|name| name.ends_with(".part"));
    while hidden().is_none_or(|name| fs::metadata(place.at(&name)).unwrap().len() == 0) {
        thread::sleep(Duration::from_millis(5));
    }
    assert!(!place.at("out.csv").exists());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!place.at("out.csv").exists());
    let left = fs::File::options().write(true).open(place.at(&hidden().unwrap())).unwrap();
    left.set_modified(std::time::SystemTime::now() - Duration::from_secs(60)).unwrap();
    drop(left);
    place.write("in.csv", table(3));
    place.protect("in.csv", "out.csv");
    assert_eq!(hidden(), None);
}

/// No space left: one message, the exit code of "try again later", and nothing is left.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let place = Place::new();
    place.write("in.csv", table(2000));
    let args = [&["protect", "--keyring", "k", "in.csv", "-o", "/dev/full"][..], &PLAN].concat();
    let said = place.fails(&args, 4, &["no space left for /dev/full"]);
    assert_eq!(said.lines().count(), 1);
    // A limit on the size of files, as a full disk would stop it: in the middle. (The signal is ignored, so that write(2) fails.)
    let before = place.names();
    let line = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    let shell = Command::new("bash")
        .args([
            "-c",
            line,
            "bash",
            env!("CARGO_BIN_EXE_symbolon"),
            "protect",
            "--keyring",
            "k",
            "in.csv",
            "-o",
            "out.csv",
        ])
        .args(PLAN)
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(shell.status.code(), Some(1), "{}", common::said(&shell));
    assert!(common::said(&shell).contains("out.csv would become larger"), "{}", common::said(&shell));
    assert_eq!(place.names(), before);
}

/// `symbolon protect … | head -1` is no error worth a word.
#[test]
fn a_closed_pipe_ends_quietly() {
    let place = Place::new();
    place.write("in.csv", table(3000));
    let args = [&["protect", "--keyring", "k", "in.csv"][..], &PLAN].concat();
    let mut child = place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 10]).unwrap();
    drop(stdout);
    let output = child.wait_with_output().unwrap();
    assert_eq!(said(&output), "");
}
