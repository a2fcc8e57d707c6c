//! Finds tokens in whatever leaked, and says whose they are and which export they are of.

pub(crate) mod canaries;
pub(crate) mod report;
pub(crate) mod sources;

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use symbolon::{Field, Token};
use symbolon_leak::{Options, Tokens, control};

use self::{canaries::Canaries, report::Report, sources::SourceArgs};
use crate::scanner_key;

/// symbolon scan
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon scan leaked.zip --scanner-key shop-17.scanner
  symbolon scan /var/mail dump.sql.gz --scanner-key shop-17.scanner --canaries shop.keyring.canaries
  curl -s https://example.com/list | symbolon scan --scanner-key shop-17.scanner --json

Looks into zip (so EPUB, docx, xlsx), gzip, zstd and tar, and through percent encoding, HTML references, JSON escapes,
quoted-printable, broken and quoted lines, base64, UTF-16 and UTF-32, one inside the other. In each run a made-up token is put
through all of these and must be found.

A scanner key opens nothing; symbolon scanner-key makes one. It tells by a mark of 32 bits, which its holder can forge.
Several keys tell several tenants' tokens apart. Exits with 0 whether anything is found or not; --must-be-clean makes that 5.")]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    sources: SourceArgs,
    /// The scanner key of a tenant; more than one may be given
    #[arg(long, value_name = "FILE", required = true)]
    scanner_key: Vec<PathBuf>,
    /// The list of canaries that symbolon canary keeps
    #[arg(long, value_name = "FILE")]
    canaries: Option<PathBuf>,
}

/// Finds tokens.
pub(crate) fn run(args: &ScanArgs) -> Result<()> {
    let keys = args.scanner_key.iter().map(|path| scanner_key::read(path)).collect::<Result<Vec<_>>>()?;
    let canaries = args.canaries.as_deref().map(Canaries::read).transpose()?.unwrap_or_default();
    let look = Tokens::new();
    let controls = sources::check(&control(&look, &args.sources.options())?)?;
    let mut report = Report::new(&keys, &canaries, args.sources.json);
    let looked = args.sources.look(&look, &[], controls, |found| report.add(found))?;
    looked.tell_problems(str::to_owned);
    report.finish(&looked)?;
    looked.end(report.found(), args.sources.must_be_clean)
}

/// A token that no keyring made goes through everything that is claimed.
fn control(look: &Tokens, options: &Options) -> Result<control::Report> {
    let mut bytes = [0; Token::OVERHEAD + 64];
    getrandom::fill(&mut bytes)?;
    let [low, high] = Field::PERSON_NAME.code().to_le_bytes();
    // Version and suite, the class of 64 bytes, the field, epoch 1.
    bytes[..6].copy_from_slice(&[0x11, 1, low, high, 1, 0]);
    let token = Token::from_bytes(&bytes).context("the control's token is none")?;
    Ok(control::run(look, options, &token.to_string(), |found| **found == bytes))
}
