//! `symbolon canary`: tokens that look like the others and open for nobody, so that whoever uses the data is noticed.

mod list;
mod maker;
mod rows;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, ValueEnum};
use symbolon::{Principal, Token, TokenBuf};

use self::{
    list::{Placed, remember},
    maker::Maker,
    rows::{Choice, Table},
};
use crate::{
    error::Failure,
    output::{Output, Readers},
    progress::Count,
    state::{self, lock, open_vault},
};

/// symbolon canary
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  symbolon canary customers.protected.csv --keyring shop.keyring --tenant shop-17 --export \"2026-11 newsletter\" \\
      --count 3 --set customer_id=c90017 -o customers.newsletter.csv
  symbolon canary --keyring shop.keyring --tenant shop-17 --export \"table customers\" --tokens 5 --like sym_EQAB...

Puts rows at random places. Each is made of cells of random other rows, and where one of these is a token, a canary stands in its \
place, of the same field and length. Nobody without the keyring can tell it from the others. Whoever presents it is in the audit trail \
with the reason canary, and raises an alarm; if it turns up elsewhere, the keyring says in which export it was.

A cell that must be unique, or must not be an existing customer's, is for you to choose: --set. With --count above 1 an @ in it becomes \
the row's number among the canaries.

Which canary was put where is kept in shop.keyring.canaries, a line of JSON for each. With --tokens they are only printed, to be put \
into a table's rows by hand; --like is a token of that column.")]
pub(crate) struct CanaryArgs {
    /// The file to put them into: CSV or JSON Lines, protected already
    #[arg(value_name = "FILE", required_unless_present = "tokens")]
    input: Option<PathBuf>,
    /// The keyring
    #[arg(short, long, value_name = "FILE")]
    keyring: PathBuf,
    /// The tenant that the data was protected for
    #[arg(short, long)]
    tenant: String,
    /// What they are put into, in 30 bytes: the keyring gives it back when one is found
    #[arg(short, long, value_name = "NAME")]
    export: String,
    /// How many rows
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    count: u32,
    /// Only in these columns, or keys, of the rows that are put in; tokens of others are left out. Repeat it, or use commas
    #[arg(long, value_name = "COLUMN", value_delimiter = ',')]
    column: Vec<String>,
    /// What stands in a column of the rows that are put in
    #[arg(long, value_name = "COLUMN=VALUE", value_parser = parse_set)]
    set: Vec<(String, String)>,
    /// What the file is; otherwise told by its name
    #[arg(long, value_enum)]
    format: Option<FormatName>,
    /// Print so many canaries instead, one on each line
    #[arg(long, value_name = "COUNT", requires = "like", conflicts_with_all = ["input", "count", "column", "set", "format", "output"],
        value_parser = clap::value_parser!(u32).range(1..=10_000))]
    tokens: Option<u32>,
    /// A token whose field, length and kind they are to have: with --tokens
    #[arg(long, value_name = "TOKEN", requires = "tokens")]
    like: Option<String>,
    /// Where to write; standard output if absent or "-"
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
    /// Show no closing line
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// Comma-separated values with a header
    Csv,
    /// JSON Lines: an object on each line
    Jsonl,
}

/// Places canaries, or prints some.
pub(crate) fn run(args: &CanaryArgs) -> Result<()> {
    check_export(&args.export)?;
    // A tenant that can be none is said to be before anything is read.
    Principal::person(&args.tenant, "canary")?;
    let vault = open_vault(&args.keyring)?;
    // Held to the end: two at a time would each write the list without the other's.
    let _lock = lock(&args.keyring)?;
    let mut maker = Maker::new(&vault, &args.tenant, &args.export)?;
    match (&args.input, args.tokens, &args.like) {
        (Some(input), ..) => place(args, input, &mut maker),
        (None, Some(tokens), Some(like)) => print(args, tokens, like, &mut maker),
        // clap has made sure that one of them is given.
        (None, ..) => Err(Failure::Input.because("give a file, or --tokens and --like")),
    }
}

fn place(args: &CanaryArgs, input: &Path, maker: &mut Maker<'_>) -> Result<()> {
    let mut output = Output::create(args.output.as_deref(), input, args.force, Readers::Usual)?;
    let choice = Choice { columns: &args.column, set: &args.set };
    let table = Table::sample(input, format_of(args, input)?, args.count, maker.rng())?;
    let rows = table.rows(&choice, maker)?;
    let target = args.output.as_deref().map_or_else(|| "standard output".into(), |path| path.display().to_string());
    let placed = rows.iter().flat_map(|row| row.canaries.iter().map(move |canary| (row, canary)));
    let placed: Vec<Placed> = placed
        .map(|(row, canary)| Placed::new(canary, &args.export, Some((&target, row.number)), maker.now()))
        .collect();
    table.write(&rows, &mut |bytes| output.write(bytes))?;
    // First the list: a canary that nobody knows of would be worse than one too many on the list.
    remember(&args.keyring, &placed)?;
    output.finish()?;
    if !args.quiet {
        let (rows, tokens) = (Count(rows.len() as u64), Count(placed.len() as u64));
        eprintln!(
            "{rows} canary rows with {tokens} tokens are in {target}; {} has where.",
            list::path(&args.keyring).display()
        );
    }
    Ok(())
}

fn print(args: &CanaryArgs, tokens: u32, like: &str, maker: &mut Maker<'_>) -> Result<()> {
    let wrong =
        || Failure::Input.because("--like is not a token: it takes one of the column that the canaries are for, sym_…");
    let like = TokenBuf::from_text(like.as_bytes()).map_err(|_| wrong())?;
    let made = (0..tokens).map(|_| maker.canary(&like.as_token())).collect::<Result<Vec<_>>>()?;
    let placed: Vec<Placed> = made.iter().map(|canary| Placed::new(canary, &args.export, None, maker.now())).collect();
    remember(&args.keyring, &placed)?;
    let text: String = made.iter().map(|canary| format!("{}\n", canary.token)).collect();
    std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())?;
    Ok(())
}

fn check_export(export: &str) -> Result<()> {
    let most = Token::MAX_EXPORT_LEN;
    if export.is_empty() || export.len() > most || export.chars().any(char::is_control) {
        let len = export.len();
        let what =
            format!("--export is a name of 1 to {most} bytes, without control characters, and this one has {len}");
        return Err(Failure::Input.because(what));
    }
    Ok(())
}

/// The format and the delimiter.
fn format_of(args: &CanaryArgs, input: &Path) -> Result<Option<u8>> {
    let ending = input.extension().and_then(|ending| ending.to_str()).map(str::to_ascii_lowercase);
    match (args.format, ending.as_deref()) {
        (Some(FormatName::Jsonl), _) | (None, Some("jsonl" | "ndjson")) => Ok(None),
        (_, Some("tsv")) => Ok(Some(b'\t')),
        (Some(FormatName::Csv), _) | (None, Some("csv")) => Ok(Some(b',')),
        _ => Err(Failure::Input.because("what the input is can't be told by its name: say --format csv or jsonl")),
    }
}

fn parse_set(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once('=').filter(|(column, _)| !column.is_empty());
    parts.map(|(column, value)| (column.into(), value.into())).ok_or_else(|| "COLUMN=VALUE is expected".into())
}

/// The time, for the list.
fn now() -> Result<String> {
    Ok(crate::text::utc(state::now()?))
}
