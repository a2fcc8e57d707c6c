//! Files that are broken, hostile, missing or forbidden: told, counted, and the rest goes on.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

mod common;

use std::{fs, io::Write};

use common::{scan, small, tokens, vault};
use flate2::{Compression, write::GzEncoder};
use symbolon_leak::{Options, Tokens};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A folder with all that can be wrong in it: what is right is found.
#[test]
fn a_folder_of_trouble() {
    let dir = tempfile::tempdir().unwrap();
    let token = &tokens(&vault(), "t", 1)[0];
    let write = |name: &str, bytes: &[u8]| fs::write(dir.path().join(name), bytes).unwrap();
    let text = format!("{}{token}{}", "start\n".repeat(3000), "noise 12345\n".repeat(3000));
    write("a-plain.txt", token.as_bytes());
    write("b-empty", b"");
    let whole = gzip(text.as_bytes());
    write("c-cut.gz", &whole[..whole.len() - 20]);
    write("d-half.zip", &zip(&[("x", text.as_bytes())])[..60]);
    let damaged = {
        let mut zip = zip(&[("bad", text.as_bytes()), ("good", token.as_bytes())]);
        zip[50..58].fill(0xff);
        zip
    };
    write("e-damaged.zip", &damaged);
    write(&format!("f-{token}.txt"), b"in its name");
    fs::create_dir(dir.path().join("sub")).unwrap();
    write("sub/g.txt", format!("x{token}").as_bytes());
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("..", dir.path().join("sub/loop")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("h-socket")).unwrap();
    }
    let said = scan(&Tokens::new(), Options::default(), |scan| scan.path(dir.path()));
    let names: Vec<_> = said.seen.iter().map(|seen| seen.place.rsplit_once("/").unwrap().1.to_owned()).collect();
    let in_name = format!("f-{token}.txt");
    let expected = ["a-plain.txt", "c-cut.gz > gzip", "e-damaged.zip > zip:good", in_name.as_str(), "g.txt"];
    assert_eq!(names, expected, "{:?}", said.problems);
    let in_names: Vec<_> = said.seen.iter().map(|seen| seen.in_name).collect();
    assert_eq!(in_names, [false, false, false, true, false]);
    let about: Vec<_> = said
        .problems
        .iter()
        .map(|problem| problem.contains("c-cut.gz") || problem.contains("d-half.zip") || problem.contains("zip:bad"))
        .collect();
    assert_eq!(about, [true; 3], "{:?}", said.problems);
    assert_eq!(said.skipped.len(), if cfg!(unix) { 2 } else { 0 }, "{:?}", said.skipped);
    let gone = scan(&Tokens::new(), Options::default(), |scan| scan.path(&dir.path().join("gone")));
    assert_eq!(gone.problems.len(), 1);
}

/// Without permission, a file is told. (Root may read anything.)
#[cfg(unix)]
#[test]
fn without_permission() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    fs::write(&path, "x").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::File::open(&path).is_ok() {
        return;
    }
    let said = scan(&Tokens::new(), Options::default(), |scan| scan.path(dir.path()));
    assert!(said.problems.len() == 1 && said.problems[0].contains("ermission"), "{:?}", said.problems);
}

/// A few kilobytes that expand to gigabytes end with one message, soon, and what comes before and after is found.
#[test]
fn bombs() {
    let token = &tokens(&vault(), "t", 1)[0];
    let zeros = vec![b'0'; 64 << 20];
    let options = Options { expansion: 1 << 20, ..Options::default() };
    let inner = gzip(&zeros);
    let nested = gzip(&inner.repeat(100));
    let many: Vec<(String, Vec<u8>)> = (0..50).map(|n| (format!("{n}"), zeros[..4 << 20].to_vec())).collect();
    let entries: Vec<(&str, &[u8])> = many.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).collect();
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("1.gz", inner), ("2.gz", nested), ("3.zip", zip(&entries)), ("4.txt", token.clone().into_bytes())]
    {
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    let said = scan(&Tokens::new(), options, |scan| scan.path(dir.path()));
    assert_eq!(said.seen.len(), 1);
    assert_eq!(said.problems.len(), 3, "{:?}", said.problems);
    assert!(said.problems.iter().all(|problem| problem.contains("zip bomb")), "{:?}", said.problems);
}

/// Containers in containers end at a depth, with a message.
#[test]
fn depth_is_bounded() {
    let token = &tokens(&vault(), "t", 1)[0];
    let mut bytes = token.clone().into_bytes();
    for level in 1..=9 {
        bytes = gzip(&bytes);
        let said = scan(&Tokens::new(), small(), |scan| scan.bytes(&bytes));
        let expected = if level <= 8 { (1, 0) } else { (0, 1) };
        assert_eq!((said.seen.len(), said.problems.len()), expected, "{level} {:?}", said.problems);
    }
}

/// A disk image of 500 MB that is nearly all hole: the token behind it is found, at its place.
#[cfg(unix)]
#[test]
fn a_sparse_file() {
    use std::os::unix::fs::FileExt;
    let token = &tokens(&vault(), "t", 1)[0];
    let file = tempfile::NamedTempFile::new().unwrap();
    let at = 500_000_123;
    file.as_file().write_all_at(token.as_bytes(), at).unwrap();
    let said = scan(&Tokens::new(), Options::default(), |scan| scan.path(file.path()));
    assert_eq!(said.seen.iter().map(|seen| seen.offset).collect::<Vec<_>>(), [at]);
}
