//! `symbolon reown`: makes the tokens of a guest in a file those of an account. No value is shown.

use std::{convert::Infallible, mem, path::PathBuf};

use anyhow::Result;
use symbolon::{Access, Error, Grant, Held, Item, Purpose, Receipt, Resealed, Vault, View};

use crate::{
    error::Failure,
    grant_file::GrantFile,
    output::{Output, ResultArgs},
    progress::{Count, Progress},
    reveal::{
        blocks::{Block, each_block},
        shape::Shape,
        source::Source,
    },
    session_file::{Caller, SessionFile},
    state::{CliHost, State},
};

/// symbolon reown
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  symbolon reown --keyring shop.keyring --session alice.session --from guest-17.session \\
      orders.csv -o orders.new.csv
  symbolon reown --keyring shop.keyring --session alice.session --from-grant transfer.grant \\
      orders.csv -o orders.new.csv

A guest opens an account: every token of the guest's becomes one of the account's, and nothing else changes. Copies \
of the old tokens go on opening for the guest. For the second the guest mints a grant first, and the account logs in \
with --purpose transfer: symbolon grant --session guest-17.session --to-person alice --purpose transfer --view reseal \
--uses N …. Each token of a granted field in the file uses one.

A result file appears whole or not at all. On standard output look at the exit code.")]
pub(crate) struct ReownArgs {
    /// The keyring file
    #[arg(long, value_name = "FILE")]
    keyring: PathBuf,
    /// The account's session: whose the tokens will be
    #[arg(long, value_name = "FILE")]
    session: PathBuf,
    /// The guest's session: whose the tokens are
    #[arg(long, value_name = "FILE", required_unless_present = "from_grant", conflicts_with = "from_grant")]
    from: Option<PathBuf>,
    /// In its place a grant of the guest's, for the purpose transfer
    #[arg(long, value_name = "FILE")]
    from_grant: Option<PathBuf>,
    #[command(flatten)]
    shape: Shape,
    #[command(flatten)]
    result: ResultArgs,
    /// The file with the tokens, or "-" for standard input
    input: PathBuf,
}

/// Runs the command.
pub(crate) fn run(args: &ReownArgs) -> Result<()> {
    let format = args.shape.format(&args.input)?;
    let record_of = args.shape.record_of(format)?;
    let account = SessionFile::read(&args.session)?;
    let guest = args.from.as_deref().map(SessionFile::read).transpose()?;
    let grant = args.from_grant.as_deref().map(GrantFile::read).transpose()?;
    check_purposes(&account, guest.as_ref(), grant.as_ref())?;
    let source = Source::open(&args.input)?;
    let mut state = State::open(&args.keyring)?;
    let State { vault, host } = &mut state;
    let account = Caller::new(account, vault, host)?;
    let giver = match (guest, &grant) {
        (Some(guest), _) => Giver::Session(Box::new(Caller::new(guest, vault, host)?)),
        (None, Some(file)) => Giver::Grant(&file.grant),
        (None, None) => return Err(Failure::Input.because("say whose the tokens are: --from or --from-grant")),
    };
    if matches!(&giver, Giver::Session(guest) if guest.principal() == account.principal()) {
        return Err(Failure::Input.because("both sessions are the same owner's: there is nothing to give"));
    }
    let mut output = args.result.create(&args.input)?;
    let progress = Progress::new(source.size, args.result.quiet);
    let mut reowner = Reowner { account, giver, vault, host, out: Vec::new(), tally: Tally::default() };
    each_block(format, record_of, source, &progress, |block| reowner.write(block, &mut output))?;
    let tally = reowner.tally;
    output.finish()?;
    let time = progress.finish();
    if !args.result.quiet {
        eprintln!("{} ({:.1} s)", tally.said(), time.as_secs_f64());
    }
    Ok(())
}

