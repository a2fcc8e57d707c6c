//! A result's bytes go to the disk while more are made, so that at its end there is little left to wait for.

use std::{
    fs::File,
    io,
    sync::mpsc::{SyncSender, sync_channel},
    thread::{Builder, JoinHandle},
};

/// Synchronises a file on a thread of its own, each time that enough was written.
pub(super) struct WriteBack {
    since: usize,
    /// `None` until there was enough for the first time: most results are small.
    thread: Option<(SyncSender<()>, JoinHandle<io::Result<()>>)>,
}

impl WriteBack {
    pub(super) const fn new() -> Self {
        Self { since: 0, thread: None }
    }

    /// So many bytes more were written to `file`.
    pub(super) fn wrote(&mut self, len: usize, file: &File) -> io::Result<()> {
        self.since = self.since.saturating_add(len);
        if self.since < ENOUGH {
            return Ok(());
        }
        self.since = 0;
        if self.thread.is_none() {
            let file = file.try_clone()?;
            self.thread = Some(start(move || file.sync_data())?);
        }
        if let Some((again, _)) = &self.thread {
            // One that waits already stands for this one, too.
            let _waiting_or_failed = again.try_send(());
        }
        Ok(())
    }

    /// Waits for the thread. **Its error is told to nobody else**: a system reports once that bytes didn't reach the disk.
    pub(super) fn finish(self) -> io::Result<()> {
        let Some((again, thread)) = self.thread else { return Ok(()) };
        drop(again);
        thread.join().map_err(|_| io::Error::other("the thread that writes to the disk has failed"))?
    }
}

fn start(
    mut synchronise: impl FnMut() -> io::Result<()> + Send + 'static,
) -> io::Result<(SyncSender<()>, JoinHandle<io::Result<()>>)> {
    let (again, wanted) = sync_channel(1);
    let thread = Builder::new().spawn(move || wanted.into_iter().try_for_each(|()| synchronise()))?;
    Ok((again, thread))
}

/// A tenth of a second of what the fastest command writes.
const ENOUGH: usize = 8 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes that don't reach the disk are an error of the whole, however much was written after them.
    #[test]
    fn an_error_is_kept_to_the_end() {
        let file = tempfile::tempfile().unwrap();
        let full = || Err(io::Error::from(io::ErrorKind::StorageFull));
        let mut write_back = WriteBack { since: 0, thread: Some(start(full).unwrap()) };
        for _ in 0..5 {
            write_back.wrote(ENOUGH, &file).unwrap();
        }
        assert_eq!(write_back.finish().unwrap_err().kind(), io::ErrorKind::StorageFull);
    }

    /// A thread for a large result, none for a small one; both end well.
    #[test]
    fn only_what_is_large_has_a_thread() {
        let file = tempfile::tempfile().unwrap();
        let mut write_back = WriteBack::new();
        write_back.wrote(ENOUGH - 1, &file).unwrap();
        assert!(write_back.thread.is_none());
        write_back.wrote(1, &file).unwrap();
        assert!(write_back.thread.is_some());
        write_back.finish().unwrap();
    }
}
