//! Opening: all tokens of a block in one request, recorded with one commit, before a byte of it is written.

use std::{convert::Infallible, mem};

use anyhow::Result;
use symbolon::{Access, Field, Held, Item, Place, Plaintext, Vault, appliance::Opening};
use zeroize::{Zeroize, Zeroizing};

use super::{Tally, blocks::Block};
use crate::{
    appliance::Appliance,
    output::Output,
    session_file::{Caller, SessionFile},
    state::CliHost,
};

/// What opens blocks. Everything that held a value is wiped.
pub(super) struct Opener<'o> {
    pub(super) opens: Opens<'o>,
    pub(super) out: Zeroizing<Vec<u8>>,
    /// What has been done so far.
    pub(super) tally: Tally,
}

/// Who opens.
pub(super) enum Opens<'o> {
    /// A vault in this program.
    Here { access: Access<'o>, caller: Caller<'o>, vault: &'o Vault, host: &'o mut CliHost },
    /// An appliance, whose sealed replies are opened with the session's key.
    There { opening: Opening<'o>, session: SessionFile, appliance: Appliance },
}

/// What came of a block's tokens, in their order; `None` is a refusal.
enum Values<'a> {
    Here(Vec<Option<Plaintext<'a>>>),
    There(Vec<Option<Zeroizing<Vec<u8>>>>),
}

impl Values<'_> {
    fn get(&self, number: usize) -> Option<&[u8]> {
        match self {
            Self::Here(values) => values.get(number)?.as_ref().map(Plaintext::expose),
            Self::There(values) => values.get(number)?.as_ref().map(|value| value.as_slice()),
        }
    }
}

impl Opener<'_> {
    /// Opens the tokens, records that, and writes the text with what is to be seen.
    pub(super) fn write(&mut self, block: &Block, output: &mut Output) -> Result<()> {
        if block.has_no_token() {
            if self.tally.opened + self.tally.refused == 0 {
                self.tally.elsewhere += block.prefixes();
            }
            return output.write(block.text());
        }
        let items = block.items()?;
        let mut arena = Zeroizing::new(Vec::new());
        self.tally.without_record += block.without_record();
        let values = self.opens.open(&items, &mut arena)?;
        // As long as it can get, so that it never moves and leaves a copy behind.
        self.out.reserve(block.text().len() + items.iter().map(longest).sum::<usize>());
        let (tally, out) = (&mut self.tally, &mut self.out);
        block.weave(out, |number, place, out| {
            let field = items[number].slot.field();
            show(values.get(number), field, place, tally, out);
        });
        output.write(&self.out)?;
        self.out.zeroize();
        Ok(())
    }
}

impl Opens<'_> {
    /// Opens all tokens; nothing comes back before the trail has all of it.
    fn open<'a>(&mut self, items: &[Item<'_>], arena: &'a mut Vec<u8>) -> Result<Values<'a>> {
        match self {
            Self::Here { access, caller, vault, host } => {
                arena.resize(items.iter().map(work_len).sum(), 0);
                open_here(access, caller, vault, host, items, arena).map(Values::Here)
            }
            Self::There { opening, session, appliance } => {
                let SessionFile { credential, key, .. } = session;
                let mut values = Vec::with_capacity(items.len());
                // An entry for each, and for authentication, of which each request has one: so a small trail is fetched on the way.
                for items in items.chunks(AT_A_TIME) {
                    appliance.make_room(2 * AT_A_TIME as u64)?;
                    values.extend(appliance.session(credential, key, |asked| Ok(asked.reveal(opening, items)?))?);
                }
                Ok(Values::There(values))
            }
        }
    }
}

/// Opens all tokens in one request.
fn open_here<'a>(
    access: &Access<'_>,
    caller: &mut Caller<'_>,
    vault: &Vault,
    host: &mut CliHost,
    items: &[Item<'_>],
    mut arena: &'a mut [u8],
) -> Result<Vec<Option<Plaintext<'a>>>> {
    let session = caller.lasting(host)?;
    let mut request = session.request(access, items.len(), host)?;
    let mut held: Vec<Held<Plaintext<'a>>> = Vec::with_capacity(items.len());
    for item in items {
        let (work, rest) = mem::take(&mut arena).split_at_mut(work_len(item));
        arena = rest;
        held.push(request.detokenize_held(item, work, host)?);
    }
    request.finish(host)?;
    let receipt = host.commit(vault)?;
    let release = |held: Held<Plaintext<'a>>| match held.release(&receipt) {
        Ok(value) => Ok(Some(value)),
        Err(symbolon::Error::Denied) => Ok(None),
        Err(error) => Err(error.into()),
    };
    held.into_iter().map(release).collect()
}

/// Writes a value (or its mask: that is what opened, then) or what stands for it, as its place asks for.
pub(crate) fn show(value: Option<&[u8]>, field: Field, place: Place, tally: &mut Tally, out: &mut Vec<u8>) {
    let text = match value {
        None => {
            tally.refused += 1;
            field.placeholder()
        }
        Some(value) => {
            tally.opened += 1;
            let text = std::str::from_utf8(value).ok();
            tally.not_text += u64::from(text.is_none());
            text.unwrap_or(field.placeholder())
        }
    };
    let Ok(()) = place.escape(text, |bytes| {
        out.extend_from_slice(bytes);
        Ok::<(), Infallible>(())
    });
}

/// What opening needs: the class, and 16 bytes of commitment; or a mask, if that is longer.
fn work_len(item: &Item<'_>) -> usize {
    (item.token.class().len() + COMMITMENT).max(Field::MASK_LEN)
}

/// The longest that can take a token's place: each byte escaped as `\u0000`, quotes around it; or a placeholder or mask.
fn longest(item: &Item<'_>) -> usize {
    (item.token.class().capacity() * 6 + 2).max(Field::MASK_LEN)
}

const COMMITMENT: usize = 16;

/// Tokens that an appliance is asked for before its trail is looked at.
const AT_A_TIME: usize = 16;
