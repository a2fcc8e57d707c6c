//! The session file: what a log-in leaves with the client. Session key and credential, for one person and some minutes.

use std::path::Path;

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use symbolon::{Credential, Error, Kind, Principal, Purpose, Purposes, Rights, Session, SessionKey, Terms, Vault};
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
    /// What it may open for. The credential decides; this is for messages.
    pub(crate) purposes: Option<Vec<String>>,
    /// What it may do, likewise.
    pub(crate) rights: Option<Vec<String>>,
}

impl SessionFile {
    /// Reads a session file that `symbolon login` wrote.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = private_file::read(path, "session file")?;
        Self::parse(&text).with_context(|| format!("{} is not a session file of symbolon login", path.display()))
    }

    /// Writes the file, for its owner's eyes only. `replace` allows to write over an older one.
    pub(crate) fn write_new(&self, path: &Path, about: &About, replace: bool) -> Result<()> {
        private_file::write(path, &self.to_json(about)?, replace)
    }

    /// The file's text.
    pub(crate) fn to_json(&self, about: &About) -> Result<Zeroizing<Vec<u8>>> {
        let secret = self.key.write_secret();
        let mut key_text = Zeroizing::new([0; 64]);
        let key = Base64::encode(secret.as_slice(), key_text.as_mut_slice()).map_err(|_| malformed())?;
        let text = Text {
            comment: COMMENT.into(),
            kind: about.kind.into(),
            tenant: about.tenant.clone(),
            subject: about.subject.clone(),
            valid_until: about.valid_until.clone(),
            purposes: self.purposes.clone(),
            rights: self.rights.clone(),
            session_key: key,
            credential: Base64::encode_string(self.credential.as_bytes()),
        };
        // Room from the start: a buffer that grows leaves copies behind.
        let mut json = Zeroizing::new(Vec::with_capacity(8192));
        serde_json::to_writer_pretty(&mut *json, &text)?;
        json.push(b'\n');
        Ok(json)
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

    /// Reads the file's text.
    pub(crate) fn parse(json: &[u8]) -> Result<Self> {
        let text: Text<'_> = private_file::object(json).ok_or_else(malformed)?;
        let mut secret = Zeroizing::new([0; 32]);
        let decoded = Base64::decode(text.session_key, secret.as_mut_slice()).map_err(|_| malformed())?;
        if decoded.len() != 32 {
            return Err(malformed());
        }
        let credential = Base64::decode_vec(&text.credential).map_err(|_| malformed())?;
        let (purposes, rights) = (text.purposes, text.rights);
        let (key, credential) = (SessionKey::read_secret(&secret), Credential::from_bytes(&credential)?);
        Ok(Self { key, credential, purposes, rights })
    }

    /// Refuses a purpose that the session isn't for, where the file says so: before anything is opened in vain.
    pub(crate) fn refuse_other_purpose(&self, purpose: Purpose) -> Result<()> {
        let name = purpose.to_string();
        match &self.purposes {
            Some(purposes) if !purposes.contains(&name) => {
                let has = purposes.join(", ");
                let what = format!("this session is for {has}, not for {name}: symbolon login --purpose {name}");
                Err(Failure::Denied.because(what))
            }
            _ => Ok(()),
        }
    }
}

/// A caller for as long as a job takes: a session, and what makes it anew before it ends.
pub(crate) struct Caller<'v> {
    file: SessionFile,
    vault: &'v Vault,
    session: Session<&'v Vault>,
}

impl<'v> Caller<'v> {
    /// The caller of a session file.
    pub(crate) fn new(file: SessionFile, vault: &'v Vault, host: &mut CliHost) -> Result<Self> {
        let session = authenticate(&file, vault, host)?;
        Ok(Self { file, vault, session })
    }

    /// This program itself, with these rights in this tenant: whoever has the keyring can make that session, and the trail names it.
    pub(crate) fn program(tenant: &str, rights: Rights, vault: &'v Vault, host: &mut CliHost) -> Result<Self> {
        let program = Principal::service(tenant, PROGRAM)?;
        let (mut rng, now) = (state::rng()?, state::now()?);
        let key = SessionKey::generate(&mut rng)?;
        // As long as the longest job. The key is forgotten when this run ends.
        let terms = Terms { rights, purposes: Purposes::of(&[]), life: state::MAX_LIFE, ..Terms::default() };
        let issuer = vault.issuer(tenant, Kind::Service, now.period())?;
        let credential = issuer.issue(&program, &key, &terms, now, &mut rng)?;
        Self::new(SessionFile { key, credential, purposes: None, rights: None }, vault, host)
    }

    /// A session that lasts for a while.
    pub(crate) fn lasting(&mut self, host: &mut CliHost) -> Result<&Session<&'v Vault>> {
        if self.session.ends().as_millis() < state::now()?.as_millis() + ENOUGH {
            self.session = authenticate(&self.file, self.vault, host)?;
        }
        Ok(&self.session)
    }

    /// Who it is.
    pub(crate) fn principal(&self) -> &Principal {
        self.session.principal()
    }
}

/// What the client itself can know is told; otherwise a refusal gives no reason.
fn authenticate<'v>(file: &SessionFile, vault: &'v Vault, host: &mut CliHost) -> Result<Session<&'v Vault>> {
    file.authenticate(vault, host).map_err(|error| {
        let denied = error.chain().any(|cause| cause.downcast_ref() == Some(&Error::Denied));
        let over = state::now().is_ok_and(|now| file.credential.expires_unverified() <= now);
        if denied && over {
            return Failure::Denied.because("this session is over; symbolon login makes a new one");
        }
        error
    })
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
#[serde(deny_unknown_fields)]
struct Text<'t> {
    comment: String,
    kind: String,
    tenant: String,
    subject: String,
    valid_until: String,
    // Session files of earlier versions don't say these two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    purposes: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rights: Option<Vec<String>>,
    session_key: &'t str,
    credential: String,
}

fn malformed() -> anyhow::Error {
    Failure::Input.because("it is damaged, or something else")
}

/// What the proofs of this program are for.
const CONTEXT: &[&[u8]] = &[b"symbolon", b"reveal"];

/// The service that the trail names where this program acts in a tenant's name.
pub(crate) const PROGRAM: &str = "symbolon-cli";

/// Milliseconds that a session must last before a piece of work is begun with it.
const ENOUGH: u64 = 20_000;

/// Milliseconds that a proof may be ahead of the vault's clock (SPEC.md section 7).
const AHEAD: u64 = 2000;

const COMMENT: &str = "A symbolon session. Secret: until it ends, whoever has this file reads what its owner may read.";

#[cfg(test)]
mod tests {
    use symbolon::AuditKey;

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
        SessionFile { key, credential, purposes: None, rights: None }
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
        let file = SessionFile { key, credential, purposes: Some(vec!["shipping".into()]), rights: None };
        file.write_new(&path, &about, false).unwrap();
        let again = SessionFile::read(&path).unwrap();
        assert_eq!(*again.key.write_secret(), *file.key.write_secret());
        assert_eq!(again.credential, file.credential);
        assert!(again.refuse_other_purpose(Purpose::SHIPPING).is_ok());
        assert_eq!(crate::error::code(&again.refuse_other_purpose(Purpose::OWN_USE).unwrap_err()), 3);
    }
}
