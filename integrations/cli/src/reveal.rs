//! `symbolon reveal`: shows a file or pipe with the values that belong to one session, and placeholders for all others.

pub(crate) mod blocks;
mod rows;
pub(crate) mod segments;
pub(crate) mod shape;
pub(crate) mod source;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use symbolon::{Access, Field, Format, Grant, Purpose, Time, View, appliance::Opening};
use zeroize::Zeroizing;

use self::{
    blocks::each_block,
    segments::{Opener, Opens},
    shape::{RecordOf, Shape},
    source::Source,
};
use crate::{
    address,
    appliance::Appliance,
    error::Failure,
    grant_file::GrantFile,
    login::parse_purpose,
    output::{Output, Readers},
    progress::{Count, Progress, per_second},
    session_file::{Caller, SessionFile},
    state::{self, State},
    where_keys::{Place, WhereKeys},
};

/// symbolon reveal
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    #[command(flatten)]
    keys: WhereKeys,
    /// Whose values are shown, or who opens under the grant: the session file of symbolon login
    #[arg(long, value_name = "FILE")]
    session: PathBuf,
    /// Open the values of the owner who gave this grant (symbolon grant), instead of the session's own
    #[arg(long, value_name = "FILE")]
    grant: Option<PathBuf>,
    /// What for; own-use unless said otherwise, or what the grant is for
    #[arg(long, value_name = "NAME", value_parser = parse_purpose)]
    purpose: Option<Purpose>,
    /// For the purpose message: the address that the mail goes to. Nothing opens unless it is the owner's verified one
    #[arg(long, value_name = "ADDRESS", conflicts_with = "to_phone")]
    to_email: Option<String>,
    /// For the purpose message: the number that the message goes to
    #[arg(long, value_name = "NUMBER")]
    to_phone: Option<String>,
    #[command(flatten)]
    shape: Shape,
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

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let format = args.shape.format(&args.input)?;
    let record_of = args.shape.record_of(format)?;
    let session = SessionFile::read(&args.session)?;
    let grant = args.grant.as_deref().map(GrantFile::read).transpose()?;
    let how = args.how(grant.as_ref())?;
    session.refuse_other_purpose(how.purpose)?;
    let source = Source::open(&args.input)?;
    let job = Job { args, format, record_of, grant: grant.as_ref(), is_masked: how.is_masked };
    match args.keys.place() {
        Place::Keyring(keyring) => {
            let mut state = State::open(keyring)?;
            let State { vault, host } = &mut state;
            let caller = Caller::new(session, vault, host)?;
            job.run(source, Opens::Here { access: how.access(), caller, vault, host })
        }
        Place::Appliance(remote) => {
            let mut appliance = Appliance::connect(remote)?;
            appliance.session(&session.credential, &session.key, |asked| Ok(asked.authenticate()?))?;
            // What waits at the appliance is seen to move.
            job.run(source.in_small_blocks(), Opens::There { opening: how.opening(), session, appliance })
        }
    }
}

/// A run, whatever opens.
struct Job<'j> {
    args: &'j Args,
    format: Format<'j>,
    record_of: RecordOf<'j>,
    grant: Option<&'j GrantFile>,
    is_masked: bool,
}

impl Job<'_> {
    fn run(&self, source: Source, opens: Opens<'_>) -> Result<()> {
        let Self { args, format, record_of, .. } = *self;
        let mut output = Output::create(args.output.as_deref(), &args.input, args.force, Readers::OnlyTheUser)?;
        let progress = Progress::new(source.size, args.quiet);
        let mut opener = Opener { opens, out: Zeroizing::new(Vec::new()), tally: Tally::default() };
        let bytes = each_block(format, record_of, source, &progress, |block| opener.write(block, &mut output))?;
        let tally = Tally { bytes, ..opener.tally };
        output.finish()?;
        let time = progress.finish();
        if !args.quiet {
            eprintln!("{}", closing_line(&tally, self.is_masked, time));
            if let Some(hint) = hint(format, self.grant, &tally)? {
                eprintln!("{hint}");
            }
        }
        Ok(())
    }
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
    /// Of those refused, tokens of a bound field that came without a record.
    pub(crate) without_record: u64,
    /// While no token was found in a place where it may be opened: what looked like one elsewhere.
    pub(crate) elsewhere: u64,
}

/// The words after a job is done.
fn closing_line(tally: &Tally, is_masked: bool, time: Duration) -> String {
    let megabytes = per_second(tally.bytes / 1000, time);
    let mut line = format!(
        "{} bytes: {} tokens opened{}, {} refused (placeholders); {:.1} s, {:.1} MB/s",
        Count(tally.bytes),
        Count(tally.opened),
        if is_masked { " to their masks" } else { "" },
        Count(tally.refused),
        time.as_secs_f64(),
        megabytes.0 as f64 / 1000.0,
    );
    if tally.not_text > 0 {
        line.push_str(&format!("; {} values are not text and are shown as placeholders", Count(tally.not_text)));
    }
    line
}

