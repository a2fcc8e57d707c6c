//! What the tests of files share: a directory with a keyring, and the program run in it.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by test programs that use parts"
)]

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use base64ct::{Base64, Encoding};
use symbolon::{Credential, SessionKey};

/// Stands in values, and must never be seen where values must not be.
pub const CANARY: &str = "kanarienvogel";

/// A directory, and the program run in it.
pub struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    /// With a keyring `k`.
    pub fn new() -> Self {
        let place = Self { dir: tempfile::tempdir().unwrap() };
        place.ok(&["keygen", "k"]);
        place
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap()
    }

    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command.env_remove("SYMBOLON_PASSPHRASE_FILE").current_dir(self.path()).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs what must succeed; what it says must hold no value.
    pub fn ok(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        let said = said(&output);
        assert!(output.status.success(), "{args:?}: {said}");
        assert!(!said.contains(CANARY), "{said}");
        output
    }

    /// Runs what must fail with this exit code and these words, and gives nothing away, and leaves nothing behind.
    pub fn fails(&self, args: &[&str], code: i32, words: &[&str]) -> String {
        let before = self.names();
        let output = self.run(args);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        for words in words {
            assert!(said.contains(words), "{args:?} should say {words:?}: {said}");
        }
        assert!(!said.contains(CANARY), "{said}");
        assert!(!String::from_utf8_lossy(&output.stdout).contains(CANARY), "{args:?}");
        assert_eq!(self.names(), before, "{args:?}");
        said
    }

    /// Runs with `input` in its standard input.
    pub fn pipe(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let writer = std::thread::spawn(move || stdin.write_all(&input));
        let output = child.wait_with_output().unwrap();
        // A program that has failed does not read to the end.
        let _may_fail = writer.join().unwrap();
        output
    }

    /// A session file `NAME.session`.
    pub fn log_in(&self, person: &str) -> String {
        let session = format!("{person}.session");
        self.ok(&["login", "--keyring", "k", "--tenant", "shop-17", "--person", person, "-o", &session]);
        session
    }

    /// What is in a session file.
    pub fn session(&self, name: &str) -> (Credential, SessionKey) {
        let json: serde_json::Value = serde_json::from_slice(&self.read(name)).unwrap();
        let bytes = |key: &str| Base64::decode_vec(json[key].as_str().unwrap()).unwrap();
        let key = SessionKey::read_secret(bytes("session_key").as_slice().try_into().unwrap());
        (Credential::from_bytes(&bytes("credential")).unwrap(), key)
    }

    /// Protects `input` as [`PLAN`] says.
    pub fn protect(&self, input: &str, output: &str) {
        let args = ["protect", "--keyring", "k", input, "-o", output];
        self.ok(&[&args[..], &PLAN].concat());
    }

    /// What `person` sees of `input`.
    pub fn reveal(&self, input: &str, person: &str, more: &[&str]) -> Vec<u8> {
        let session = self.log_in(person);
        let args = ["reveal", "--keyring", "k", "--session", &session, input];
        let output = self.ok(&[&args[..], more].concat());
        fs::remove_file(self.at(&session)).unwrap();
        output.stdout
    }

    /// The names of what is in the directory, hidden ones included.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// The columns of the tests' tables.
pub const PLAN: [&str; 8] =
    ["--tenant", "shop-17", "--owner", "id", "--field", "name=person-name", "--field", "mail=email"];

/// What a run said on standard error.
pub fn said(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A table of `rows` rows with the columns of [`PLAN`]: every tenth is Alice's.
pub fn table(rows: usize) -> String {
    let mut text = String::from("id,name,mail,note\n");
    for row in 0..rows {
        let id = if row % 10 == 0 { "alice".into() } else { format!("c{row}") };
        text.push_str(&format!("{id},{CANARY} {row},{CANARY}{row}@example.com,kept {row}\n"));
    }
    text
}

/// The cells of a table.
pub fn cells(text: &[u8]) -> Vec<Vec<String>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text);
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}
