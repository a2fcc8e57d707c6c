//! `symbolon protect`: puts tokens in place of the values in a file or pipe.

pub(crate) mod cells;
mod csv_rows;
mod header;
pub(crate) mod input;
pub(crate) mod job;
mod json_lines;
mod pipeline;
pub(crate) mod problem;
mod remote;
pub(crate) mod rows;

use std::{
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use anyhow::Result;
use clap::ValueEnum;
use symbolon::{Field, Rights, Vault};
use symbolon_device::Address;

use self::{
    cells::Tally,
    input::Input,
    job::{check, protect},
};
use crate::{
    appliance::{Appliance, Program},
    error::Failure,
    output::ResultArgs,
    progress::{Count, Progress, per_second},
    schema::{self, OwnerKind, Plan},
    state::{self, State},
    where_keys::Place,
};

/// symbolon protect
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The keyring file
    #[arg(long, value_name = "FILE", required_unless_present_any = ["device", "check"])]
    keyring: Option<PathBuf>,
    /// The appliance that has the keys: the path of a serial line, or tcp:HOST:PORT
    #[arg(long, value_name = "ADDRESS", value_parser = Address::parse, conflicts_with = "keyring")]
    device: Option<Address>,
    /// The file with the appliance's role keys: its issuer logs this program in
    #[arg(long, value_name = "FILE", requires = "device", conflicts_with = "keyring")]
    roles: Option<PathBuf>,
    /// A file that says tenant, owner and fields, instead of the options of these names
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["tenant", "owner", "field", "owner_kind", "record"])]
    schema: Option<PathBuf>,
    /// Whose customers they are: a name of your shop, clinic or customer
    #[arg(long, required_unless_present = "schema")]
    tenant: Option<String>,
    /// The column that says whose data a row is
    #[arg(long, value_name = "COLUMN", required_unless_present = "schema")]
    owner: Option<String>,
    /// A column to protect and what it holds, such as mail=email; once for each
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = schema::parse_field, required_unless_present = "schema")]
    field: Vec<(String, Field)>,
    /// The column that says which record a row is about (an order's number), for fields that are bound to one
    #[arg(long, value_name = "COLUMN")]
    record: Option<String>,
    /// Make tokens that `symbolon erase` can make unopenable for good, whoever has the keys
    #[arg(long)]
    erasable: bool,
    /// A protected column that has no room for a token: 16 digits take its place, and the registry beside the keyring keeps the
    /// token. With :last4 they end with the value's own last four digits
    #[arg(long, value_name = "COLUMN[:last4]", value_parser = schema::parse_surrogate)]
    surrogate: Vec<(String, bool)>,
    /// What the owners are
    #[arg(long, value_enum, value_name = "KIND", default_value = "person")]
    owner_kind: OwnerKind,
    /// Leave a column out of the result: what must not be stored at all, such as security codes
    #[arg(long, value_name = "COLUMN")]
    drop_column: Vec<String>,
    /// What the input is, where its name doesn't tell
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What stands between two cells: a character, or "tab"
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// Only check: report what would be refused, write nothing
    #[arg(long)]
    check: bool,
    /// Threads that seal; as many as there are processors unless said otherwise
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    threads: Option<u16>,
    #[command(flatten)]
    result: ResultArgs,
    /// The file to protect, or "-" for standard input
    input: PathBuf,
}

/// What is read and written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values with a header (also with other delimiters)
    Csv,
    /// JSON Lines: one object on each line
    Jsonl,
}

/// How a job is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// What the input is.
    format: Format,
    /// What stands between two cells.
    delimiter: u8,
    /// How many threads seal.
    threads: usize,
}

impl Options {
    /// What the input is: as it is said, or told by its name's ending.
    pub(crate) fn new(format: Option<Format>, delimiter: Option<u8>, input: &Path) -> Result<Self> {
        let mut options = match format {
            Some(format) => Self::with(format),
            None => Self::of(input)?,
        };
        options.delimiter = delimiter.unwrap_or(options.delimiter);
        Ok(options)
    }

