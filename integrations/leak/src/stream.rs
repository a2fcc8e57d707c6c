//! Takes streams through windows and containers.

use std::{
    cell::Cell,
    io::{self, Cursor, Read},
    ops::Range,
    rc::Rc,
};

use crate::{
    Coding, Event, Found, Look, Options, Place, Problem, container,
    peel::{Parcel, Peeler, base64, overlap},
    place::grouped,
    window::Window,
};

/// Looks for something in one source after the other.
pub struct Scan<'s, L: Look, T> {
    pub(crate) look: &'s L,
    pub(crate) options: Options,
    pub(crate) tell: T,
    pub(crate) budget: Rc<Budget>,
}

impl<'s, L: Look, T: FnMut(Event<'_, L::Item>)> Scan<'s, L, T> {
    /// What is looked for, how, and who is told.
    ///
    /// # Panics
    /// Chunks of a gigabyte and more.
    pub fn new(look: &'s L, options: Options, tell: T) -> Self {
        assert!(options.chunk > 0 && options.chunk + options.overlap + options.lead < 1 << 30, "chunks are too large");
        Self { look, options, tell, budget: Rc::default() }
    }

    /// Looks through a stream, and the containers in it.
    pub fn stream(&mut self, input: &mut dyn Read, place: &Place) {
        self.start(place);
        let mut input = Metered { input, budget: Rc::clone(&self.budget), limit: None };
        self.read(&mut input, place, 0, self.options.file_depth);
        self.report_read();
    }

    /// A new source: what the one before expanded to is none of its.
    pub(crate) fn start(&mut self, place: &Place) {
        self.report_read();
        self.budget = Rc::default();
        (self.tell)(Event::Source(place));
    }

    /// Looks through what is at `base` of its source.
    pub(crate) fn read(&mut self, input: &mut dyn Read, place: &Place, base: u64, depth: u8) {
        let mut window = Window::new(&self.options, base);
        let mut error = window.fill(input).err();
        let kind = container::kind(window.bytes()).filter(|kind| self.options.codings.has(*kind));
        if let Some(kind) = kind {
            if let Some(depth) = depth.checked_sub(1) {
                let rest: &mut dyn Read = if error.is_some() { &mut io::empty() } else { input };
                self.open(kind, &mut Cursor::new(window.into_bytes()).chain(rest), place, depth);
                return self.failed(place, error.as_ref());
            }
            self.problem(place, format!("{kind} inside too many other containers: not opened"));
        }
        self.windows(window, &mut error, input, place, depth);
        self.failed(place, error.as_ref());
    }

    /// Looks through a stream that is no container, whatever it looks like.
    pub(crate) fn plain(&mut self, input: &mut dyn Read, place: &Place) {
        let mut window = Window::new(&self.options, 0);
        let mut error = window.fill(input).err();
        self.windows(window, &mut error, input, place, 0);
        self.failed(place, error.as_ref());
    }

    fn windows(
        &mut self,
        mut window: Window,
        error: &mut Option<io::Error>,
        input: &mut dyn Read,
        place: &Place,
        depth: u8,
    ) {
        let (mut recent, mut growing) = (Vec::<(L::Item, Range<u64>)>::new(), None::<Growing>);
        loop {
            let grown = growing.as_mut().is_some_and(|parcel| parcel.grow(&window, self.options.held));
            if let Some(parcel) = growing.take_if(|_| grown || window.last) {
                self.parcel(parcel.content, &parcel.place, depth);
            }
            let peeled = if is_empty(window.bytes()) {
                None
            } else {
                Some(Peeler { look: self.look, options: &self.options }.peel(window.bytes()))
            };
            let (start, end) = (window.own.saturating_sub(SLACK), window.own_end().saturating_add(SLACK));
            let mut news = Vec::new();
            let (hits, parcels) = peeled.map(|peeled| (peeled.hits, peeled.parcels)).unwrap_or_default();
            for hit in hits.into_iter().filter(|hit| (start..end).contains(&hit.range.start)) {
                let range = window.base + hit.range.start as u64..window.base + hit.range.end as u64;
                if !recent.iter().any(|(item, known)| *item == hit.item && overlap(known, &range)) {
                    self.found(&hit.item, place, range.start, &hit.codings);
                    news.push((hit.item, range));
                }
            }
            let own = window.own..window.own_end();
            for parcel in parcels.into_iter().filter(|parcel| own.contains(&parcel.at)) {
                let inner = layers(place, &parcel, window.base);
                if parcel.cut && !window.last {
                    growing = Some(Growing::of(&window, parcel.at, inner));
                } else {
                    self.parcel(parcel.content, &inner, depth);
                }
            }
            if window.last || self.budget.is_over() {
                return;
            }
            window.slide();
            recent.extend(news);
            recent.retain(|(_, range)| range.end > window.base);
            *error = window.fill(input).err();
        }
    }

    /// A container that was held in text.
    fn parcel(&mut self, content: Vec<u8>, place: &Place, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else {
            return self.problem(place, "inside too many other containers: not opened".into());
        };
        if content.len() >= self.options.held {
            self.problem(place, format!("longer than {} MiB: only so much was looked into", self.options.held >> 20));
        }
        if self.spend(content.len() as u64) {
            self.read(&mut Cursor::new(content), place, 0, depth);
        }
    }

    /// A name may be what is looked for, or hold it.
    pub(crate) fn name(&mut self, name: &[u8], place: &Place) {
        let peeled = Peeler { look: self.look, options: &self.options }.peel(name);
        for hit in peeled.hits {
            let (offset, codings) = (hit.range.start as u64, hit.codings.as_slice());
            (self.tell)(Event::Found(Found { item: &hit.item, place, offset, codings, in_name: true }));
        }
    }

    fn found(&mut self, item: &L::Item, place: &Place, offset: u64, codings: &[Coding]) {
        (self.tell)(Event::Found(Found { item, place, offset, codings, in_name: false }));
    }

    /// Something could not be looked into. Once a source expands too far, that is all there is to say of it.
    pub(crate) fn problem(&mut self, place: &Place, cause: String) {
        if !self.budget.told.get() {
            self.budget.told.set(self.budget.is_over());
            (self.tell)(Event::Problem(Problem { place, cause }));
        }
    }

    pub(crate) fn failed(&mut self, place: &Place, error: Option<&io::Error>) {
        if let Some(error) = error {
            self.problem(place, error.to_string());
        }
    }

    /// Counts bytes that something expands to; `false` once they are too many.
    fn spend(&self, bytes: u64) -> bool {
        self.budget.spend(bytes, self.options.expansion).is_ok()
    }

    /// A reader of what a container expands to.
    pub(crate) fn metered<'i>(&self, input: &'i mut dyn Read) -> Metered<'i> {
        Metered { input, budget: Rc::clone(&self.budget), limit: Some(self.options.expansion) }
    }

    pub(crate) fn report_read(&mut self) {
        let read = self.budget.unreported.take();
        if read > 0 {
            (self.tell)(Event::Read(read));
        }
    }
}

