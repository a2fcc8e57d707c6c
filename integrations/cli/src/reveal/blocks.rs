//! Blocks of text and their tokens, between the scanner and whoever has something to put in the tokens' place. All tokens of a block are
//! worked on together and recorded with one commit.

use std::{convert::Infallible, mem};

use anyhow::Result;
use symbolon::{Format, Item, Place, Scanner, Sink, Slot, Token};

use super::{
    rows::Rows,
    shape::RecordOf,
    source::{BLOCK, Source},
};
use crate::progress::Progress;

/// Text with gaps where its tokens stood.
#[derive(Default)]
pub(crate) struct Block {
    text: Vec<u8>,
    tokens: Vec<u8>,
    records: Vec<u8>,
    found: Vec<Found>,
    /// The record that the next tokens are of, where there is one.
    record: Vec<u8>,
}

/// A token and where it stood.
struct Found {
    /// The text before it ends here.
    text_end: usize,
    /// Its bytes, and those of its record.
    len: usize,
    record_len: usize,
    place: Place,
}

impl Block {
    /// The tokens as they came, each with the field that it says it is of, and with its record where that field is bound to one.
    pub(crate) fn items(&self) -> Result<Vec<Item<'_>>> {
        let (mut tokens, mut records) = (self.tokens.as_slice(), self.records.as_slice());
        let mut next = |found: &Found| {
            let (token, record);
            (token, tokens) = tokens.split_at(found.len);
            (record, records) = records.split_at(found.record_len);
            let token = Token::from_bytes(token)?;
            Ok(match Slot::in_record(token.field(), record) {
                Ok(slot) => Item::new(slot, token),
                Err(_) => Item::of(token),
            })
        };
        self.found.iter().map(&mut next).collect()
    }

    /// Writes the text to `out`, and for each gap what `fill` writes for the token of that number.
    pub(crate) fn weave(&self, out: &mut Vec<u8>, mut fill: impl FnMut(usize, Place, &mut Vec<u8>)) {
        let mut from = 0;
        for (number, found) in self.found.iter().enumerate() {
            out.extend_from_slice(&self.text[from..found.text_end]);
            from = found.text_end;
            fill(number, found.place, out);
        }
        out.extend_from_slice(&self.text[from..]);
    }

    /// The text around the tokens.
    pub(crate) fn text(&self) -> &[u8] {
        &self.text
    }

    /// Whether there is no token in it.
    pub(crate) fn has_no_token(&self) -> bool {
        self.found.is_empty()
    }

    /// How many tokens need a record and have none.
    pub(crate) fn without_record(&self) -> u64 {
        let lacks = |item: &&Item<'_>| item.slot.field().is_bound() && item.slot.record().is_empty();
        self.items().map_or(0, |items| items.iter().filter(lacks).count().try_into().unwrap_or(u64::MAX))
    }

    /// How often `sym_` stands in the text. One that is cut in two by the end of a block isn't counted: it is only for a hint.
    pub(crate) fn prefixes(&self) -> u64 {
        let prefix = Token::TEXT_PREFIX.as_bytes();
        self.text.windows(prefix.len()).filter(|window| *window == prefix).count().try_into().unwrap_or(u64::MAX)
    }

    fn clear(&mut self) {
        let (record, text) = (mem::take(&mut self.record), mem::take(&mut self.text));
        *self = Self { record, text, ..Self::default() };
        self.text.clear();
    }
}

impl Sink for Block {
    type Error = Infallible;

    fn copy(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        self.text.extend_from_slice(bytes);
        Ok(())
    }

    fn token(&mut self, token: Token<'_>, place: Place) -> Result<(), Infallible> {
        self.tokens.extend_from_slice(token.as_bytes());
        let record = if token.field().is_bound() { self.record.as_slice() } else { &[] };
        self.records.extend_from_slice(record);
        let (len, record_len) = (token.as_bytes().len(), record.len());
        self.found.push(Found { text_end: self.text.len(), len, record_len, place });
        Ok(())
    }
}

/// Hands the whole of `source` to `work`, block by block, and says how many bytes it was.
pub(crate) fn each_block(
    format: Format<'_>,
    record_of: RecordOf<'_>,
    source: Source,
    progress: &Progress,
    mut work: impl FnMut(&Block) -> Result<()>,
) -> Result<u64> {
    let mut feeder = Feeder { scanner: Scanner::new(format), block: Block::default(), fed: 0, work: &mut work };
    let mut rows = match record_of {
        RecordOf::Column { name, delimiter } => Some(Rows::new(name, delimiter, source.name())),
        RecordOf::All(record) => {
            feeder.block.record = record.into();
            None
        }
        RecordOf::Nothing => None,
    };
    let mut bytes = 0;
    for piece in source {
        let piece = piece?;
        match &mut rows {
            Some(rows) => rows.split(&piece, |row, record| feeder.feed_row(row, record))?,
            None => feeder.feed(&piece)?,
        }
        // What has come is dealt with now: a pipe may go on for ever.
        feeder.empty()?;
        let len = u64::try_from(piece.len()).unwrap_or_default();
        bytes += len;
        progress.advance(len);
    }
    if let Some(rows) = rows {
        rows.finish(|row, record| feeder.feed_row(row, record))?;
    }
    feeder.finish()?;
    Ok(bytes)
}

/// Feeds the scanner no more at a time than one commit can record.
struct Feeder<'f, F> {
    scanner: Scanner<'f>,
    block: Block,
    /// Bytes since the block was empty.
    fed: usize,
    work: &'f mut F,
}

impl<F: FnMut(&Block) -> Result<()>> Feeder<'_, F> {
    fn feed(&mut self, bytes: &[u8]) -> Result<()> {
        if self.fed + bytes.len() > BLOCK {
            self.empty()?;
        }
        self.fed += bytes.len();
        let Ok(()) = self.scanner.feed(bytes, &mut self.block);
        Ok(())
    }

    fn feed_row(&mut self, row: &[u8], record: &[u8]) -> Result<()> {
        self.block.record.clear();
        self.block.record.extend_from_slice(record);
        self.feed(row)
    }

    fn empty(&mut self) -> Result<()> {
        (self.work)(&self.block)?;
        self.block.clear();
        self.fed = 0;
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        let Ok(()) = self.scanner.finish(&mut self.block);
        self.empty()
    }
}

/// Bytes of the shortest token's text and of what must divide it from the next.
const SHORTEST: usize = Token::TEXT_PREFIX.len() + (Token::OVERHEAD + 32) * 4 / 3 + 1;

/// What a scanner keeps of one block for the next, at most.
const CARRIED: usize = 2 << 10;

/// Trail entries that a host stages for one commit: one for each token, one more for the count of foreign ones.
const ENTRIES: usize = 8192;

const _: () = assert!((BLOCK + CARRIED) / SHORTEST + 2 <= ENTRIES);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_counted() {
        let count = |text: &[u8]| Block { text: text.into(), ..Block::default() }.prefixes();
        assert_eq!((count(b""), count(b"sym_ sym_x_sym_sym")), (0, 3));
    }
}
