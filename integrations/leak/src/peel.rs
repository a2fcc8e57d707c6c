//! Takes text out of what it is wrapped in, again and again, and looks for something in each form that it gets.
//!
//! Every form is a [`View`](view::View): bytes, and from where each of them is. What is found in one is told as a place in the original,
//! so the same thing found in two forms is one thing.
//!
//! Not everything is tried on everything. Where a thing can only be in a long run of certain characters
//! ([`Focus::Runs`](crate::Focus::Runs)), all else is passed over, which is nearly everything in ordinary text; otherwise a form is
//! made of the surroundings of what changes in it.

pub(crate) mod base64;
mod escapes;
mod islands;
mod jis;
mod quoted;
mod runs;
mod view;
mod wide;
mod wrap;

use std::{collections::HashMap, ops::Range};

use self::{islands::Ground, view::View};
use crate::{Coding, Codings, Focus, Look, Options};

/// What was found in a window.
pub(crate) struct Hit<I> {
    pub(crate) item: I,
    /// Where in the window.
    pub(crate) range: Range<usize>,
    /// From outside in.
    pub(crate) codings: Vec<Coding>,
}

/// A container that text holds: a gzip, zip or zstd in base64.
pub(crate) struct Parcel {
    /// Where in the window its first character is.
    pub(crate) at: usize,
    /// What its base64 is in.
    pub(crate) codings: Vec<Coding>,
    /// Decoded.
    pub(crate) content: Vec<u8>,
    /// It went on to the end of the window, and may go on behind it.
    pub(crate) cut: bool,
}

/// All that was found in a window, each thing once.
pub(crate) struct Peeled<I> {
    pub(crate) hits: Vec<Hit<I>>,
    pub(crate) parcels: Vec<Parcel>,
    /// Where each thing has been found.
    places: HashMap<I, Vec<usize>>,
}

/// Unwraps, and looks.
pub(crate) struct Peeler<'p, L> {
    pub(crate) look: &'p L,
    pub(crate) options: &'p Options,
}

/// A form, and the one that it was made of.
struct Chain<'c> {
    view: &'c View,
    of: Option<&'c Chain<'c>>,
    last: Step,
}

/// How a form was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Escapes,
    Plus,
    Quoted,
    /// Lines joined, or joined with a space.
    Wrap,
    Base64,
    Wide,
    Jis,
}

impl<L: Look> Peeler<'_, L> {
    /// Looks at a window in all its forms.
    pub(crate) fn peel(&self, window: &[u8]) -> Peeled<L::Item> {
        let mut peeled = Peeled { hits: Vec::new(), parcels: Vec::new(), places: HashMap::new() };
        self.form(window, None, self.options.text_depth, &mut peeled);
        peeled
    }

    fn form(&self, bytes: &[u8], chain: Option<&Chain<'_>>, depth: u8, out: &mut Peeled<L::Item>) {
        self.look.look(bytes, &mut |item, range, charset| out.add(item, range, charset, chain));
        if depth == 0 {
            return;
        }
        for (step, view) in self.views(bytes, chain, out) {
            self.form(view.bytes(), Some(&Chain { view: &view, of: chain, last: step }), depth - 1, out);
        }
    }

    /// The forms that can be made of this one, but for those that its other forms have, too.
    fn views(&self, bytes: &[u8], chain: Option<&Chain<'_>>, out: &mut Peeled<L::Item>) -> Vec<(Step, View)> {
        let on = self.options.codings;
        let (spans, context) = match self.look.focus() {
            Focus::Anywhere => (changes(bytes, chain), CONTEXT),
            Focus::Runs(least) => (runs::candidates(bytes, least), usize::MAX),
        };
        let ground = Ground { bytes, spans: &spans, context };
        let mut views = Vec::new();
        let mut push = |step, view: Option<View>| views.extend(view.map(|view| (step, view)));
        let had = |step| std::iter::successors(chain, |chain| chain.of).any(|chain| chain.last == step);
        let joined = had(Step::Wrap) || had(Step::Plus);
        let anywhere = self.look.focus() == Focus::Anywhere;
        if anywhere && joined {
            // These differ at every line: what is left to undo was undone before the lines were joined, but for an escape that is
            // broken itself.
            return Vec::new();
        }
        if !spans.is_empty() {
            push(Step::Escapes, escapes::view(&ground, on, false));
            if anywhere && on.has(Coding::Plus) {
                push(Step::Plus, escapes::view(&ground, on, true));
            }
            if on.has(Coding::QuotedPrintable) {
                push(Step::Quoted, quoted::view(&ground));
            }
            if on.has(Coding::Wrapped) && !joined {
                push(Step::Wrap, wrap::view(&ground, b""));
                if anywhere {
                    push(Step::Wrap, wrap::view(&ground, b" "));
                }
            }
            // Base64 goes across lines by itself.
            if on.has(Coding::Base64) && !joined {
                let mut found = base64::Runs::find(&ground, !anywhere);
                out.parcels(&mut found, bytes, chain, on);
                views.extend((0..4).filter_map(|skip| found.view(bytes, skip)).map(|view| (Step::Base64, view)));
            }
        }
        if !had(Step::Wide) {
            let least = if anywhere { 6 } else { 100 };
            views.extend(wide::view(bytes, least, on).map(|view| (Step::Wide, view)));
        }
        if anywhere && on.has(Coding::Iso2022Jp) && !had(Step::Jis) {
            views.extend(jis::view(&ground).map(|view| (Step::Jis, view)));
        }
        views
    }
}

