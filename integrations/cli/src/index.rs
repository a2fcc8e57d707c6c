//! `symbolon index`: search by a protected value, without the values. The registry's index is filled from a plain file; a look-up gives
//! the rows that may have a value.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use symbolon::{Environment, Field, Index, Indexer, Lookup, Rights, Vault};
use symbolon_host::{
    normalise::{Country, Normaliser},
    registry::{self, IndexRow},
};

use crate::{
    error::Failure,
    progress::{Count, Progress, per_second},
    protect::{
        Format, Options,
        cells::{check_id, looks_like_token, principal},
        input::Input,
        job::Job,
        parse_delimiter,
        problem::{Id, What},
        rows::{Cell, Chunk, Made, Refused, Rows, Work, Worker},
    },
    schema::{self, OwnerKind, Plan},
    session_file::Caller,
    state::{CliHost, State},
};

/// symbolon index
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct IndexArgs {
    /// The keyring file
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// Whose customers they are
    #[arg(long)]
    tenant: String,
    /// The column with the values, and what they are: mail=email
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = schema::parse_field)]
    field: (String, Field),
    /// The index's name: the same value has other index values under another name
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where telephone numbers without a country's code belong; for the field phone
    #[arg(long, value_enum, value_name = "COUNTRY")]
    country: Option<CountryName>,
    /// The column that says whose data a row is
    #[arg(long, value_name = "COLUMN", required_unless_present = "find")]
    owner: Option<String>,
    /// What the owners are
    #[arg(long, value_enum, value_name = "KIND", default_value = "person")]
    owner_kind: OwnerKind,
    /// The column that a look-up is to answer with, such as a primary key of up to 64 bytes; the owner's unless said otherwise
    #[arg(long, value_name = "COLUMN")]
    reference: Option<String>,
    /// Look this value up: print the references of the rows that may have it
    #[arg(long, value_name = "VALUE", conflicts_with = "input")]
    find: Option<String>,
    /// What the input is, where its name doesn't tell
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What stands between two cells: a character, or "tab"
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// Show no progress and no closing line
    #[arg(long, short)]
    quiet: bool,
    /// The plain file, or "-" for standard input
    #[arg(required_unless_present = "find")]
    input: Option<PathBuf>,
}

/// Countries whose way of dialling is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum CountryName {
    /// Japan, +81
    Jp,
    /// The United States and Canada, +1
    Us,
    /// The United Kingdom, +44
    Gb,
    /// Germany, +49
    De,
    /// France, +33
    Fr,
    /// China, +86
    Cn,
    /// Taiwan, +886
    Tw,
}

/// Runs the command.
pub(crate) fn run(args: &IndexArgs) -> Result<()> {
    let plan = args.plan();
    plan.check()?;
    let normaliser = args.normaliser()?;
    let index = Index { field: args.field.1, name: args.name.as_bytes(), version: normaliser.version() };
    let mut state = State::open(&args.keyring)?;
    if let Some(value) = &args.find {
        return find(args, &index, normaliser, value, &mut state);
    }
    let State { vault, host } = &mut state;
    let caller = Caller::program(&args.tenant, Rights::TOKENIZE, vault, host)?;
    let maker = Maker { plan: &plan, index, normaliser, vault, host, caller };
    fill(args, args.input.as_deref().unwrap_or(Path::new("-")), &plan, maker)
}

/// Fills the registry's index with what a plain file has.
fn fill(args: &IndexArgs, path: &Path, plan: &Plan, maker: Maker<'_>) -> Result<()> {
    let options = Options::new(args.format, args.delimiter, path)?;
    let input = Input::open(path)?;
    let name = input.name.clone();
    let progress = Progress::new(input.size, args.quiet);
    let job = Job { plan, options: &options, name: &name, progress: &progress, keep: 1 };
    // Nothing is written: the rows go to the registry.
    let tally = job.run(input, vec![maker], |_| Ok(()))?.tally;
    let time = progress.finish();
    if !args.quiet {
        let (rows, made, already) = (Count(tally.rows), Count(tally.protected), Count(tally.already));
        let (empty, speed) = (Count(tally.empty), per_second(tally.rows, time));
        eprintln!(
            "{rows} rows: {made} in the index {:?}; left out: {already} of erased owners, {empty} empty cells; {:.1} s, {speed} rows/s",
            args.name,
            time.as_secs_f64()
        );
    }
    Ok(())
}

