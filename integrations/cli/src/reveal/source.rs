//! The input in blocks: large ones while there is much, small ones when a pipe has no more for now.

use std::{
    io::{self, Read},
    path::Path,
    sync::mpsc::{Receiver, sync_channel},
    thread,
};

use anyhow::{Context, Result};

use crate::protect::input::open_file;

/// An input that is read ahead on a thread of its own.
pub(crate) struct Source {
    pieces: Receiver<io::Result<Vec<u8>>>,
    name: String,
    /// Its size in bytes, where that is known.
    pub(crate) size: Option<u64>,
    failed: Option<io::Error>,
    longest: usize,
}

impl Source {
    /// Opens a file, or standard input for `-`.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::read(io::stdin(), "standard input".into(), None));
        }
        let file = open_file(path)?;
        let size = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Ok(Self::read(file, path.display().to_string(), size))
    }

    /// The same a piece at a time, for who takes long over each.
    pub(super) fn in_small_blocks(self) -> Self {
        Self { longest: PIECE, ..self }
    }

    /// What it is called in messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is there already, each piece a block of its own.
    pub(crate) fn of_pieces(of: Vec<Vec<u8>>, name: String) -> Self {
        let (send, pieces) = sync_channel(of.len());
        // There is room for all of them, and somebody to receive them.
        let _all_sent = of.into_iter().try_for_each(|piece| send.send(Ok(piece)));
        Self { pieces, name, size: None, failed: None, longest: 0 }
    }

    fn read(mut reader: impl Read + Send + 'static, name: String, size: Option<u64>) -> Self {
        let (send, pieces) = sync_channel(WAITING);
        // Not joined: a pipe that never ends must not keep a run from ending.
        thread::spawn(move || {
            loop {
                let mut piece = vec![0; PIECE];
                let sent = match reader.read(&mut piece) {
                    Ok(0) => break,
                    Ok(read) => {
                        piece.truncate(read);
                        send.send(Ok(piece))
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(error) => send.send(Err(error)),
                };
                if sent.is_err() {
                    break;
                }
            }
        });
        Self { pieces, name, size, failed: None, longest: BLOCK }
    }
}

impl Iterator for Source {
    type Item = Result<Vec<u8>>;

    /// Waits for one piece, and takes what else is there already.
    fn next(&mut self) -> Option<Self::Item> {
        let failed = self.failed.take().map(Err);
        let mut block = match failed.or_else(|| self.pieces.recv().ok())? {
            Ok(piece) => piece,
            Err(error) => return Some(Err(error).with_context(|| format!("can't read {}", self.name))),
        };
        while block.len() + PIECE <= self.longest {
            match self.pieces.try_recv() {
                Ok(Ok(piece)) => block.extend_from_slice(&piece),
                Ok(Err(error)) => {
                    self.failed = Some(error);
                    break;
                }
                Err(_) => break,
            }
        }
        Some(Ok(block))
    }
}

/// The longest block. The tokens of one must fit into one commit of the trail: see [`super::blocks`].
pub(super) const BLOCK: usize = 896 << 10;

/// What is read at a time: as much as a pipe holds.
const PIECE: usize = 64 << 10;

/// Pieces that are read ahead.
const WAITING: usize = 28;