/// Where a form differs from the one that it was made of: elsewhere, that one's other forms have everything. The window itself is new.
fn changes(bytes: &[u8], chain: Option<&Chain<'_>>) -> Vec<Range<usize>> {
    match chain {
        None => std::iter::once(0..bytes.len()).collect(),
        // Nearly all that is in base64 is not text, and nothing is escaped in it.
        Some(Chain { view, last: Step::Base64, .. }) => {
            view.parts().into_iter().filter(|part| is_text(&bytes[part.clone()])).collect()
        }
        Some(chain) => chain.view.changes(CONTEXT),
    }
}

/// Whether there are as few control characters as in text; in what is compressed or encrypted, every eighth byte is one.
fn is_text(bytes: &[u8]) -> bool {
    let start = &bytes[..bytes.len().min(512)];
    let is_control = |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n' | 0x1b);
    start.iter().filter(is_control).count() * 32 <= start.len()
}

impl<I: Clone + Eq + std::hash::Hash> Peeled<I> {
    fn add(&mut self, item: I, range: Range<usize>, charset: Option<Coding>, chain: Option<&Chain<'_>>) {
        let (range, mut codings) = trace(range, chain);
        codings.extend(charset);
        let places = self.places.entry(item.clone()).or_default();
        // The newest first: a form is looked through from its start to its end.
        let same = |place: &&usize| overlap(&self.hits[**place].range, &range);
        if places.iter().rev().find(same).is_none() {
            places.push(self.hits.len());
            self.hits.push(Hit { item, range, codings });
        }
    }

    fn parcels(&mut self, runs: &mut base64::Runs, bytes: &[u8], chain: Option<&Chain<'_>>, on: Codings) {
        for (at, end, content) in runs.take_parcels(bytes, on) {
            let (range, codings) = trace(at..at + 1, chain);
            let cut = chain.is_none() && end == bytes.len();
            let parcel = Parcel { at: range.start, codings, content, cut };
            match self.parcels.iter_mut().find(|known| known.at == parcel.at) {
                // In one form it goes on where in another an escape cuts it.
                Some(known) if known.content.len() < parcel.content.len() => *known = parcel,
                Some(_) => {}
                None => self.parcels.push(parcel),
            }
        }
    }
}

/// Whether two places have a byte in common.
pub(crate) fn overlap<T: PartialOrd>(a: &Range<T>, b: &Range<T>) -> bool {
    a.start < b.end && b.start < a.end
}

/// Where in the window a place in a form is, and what it is wrapped in there.
fn trace(mut range: Range<usize>, mut chain: Option<&Chain<'_>>) -> (Range<usize>, Vec<Coding>) {
    let mut codings = Vec::new();
    while let Some(Chain { view, of, .. }) = chain {
        codings.extend(view.codings(&range).iter());
        range = view.source(&range);
        chain = *of;
    }
    codings.reverse();
    (range, codings)
}

/// What may belong to something beside a change: longer than any value.
const CONTEXT: usize = 4 << 10;
