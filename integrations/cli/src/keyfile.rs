//! The keyring file: a line that says what it is, a line that says how it is kept, and the keyring in base64.
//!
//! ```text
//! symbolon keyring 1 - SECRET: …
//! plain                                     or: argon2id m=65536 t=3 p=1 salt=<16 bytes>
//! <keyring, or keyring and tag>
//! ```
//! Under a passphrase the keyring is sealed with ChaCha20-Poly1305. Its key comes of passphrase and salt by Argon2id; the salt is new
//! for every file, so the key seals once and the nonce is zero. Both lines above, with their ends, are the associated data.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use anyhow::{Context, Result, anyhow, bail};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64ct::{Base64, Encoding};
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, Tag};
use rand_core::TryCryptoRng;
use symbolon::Keyring;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::{error::Failure, passphrase::Passphrase, private_file};

/// A keyring as a file had it, and the passphrase that was needed, if any.
pub(crate) struct Opened {
    /// The root keys.
    pub(crate) keyring: Keyring,
    /// What opened the file.
    pub(crate) passphrase: Option<Passphrase>,
}

/// Reads a keyring file; asks for its passphrase where it has one.
pub(crate) fn read(path: &Path) -> Result<Keyring> {
    open(path).map(|opened| opened.keyring)
}

/// The same, for those who go on with the passphrase.
pub(crate) fn open(path: &Path) -> Result<Opened> {
    let bytes = private_file::read(path, "keyring")?;
    let what = path.display().to_string();
    decode(&bytes, || Passphrase::ask(&what)).with_context(|| format!("can't use the keyring {what}"))
}

/// Puts a changed keyring in the place of its file: whole, on the disk and read again there, or not at all. It is kept as it was, under its
/// passphrase or without, for the same user. There is no copy of the old file: it would be one more secret to lose.
pub(crate) fn replace(path: &Path, keyring: &Keyring, passphrase: Option<Passphrase>) -> Result<()> {
    let cant = || format!("can't replace {}: it stays as it was", path.display());
    let bytes = encode(keyring, passphrase.as_ref(), &mut crate::state::rng()?)?;
    // A link stays a link: what it leads to is replaced.
    let path = fs::canonicalize(path).with_context(cant)?;
    let dir = path.parent().with_context(cant)?;
    let mut file = NamedTempFile::new_in(dir).with_context(cant)?;
    file.write_all(&bytes).with_context(cant)?;
    same_user(file.as_file(), &path).with_context(cant)?;
    file.as_file().sync_all().with_context(cant)?;
    let written = private_file::read(file.path(), "keyring").with_context(cant)?;
    let again = decode(&written, || passphrase.ok_or_else(damaged)).with_context(cant)?;
    if *secret(&again.keyring)? != *secret(keyring)? {
        bail!("what was written is not what is read; {}", cant());
    }
    file.persist(&path).map_err(|error| error.error).with_context(cant)?;
    private_file::sync_dir(dir)
        .with_context(|| format!("{} is replaced, but may not survive a power cut", path.display()))
}

fn secret(keyring: &Keyring) -> Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new(vec![0; Keyring::MAX_LEN]);
    let len = keyring.write_secret(&mut secret)?;
    secret.truncate(len);
    Ok(secret)
}

/// The new file is for who could read the old one.
#[cfg(unix)]
fn same_user(new: &File, old: &Path) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (new_one, old_one) = (new.metadata()?, fs::metadata(old)?);
    new.set_permissions(old_one.permissions())?;
    if (new_one.uid(), new_one.gid()) == (old_one.uid(), old_one.gid()) {
        return Ok(());
    }
    fchown(new, Some(old_one.uid()), Some(old_one.gid()))
}

#[cfg(not(unix))]
fn same_user(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}

