//! An outcome that waits for its record.

use core::fmt;

use crate::{Error, Receipt, trail::Staged};

/// An outcome, a refusal included, that waits until its entry is durable: promise 4 as a type.
///
/// What is held can't be read: values and replies are masked, a reply lacks its salt and tag besides, a session isn't handed out.
/// Forgetting a `Held` gives no value away.
#[must_use = "the outcome is known only after release"]
pub struct Held<T> {
    outcome: Result<T, Error>,
    staged: Staged,
}

/// What a [`Held`] can hold: a session, a value, a sealed reply, a grant, a change that was made. Only the core implements it.
pub trait Outcome: Withheld {}

impl<T: Withheld> Outcome for T {}

/// It is unreadable until `restore`.
pub trait Withheld {
    /// Makes it readable.
    fn restore(&mut self);
}

impl<T> Held<T> {
    pub(crate) const fn new(outcome: Result<T, Error>, staged: Staged) -> Self {
        Self { outcome, staged }
    }

    /// Waits for this entry, staged after the first, instead.
    pub(crate) fn also(self, staged: Staged) -> Self {
        Self { staged, ..self }
    }

    /// The number in the trail of the entry that this waits for: for a receipt that is shown to people.
    #[must_use]
    pub const fn entry(&self) -> u64 {
        self.staged.sequence
    }

    /// True where the receipt is for the entry that this waits for.
    #[must_use]
    pub fn is_covered_by(&self, receipt: &Receipt) -> bool {
        receipt.covers(&self.staged)
    }
}

impl<T: Outcome> Held<T> {
    /// The outcome, once its entry is durable.
    ///
    /// # Errors
    /// [`Error::Denied`]: refused; [`Error::Unavailable`]: the receipt isn't for this entry, and the value is gone.
    pub fn release(self, receipt: &Receipt) -> Result<T, Error> {
        if !receipt.covers(&self.staged) {
            return Err(Error::Unavailable);
        }
        let mut outcome = self.outcome?;
        outcome.restore();
        Ok(outcome)
    }
}

impl<T> fmt::Debug for Held<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held").field("entry", &self.staged.sequence).finish_non_exhaustive()
    }
}
