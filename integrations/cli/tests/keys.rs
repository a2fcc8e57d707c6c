//! Keyrings, sessions and their files, as a user of the program meets them.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A directory with what one test makes, and the program run in it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    /// With a keyring `k`.
    fn with_keyring() -> Self {
        let place = Self::new();
        place.ok(&["keygen", "k"]);
        place
    }

    /// With a file of a passphrase, and a keyring `k` under it.
    fn with_passphrase() -> Self {
        let place = Self::new();
        place.write("pass", "correct horse battery\n");
        place.write("wrong", "correct horse batter\n");
        place.ok(&["keygen", "k", "--passphrase", "--passphrase-file", "pass"]);
        place
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that only its owner may read.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.at(name), text).unwrap();
        set_mode(&self.at(name), 0o600);
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.at(name)).unwrap()
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_symbolon"));
        command.env_remove("SYMBOLON_PASSPHRASE_FILE").current_dir(self.dir.path()).args(args).output().unwrap()
    }

    /// Runs what must succeed.
    fn ok(&self, args: &[&str]) -> Output {
        let output = self.run(args);
        assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
        output
    }

    /// Runs what must fail with this exit code and these words.
    fn fails(&self, args: &[&str], code: i32, words: &str) {
        let output = self.run(args);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
        assert!(said.contains(words), "{args:?}: {said}");
    }

    fn log_in(&self, keyring: &str, output: &str) {
        self.ok(&["login", "--keyring", keyring, "--tenant", "shop-17", "--person", "alice", "-o", output]);
    }

    /// The names of what is in the directory.
    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.dir.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) {}

#[cfg(unix)]
fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// keygen makes its three things for the owner's eyes only, and leaves nothing else behind.
#[cfg(unix)]
#[test]
fn keygen_makes_private_files() {
    let place = Place::with_keyring();
    assert_eq!(place.names(), ["k", "k.audit", "k.state"]);
    for file in ["k", "k.audit", "k.state/trail.log", "k.state/registry.redb", "k.state/lock"] {
        assert_eq!(mode(&place.at(file)), 0o600, "{file}");
    }
    assert_eq!(mode(&place.at("k.state")), 0o700);
    assert!(text(&place.read("k")).starts_with("symbolon keyring 1 - SECRET"));
    assert!(text(&place.read("k.audit")).starts_with("symbolon audit key 1 - SECRET"));
}

/// Nothing that is there is written over: no keyring, no trail, no audit key, no session, no backup.
#[test]
fn nothing_is_written_over() {
    let place = Place::with_keyring();
    let keyring = place.read("k");
    place.fails(&["keygen", "k"], 1, "is there already");
    assert_eq!(place.read("k"), keyring);
    for name in ["other.state", "another.audit"] {
        place.write(name, "mine");
        place.fails(&["keygen", name.split('.').next().unwrap()], 1, "is there already");
        assert_eq!(place.read(name), b"mine");
    }
    assert_eq!(place.names(), ["another.audit", "k", "k.audit", "k.state", "other.state"]);

    place.log_in("k", "s");
    let session = place.read("s");
    let again = ["login", "--keyring", "k", "--tenant", "shop-17", "--person", "bob", "-o", "s"];
    place.fails(&again, 1, "is there already");
    assert_eq!(place.read("s"), session);
    place.ok(&[again.as_slice(), &["--force"]].concat());
    assert_ne!(place.read("s"), session);

    place.write("pass", "correct horse battery");
    place.fails(&["backup", "k", "-o", "s", "--passphrase-file", "pass"], 1, "is there already");
    place.ok(&["backup", "k", "-o", "b", "--passphrase-file", "pass"]);
    place.fails(&["restore", "b", "k", "--passphrase-file", "pass"], 1, "is there already");
}

