//! A stream, a piece at a time: each piece with the end of the one before and the beginning of the next.

use std::io::{self, Read};

use crate::Options;

/// What is looked at together.
pub(crate) struct Window {
    /// Room, of which the first `len` bytes are read.
    room: Vec<u8>,
    len: usize,
    /// Where in the stream the first byte is.
    pub(crate) base: u64,
    /// Where the part begins that is this window's own.
    pub(crate) own: usize,
    /// How many bytes were here already in the window before.
    pub(crate) known: usize,
    chunk: usize,
    overlap: usize,
    lead: usize,
    /// The stream has ended.
    pub(crate) last: bool,
}

impl Window {
    pub(crate) fn new(options: &Options, base: u64) -> Self {
        let (chunk, overlap, lead) = (options.chunk, options.overlap, options.lead);
        Self { room: Vec::new(), len: 0, base, own: 0, known: 0, chunk, overlap, lead, last: false }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.room[..self.len]
    }

    pub(crate) fn into_bytes(mut self) -> Vec<u8> {
        self.room.truncate(self.len);
        self.room
    }

    /// Where the next window's own part begins.
    pub(crate) fn own_end(&self) -> usize {
        if self.last { self.len } else { self.len.saturating_sub(self.overlap) }
    }

    /// Reads until the window is full or the stream ends; after an error it ends, too.
    pub(crate) fn fill(&mut self, input: &mut dyn Read) -> io::Result<()> {
        let most = self.own + self.chunk + self.overlap;
        while self.len < most {
            // As much room as there is something for: most files are short.
            if self.len == self.room.len() {
                self.room.resize((self.len * 4).clamp(FIRST_READ, most.max(FIRST_READ)), 0);
            }
            let end = self.room.len().min(most);
            match input.read(&mut self.room[self.len..end]) {
                Ok(0) => {
                    self.last = true;
                    break;
                }
                Ok(read) => self.len += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.last = true;
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// Moves on by a chunk.
    pub(crate) fn slide(&mut self) {
        let own = self.own_end();
        let kept = own.saturating_sub(self.lead);
        self.known = self.len - kept;
        self.room.copy_within(kept..self.len, 0);
        self.len = self.known;
        self.base += kept as u64;
        self.own = own - kept;
    }
}

/// Bytes of the first read.
const FIRST_READ: usize = 64 << 10;