/// What may help somebody who sees no values, or not all.
fn hint(format: Format<'_>, grant: Option<&GrantFile>, tally: &Tally) -> Result<Option<String>> {
    if tally.without_record > 0 {
        let count = Count(tally.without_record);
        return Ok(Some(format!(
            "{count} of them are bound to a record (the order that an address is for): say which with --record or --record-column."
        )));
    }
    if tally.opened + tally.refused > 0 {
        return Ok(if tally.opened == 0 { Some(nothing_opened(grant, state::now()?)) } else { None });
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
    Ok(Some(format!("{place} {elsewhere}")))
}

/// Why, as far as those can tell who see the grant. The trail has the reason.
fn nothing_opened(grant: Option<&GrantFile>, now: Time) -> String {
    match grant {
        None => "Nothing in this file belongs to this session, or the owner was erased, or the root key retired. The audit trail has \
                 the reason."
            .to_owned(),
        Some(file) if file.grant.expires_unverified() <= now => "The grant is over; its owner can mint another.".to_owned(),
        Some(_) => "Nothing opened under this grant: it may be another's, for other fields or another record, revoked or used up; \
                    or nothing in this file is its owner's. The audit trail has the reason."
            .to_owned(),
    }
}

impl Args {
    /// How to open, as the options say it.
    fn how<'a>(&'a self, file: Option<&'a GrantFile>) -> Result<How<'a>> {
        let refuse = |what: String| Err(Failure::Input.because(what));
        let of_grant = file.map(|file| file.grant.purpose_unverified());
        let purpose = self.purpose.or(of_grant).unwrap_or(Purpose::OWN_USE);
        if let Some(granted) = of_grant.filter(|granted| *granted != purpose) {
            return refuse(format!(
                "the grant is for {granted}, and opens nothing for {purpose}: leave --purpose away"
            ));
        }
        let view = file.map(|file| file.grant.view_unverified());
        if view == Some(View::Reseal) {
            return refuse("this grant shows nothing: it is for symbolon rewrap or reown".into());
        }
        // A grant to masks opens nothing else, so there is nothing to ask.
        let is_masked = self.masked || view == Some(View::Masked);
        let to = match (&self.to_email, &self.to_phone) {
            (Some(address), _) => Some((Field::EMAIL, address)),
            (None, Some(number)) => Some((Field::PHONE, number)),
            (None, None) => None,
        };
        match to {
            Some(_) if purpose != Purpose::MESSAGE => {
                refuse(format!("--to-email and --to-phone are for the purpose message, and this is for {purpose}"))
            }
            None if purpose == Purpose::MESSAGE => {
                refuse("a message opens for its destination only: say --to-email ADDRESS or --to-phone NUMBER".into())
            }
            _ => {
                to.map_or(Ok(()), |(field, address)| address::check(field, address))?;
                let grant = file.map(|file| &file.grant);
                Ok(How { purpose, is_masked, grant, to: to.map(|(field, address)| (field, address.as_bytes())) })
            }
        }
    }
}

/// How something is opened.
struct How<'a> {
    purpose: Purpose,
    is_masked: bool,
    grant: Option<&'a Grant>,
    to: Option<(Field, &'a [u8])>,
}

impl<'a> How<'a> {
    /// As a vault is asked.
    fn access(&self) -> Access<'a> {
        let access = Access::new(self.purpose);
        let access = self.grant.map_or(access, |grant| access.under(grant));
        let access = if self.is_masked { access.masked() } else { access };
        self.to.map_or(access, |(field, address)| access.to_address(field, address))
    }

    /// As an appliance is asked.
    fn opening(&self) -> Opening<'a> {
        let (address_field, address) = self.to.map_or((0, &[][..]), |(field, address)| (field.code(), address));
        let grant = self.grant.map_or(&[][..], |grant| grant.as_bytes());
        Opening { purpose: self.purpose.code(), masked: self.is_masked, grant, address_field, address }
    }
}

const AFTER_HELP: &str = "\
Examples:
  symbolon reveal protected.csv --keyring shop.keyring --session alice.session
  symbolon reveal order-7.csv --keyring shop.keyring --session yamato.session \\
      --grant parcel.grant --record order-7
  symbolon reveal protected.csv --device /dev/ttyACM0 --session alice.session

With an appliance the values come sealed for this session alone, and are opened here: no relay between sees them. \
Each token is an entry in its trail; with --roles FILE, where that has the auditor's key, the trail is fetched as it fills.

What belongs to the session, or to the owner who gave the grant, is shown; every other token becomes its field's \
placeholder, whoever it belongs to. Tokens that are not the whole of a value stay as they are. Under a grant with \
counted uses, each token of a granted field uses one, whoever it belongs to: give it only what it is for. Refusals \
are the normal case and no error: the exit code is 0.

Every opening and every refusal is in the audit trail before a value is written.

A result file appears whole or not at all, readable by you alone. Until then it has a hidden name in the same \
directory, .symbolon-….part; what a run that was killed has left there is removed by the next. On standard output \
values appear as they are opened: look at the exit code.";
