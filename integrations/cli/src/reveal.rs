//! `symbolon reveal`: shows a file or pipe with the values that belong to one session, and placeholders for all others.

mod segments;
mod source;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use clap::ValueEnum;
use symbolon::{Error, Format, Scanner, Session, Vault};

use self::{
    segments::{Segments, View},
    source::Source,
};
use crate::{
    error::Failure,
    output::{Output, Readers},
    progress::{Count, Progress, per_second},
    protect::parse_delimiter,
    session_file::SessionFile,
    state::{self, CliHost, State},
};

/// symbolon reveal
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The keyring file
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// Whose values are shown: the session file of symbolon login
    #[arg(long, value_name = "FILE")]
    session: PathBuf,
    /// What the input is, where its name doesn't tell
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// What stands between two cells: a character, or "tab"
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// HTML: open tokens in elements with data-symbolon="MARKER" only. Take a fresh random one for each page
    #[arg(long, value_name = "MARKER")]
    html_marker: Option<String>,
    /// Plain text: open tokens wherever they stand. Dangerous for anything that is rendered, run or followed as a link
    #[arg(long)]
    anywhere_in_plain_text: bool,
    /// Show masks such as 山●● and ●●●● 4242 instead of values
    #[arg(long)]
    masked: bool,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
    /// Show no progress, no hints and no closing line
    #[arg(long, short)]
    quiet: bool,
    /// Where to write, for your eyes only; standard output if absent or "-"
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The file to reveal, or "-" for standard input
    input: PathBuf,
}

/// What is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatName {
    /// Comma-separated values: cells that are exactly a token
    Csv,
    /// JSON and JSON Lines: strings that are exactly a token
    Json,
    /// HTML: the text of elements that carry the marker
    Html,
    /// Plain text, with --anywhere-in-plain-text
    Text,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let format = args.format()?;
    let session = SessionFile::read(&args.session)?;
    let source = Source::open(&args.input)?;
    let mut state = State::open(&args.keyring)?;
    let mut caller = Caller::new(&session, &state.vault, &mut state.host)?;
    let mut output = Output::create(args.output.as_deref(), &args.input, args.force, Readers::OnlyTheUser)?;
    let progress = Progress::new(source.size, args.quiet);
    let view = if args.masked { View::Masked } else { View::Whole };
    let tally = reveal(format, view, source, &mut caller, &mut output, &progress)?;
    output.finish()?;
    let time = progress.finish();
    if !args.quiet {
        eprintln!("{}", closing_line(&tally, time));
        if let Some(hint) = hint(format, &tally) {
            eprintln!("{hint}");
        }
    }
    Ok(())
}

/// What a run has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Bytes of the input.
    pub(crate) bytes: u64,
    /// Tokens that opened.
    pub(crate) opened: u64,
    /// Tokens that did not, and were replaced by placeholders.
    pub(crate) refused: u64,
    /// Of those opened, values that aren't text and got placeholders nevertheless.
    pub(crate) not_text: u64,
    /// While no token was found in a place where it may be opened: what looked like one elsewhere.
    pub(crate) elsewhere: u64,
}

/// Reveals the whole of `source`.
fn reveal(
    format: Format<'_>,
    view: View,
    source: Source,
    caller: &mut Caller<'_>,
    output: &mut Output,
    progress: &Progress,
) -> Result<Tally> {
    let mut scanner = Scanner::new(format);
    let mut segments = Segments::new(view);
    for block in source {
        let block = block?;
        // Segments take everything: they are emptied after each block, and a block is no longer than what they have room for.
        let Ok(()) = scanner.feed(&block, &mut segments);
        segments.tally.bytes += u64::try_from(block.len()).unwrap_or_default();
        segments.write(caller, output)?;
        progress.advance(u64::try_from(block.len()).unwrap_or_default());
    }
    let Ok(()) = scanner.finish(&mut segments);
    segments.write(caller, output)?;
    Ok(segments.tally)
}

/// The session, made anew before it ends.
pub(crate) struct Caller<'c> {
    file: &'c SessionFile,
    vault: &'c Vault,
    host: &'c mut CliHost,
    session: Session<&'c Vault>,
}

impl<'c> Caller<'c> {
    fn new(file: &'c SessionFile, vault: &'c Vault, host: &'c mut CliHost) -> Result<Self> {
        let session = authenticate(file, vault, host)?;
        Ok(Self { file, vault, host, session })
    }