/// A secret that others may read is refused, with the remedy.
#[cfg(unix)]
#[test]
fn readable_secrets_are_refused() {
    let place = Place::with_keyring();
    place.log_in("k", "s");
    let login = ["login", "--keyring", "k", "--tenant", "shop-17", "--person", "alice", "-o", "t"];
    for bad in [0o640, 0o604, 0o660, 0o601] {
        set_mode(&place.at("k"), bad);
        place.fails(&login, 5, "chmod 600 k");
    }
    set_mode(&place.at("k"), 0o400);
    place.ok(&login);
    set_mode(&place.at("s"), 0o644);
    place.fails(&["logout", "s", "--keyring", "k"], 5, "chmod 600 s");
}

/// A keyring under a passphrase opens with that passphrase alone, given by option or by variable.
#[test]
fn passphrases() {
    let place = Place::with_passphrase();
    let login = ["login", "--keyring", "k", "--tenant", "shop-17", "--person", "alice", "-o", "s"];
    place.fails(&[login.as_slice(), &["--passphrase-file", "wrong"]].concat(), 3, "wrong passphrase");
    place.fails(&[login.as_slice(), &["--passphrase-file", "missing"]].concat(), 5, "no passphrase file");
    assert!(!place.at("s").exists());
    place.ok(&[login.as_slice(), &["--passphrase-file", "pass"]].concat());
    let mut by_variable = Command::new(env!("CARGO_BIN_EXE_symbolon"));
    by_variable.env("SYMBOLON_PASSPHRASE_FILE", "pass").current_dir(place.dir.path());
    assert!(by_variable.args([login.as_slice(), &["--force"]].concat()).output().unwrap().status.success());
    place.write("short", "1234567\n");
    place.fails(&["keygen", "l", "--passphrase-file", "short"], 5, "at least 8");
    assert!(!place.at("l").exists() && !place.at("l.state").exists());
}

/// Cut, changed or foreign bytes are no keyring.
#[test]
fn damaged_keyrings_are_refused() {
    let place = Place::with_passphrase();
    let whole = place.read("k");
    // To another digit of base64.
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        bytes
    };
    let login = ["login", "--keyring", "d", "--tenant", "t", "--person", "p", "-o", "s", "--passphrase-file", "pass"];
    let refused = |bytes: &[u8], code: i32| {
        place.write("d", bytes);
        place.fails(&login, code, "can't use the keyring d");
    };
    refused(&whole[..whole.len() - 1], 5);
    refused(&whole[..40], 5);
    refused(b"", 5);
    refused(b"something else\n", 5);
    refused(&[whole.as_slice(), b"\n"].concat(), 5);
    refused(&changed(0), 5);
    // In the sealed part, and in the salt.
    refused(&changed(whole.len() - 8), 3);
    refused(&changed(text(&whole).find("salt=").unwrap() + 8), 3);
    place.write("d", vec![b'x'; 20_000]);
    place.fails(&login, 5, "too long");
    fs::remove_file(place.at("d")).unwrap();
    place.fails(&login, 5, "there is no keyring");
}

/// A backup needs a passphrase, and brings the same keys back: a session from before is still good.
#[test]
fn backup_and_restore() {
    let place = Place::with_keyring();
    place.write("pass", "correct horse battery\n");
    place.write("wrong", "correct horse batter\n");
    place.log_in("k", "s");
    place.ok(&["backup", "k", "-o", "b", "--passphrase-file", "pass"]);
    assert!(text(&place.read("b")).contains("\nargon2id m=65536 t=3 p=1 salt="));
    let keyring = place.read("k");
    fs::remove_file(place.at("k")).unwrap();

    place.fails(&["restore", "b", "k", "--passphrase-file", "wrong"], 3, "wrong passphrase");
    assert!(!place.at("k").exists());
    place.ok(&["restore", "b", "k", "--passphrase-file", "pass"]);
    assert_eq!(place.read("k"), keyring, "the same keys, and the trail that was there goes on");
    place.ok(&["logout", "s", "--keyring", "k"]);

    place.ok(&["restore", "b", "elsewhere", "--passphrase-file", "pass", "--passphrase"]);
    assert!(text(&place.read("elsewhere")).contains("\nargon2id "));
    assert!(place.at("elsewhere.state").exists() && place.at("elsewhere.audit").exists());
    place.ok(&["logout", "s", "--keyring", "elsewhere", "--passphrase-file", "pass"]);
}

