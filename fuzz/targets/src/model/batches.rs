//! Commits as a server makes them: a batch is taken, and until the host hears what became of it, other calls are answered.

use symbolon::{Error, Store};

use super::{Wrong, drive::Drive, openings::Attempt, plan::Style};

impl Drive<'_> {
    /// A batch is taken and given to the store; a token is opened; and then the host is told. What was staged in the meantime is no part of it.
    pub(super) fn commit_elsewhere(&mut self, meanwhile: Option<&Attempt>, abandons: bool) {
        let vault = self.generations[self.newest()].vault.clone();
        self.before_commit();
        let mut store = self.medium.clone();
        let (batch, ticket) = self.host.batch(&vault).expect("none is taken");
        let is_durable = store.commit(&batch).is_ok();
        let happened = self.medium.happened();
        if self.is_dead() {
            self.absorb_these(&happened);
            return self.restart(false);
        }
        let (registry, floor, held) = (self.ideal.registry.clone(), self.floor.0, self.waiting.len());
        let (expected, own) = (self.book.waiting(), std::mem::take(&mut self.book.own));
        assert!(self.host.batch(&vault).is_err(), "two batches at a time");
        assert_eq!(self.host.commit(&vault).err(), Some(Error::Unavailable), "a commit beside a batch");
        if let Some(attempt) = meanwhile {
            self.open(attempt, Style(2));
        }
        let later = self.book.waiting() - expected;
        let own_later = std::mem::replace(&mut self.book.own, own);
        if is_durable {
            let receipt = self.host.committed(ticket).expect("the batch that was taken");
            self.book.read(&happened.entries, self.ideal.durable.stopped, &mut self.tally);
            self.book.all_is_there(later);
            self.book.own.add(own_later);
            (self.ideal.durable, self.committed_floor) = (registry, floor);
            self.unsettled = u32::from(later > 0);
            self.last_receipt = Some(receipt);
            let covered = if self.ideal.is(Wrong::BatchesTakeAll) { self.waiting.len() } else { held };
            for waiting in self.waiting.drain(..covered).collect::<Vec<_>>() {
                self.release(waiting, &receipt, true);
            }
            self.tally.outcome("batch committed");
            return;
        }
        self.book.own.add(own_later);
        if abandons {
            self.host.abandon();
            assert_eq!(self.host.committed(ticket).err(), Some(Error::Unavailable), "a batch that was given up");
            self.tally.outcome("batch abandoned");
        } else {
            self.host.not_committed(ticket);
            self.tally.outcome("batch not committed");
        }
    }
}