    /// The vault, its host, and a session that lasts for a while.
    fn lasting(&mut self) -> Result<(&'c Vault, &mut CliHost, &Session<&'c Vault>)> {
        if self.session.ends().as_millis() < state::now()?.as_millis() + ENOUGH {
            self.session = authenticate(self.file, self.vault, self.host)?;
        }
        Ok((self.vault, self.host, &self.session))
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

/// The words after a job is done.
fn closing_line(tally: &Tally, time: Duration) -> String {
    let megabytes = per_second(tally.bytes / 1000, time);
    let mut line = format!(
        "{} bytes: {} tokens opened, {} refused (placeholders); {:.1} s, {:.1} MB/s",
        Count(tally.bytes),
        Count(tally.opened),
        Count(tally.refused),
        time.as_secs_f64(),
        megabytes.0 as f64 / 1000.0,
    );
    if tally.not_text > 0 {
        line.push_str(&format!("; {} values are not text and are shown as placeholders", Count(tally.not_text)));
    }
    line
}

/// What may help somebody who sees no values.
fn hint(format: Format<'_>, tally: &Tally) -> Option<String> {
    if tally.opened + tally.refused > 0 {
        let all_refused = tally.opened == 0;
        return all_refused.then(|| "Nothing in this file belongs to this session.".to_owned());
    }
    let elsewhere = match tally.elsewhere {
        0 => "The input has nothing that begins like a token (sym_).".to_owned(),
        count => format!("{} that may be tokens stand elsewhere and were left as they are.", Count(count)),
    };
    let place = match format {
        Format::Html { .. } => {
            "No token stood in a marked place: the whole text of an element with data-symbolon=\"MARKER\"."
        }
        Format::Csv { .. } => "No cell was exactly a token. (Is the delimiter another one?)",
        Format::Json => "No string was exactly a token.",
        _ => "No token was found.",
    };
    Some(format!("{place} {elsewhere}"))
}

impl Args {
    fn format(&self) -> Result<Format<'_>> {
        let refuse = |what: &str| Err(Failure::Input.because(what));
        let (name, delimiter) = match (self.format, format_of(&self.input)) {
            (Some(name), of_ending) => (name, of_ending.map_or(b',', |(_, delimiter)| delimiter)),
            (None, Some(told)) => told,
            (None, None) if self.anywhere_in_plain_text => (FormatName::Text, b','),
            (None, None) => return refuse(UNTOLD),
        };
        let marker = self.html_marker.as_deref().filter(|marker| !marker.is_empty());
        match (name, marker) {
            (FormatName::Csv, _) => Ok(Format::Csv { delimiter: self.delimiter.unwrap_or(delimiter) }),
            (FormatName::Json, _) => Ok(Format::Json),
            (FormatName::Html, Some(marker)) => Ok(Format::Html { marker }),
            (FormatName::Html, None) => refuse(NO_MARKER),
            (FormatName::Text, _) if self.anywhere_in_plain_text => Ok(Format::AnywhereInPlainText),
            (FormatName::Text, _) => refuse(NOT_ANYWHERE),
        }
    }
}

/// What a file is by the ending of its name, and its delimiter.
fn format_of(path: &Path) -> Option<(FormatName, u8)> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    Some(match ending.as_str() {
        "csv" => (FormatName::Csv, b','),
        "tsv" => (FormatName::Csv, b'\t'),
        "json" | "jsonl" | "ndjson" => (FormatName::Json, b','),
        "html" | "htm" => (FormatName::Html, b','),
        "txt" | "log" => (FormatName::Text, b','),
        _ => return None,
    })
}

/// Milliseconds that a session must last before a block is begun with it.
const ENOUGH: u64 = 20_000;

const UNTOLD: &str = "what the input is can't be told by its name: say --format csv, json, html or text";

const NO_MARKER: &str = "HTML is revealed in marked elements only: say which marker with --html-marker MARKER, as in \
                         <span data-symbolon=\"MARKER\">sym_…</span>";

const NOT_ANYWHERE: &str = "plain text has no places of its own where a value belongs. If nothing renders, runs or follows this \
                            text, say --anywhere-in-plain-text";

const AFTER_HELP: &str = "\
What belongs to the session is shown; every other token becomes its field's placeholder, whoever it belongs to. Tokens that
are not the whole of a value stay as they are. Refusals are the normal case and no error: the exit code is 0.

Every opening and every refusal is in the audit trail before a value is written.

A result file appears whole or not at all, readable by you alone. Until then it has a hidden name in the same directory,
.symbolon-….part; what a run that was killed has left there is removed by the next. On standard output values appear as they
are opened: look at the exit code.";
