//! Chunks of rows are dealt to the workers like cards, and gathered in the same order: no queue grows, nothing is sorted.

use std::{sync::mpsc::sync_channel, thread};

use anyhow::Result;

/// Reads chunks on one thread, works on them on others, and hands what they make to `sink`, in order, on this one.
///
/// Everything ends at the first error of `sink`, or when there are no more chunks. Memory is bounded by the number of workers.
pub(super) fn run<Chunk: Send, Made: Send>(
    chunks: impl Iterator<Item = Chunk> + Send,
    workers: Vec<impl FnMut(Chunk) -> Made + Send>,
    mut sink: impl FnMut(Made) -> Result<()>,
) -> Result<()> {
    thread::scope(|scope| {
        let (mut deal, mut gather) = (Vec::new(), Vec::new());
        for mut worker in workers {
            let (to_worker, for_worker) = sync_channel(WAITING);
            let (to_sink, for_sink) = sync_channel(WAITING);
            deal.push(to_worker);
            gather.push(for_sink);
            // Ends when there is nothing more to do, or nobody wants it.
            scope.spawn(move || for_worker.into_iter().try_for_each(|chunk| to_sink.send(worker(chunk))));
        }
        scope.spawn(move || chunks.zip(deal.iter().cycle()).try_for_each(|(chunk, worker)| worker.send(chunk)));
        // The first worker that has nothing more was the next to be dealt to: all chunks are through.
        gather.iter().cycle().map_while(|made| made.recv().ok()).try_for_each(&mut sink)
    })
}

/// Chunks that may wait before and behind each worker.
const WAITING: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the number of workers and of chunks, what comes out is in order and complete.
    #[test]
    fn order_is_kept() {
        for workers in 1..5 {
            for chunks in [0, 1, 2, 3, 7, 100] {
                let mut made = Vec::new();
                let worker = |chunk: u64| {
                    thread::sleep(std::time::Duration::from_micros(chunk % 3 * 100));
                    chunk * 2
                };
                let sink = |double| {
                    made.push(double);
                    Ok(())
                };
                run(0..chunks, vec![worker; workers], sink).unwrap();
                assert_eq!(made, (0..chunks).map(|chunk| chunk * 2).collect::<Vec<_>>());
            }
        }
    }

    /// An endless input stops at the first error.
    #[test]
    fn an_error_ends_everything() {
        let sink = |chunk| if chunk == 10 { anyhow::bail!("ten") } else { Ok(()) };
        assert!(run(0_u64.., vec![|chunk| chunk; 3], sink).is_err());
    }
}