/// The file's bytes: plain, or under a passphrase.
pub(crate) fn encode<R: TryCryptoRng>(
    keyring: &Keyring,
    passphrase: Option<&Passphrase>,
    rng: &mut R,
) -> Result<Zeroizing<Vec<u8>>> {
    // Room for the tag from the start: a buffer that grows leaves copies behind.
    let mut secret = Zeroizing::new(vec![0; Keyring::MAX_LEN + TAG_LEN]);
    let len = keyring.write_secret(&mut secret)?;
    secret.truncate(len);
    let kept = match passphrase {
        None => Kept::Plain,
        Some(_) => Kept::UnderPassphrase { cost: Cost::USUAL, salt: salt(rng)? },
    };
    let head = kept.head();
    if let (Kept::UnderPassphrase { cost, salt }, Some(passphrase)) = (&kept, passphrase) {
        let tag = cost.cipher(passphrase, salt)?.encrypt_inout_detached(
            &NONCE.into(),
            head.as_bytes(),
            secret.as_mut_slice().into(),
        );
        secret.extend_from_slice(&tag.map_err(|_| anyhow!("the keyring can't be sealed"))?);
    }
    let mut text = Zeroizing::new(vec![0; head.len() + Base64::encoded_len(&secret) + 1]);
    let (front, rest) = text.split_at_mut(head.len());
    front.copy_from_slice(head.as_bytes());
    Base64::encode(&secret, rest).map_err(|_| anyhow!("the keyring can't be written as text"))?;
    if let Some(last) = text.last_mut() {
        *last = b'\n';
    }
    Ok(text)
}

/// The keyring of a file's bytes. `ask` is called only where a passphrase is needed.
pub(crate) fn decode(file: &[u8], ask: impl FnOnce() -> Result<Passphrase>) -> Result<Opened> {
    let (head, kept, body) = split(file)?;
    let mut secret = Zeroizing::new(vec![0; Keyring::MAX_LEN + TAG_LEN]);
    let len = Base64::decode(body, &mut secret).map_err(|_| damaged())?.len();
    secret.truncate(len);
    let passphrase = match &kept {
        Kept::Plain => None,
        Kept::UnderPassphrase { cost, salt } => {
            let passphrase = ask()?;
            unseal(&cost.cipher(&passphrase, salt)?, head, &mut secret)?;
            Some(passphrase)
        }
    };
    Ok(Opened { keyring: Keyring::read_secret(&secret).map_err(|_| damaged())?, passphrase })
}

/// The two lines in front as they stand there, what the second says, and the base64.
fn split(file: &[u8]) -> Result<(&[u8], Kept, &[u8])> {
    let mut ends = file.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let (first, second, third) = match (ends.next(), ends.next(), ends.next()) {
        (Some(first), Some(second), Some(third)) if third + 1 == file.len() => (first, second, third),
        _ => return Err(damaged()),
    };
    if file.get(..first) != Some(TITLE.as_bytes()) {
        return Err(Failure::Input.because("it is not a keyring file of this program's version"));
    }
    let (head, body) = (file.get(..=second), file.get(second + 1..third));
    let kept = file.get(first + 1..second).and_then(|line| std::str::from_utf8(line).ok());
    match (head, kept.and_then(Kept::parse), body) {
        (Some(head), Some(kept), Some(body)) => Ok((head, kept, body)),
        _ => Err(damaged()),
    }
}

/// Opens what is sealed, in place, and cuts the tag off.
fn unseal(cipher: &ChaCha20Poly1305, head: &[u8], secret: &mut Vec<u8>) -> Result<()> {
    let len = secret.len().checked_sub(TAG_LEN).ok_or_else(damaged)?;
    let (sealed, tag) = secret.split_at_mut(len);
    let tag = Tag::try_from(&*tag).map_err(|_| damaged())?;
    cipher
        .decrypt_inout_detached(&NONCE.into(), head, sealed.into(), &tag)
        .map_err(|_| Failure::Denied.because("wrong passphrase, or a damaged file"))?;
    secret.truncate(len);
    Ok(())
}

/// How the keyring is kept: the second line.
enum Kept {
    Plain,
    UnderPassphrase { cost: Cost, salt: [u8; SALT_LEN] },
}

impl Kept {
    fn head(&self) -> String {
        match self {
            Self::Plain => format!("{TITLE}\n{PLAIN}\n"),
            Self::UnderPassphrase { cost: Cost { memory, passes, lanes }, salt } => {
                let salt = Base64::encode_string(salt);
                format!("{TITLE}\nargon2id m={memory} t={passes} p={lanes} salt={salt}\n")
            }
        }
    }

    fn parse(line: &str) -> Option<Self> {
        if line == PLAIN {
            return Some(Self::Plain);
        }
        let mut words = line.strip_prefix("argon2id ")?.split(' ');
        let mut number = |name: &str| words.next()?.strip_prefix(name)?.parse().ok();
        let cost = Cost { memory: number("m=")?, passes: number("t=")?, lanes: number("p=")? };
        let mut salt = [0; SALT_LEN];
        let decoded = Base64::decode(words.next()?.strip_prefix("salt=")?, &mut salt).ok()?.len();
        (cost.is_bearable() && decoded == SALT_LEN && words.next().is_none())
            .then_some(Self::UnderPassphrase { cost, salt })
    }
}