/// Prints the references of the rows that may have the value.
fn find(args: &IndexArgs, index: &Index<'_>, normaliser: Normaliser, value: &str, state: &mut State) -> Result<()> {
    let State { vault, host } = state;
    let normalised = normaliser
        .normalise(value)
        .map_err(|error| Failure::Input.because(format!("what is to be found can't be searched by: {error}")))?;
    let mut caller = Caller::program(&args.tenant, Rights::LOOKUP, vault, host)?;
    let held = caller.lasting(host)?.look_up_held(index, normalised.expose().as_bytes(), host)?;
    let Lookup { newest, older } = host.settle(vault, held)?;
    let rows = registry::Index::new(index.field, index.name, index.version)?;
    let mut references = BTreeSet::new();
    for value in [newest, older] {
        let found = host.environment().store().registry().find(&rows, &value, MOST_FOUND)?;
        references.extend(found.into_iter().map(|found| found.reference));
    }
    let mut out = io::stdout().lock();
    for reference in &references {
        out.write_all(reference)?;
        out.write_all(b"\n")?;
    }
    out.flush()?;
    if !args.quiet {
        eprintln!("{} candidates: who really has it only opening tells", Count(references.len() as u64));
    }
    Ok(())
}

/// Makes index values of values.
struct Maker<'v> {
    plan: &'v Plan,
    index: Index<'v>,
    normaliser: Normaliser,
    vault: &'v Vault,
    host: &'v mut CliHost,
    caller: Caller<'v>,
}

impl Maker<'_> {
    /// What makes so many values, once the trail has it.
    fn indexer(&mut self, count: u32) -> Result<Indexer> {
        let held = self.caller.lasting(self.host)?.indexer_held(&self.index, count, self.host)?;
        self.host.settle(self.vault, held).context("the index values could not be made")
    }

    /// Puts a chunk's rows, in one transaction: how many, without those of erased owners.
    fn put(&mut self, rows: &[Row]) -> Result<usize> {
        let index = registry::Index::new(self.index.field, self.index.name, self.index.version)?;
        let rows = rows.iter().map(|row| IndexRow { value: row.value, owner: row.owner, reference: &row.reference });
        let put = self.host.environment().store().registry().put_rows(&index, rows);
        put.context("the index's rows could not be put into the registry")
    }
}

impl Worker for Maker<'_> {
    fn work<R: Rows>(&mut self, chunk: Chunk<R>) -> Made {
        let mut made = Made::of(chunk.bytes, 1);
        let (plan, vault, normaliser) = (self.plan, self.vault, self.normaliser);
        let mut cells = Cells { plan, vault, normaliser, indexer: None, rows: Vec::new() };
        let mut counted = Made::default();
        chunk.rows.walk(&mut cells, &mut counted);
        let count = u32::try_from(counted.tally.protected).unwrap_or(u32::MAX);
        match self.indexer(count) {
            Ok(indexer) => cells.indexer = Some(indexer),
            Err(error) => return Made { failed: Some(error), ..made },
        }
        chunk.rows.walk(&mut cells, &mut made);
        if made.problem_count == 0 {
            match self.put(&cells.rows) {
                Ok(put) => {
                    let put = put as u64;
                    made.tally.already = made.tally.protected.saturating_sub(put);
                    made.tally.protected = put;
                }
                Err(error) => made.failed = Some(error),
            }
        }
        made.ended_by(chunk.broken)
    }
}

/// What is to be put into the registry.
struct Row {
    value: [u8; 8],
    owner: [u8; 16],
    reference: Vec<u8>,
}

struct Cells<'p> {
    plan: &'p Plan,
    vault: &'p Vault,
    normaliser: Normaliser,
    /// `None`: values are only counted.
    indexer: Option<Indexer>,
    rows: Vec<Row>,
}

