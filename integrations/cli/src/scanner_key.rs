//! The scanner key's file: a line that says what it is, the tenant for people, and the key in base64.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64ct::{Base64, Encoding};
use clap::Args;
use symbolon::ScannerKey;
use zeroize::Zeroizing;

use crate::{error::Failure, private_file, state};

/// symbolon scanner-key
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  symbolon scanner-key --keyring shop.keyring --tenant shop-17 -o shop-17.scanner

Whoever has the file can tell the tenant's tokens from all others, with symbolon scan. It opens nothing: no value, no session.
But its holder can forge tokens that symbolon scan takes for the tenant's (they open for nobody, either). Make a new one
after each symbolon rotate: a key knows the epochs that the keyring had when it was made.")]
pub(crate) struct ScannerKeyArgs {
    /// The keyring
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// Whose tokens it is to tell
    #[arg(long)]
    tenant: String,
    /// Where to write it
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

/// Writes a scanner key.
pub(crate) fn run(args: &ScannerKeyArgs) -> Result<()> {
    private_file::refuse_existing(&args.output)?;
    let key = state::open_vault(&args.keyring)?.scanner_key(&args.tenant)?;
    private_file::write(&args.output, &text(&key)?, false)?;
    eprintln!(
        "{} is written. It tells the tokens of {} and opens none; whoever has it can forge their marks.",
        args.output.display(),
        args.tenant
    );
    Ok(())
}

/// Reads the file that [`run`] has written.
pub(crate) fn read(path: &Path) -> Result<ScannerKey> {
    let file = private_file::read(path, "scanner key")?;
    parse(&file).ok_or_else(|| {
        let what =
            format!("{} is not a file of symbolon scanner-key: it is damaged, or something else", path.display());
        Failure::Input.because(what)
    })
}

fn text(key: &ScannerKey) -> Result<Zeroizing<Vec<u8>>> {
    let mut secret = Zeroizing::new([0; ScannerKey::MAX_LEN]);
    let len = key.write_secret(secret.as_mut_slice())?;
    // Room from the start: a buffer that grows leaves copies behind.
    let mut digits = Zeroizing::new(vec![0; Base64::encoded_len(&secret[..len])]);
    Base64::encode(&secret[..len], &mut digits).ok().context("the key can't be written as text")?;
    let mut text = Zeroizing::new(Vec::with_capacity(TITLE.len() + digits.len() + 2));
    for part in [TITLE.as_bytes(), b"\n", &digits, b"\n"] {
        text.extend_from_slice(part);
    }
    Ok(text)
}

fn parse(file: &[u8]) -> Option<ScannerKey> {
    let text = std::str::from_utf8(file).ok()?;
    let (title, digits) = text.split_once('\n')?;
    let mut secret = Zeroizing::new([0; ScannerKey::MAX_LEN]);
    let digits = digits.trim_end_matches(['\r', '\n']);
    let bytes = Base64::decode(digits, secret.as_mut_slice()).ok().filter(|_| title.starts_with(TITLE_START))?;
    ScannerKey::read_secret(bytes).ok()
}

const TITLE_START: &str = "# symbolon scanner key 1:";

const TITLE: &str =
    "# symbolon scanner key 1: tells one tenant's tokens, opens none. Secret: whoever has it can forge their marks.";

#[cfg(test)]
mod tests {
    use symbolon::Keyring;

    use super::*;

    /// What is written is read; what is cut or altered is not.
    #[test]
    fn goes_around() {
        let vault = state::vault_of(Keyring::generate(&mut state::rng().unwrap()).unwrap()).unwrap();
        let longest = "t".repeat(64);
        for tenant in ["shop-17", &longest] {
            let file = text(&vault.scanner_key(tenant).unwrap()).unwrap();
            assert_eq!(parse(&file).unwrap().tenant(), tenant.as_bytes());
            for cut in 0..file.len() - 1 {
                assert!(parse(&file[..cut]).is_none(), "cut to {cut}");
            }
        }
    }
}