impl<L: Look, T> std::fmt::Debug for Scan<'_, L, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scan").field("options", &self.options).finish_non_exhaustive()
    }
}

/// How far one source has expanded.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    read: Cell<u64>,
    unreported: Cell<u64>,
    expanded: Cell<u64>,
    over: Cell<bool>,
    told: Cell<bool>,
}

impl Budget {
    pub(crate) fn is_over(&self) -> bool {
        self.over.get()
    }

    fn spend(&self, bytes: u64, limit: u64) -> io::Result<()> {
        self.expanded.set(self.expanded.get().saturating_add(bytes));
        let most = limit.saturating_add(self.read.get().saturating_mul(Options::RATIO));
        if self.expanded.get() <= most {
            return Ok(());
        }
        self.over.set(true);
        Err(io::Error::other(format!(
            "expands to more than {} bytes, which is {} times what was read of it and {} more, as a zip bomb does: the rest of it \
             was not looked into",
            grouped(most),
            Options::RATIO,
            grouped(limit)
        )))
    }
}

/// A reader that counts: what is read of a source, or what a container expands to.
pub(crate) struct Metered<'i> {
    input: &'i mut dyn Read,
    budget: Rc<Budget>,
    limit: Option<u64>,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.input.read(buffer)?;
        match self.limit {
            Some(limit) => self.budget.spend(read as u64, limit)?,
            None => self.budget.count(read as u64),
        }
        Ok(read)
    }
}

impl Budget {
    pub(crate) fn count(&self, read: u64) {
        self.read.set(self.read.get() + read);
        self.unreported.set(self.unreported.get() + read);
    }
}

/// A container in base64 that goes on behind its window.
struct Growing {
    place: Place,
    content: Vec<u8>,
    decoder: base64::Decoder,
    /// Line breaks since the last digit.
    breaks: u8,
}

impl Growing {
    /// What begins at `at` of a window and goes on to its end. The digits are taken anew, so that a group may be cut.
    fn of(window: &Window, at: usize, place: Place) -> Self {
        let mut growing = Self { place, content: Vec::new(), decoder: base64::Decoder::default(), breaks: 0 };
        growing.take(&window.bytes()[at..], usize::MAX);
        growing
    }

    /// Takes what is new in a window; `true` if it ends there.
    fn grow(&mut self, window: &Window, most: usize) -> bool {
        self.take(&window.bytes()[window.known..], most)
    }

    fn take(&mut self, mut bytes: &[u8], most: usize) -> bool {
        loop {
            let digits = bytes.iter().take_while(|byte| base64::is_digit(**byte)).count();
            self.decoder.push(&bytes[..digits], &mut self.content);
            self.breaks = if digits > 0 { 0 } else { self.breaks };
            let Some(next) = bytes.get(digits) else { break };
            self.breaks += u8::from(*next == b'\n');
            // An empty line ends it, as anything else does that is no digit, quote sign or indentation.
            if self.breaks > 1 || !matches!(next, b'\r' | b'\n' | b' ' | b'\t' | b'>') {
                self.decoder.finish(&mut self.content);
                return true;
            }
            bytes = &bytes[digits + 1..];
        }
        self.content.len() >= most
    }
}

/// The place of a container in text.
fn layers(place: &Place, parcel: &Parcel, base: u64) -> Place {
    let outer = parcel.codings.iter().fold(place.clone(), |place, coding| place.within(coding.name()));
    outer.within(format!("base64 at {}", grouped(base + parcel.at as u64)))
}

/// Nothing but zeros: the holes of sparse files.
fn is_empty(bytes: &[u8]) -> bool {
    let (words, rest) = bytes.as_chunks::<64>();
    rest.iter().all(|byte| *byte == 0) && words.iter().all(|word| *word == [0; 64])
}

/// A thing may begin a few bytes to the side in another window's forms.
const SLACK: usize = 64;
