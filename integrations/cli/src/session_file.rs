//! The session file: what a log-in leaves with the client. Session key and credential, for one person and some minutes.

use std::path::Path;

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use symbolon::{Credential, Session, SessionKey, Vault};
use zeroize::Zeroizing;

use crate::{
    error::Failure,
    private_file,
    state::{self, CliHost},
};

/// A client's half: the secret that it chose, and what the log-in made of it.
pub(crate) struct SessionFile {
    /// The client's secret.
    pub(crate) key: SessionKey,
    /// Public, and worth nothing without the key.
    pub(crate) credential: Credential,
}

impl SessionFile {
    /// Reads a session file that `symbolon login` wrote.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = private_file::read(path, "session file")?;
        Self::parse(&text).with_context(|| format!("{} is not a session file of symbolon login", path.display()))
    }

    /// Writes the file, for its owner's eyes only. `replace` allows to write over an older one.
    pub(crate) fn write_new(&self, path: &Path, about: &About, replace: bool) -> Result<()> {
        let secret = self.key.write_secret();
        let mut key_text = Zeroizing::new([0; 64]);
        let key = Base64::encode(secret.as_slice(), key_text.as_mut_slice()).map_err(|_| malformed())?;
        let text = Text {
            comment: COMMENT.into(),
            kind: about.kind.into(),
            tenant: about.tenant.clone(),
            subject: about.subject.clone(),
            valid_until: about.valid_until.clone(),
            session_key: key,
            credential: Base64::encode_string(self.credential.as_bytes()),
        };
        // Room from the start: a buffer that grows leaves copies behind.
        let mut json = Zeroizing::new(Vec::with_capacity(8192));
        serde_json::to_writer_pretty(&mut *json, &text)?;
        json.push(b'\n');
        private_file::write(path, &json, replace)
    }

    /// Proves possession of the session key to the vault, as a client does with every request. The session ends 60 seconds later;
    /// a longer job calls this again.
    ///
    /// This program is client and vault in one. A vault that has just started refuses proofs of up to two seconds after its start,
    /// for an earlier run could have accepted them. A proof that is made here is new, so it is dated as far ahead as the vault
    /// allows, instead of making everybody wait.
    pub(crate) fn authenticate<'v>(&self, vault: &'v Vault, host: &mut CliHost) -> Result<Session<&'v Vault>> {
        let time = state::now()?.plus(AHEAD);
        let proof = self.key.prove(&self.credential, CONTEXT, time, &mut state::rng()?)?;
        vault.authenticate(&self.credential, &proof, CONTEXT, host).context(
            "the session was not accepted: it may be over, logged out or of another keyring (symbolon login makes a new one)",
        )
    }

    fn parse(json: &[u8]) -> Result<Self> {
        let text: Text<'_> = serde_json::from_slice(json).map_err(|_| malformed())?;
        let mut secret = Zeroizing::new([0; 32]);
        let decoded = Base64::decode(text.session_key, secret.as_mut_slice()).map_err(|_| malformed())?;
        if decoded.len() != 32 {
            return Err(malformed());
        }
        let credential = Base64::decode_vec(&text.credential).map_err(|_| malformed())?;
        Ok(Self { key: SessionKey::read_secret(&secret), credential: Credential::from_bytes(&credential)? })
    }
}

/// What the file says for people; the credential alone counts.
pub(crate) struct About {
    /// `person`, `staff` or `service`.
    pub(crate) kind: &'static str,
    /// Whose.
    pub(crate) tenant: String,
    /// Who.
    pub(crate) subject: String,
    /// RFC 3339, UTC.
    pub(crate) valid_until: String,
}

/// The file's text. The key stays borrowed from a buffer that is wiped.
#[derive(Serialize, Deserialize)]
struct Text<'t> {
    comment: String,
    kind: String,
    tenant: String,
    subject: String,
    valid_until: String,
    session_key: &'t str,
    credential: String,
}

fn malformed() -> anyhow::Error {
    Failure::Input.because("it is damaged, or something else")
}

/// What the proofs of this program are for.
const CONTEXT: &[&[u8]] = &[b"symbolon", b"reveal"];

/// Milliseconds that a proof may be ahead of the vault's clock (SPEC.md section 7).
const AHEAD: u64 = 2000;

const COMMENT: &str = "A symbolon session. Secret: until it ends, whoever has this file reads what its owner may read.";

#[cfg(test)]
mod tests {
    use symbolon::{AuditKey, Kind, Principal, Terms};

    use super::*;
    use crate::{
        file_store::FileStore,
        state::{State, state_dir},
    };

    fn session(state: &State, who: &Principal) -> SessionFile {
        let (mut rng, now) = (state::rng().unwrap(), state::now().unwrap());
        let issuer = state.vault.issuer(who.tenant(), Kind::Person, now.period()).unwrap();
        let key = SessionKey::generate(&mut rng).unwrap();
        let credential = issuer.issue(who, &key, &Terms::default(), now, &mut rng).unwrap();
        SessionFile { key, credential }
    }

    /// A session is accepted right after the start, and again and again, as a long job needs it.
    #[test]
    fn is_accepted_at_once_and_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("k");
        let vault = state::vault_of(symbolon::Keyring::generate(&mut state::rng().unwrap()).unwrap()).unwrap();
        let mut store = FileStore::create(&state_dir(&path)).unwrap();
        AuditKey::create(&vault, &mut store, &mut state::rng().unwrap()).unwrap();
        drop(store);
        let mut state = State::resume(&path, vault).unwrap();
        let alice = Principal::person("shop-17", "alice").unwrap();
        let session = session(&state, &alice);
        for _ in 0..3 {
            let opened = session.authenticate(&state.vault, &mut state.host).unwrap();
            assert_eq!(*opened.principal(), alice);
        }
        state.vault.log_out(session.credential.session_unverified(), &mut state.host).unwrap();
        let refused = session.authenticate(&state.vault, &mut state.host).unwrap_err();
        assert_eq!(crate::error::code(&refused), 3);
    }

    /// What is written is read.
    #[test]
    fn goes_around() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let vault = state::vault_of(symbolon::Keyring::generate(&mut state::rng().unwrap()).unwrap()).unwrap();
        let (mut rng, now) = (state::rng().unwrap(), state::now().unwrap());
        // The longest names there are, with letters that JSON escapes.
        let (tenant, subject) = ("\"".repeat(64), "\u{1}".repeat(64));
        let who = Principal::person(&tenant, &subject).unwrap();
        let key = SessionKey::generate(&mut rng).unwrap();
        let issuer = vault.issuer(&tenant, Kind::Person, now.period()).unwrap();
        let credential = issuer.issue(&who, &key, &Terms::default(), now, &mut rng).unwrap();
        let about = About { kind: "person", tenant, subject, valid_until: crate::text::utc(now) };
        let file = SessionFile { key, credential };
        file.write_new(&path, &about, false).unwrap();
        let again = SessionFile::read(&path).unwrap();
        assert_eq!(*again.key.write_secret(), *file.key.write_secret());
        assert_eq!(again.credential, file.credential);
    }
}