    /// Those of the command line without options: the format by the name's ending, a thread for each processor.
    fn of(path: &Path) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
        let (format, delimiter) = match ending.as_str() {
            "csv" => (Format::Csv, b','),
            "tsv" => (Format::Csv, b'\t'),
            "jsonl" | "ndjson" => (Format::Jsonl, b','),
            _ => {
                let what = format!("what {} is can't be told by its name: say --format csv or jsonl", path.display());
                return Err(Failure::Input.because(what));
            }
        };
        Ok(Self { delimiter, ..Self::with(format) })
    }

    /// On one thread.
    pub(crate) const fn on_one_thread(format: Format, delimiter: u8) -> Self {
        Self { format, delimiter, threads: 1 }
    }

    fn with(format: Format) -> Self {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        Self { format, delimiter: b',', threads }
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> Result<()> {
    let plan = args.plan()?;
    plan.check()?;
    let options = args.options()?;
    // Checking shall need no keyring, so that whoever prepares the file need not have it.
    let place = Place::of(args.keyring.as_deref(), args.device.as_ref(), args.roles.as_deref());
    let keys = place.filter(|_| !args.check).map(|place| Keys::open(place, &plan)).transpose()?;
    let input = Input::open(&args.input)?;
    let name = input.name.clone();
    let progress = Progress::new(input.size, args.result.quiet);
    let Some(keys) = keys else {
        let found = check(&plan, &options, input, &progress)?;
        progress.finish();
        return found.report(&name, args.result.quiet);
    };
    let mut output = args.result.create(&args.input)?;
    let (plan, options) = (&plan, &options);
    let tally = match keys {
        Keys::Alone(vault) => protect(&vault, None, plan, options, input, |bytes| output.write(bytes), &progress),
        Keys::WithRegistry(mut state) => {
            let State { vault, host } = &mut *state;
            protect(vault, Some(host), plan, options, input, |bytes| output.write(bytes), &progress)
        }
        Keys::Remote(program) => remote::protect(*program, plan, options, input, &mut output, &progress),
    }?;
    output.finish()?;
    let time = progress.finish();
    if !args.result.quiet {
        eprintln!("{}", closing_line(&tally, time));
    }
    Ok(())
}

/// What seals: for erasable tokens and surrogates it takes the registry, which one program at a time can use.
enum Keys {
    Alone(Box<Vault>),
    WithRegistry(Box<State>),
    Remote(Box<Program>),
}

impl Keys {
    fn open(place: Place<'_>, plan: &Plan) -> Result<Self> {
        Ok(match place {
            Place::Keyring(keyring) if plan.erasable || !plan.surrogates.is_empty() => {
                Self::WithRegistry(Box::new(State::open(keyring)?))
            }
            Place::Keyring(keyring) => Self::Alone(Box::new(state::open_vault(keyring)?)),
            Place::Appliance(remote) => {
                remote::refuse_surrogates(plan)?;
                let appliance = Appliance::connect(remote)?;
                Self::Remote(Box::new(Program::log_in(appliance, &plan.tenant, Rights::TOKENIZE)?))
            }
        })
    }
}

/// The words after a job is done.
fn closing_line(tally: &Tally, time: Duration) -> String {
    let Tally { rows, protected, already, empty, .. } = *tally;
    format!(
        "{} rows: {} values protected; left alone: {} tokens, {} empty cells; {:.1} s, {} rows/s",
        Count(rows),
        Count(protected),
        Count(already),
        Count(empty),
        time.as_secs_f64(),
        per_second(rows, time),
    )
}

impl Args {
    fn plan(&self) -> Result<Plan> {
        let mut plan = match &self.schema {
            Some(path) => Plan::read(path)?,
            None => Plan {
                tenant: self.tenant.clone().unwrap_or_default(),
                owner: self.owner.clone().unwrap_or_default(),
                owner_kind: self.owner_kind,
                record: self.record.clone(),
                fields: self.field.clone(),
                ..Plan::default()
            },
        };
        plan.erasable |= self.erasable;
        plan.surrogates.extend_from_slice(&self.surrogate);
        plan.dropped.extend_from_slice(&self.drop_column);
        Ok(plan)
    }

    fn options(&self) -> Result<Options> {
        let mut options = Options::new(self.format, self.delimiter, &self.input)?;
        options.threads = self.threads.map_or(options.threads, usize::from);
        Ok(options)
    }
}

/// One ASCII character that can't be part of a token.
pub(crate) fn parse_delimiter(text: &str) -> Result<u8, String> {
    match (text, text.as_bytes()) {
        ("tab" | "\\t", _) => Ok(b'\t'),
        (_, [byte]) if byte.is_ascii() && !b"\"\r\n\0-_".contains(byte) && !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err("it must be one ASCII character that is no letter, digit, quote, - or _; or the word tab".into()),
    }
}

const AFTER_HELP: &str = "\
Cells that are tokens already and empty cells stay as they are, so a file can be protected again when rows were added.
A value that its field does not take is refused with its row and column; --check lists the first 20.
Empty lines are left out; quotes are set where CSV needs them (RFC 4180), line ends are those of the first line.

A result file appears whole or not at all. Until then it has a hidden name in the same directory, .symbolon-….part; what a
run that was killed has left there is removed by the next. On standard output this can't be promised: look at the exit code.

Fields: person-name, postal-address, phone, email, card-number, card-expiry, bank-account, birth-date, national-id,
order-line, free-text; and your own: custom-64-0 to custom-64-2047 (64: bytes that shorter values are padded to).
Bound to a record, so that they open only where the same record is asked for: shipping-address, and bound-64-0 to bound-64-2047.
They take --record COLUMN:
  symbolon protect orders.csv --tenant shop-17 --owner customer_id --field ship_to=shipping-address --record order_id …

With an appliance, --device ADDRESS and --roles shop.roles stand in place of --keyring: its issuer logs this program in. Each owner's values go \
to it together, one request at a time; rows that are ordered by owner take the least time. It keeps no surrogates. \
What it records is fetched as its memory fills (symbolon trail fetch), where the file has the auditor's key.

With --erasable each owner gets a secret, kept beside the keyring, without which the tokens don't open; `symbolon erase` destroys
it. A row of an owner who was erased is refused. Backups of the keyring alone don't bring erasable tokens back: the secrets
are in its .state directory.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters() {
        let parsed = [",", ";", "|", "tab", "\\t", "\t", " "].map(|text| parse_delimiter(text).unwrap());
        assert_eq!(parsed, *b",;|\t\t\t ");
        for text in ["", ",,", "a", "0", "-", "_", "\"", "\n", "é"] {
            assert!(parse_delimiter(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn formats_are_told_by_endings() {
        let of = |name: &str| Options::of(Path::new(name)).map(|options| (options.format, options.delimiter));
        assert_eq!(of("a.CSV").unwrap(), (Format::Csv, b','));
        assert_eq!(of("a.tsv").unwrap(), (Format::Csv, b'\t'));
        assert_eq!(of("a.jsonl").unwrap(), (Format::Jsonl, b','));
        assert!(of("-").is_err() && of("csv").is_err());
    }
}
