//! The roles file: what the people prove themselves with who administer an appliance.
//!
//! Each key may be absent, so that somebody can be given a file with the issuer's alone.

use std::path::{Path, PathBuf};

use anyhow::Result;
use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};
use symbolon::appliance::Role;
use symbolon_device::Initial;
use zeroize::Zeroizing;

use crate::{error::Failure, private_file, state};

/// 32 bytes that are wiped.
pub(crate) type Secret = Zeroizing<[u8; 32]>;

/// The keys of a file.
pub(crate) struct Roles {
    /// Of whom messages speak.
    pub(crate) path: PathBuf,
    keys: [Option<Secret>; 4],
}

impl Roles {
    /// Fresh keys for all of them, but for a transport key that is there already.
    pub(crate) fn generate(path: &Path, transport: Option<&Secret>) -> Result<Self> {
        let [officer, issuer, auditor] = [fresh()?, fresh()?, fresh()?];
        let transport = transport.cloned().map_or_else(fresh, Ok)?;
        Ok(Self { path: path.into(), keys: [Some(officer), Some(issuer), Some(auditor), Some(transport)] })
    }

    /// A fresh key for one role, and nothing else.
    pub(crate) fn of_one(path: &Path, role: Role) -> Result<Self> {
        let mut keys = [const { None }; 4];
        if let Some(place) = keys.get_mut(usize::from(role.code())) {
            *place = Some(fresh()?);
        }
        Ok(Self { path: path.into(), keys })
    }

    /// Reads a roles file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        Self::parse(&private_file::read(path, "roles file")?, path)
    }

    /// Reads the file's text. Messages speak of `path`.
    pub(crate) fn parse(text: &[u8], path: &Path) -> Result<Self> {
        let wrong = || {
            let what =
                format!("{} is not a roles file of symbolon keygen: it is damaged, or something else", path.display());
            Failure::Input.because(what)
        };
        let text: Text<'_> = private_file::object(text).ok_or_else(wrong)?;
        let key = |text: Option<&str>| text.map(|text| decode(text).ok_or_else(wrong)).transpose();
        let keys = [key(text.officer)?, key(text.issuer)?, key(text.auditor)?, key(text.transport)?];
        Ok(Self { path: path.into(), keys })
    }

    /// Writes the file where there is none, for its owner's eyes only.
    pub(crate) fn write_new(&self) -> Result<()> {
        private_file::write(&self.path, &self.to_json()?, false)
    }

    /// The file's text.
    pub(crate) fn to_json(&self) -> Result<Zeroizing<Vec<u8>>> {
        let texts = self.keys.each_ref().map(|key| key.as_ref().map(encode));
        let [officer, issuer, auditor, transport] =
            texts.each_ref().map(|text| text.as_ref().map(|text| text.as_str()));
        let text = Text { comment: Some(COMMENT.into()), officer, issuer, auditor, transport };
        // Room from the start: a buffer that grows leaves copies behind.
        let mut json = Zeroizing::new(Vec::with_capacity(2048));
        serde_json::to_writer_pretty(&mut *json, &text)?;
        json.push(b'\n');
        Ok(json)
    }

    /// The key of a role.
    pub(crate) fn key(&self, role: Role) -> Result<&Secret> {
        self.at(usize::from(role.code()), name_of(role))
    }

    /// The key under which roots travel.
    pub(crate) fn transport(&self) -> Result<&Secret> {
        self.at(TRANSPORT, "transport")
    }

    /// What a blank appliance is told: that takes all keys.
    pub(crate) fn initial(&self, node: u32) -> Result<Initial<'_>> {
        Ok(Initial {
            officer: self.key(Role::Officer)?,
            issuer: self.key(Role::Issuer)?,
            auditor: self.key(Role::Auditor)?,
            transport: self.transport()?,
            audience: state::AUDIENCE,
            node,
            max_life: state::MAX_LIFE,
        })
    }

    /// The keys of the officer, the issuer, the auditor and for transport.
    pub(crate) fn into_keys(self) -> [Option<Secret>; 4] {
        self.keys
    }

    fn at(&self, place: usize, name: &str) -> Result<&Secret> {
        self.keys.get(place).and_then(Option::as_ref).ok_or_else(|| {
            let what = format!(
                "{} does not have the {name} key that this takes: name a file with it (--roles)",
                self.path.display()
            );
            Failure::Input.because(what)
        })
    }
}

/// A role's name.
pub(crate) const fn name_of(role: Role) -> &'static str {
    match role {
        Role::Officer => "officer",
        Role::Issuer => "issuer",
        Role::Auditor => "auditor",
    }
}

fn fresh() -> Result<Secret> {
    let mut key = Zeroizing::new([0; 32]);
    getrandom::fill(key.as_mut_slice()).map_err(|_| symbolon::Error::RngFailed)?;
    Ok(key)
}

fn encode(key: &Secret) -> Zeroizing<String> {
    Zeroizing::new(Base64::encode_string(key.as_slice()))
}

fn decode(text: &str) -> Option<Secret> {
    let mut key = Zeroizing::new([0; 32]);
    let len = Base64::decode(text, key.as_mut_slice()).ok()?.len();
    // An appliance takes no zeros: they are everybody's.
    (len == 32 && *key != [0; 32]).then_some(key)
}

/// The file's text. The keys stay borrowed from buffers that are wiped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<'t> {
    #[serde(default)]
    comment: Option<String>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    officer: Option<&'t str>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    issuer: Option<&'t str>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    auditor: Option<&'t str>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    transport: Option<&'t str>,
}

const COMMENT: &str = "The role keys of a symbolon appliance. Secret: the officer sets it up and can destroy it, the issuer makes sessions for \
                       anybody, the auditor reads the trail, and a backup opens with the transport key.";

/// Behind the roles, which stand in the order of their numbers.
const TRANSPORT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 3] = Role::ALL;

    /// What is written is read; a key that is absent is asked for by its name, and nothing tells one.
    #[test]
    fn goes_around() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        let all = Roles::generate(&path, None).unwrap();
        all.write_new().unwrap();
        assert!(all.write_new().is_err(), "nothing is written over");
        let again = Roles::read(&path).unwrap();
        for role in ROLES {
            assert_eq!(**again.key(role).unwrap(), **all.key(role).unwrap());
        }
        assert_eq!(**again.transport().unwrap(), **all.transport().unwrap());
        assert_ne!(**all.key(Role::Officer).unwrap(), **all.key(Role::Issuer).unwrap());

        let one = Roles::of_one(&dir.path().join("one"), Role::Issuer).unwrap();
        one.write_new().unwrap();
        let again = Roles::read(&one.path).unwrap();
        assert_eq!(**again.key(Role::Issuer).unwrap(), **one.key(Role::Issuer).unwrap());
        let told = again.key(Role::Officer).unwrap_err();
        assert!(told.to_string().contains("officer") && crate::error::code(&told) == 5);
        assert!(again.initial(0).is_err());
    }

    /// Cut, misspelt, too short or zero: no roles file.
    #[test]
    fn what_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("r");
        let zeros = Base64::encode_string(&[0; 32]);
        for text in ["", "{", "{\"isuer\":\"\"}", "{\"issuer\":\"AAAA\"}", &format!("{{\"issuer\":\"{zeros}\"}}")] {
            private_file::write(&path, text.as_bytes(), true).unwrap();
            assert!(Roles::read(&path).is_err(), "{text}");
        }
        private_file::write(&path, b"{}", true).unwrap();
        assert!(Roles::read(&path).is_ok());
    }
}