/// A rotated keyring keeps its passphrase, its user's mode and its name, a link included; an older backup is told to be one.
#[test]
fn rotation_keeps_how_a_keyring_is_kept() {
    let place = Place::with_passphrase();
    let rotate = ["rotate", "--keyring", "k", "--passphrase-file", "pass"];
    let before = place.read("k");
    place.fails(&["rotate", "--keyring", "k", "--passphrase-file", "wrong"], 3, "wrong passphrase");
    assert_eq!(place.read("k"), before);
    set_mode(&place.at("k"), 0o400);
    assert!(text(&place.ok(&rotate).stderr).contains("k has epoch 2"));
    assert!(text(&place.read("k")).contains("\nargon2id m=65536 t=3 p=1 salt="));
    place.ok(&["backup", "k", "-o", "b", "--passphrase-file", "pass"]);
    #[cfg(unix)]
    {
        assert_eq!(mode(&place.at("k")), 0o400);
        fs::rename(place.at("k"), place.at("elsewhere")).unwrap();
        std::os::unix::fs::symlink("elsewhere", place.at("k")).unwrap();
        let before = place.read("elsewhere");
        place.ok(&rotate);
        assert!(place.at("k").is_symlink() && place.read("elsewhere") != before);
    }
    assert!(!place.names().iter().any(|name| name.starts_with('.')), "{:?}", place.names());
}

/// Two rotations at a time would lose a root key: the second waits for its turn. A directory that can't be written to changes nothing.
#[cfg(unix)]
#[test]
fn rotation_is_whole_or_not_at_all() {
    let place = Place::with_keyring();
    let before = place.read("k");
    let lock = fs::File::open(place.at("k.state/lock")).unwrap();
    lock.lock().unwrap();
    place.fails(&["rotate", "--keyring", "k"], 4, "another symbolon is using");
    drop(lock);
    assert_eq!(place.read("k"), before);
    place.ok(&["rotate", "--keyring", "k"]);
    let after = place.read("k");
    assert!(after.len() > before.len());
}

/// A trail of another keyring is not gone on with.
#[test]
fn a_restored_keyring_needs_its_own_trail() {
    let place = Place::with_passphrase();
    place.ok(&["keygen", "other"]);
    fs::remove_file(place.at("other")).unwrap();
    place.fails(&["restore", "k", "other", "--passphrase-file", "pass"], 4, "does not go with this backup");
    assert!(!place.at("other").exists() && place.at("other.state").exists());
}

/// A session file says what it is, and only its owner may read it; a damaged one is told.
#[test]
fn session_files() {
    let place = Place::with_keyring();
    place.log_in("k", "s");
    #[cfg(unix)]
    assert_eq!(mode(&place.at("s")), 0o600);
    let json: serde_json::Value = serde_json::from_slice(&place.read("s")).unwrap();
    assert_eq!((&json["kind"], &json["subject"]), (&"person".into(), &"alice".into()));
    assert!(json["valid_until"].as_str().unwrap().ends_with('Z'));
    let longer = text(&place.read("s")).replace("\"credential\": \"", "\"credential\": \"AAAA");
    for bad in ["", "{}", &longer] {
        place.write("bad", bad);
        place.fails(&["logout", "bad", "--keyring", "k"], 5, "is not a session file");
    }
}