impl Work for Cells<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused> {
        if cell.value.is_empty() {
            made.tally.empty += 1;
            return Ok(None);
        }
        if looks_like_token(cell.value) {
            return Err(Refused::value(What::NoPlainValue));
        }
        let owner = principal(self.plan, cell.owner).map_err(|what| Refused { id: Some(Id::Owner), what })?;
        let value = std::str::from_utf8(cell.value).map_err(|_| Refused::value(What::NotUtf8))?;
        let normalised = self.normaliser.normalise(value).map_err(|error| Refused::value(What::NoSearchKey(error)))?;
        let reference = match self.plan.record {
            Some(_) if cell.record.is_empty() => Err(What::Other(NO_REFERENCE.into())),
            Some(_) => check_id(Id::Record, cell.record).map(|()| cell.record.to_vec()),
            None => Ok(cell.owner.to_vec()),
        };
        let reference = reference.map_err(|what| Refused { id: Some(Id::Record), what })?;
        made.tally.protected += 1;
        let Some(indexer) = &mut self.indexer else { return Ok(None) };
        let value = indexer.value(normalised.expose().as_bytes());
        let value = value.map_err(|error| Refused::value(What::Other(error.to_string())))?;
        self.rows.push(Row { value, owner: self.vault.owner_tag(&owner), reference });
        Ok(None)
    }
}

impl IndexArgs {
    fn plan(&self) -> Plan {
        Plan {
            tenant: self.tenant.clone(),
            owner: self.owner.clone().unwrap_or_default(),
            owner_kind: self.owner_kind,
            columns: Some(vec![self.field.0.clone()]),
            record: self.reference.clone(),
            fields: vec![self.field.clone()],
            ..Plan::default()
        }
    }

    fn normaliser(&self) -> Result<Normaliser> {
        if self.name.is_empty() || self.name.len() > 64 {
            return Err(Failure::Input.because("the index's name has 1 to 64 bytes"));
        }
        Ok(match (self.field.1, self.country) {
            (Field::PHONE, Some(country)) => Normaliser::PhoneV1 { country: country.into() },
            (Field::PHONE, None) => {
                let what = "telephone numbers are written in many ways: say with --country where those without a country's code belong";
                return Err(Failure::Input.because(what));
            }
            (Field::EMAIL, _) => Normaliser::EmailV1,
            _ => Normaliser::TextV1,
        })
    }
}

impl From<CountryName> for Country {
    fn from(name: CountryName) -> Self {
        match name {
            CountryName::Jp => Self::JAPAN,
            CountryName::Us => Self::NORTH_AMERICA,
            CountryName::Gb => Self::UNITED_KINGDOM,
            CountryName::De => Self::GERMANY,
            CountryName::Fr => Self::FRANCE,
            CountryName::Cn => Self::CHINA,
            CountryName::Tw => Self::TAIWAN,
        }
    }
}

const NO_REFERENCE: &str = "there is nothing in this row that a look-up could answer with";

/// The most candidates of a look-up.
const MOST_FOUND: usize = 10_000;

const AFTER_HELP: &str = "\
Examples:
  symbolon index --keyring shop.keyring --tenant shop-17 --owner customer_id --field mail=email --name login customers.csv
  symbolon index --keyring shop.keyring --tenant shop-17 --field mail=email --name login --find hanako@example.jp

The first reads the file from before it was protected, and puts a row for each value into the registry beside the keyring: a keyed
value, the owner, and what --reference names (otherwise the owner's name). Values are normalised first (case, width, ways to write
a number), so that Hanako@Example.JP is found as hanako@example.jp. The second prints the references of the candidates, one on each
line; who really has the value only opening tells. Where an owner is erased, the rows go too.

It can be run again when rows were added, or after it was interrupted: a row that is there stays.

Whoever has the registry and the keyring can try guesses: index what must be searched by, and nothing else.

After a rotation the index still finds, for a look-up searches by the newest root key's value and by that of the one before. Run
it again over the plain values before the next rotation, and before the old root key is retired: tokens alone don't tell.";