/// What a guess costs.
struct Cost {
    /// KiB.
    memory: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// The second recommendation of RFC 9106, on one lane: 64 MiB, three passes.
    const USUAL: Self = Self { memory: 64 << 10, passes: 3, lanes: 1 };

    /// A file must not be able to occupy a machine: at most 1 GiB, 16 passes, 16 lanes.
    fn is_bearable(&self) -> bool {
        (8 << 10..=1 << 20).contains(&self.memory) && (1..=16).contains(&self.passes) && (1..=16).contains(&self.lanes)
    }

    fn cipher(&self, passphrase: &Passphrase, salt: &[u8; SALT_LEN]) -> Result<ChaCha20Poly1305> {
        let cant = |error| anyhow!("Argon2id: {error}");
        let params = Params::new(self.memory, self.passes, self.lanes, Some(32)).map_err(cant)?;
        let mut memory = Zeroizing::new(vec![Block::default(); params.block_count()]);
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase.as_bytes(), salt, key.as_mut_slice(), memory.as_mut_slice())
            .map_err(cant)?;
        Ok(ChaCha20Poly1305::new((&*key).into()))
    }
}

fn salt<R: TryCryptoRng>(rng: &mut R) -> Result<[u8; SALT_LEN]> {
    let mut salt = [0; SALT_LEN];
    rng.try_fill_bytes(&mut salt).map_err(|_| symbolon::Error::RngFailed)?;
    Ok(salt)
}

fn damaged() -> anyhow::Error {
    Failure::Input.because("the file is damaged: take a backup")
}

const TITLE: &str =
    "symbolon keyring 1 - SECRET: whoever has this file can open every token. Never commit, mail or publish it.";
const PLAIN: &str = "plain";
const SALT_LEN: usize = 16;
const TAG_LEN: usize = 16;
/// The key is used once.
const NONCE: [u8; 12] = [0; 12];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state;

    fn keyring() -> Keyring {
        Keyring::generate(&mut state::rng().unwrap()).unwrap()
    }

    fn nobody_asks() -> Result<Passphrase> {
        panic!("a plain file has no passphrase")
    }

    /// What is written is read, in either form.
    #[test]
    fn goes_around() {
        let (keyring, rng) = (keyring(), &mut state::rng().unwrap());
        let plain = encode(&keyring, None, rng).unwrap();
        assert_eq!(secret(&decode(&plain, nobody_asks).unwrap().keyring).unwrap(), secret(&keyring).unwrap());

        let sealed = encode(&keyring, Some(&Passphrase::of("correct horse")), rng).unwrap();
        let opened = decode(&sealed, || Ok(Passphrase::of("correct horse"))).unwrap();
        assert_eq!(secret(&opened.keyring).unwrap(), secret(&keyring).unwrap());
        let wrong = decode(&sealed, || Ok(Passphrase::of("correct hors"))).err().unwrap();
        assert_eq!(crate::error::code(&wrong), 3);
    }

    /// No plain file that lacks its end, or has anything more, is taken for a keyring.
    #[test]
    fn cut_or_longer_is_refused() {
        let whole = encode(&keyring(), None, &mut state::rng().unwrap()).unwrap();
        for len in 0..whole.len() {
            assert!(decode(&whole[..len], nobody_asks).is_err(), "cut to {len}");
        }
        for more in [b"\n".as_slice(), b"x", b" ", b"\0"] {
            assert!(decode(&[&whole, more].concat(), nobody_asks).is_err());
        }
    }

    /// Parameters that would occupy the machine, or protect nothing, are refused before anything is computed.
    #[test]
    fn unbearable_costs_are_refused() {
        let line = |m: u64, t: u64, p: u64| format!("argon2id m={m} t={t} p={p} salt=AAAAAAAAAAAAAAAAAAAAAA==");
        assert!(Kept::parse(&line(65536, 3, 1)).is_some());
        for bad in [line(8191, 3, 1), line(1 << 21, 3, 1), line(65536, 0, 1), line(65536, 17, 1), line(65536, 3, 0)] {
            assert!(Kept::parse(&bad).is_none(), "{bad}");
        }
        assert!(Kept::parse("argon2id m=65536 t=3 p=1 salt=AAAA").is_none());
        assert!(Kept::parse("argon2id m=65536 t=3 p=1 salt=AAAAAAAAAAAAAAAAAAAAAA== more").is_none());
        assert!(Kept::parse("plain ").is_none());
    }
}
