//! A form made of the surroundings of what changes, where that is little.

use std::ops::Range;

use super::view::View;
use crate::Coding;

/// What a form is made of.
pub(crate) struct Ground<'g> {
    pub(crate) bytes: &'g [u8],
    /// The parts worth looking at, in order.
    pub(crate) spans: &'g [Range<usize>],
    /// How many bytes around a change belong to it.
    pub(crate) context: usize,
}

/// A form in the making: edits in order, and copies of what is around them.
pub(crate) struct Islands<'g> {
    ground: &'g Ground<'g>,
    view: View,
    /// Where in the current span the last edit ended.
    done: usize,
    end: usize,
    begun: bool,
    joined: Option<Coding>,
}

impl<'g> Islands<'g> {
    pub(crate) fn new(ground: &'g Ground<'g>) -> Self {
        Self { ground, view: View::default(), done: 0, end: 0, begun: false, joined: None }
    }

    /// Edits from here on are in this span.
    pub(crate) fn enter(&mut self, span: &Range<usize>) {
        self.leave();
        (self.done, self.end, self.begun, self.joined) = (span.start, span.end, false, None);
    }

    /// Something stands in place of `from..to`.
    pub(crate) fn put(&mut self, from: usize, to: usize, bytes: &[u8], coding: Coding) {
        self.reach(from);
        self.view.escape(bytes, from, coding);
        self.done = to;
    }

    /// `from..to` is taken out, and what is around it joined, perhaps with something between.
    pub(crate) fn join(&mut self, from: usize, to: usize, with: &[u8], coding: Coding) {
        self.reach(from);
        self.view.escape(with, from, coding);
        (self.done, self.joined) = (to, Some(coding));
    }

    /// The form, if there was anything to change.
    pub(crate) fn finish(mut self) -> Option<View> {
        self.leave();
        (!self.view.is_empty()).then_some(self.view)
    }

    fn reach(&mut self, from: usize) {
        let context = self.ground.context;
        let near = from - self.done <= context.saturating_mul(2);
        if self.begun && near {
            return self.copy(self.done, from);
        }
        if self.begun {
            self.copy(self.done, self.done + context);
        }
        self.view.gap(self.done);
        // What a removed line break was joined with is not here.
        self.joined = None;
        self.begun = true;
        self.copy(self.done.max(from.saturating_sub(context)), from);
    }

    fn leave(&mut self) {
        if self.begun {
            self.copy(self.done, self.end.min(self.done.saturating_add(self.ground.context)));
            self.begun = false;
        }
    }

    fn copy(&mut self, from: usize, to: usize) {
        let joined = self.joined.take();
        self.view.copy(self.ground.bytes.get(from..to).unwrap_or_default(), from, joined);
    }
}
