//! Values are found wherever they are put, and in memory; and nothing that is printed holds one.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use common::{scan, small};
use symbolon_leak::{Coding, Match, Options, Values, control};

const VALUES: [&str; 8] = [
    "山田 太郎",
    "渡邊花子様",
    "東京都千代田区丸の内1-9-1",
    "〒100-0005 ビル3階",
    "03-1234-5678",
    "+81312345678",
    "hanako.yamada+news@example.co.jp",
    "O'Brien & Sons <Ltd>",
];

/// Each value in each wrapping: found once, as itself.
#[test]
fn in_every_wrapping() {
    let values = Values::new(VALUES).unwrap();
    for options in [Options::default(), Options { chunk: 1024, overlap: 8192, lead: 512, ..small() }] {
        for (number, value) in VALUES.iter().enumerate() {
            for case in control::cases(value) {
                let said = scan(&values, options, |scan| scan.bytes(&case.bytes));
                let seen: Vec<_> = said.seen.iter().map(|seen| seen.item).collect();
                assert_eq!(seen, [Match(number)], "{value} {}: {:?}", case.name, said.seen);
                assert_eq!(said.problems, [""; 0]);
            }
        }
    }
}

/// At each place around a chunk's edge, once.
#[test]
fn around_an_edge() {
    let values = Values::new(VALUES).unwrap();
    let options = Options { chunk: 1024, overlap: 1024, lead: 256, ..Options::default() };
    let wanted =
        ["as it is", "percent", "json", "utf-16 be", "shift_jis", "iso-2022-jp", "wrapped", "base64, 2 bytes on"];
    for case in control::cases(VALUES[0]).into_iter().filter(|case| wanted.contains(&case.name.as_str())) {
        for start in 700..2200 {
            let file = [&b".".repeat(start), &b"\n"[..], &case.bytes, &b"\n".repeat(2000)].concat();
            let said = scan(&values, options, |scan| scan.bytes(&file));
            assert_eq!(said.seen.len(), 1, "{} at {start}", case.name);
        }
    }
}

/// What is short is left out, and a longer value is told as itself.
#[test]
fn lengths() {
    assert!(!Values::is_long_enough("山田".as_bytes()) && !Values::is_long_enough(b"12345"));
    assert!(Values::is_long_enough("山田太郎".as_bytes()) && Values::is_long_enough(b"123456"));
    let values = Values::new(["12345", "123456", "1234567", "123456"]).unwrap();
    let said = scan(&values, Options::default(), |scan| scan.bytes(b"12345 123456 1234567 "));
    assert_eq!(said.seen.iter().map(|seen| seen.item.0).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(values.redact("a123456b.txt"), "a●●●b.txt");
    assert!(!format!("{values:?}").contains("123456"));
}

/// In a line that is broken where a space was, and in a form.
#[test]
fn spaces() {
    let values = Values::new(["Taro Yamada", "Hanako Sato"]).unwrap();
    for text in ["Taro\r\n Yamada", "> Taro\n> Yamada", "n=Taro+Yamada&x", "n=Taro%20Yamada", "Taro&nbsp;Yamada"] {
        let said = scan(&values, Options::default(), |scan| scan.bytes(text.as_bytes()));
        assert_eq!(said.seen.iter().map(|seen| seen.item.0).collect::<Vec<_>>(), [0], "{text}");
    }
}

/// A child that holds a value in its environment: its memory is looked through.
#[cfg(target_os = "linux")]
#[test]
fn in_memory() {
    let values = Values::new(VALUES).unwrap();
    let mut child = std::process::Command::new("sleep").arg("60").env("NAME", VALUES[2]).spawn().unwrap();
    // Its memory becomes its own only when it runs the program.
    let ready = || std::fs::read(format!("/proc/{}/cmdline", child.id())).is_ok_and(|line| line.starts_with(b"sleep"));
    while !ready() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let mut result = Ok(());
    let said = scan(&values, Options::default(), |scan| result = scan.process(child.id()));
    let nobody = scan(&Values::new(["in nobody's memory"]).unwrap(), Options::default(), |scan| {
        scan.process(child.id()).unwrap()
    });
    child.kill().unwrap();
    child.wait().unwrap();
    result.unwrap();
    assert!(said.seen.iter().any(|seen| seen.item == Match(2) && seen.place.contains("[stack]")), "{:?}", said.seen);
    assert_eq!(nobody.seen.len(), 0);
}

/// In a name, it is found, too; and the place that is told of Shift_JIS is exact.
#[test]
fn names_and_places() {
    let values = Values::new(VALUES).unwrap();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join(format!("{}.txt", VALUES[0])), "nothing").unwrap();
    let (text, _, _) = encoding_rs::SHIFT_JIS.encode("能力表 山田 太郎");
    std::fs::write(dir.path().join("list.txt"), &text).unwrap();
    let said = scan(&values, Options::default(), |scan| scan.path(dir.path()));
    let seen: Vec<_> = said.seen.iter().map(|seen| (seen.in_name, seen.offset, seen.codings.as_str())).collect();
    assert_eq!(seen, [(false, 7, Coding::ShiftJis.name()), (true, 0, "")]);
}
