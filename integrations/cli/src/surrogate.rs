//! `symbolon surrogate`: 16 digits in place of tokens, for columns that are too narrow for one; and back.

use std::path::PathBuf;

use anyhow::{Context, Result};
use symbolon::{Error, Principal, Token, TokenBuf, Vault};
use symbolon_host::surrogate::{self, Surrogate, SurrogateError};

use crate::{
    error::Failure,
    output::ResultArgs,
    progress::{Count, Progress, per_second},
    protect::{
        Format, Options,
        cells::{as_surrogate, looks_like_token, principal},
        input::Input,
        job::Job,
        parse_delimiter,
        problem::{Id, What},
        rows::{Cell, Chunk, Made, Refused, Rows, Work, Worker},
    },
    schema::{OwnerKind, Plan},
    state::{self, CliHost, CliRng, State},
};

/// symbolon surrogate
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct SurrogateArgs {
    /// The keyring file; the surrogates are kept beside it
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// A column whose tokens get surrogates; once for each
    #[arg(long, value_name = "COLUMN", required = true)]
    column: Vec<String>,
    /// The other way: tokens in place of surrogates
    #[arg(long)]
    resolve: bool,
    /// Whose customers they are
    #[arg(long, required_unless_present = "resolve")]
    tenant: Option<String>,
    /// The column that says whose data a row is: when the owner is erased, the surrogates go too
    #[arg(long, value_name = "COLUMN", required_unless_present = "resolve")]
    owner: Option<String>,
    /// What the owners are
    #[arg(long, value_enum, value_name = "KIND", default_value = "person")]
    owner_kind: OwnerKind,
    /// What the input is, where its name doesn't tell
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What stands between two cells: a character, or "tab"
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    #[command(flatten)]
    result: ResultArgs,
    /// The file of tokens or surrogates, or "-" for standard input
    input: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &SurrogateArgs) -> Result<()> {
    let plan = Plan {
        // Nobody's tenant is needed to look a surrogate up.
        tenant: args.tenant.clone().unwrap_or_else(|| "-".into()),
        owner: args.owner.clone().unwrap_or_default(),
        owner_kind: args.owner_kind,
        columns: Some(args.column.clone()),
        tokens_only: true,
        ..Plan::default()
    };
    plan.check()?;
    let options = Options::new(args.format, args.delimiter, &args.input)?;
    let mut state = State::open(&args.keyring)?;
    let input = Input::open(&args.input)?;
    let name = input.name.clone();
    let progress = Progress::new(input.size, args.result.quiet);
    let mut output = args.result.create(&args.input)?;
    let State { vault, host } = &mut state;
    let rng = state::rng()?;
    let worker = Exchange { plan: &plan, vault, host, rng, resolve: args.resolve };
    let job = Job { plan: &plan, options: &options, name: &name, progress: &progress, keep: 1 };
    let found = job.run(input, vec![worker], |bytes| output.write(bytes))?;
    output.finish()?;
    let (time, tally) = (progress.finish(), found.tally);
    if !args.result.quiet {
        let (from, to) = if args.resolve { ("surrogates", "tokens") } else { ("tokens", "surrogates") };
        let (rows, done, already) = (Count(tally.rows), Count(tally.protected), Count(tally.already));
        let speed = per_second(tally.protected, time);
        eprintln!(
            "{rows} rows: {to} in place of {done} {from}; {already} were {to} already; {:.1} s, {speed} a second",
            time.as_secs_f64()
        );
    }
    if tally.left > 0 {
        found.left.iter().for_each(|problem| eprintln!("{}", problem.describe(&name)));
        let what = format!("{name}: {} cells were left as they are; the result has been written", Count(tally.left));
        return Err(Failure::Partial.because(what));
    }
    Ok(())
}