/// What can't be a session is told as usage or input, before anything is made.
#[test]
fn log_ins_that_are_refused() {
    let place = Place::with_keyring();
    let login = ["login", "--keyring", "k", "--tenant", "shop-17", "-o", "s"];
    place.fails(&login, 2, "--person");
    place.fails(&[login.as_slice(), &["--person", "a", "--staff", "b"]].concat(), 2, "cannot be used with");
    for minutes in ["0", "1441"] {
        place.fails(&[login.as_slice(), &["--person", "a", "--minutes", minutes]].concat(), 2, "1..=1440");
    }
    place.fails(&[login.as_slice(), &["--person", ""]].concat(), 5, "1 to 64 bytes");
    place.fails(&[login.as_slice(), &["--person", &"x".repeat(65)]].concat(), 5, "1 to 64 bytes");
    assert!(!place.at("s").exists());
    for kind in ["--person", "--staff", "--service"] {
        place.ok(&[login.as_slice(), &[kind, "x", "--minutes", "1440", "--force"]].concat());
    }
}

/// A session opens nothing under another keyring, and nothing after its log-out.
#[test]
fn sessions_of_others_are_denied() {
    let place = Place::with_keyring();
    place.ok(&["keygen", "other"]);
    place.log_in("k", "s");
    place.log_in("other", "o");
    place.write("t.csv", "id,name\nalice,Alice\n");
    place.write("t.toml", "tenant = \"shop-17\"\nowner = \"id\"\n[fields]\nname = \"person-name\"\n");
    place.ok(&["protect", "t.csv", "--schema", "t.toml", "--keyring", "k", "-o", "p.csv"]);
    let reveal = |session: &'static str| ["reveal", "p.csv", "--keyring", "k", "-o", "r.csv", "--session", session];
    place.fails(&reveal("o"), 3, "denied");
    assert!(!place.at("r.csv").exists());
    place.ok(&reveal("s"));
    assert_eq!(text(&place.read("r.csv")), "id,name\nalice,Alice\n");
    fs::remove_file(place.at("r.csv")).unwrap();
    place.ok(&["logout", "s", "--keyring", "k"]);
    place.fails(&reveal("s"), 3, "denied");
}

/// While another process has the trail, nothing goes on; without a trail, nothing ever does.
#[test]
fn one_process_at_a_time() {
    let place = Place::with_keyring();
    place.log_in("k", "s");
    let lock = fs::File::open(place.at("k.state/lock")).unwrap();
    lock.lock().unwrap();
    place.fails(&["logout", "s", "--keyring", "k"], 4, "another symbolon is using");
    drop(lock);
    place.ok(&["logout", "s", "--keyring", "k"]);
    fs::remove_dir_all(place.at("k.state")).unwrap();
    place.fails(&["logout", "s", "--keyring", "k"], 4, "there is no audit trail");
}

/// An interrupted write to the trail is told and repaired.
#[test]
fn an_interrupted_write_is_repaired() {
    let place = Place::with_keyring();
    place.log_in("k", "s");
    let log = place.at("k.state/trail.log");
    fs::write(&log, [&fs::read(&log).unwrap(), [9; 50].as_slice()].concat()).unwrap();
    let output = place.ok(&["logout", "s", "--keyring", "k"]);
    assert!(text(&output.stderr).contains("50 bytes are cut off"), "{}", text(&output.stderr));
    assert_eq!(fs::metadata(&log).unwrap().len() % 110, 0);
    assert!(!text(&place.ok(&["logout", "s", "--keyring", "k"]).stderr).contains("cut off"));
}

/// No message shows a secret.
#[test]
fn no_message_shows_a_secret() {
    let place = Place::new();
    let keygen = place.ok(&["keygen", "k"]);
    let keyring = text(&place.read("k")).lines().nth(2).unwrap().to_owned();
    let login = place.ok(&["login", "--keyring", "k", "--tenant", "shop-17", "--person", "alice", "-o", "s"]);
    let json: serde_json::Value = serde_json::from_slice(&place.read("s")).unwrap();
    let logout = place.ok(&["logout", "s", "--keyring", "k"]);
    for output in [keygen, login, logout] {
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(!said.contains(&keyring[..16]) && !said.contains(json["session_key"].as_str().unwrap()), "{said}");
    }
}