/// What would be refused for every token is told before the first.
fn check_purposes(account: &SessionFile, guest: Option<&SessionFile>, grant: Option<&GrantFile>) -> Result<()> {
    if let Some(file) = grant {
        if file.grant.view_unverified() != View::Reseal || file.grant.purpose_unverified() != Purpose::TRANSFER {
            let what = "this grant gives nothing away: that takes --purpose transfer --view reseal (symbolon grant)";
            return Err(Failure::Input.because(what));
        }
        account.refuse_other_purpose(Purpose::TRANSFER)?;
    }
    guest.map_or(Ok(()), |guest| guest.refuse_other_purpose(Purpose::OWN_USE))
}

/// Whose the tokens are.
enum Giver<'g> {
    Session(Box<Caller<'g>>),
    Grant(&'g Grant),
}

struct Reowner<'r> {
    account: Caller<'r>,
    giver: Giver<'r>,
    vault: &'r Vault,
    host: &'r mut CliHost,
    out: Vec<u8>,
    tally: Tally,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    /// Tokens that are the account's now.
    taken: u64,
    /// Tokens that stay as they are.
    left: u64,
    /// Of those left, tokens of a bound field that came without a record.
    without_record: u64,
}

impl Reowner<'_> {
    /// Reseals the tokens of a block, records that, and writes the text with the new tokens in it.
    fn write(&mut self, block: &Block, output: &mut Output) -> Result<()> {
        if block.has_no_token() {
            return output.write(block.text());
        }
        let items = block.items()?;
        let mut arena = vec![0; items.iter().map(|item| item.token.as_bytes().len()).sum()];
        let resealed = self.reseal(&items, &mut arena)?;
        self.tally.without_record += block.without_record();
        let (tally, out) = (&mut self.tally, &mut self.out);
        let mut resealed = resealed.into_iter();
        block.weave(out, |number, place, out| {
            let token = match resealed.next().flatten() {
                Some(resealed) => {
                    tally.taken += 1;
                    resealed.into_token()
                }
                None => {
                    tally.left += 1;
                    items[number].token
                }
            };
            let Ok(()) = place.escape(&token.to_string(), |bytes| {
                out.extend_from_slice(bytes);
                Ok::<(), Infallible>(())
            });
        });
        output.write(&self.out)?;
        self.out.clear();
        Ok(())
    }

    /// Nothing comes back before the trail has all of it. `None` is a refusal.
    fn reseal<'a>(&mut self, items: &[Item<'_>], mut arena: &'a mut [u8]) -> Result<Vec<Option<Resealed<'a>>>> {
        let host = &mut *self.host;
        let account = self.account.lasting(host)?;
        let mut held: Vec<Held<Resealed<'a>>> = Vec::with_capacity(items.len());
        let mut room = |item: &Item<'_>| {
            let (out, rest) = mem::take(&mut arena).split_at_mut(item.token.as_bytes().len());
            arena = rest;
            out
        };
        match &mut self.giver {
            Giver::Session(guest) => {
                let guest = guest.lasting(host)?;
                for item in items {
                    held.push(account.reown_held(guest, item, room(item), host)?);
                }
            }
            Giver::Grant(grant) => {
                let access = Access::new(Purpose::TRANSFER).under(grant);
                let mut request = account.request(&access, items.len(), host)?;
                for item in items {
                    held.push(request.reown_held(item, room(item), host)?);
                }
                request.finish(host)?;
            }
        }
        let receipt = host.commit(self.vault)?;
        held.into_iter().map(|held| released(held, &receipt)).collect()
    }
}

fn released<'a>(held: Held<Resealed<'a>>, receipt: &Receipt) -> Result<Option<Resealed<'a>>> {
    match held.release(receipt) {
        Ok(resealed) => Ok(Some(resealed)),
        Err(Error::Denied) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Tally {
    fn said(&self) -> String {
        let mut said = format!(
            "{} tokens are the account's now; {} are not the guest's and stay as they are",
            Count(self.taken),
            Count(self.left)
        );
        if self.without_record > 0 {
            let count = Count(self.without_record);
            said.push_str(&format!(", {count} of them for want of a record: say --record or --record-column"));
        }
        said
    }
}