/// Stages 16 digits for a token: durable with the next commit. A batch that is full is committed first.
pub(crate) fn stage(
    owner: &Principal,
    token: &Token<'_>,
    last4: Option<[u8; 4]>,
    vault: &Vault,
    host: &mut CliHost,
    rng: &mut CliRng,
) -> Result<Surrogate, What> {
    let mut staged = surrogate::stage(vault, owner, token, last4, rng, host);
    if matches!(staged, Err(SurrogateError::Core(Error::Unavailable))) && host.commit(vault).is_ok() {
        staged = surrogate::stage(vault, owner, token, last4, rng, host);
    }
    staged.map_err(|error| match error {
        SurrogateError::TokenTooLong => What::TokenTooLong,
        SurrogateError::Core(Error::RngFailed) => What::NoRandomNumbers,
        other => What::Other(other.to_string()),
    })
}

/// Puts surrogates for tokens, or tokens for surrogates.
struct Exchange<'v> {
    plan: &'v Plan,
    vault: &'v Vault,
    host: &'v mut CliHost,
    rng: CliRng,
    resolve: bool,
}

impl Worker for Exchange<'_> {
    fn work<R: Rows>(&mut self, chunk: Chunk<R>) -> Made {
        let mut made = Made::of(chunk.bytes, 1);
        let mut cells = Cells { exchange: self, text: String::new() };
        chunk.rows.walk(&mut cells, &mut made);
        // Durable before the rows are handed on.
        let committed = if self.resolve { Ok(()) } else { self.host.commit(self.vault).map(|_| ()) };
        made.failed = committed.context("the surrogates could not be made durable").err();
        made.ended_by(chunk.broken)
    }
}

struct Cells<'e, 'v> {
    exchange: &'e mut Exchange<'v>,
    text: String,
}

impl Work for Cells<'_, '_> {
    fn plan(&self) -> &Plan {
        self.exchange.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused> {
        let Exchange { plan, vault, host, rng, resolve } = &mut *self.exchange;
        let (token, surrogate) = (TokenBuf::from_text(cell.value).ok(), as_surrogate(cell.value));
        self.text = match (token, surrogate) {
            (Some(token), _) if !*resolve => {
                let owner = principal(plan, cell.owner).map_err(|what| Refused { id: Some(Id::Owner), what })?;
                stage(&owner, &token.as_token(), None, vault, host, rng).map_err(Refused::value)?.to_string()
            }
            (_, Some(surrogate)) if *resolve => match surrogate::resolve(&surrogate, host) {
                Ok(token) => token.as_token().to_string(),
                Err(SurrogateError::Unknown) => {
                    made.leave(cell, What::UnknownSurrogate);
                    return Ok(None);
                }
                Err(error) => return Err(Refused::value(What::Other(error.to_string()))),
            },
            (None, None) if cell.value.is_empty() => {
                made.tally.empty += 1;
                return Ok(None);
            }
            (None, None) if looks_like_token(cell.value) => return Err(Refused::value(What::DamagedToken)),
            (None, None) => return Err(Refused::value(What::NoToken)),
            _ => {
                made.tally.already += 1;
                return Ok(None);
            }
        };
        made.tally.protected += 1;
        Ok(Some(&self.text))
    }
}

const AFTER_HELP: &str = "\
Examples:
  symbolon surrogate --keyring shop.keyring --tenant shop-17 --owner customer_id --column card protected.csv -o narrow.csv
  symbolon surrogate --keyring shop.keyring --column card --resolve narrow.csv -o protected.csv

A surrogate is 16 random digits that begin with 99 and fail Luhn, so that nobody takes it for a card number. It stands for one
token, and is worth nothing without the registry beside the keyring (the .state directory), which keeps the token; opening that
takes the owner's session as ever. Only fields of 32 bytes have room there: card numbers, telephone numbers, dates.

To keep a number's last four digits, make the surrogates while protecting: symbolon protect --surrogate card:last4.
After a rotation: resolve, rewrap, and make new surrogates.";
