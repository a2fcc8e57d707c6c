//! `symbolon rewrap`: seals the tokens of a whole table anew under the keyring's newest root key. No value is shown to anybody.

mod batch;
mod service;

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use symbolon::Field;

use self::service::Rewrapper;
use crate::{
    error::Failure,
    grant::check_reason,
    output::ResultArgs,
    progress::{Count, Progress, per_second},
    protect::{
        Format, Options,
        cells::Tally,
        input::Input,
        job::{Found, Job},
        parse_delimiter,
        rows::SHOWN_PROBLEMS,
    },
    schema::{self, OwnerKind, Plan},
    state::State,
};

/// symbolon rewrap
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct RewrapArgs {
    /// The keyring file, with the old root key and the new one
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// The schema that the file was protected by, instead of the options of these names
    #[arg(long, value_name = "FILE.toml", conflicts_with_all = ["tenant", "owner", "field", "owner_kind", "record"])]
    schema: Option<PathBuf>,
    /// Whose customers they are
    #[arg(long, required_unless_present = "schema")]
    tenant: Option<String>,
    /// The column that says whose data a row is
    #[arg(long, value_name = "COLUMN", required_unless_present = "schema")]
    owner: Option<String>,
    /// The column that says which record a row is about, for tokens that are bound to one
    #[arg(long, value_name = "COLUMN")]
    record: Option<String>,
    /// Only this column, and tokens of this field; once for each. Without it: every token in every column
    #[arg(long, value_name = "COLUMN=FIELD", value_parser = schema::parse_field)]
    field: Vec<(String, Field)>,
    /// What the owners are
    #[arg(long, value_enum, value_name = "KIND", default_value = "person")]
    owner_kind: OwnerKind,
    /// What the audit trail is to say of it: up to 34 bytes. "rewrap to epoch N" unless said otherwise
    #[arg(long, value_name = "WORDS")]
    reason: Option<String>,
    /// What the input is, where its name doesn't tell
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// What stands between two cells: a character, or "tab"
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    #[command(flatten)]
    result: ResultArgs,
    /// The file of tokens, or "-" for standard input
    input: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &RewrapArgs) -> Result<()> {
    let plan = args.plan()?;
    plan.check()?;
    args.reason.as_deref().map_or(Ok(()), check_reason)?;
    let options = Options::new(args.format, args.delimiter, &args.input)?;
    let mut state = State::open(&args.keyring)?;
    let input = Input::open(&args.input)?;
    let name = input.name.clone();
    let progress = Progress::new(input.size, args.result.quiet);
    let mut output = args.result.create(&args.input)?;
    let State { vault, host } = &mut state;
    let epoch = vault.newest_epoch();
    let reason = args.reason.clone().unwrap_or_else(|| format!("rewrap to epoch {epoch}"));
    let worker = Rewrapper::new(&plan, &reason, vault, host)?;
    let job = Job { plan: &plan, options: &options, name: &name, progress: &progress, keep: 1 };
    let found = job.run(input, vec![worker], |bytes| output.write(bytes))?;
    output.finish()?;
    let time = progress.finish();
    if !args.result.quiet {
        eprintln!("{}", closing_line(&found.tally, epoch, time));
    }
    report_left(&found, &name)
}

/// The words after a job is done.
fn closing_line(tally: &Tally, epoch: u16, time: Duration) -> String {
    let Tally { rows, protected, already, left, .. } = *tally;
    format!(
        "{} rows: {} tokens rewrapped to epoch {epoch}; {} had it already; {} left as they are; {:.1} s, {} tokens/s",
        Count(rows),
        Count(protected),
        Count(already),
        Count(left),
        time.as_secs_f64(),
        per_second(protected, time),
    )
}

/// Tells of the tokens that were left as they are; an error if there are any, though the result has been written.
fn report_left(found: &Found, name: &str) -> Result<()> {
    let left = found.tally.left;
    if left == 0 {
        return Ok(());
    }
    for problem in &found.left {
        eprintln!("{}", problem.describe(name));
    }
    let shown = if left > SHOWN_PROBLEMS as u64 { " (the first 20 are above)" } else { "" };
    let what = format!(
        "{name}: {} tokens were left as they are{shown}; the result has been written with them. Don't retire an old root key while \
         there are any: they need it",
        Count(left)
    );
    Err(Failure::Partial.because(what))
}

impl RewrapArgs {
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
        // A protected file has no dropped columns any more.
        plan.dropped.clear();
        plan.tokens_only = true;
        Ok(plan)
    }
}

const AFTER_HELP: &str = "\
Example, after `symbolon rotate` has added a root key:
  symbolon rewrap --keyring shop.keyring --tenant shop-17 --owner customer_id protected.csv -o protected.new.csv

Every token of an older epoch is sealed anew for the same owner, field and record; tokens of the newest epoch, values and all
other cells are copied. The audit trail has, for each owner and some thousand tokens, a grant with its reason, and every token.

A token that does not open for its row's owner is left as it is and told with row and column; the result is written all the
same, and the exit code is 6. Only when a run over every table ends with 0 can an old root key be retired.

The result appears whole or not at all. A run that was interrupted is simply started again, from the same input: nothing was
lost, and what it did has no effect. Where that would take too long, rewrap the table in parts.";

#[cfg(test)]
mod tests {
    /// The usual reason fits into the trail with the largest epoch.
    #[test]
    fn the_reason_fits() {
        assert!(format!("rewrap to epoch {}", u16::MAX).len() <= symbolon::Grant::MAX_REASON_LEN);
    }
}
