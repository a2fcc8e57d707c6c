//! HTML: the text of an element that the host has marked.
//!
//! A part of the tokenizer of the WHATWG's HTML standard, section 13.2.5, whose states the names here follow. Its purpose is to
//! know for certain what is *not* the text of an element. Where that depends on more than the tokenizer (see [`Regions`]),
//! a `<` inside a tag, a comment or a raw text is ambiguous, and ends the scan: the rest passes through.

use core::mem;

use super::{
    Place, Rules, Step, WHITE_SPACE_MAX,
    candidate::{Matcher, Take, may_begin},
    elements::{Kind, Name, Regions},
    find::{find, find_byte},
};

#[derive(Clone, Copy)]
pub(super) struct Html<'m> {
    marker: &'m [u8],
    state: State,
    matcher: Matcher,
    /// The matcher has read a token in a marked element, and the name of the tag behind it is still to be read.
    held: bool,
    /// The marked element, or the one whose raw text is read.
    element: Name,
    tag: Tag,
    /// In a script, after `<!--`.
    escaped: bool,
    regions: Regions,
}

/// The tag that is being read.
#[derive(Clone, Copy)]
struct Tag {
    name: Name,
    is_end: bool,
    /// The last byte was a slash.
    slash: bool,
    /// How much of the attribute's name is that of the marking attribute; `None` if it is another one.
    attribute: Option<usize>,
    /// How much of its value is the marker; `None` if it is another one.
    value: Option<usize>,
    /// The first marking attribute's verdict.
    marked: Option<bool>,
}

#[derive(Clone, Copy)]
enum State {
    Data,
    /// Behind the start tag of a marked element.
    Marked,
    Candidate,
    /// Behind a token in a marked element, and this much white space.
    Full(usize),
    TagOpen,
    EndTagOpen,
    TagName,
    BeforeAttribute,
    AttributeName,
    AfterAttributeName,
    BeforeValue,
    /// In a value that ends with this quote.
    Quoted(u8),
    Unquoted,
    /// Behind `<!`, and this many hyphens.
    Bang(usize),
    Comment(Comment),
    BogusComment,
    RawText(Raw),
    /// Nothing more is replaced.
    Off,
}

#[derive(Clone, Copy)]
enum Comment {
    Start,
    StartDash,
    Text,
    Dash,
    DashDash,
    DashDashBang,
}

#[derive(Clone, Copy)]
enum Raw {
    Text,
    /// Behind `<`.
    Open,
    /// Behind `</` and this much of the element's name.
    Close(usize),
    /// In a script, behind `<!` and this many hyphens.
    Bang(usize),
    /// In a script after `<!--`, behind `<` and this much of `script`.
    Script(usize),
}

impl<'m> Html<'m> {
    pub(super) const fn new(marker: &'m str) -> Self {
        Self {
            marker: marker.as_bytes(),
            state: State::Data,
            matcher: Matcher::new(),
            held: false,
            element: Name::new(),
            tag: Tag::new(false),
            escaped: false,
            regions: Regions::new(),
        }
    }

    /// Changes the state after `read` bytes.
    fn go(&mut self, state: State, read: usize) -> (usize, Option<Step>) {
        self.state = state;
        (read, None)
    }

    /// The bytes since the token are not its element's end tag.
    fn release(&mut self) -> Option<Step> {
        mem::take(&mut self.held).then_some(Step::Drop)
    }

    /// Where the next `end` is, or the next `<` if that comes first and would be ambiguous.
    fn find_end(&self, rest: &[u8], end: u8) -> Option<usize> {
        if self.regions.any() { find(rest, |byte| (byte == end) | (byte == b'<')) } else { find_byte(rest, end) }
    }

    fn data(&mut self, rest: &[u8]) -> (usize, Option<Step>) {
        match find_byte(rest, b'<') {
            Some(at) => self.go(State::TagOpen, at.saturating_add(1)),
            None => (rest.len(), None),
        }
    }

    fn marked(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        if is_space(byte) {
            return (1, None);
        }
        if may_begin(rest) {
            (self.state, self.matcher) = (State::Candidate, Matcher::new());
            return (0, Some(Step::Open));
        }
        self.go(State::Data, 0)
    }

    fn full(&mut self, byte: u8, spaces: usize) -> (usize, Option<Step>) {
        if byte == b'<' {
            self.held = true;
            return self.go(State::TagOpen, 1);
        }
        if is_space(byte) && spaces < WHITE_SPACE_MAX {
            return self.go(State::Full(spaces.saturating_add(1)), 1);
        }
        self.state = State::Data;
        (0, Some(Step::Drop))
    }

    fn tag_open(&mut self, byte: u8) -> (usize, Option<Step>) {
        let (state, read) = match byte {
            b'/' => return self.go(State::EndTagOpen, 1),
            b'!' => (State::Bang(0), 1),
            b'?' => (State::BogusComment, 1),
            _ if byte.is_ascii_alphabetic() => {
                self.tag = Tag::new(false);
                (State::TagName, 0)
            }
            _ => (State::Data, 0),
        };
        self.state = state;
        (read, self.release())
    }

    fn end_tag_open(&mut self, byte: u8) -> (usize, Option<Step>) {
        if byte.is_ascii_alphabetic() {
            self.tag = Tag::new(true);
            return self.go(State::TagName, 0);
        }
        self.state = if byte == b'>' { State::Data } else { State::BogusComment };
        (usize::from(byte == b'>'), self.release())
    }

    /// The name that decides over a held token.
    fn tag_name(&mut self, byte: u8) -> (usize, Option<Step>) {
        if ends_name(byte) {
            self.state = State::BeforeAttribute;
            let is_whole = self.tag.is_end && self.tag.name.is(&self.element);
            let len = self.matcher.len();
            let verdict = || if is_whole { Take::step(len, Place::HtmlText) } else { Step::Drop };
            return (0, mem::take(&mut self.held).then(verdict));
        }
        let step = if self.tag.name.is_full() { self.release() } else { None };
        self.tag.name.push(byte);
        (1, step)
    }

    fn before_attribute(&mut self, byte: u8) -> (usize, Option<Step>) {
        let state = match byte {
            b'>' => self.after_tag(),
            b'/' => State::BeforeAttribute,
            _ if is_space(byte) => State::BeforeAttribute,
            _ => {
                self.tag.begin_attribute(byte);
                State::AttributeName
            }
        };
        self.tag.slash = byte == b'/';
        self.go(state, 1)
    }

    fn attribute_name(&mut self, byte: u8) -> (usize, Option<Step>) {
        if ends_name(byte) {
            return self.go(State::AfterAttributeName, 0);
        }
        if byte == b'=' {
            return self.go(State::BeforeValue, 1);
        }
        self.tag.push_name(byte);
        (1, None)
    }

    fn after_attribute_name(&mut self, byte: u8) -> (usize, Option<Step>) {
        match byte {
            b'=' => self.go(State::BeforeValue, 1),
            _ if is_space(byte) => (1, None),
            _ => self.after_attribute(0),
        }
    }

    fn before_value(&mut self, byte: u8) -> (usize, Option<Step>) {
        match byte {
            b'"' | b'\'' => self.go(State::Quoted(byte), 1),
            b'>' => self.after_attribute(0),
            _ if is_space(byte) => (1, None),
            _ => self.go(State::Unquoted, 0),
        }
    }

    fn quoted(&mut self, rest: &[u8], quote: u8) -> (usize, Option<Step>) {
        let end = self.find_end(rest, quote).unwrap_or(rest.len());
        self.tag.push_value(rest.get(..end).unwrap_or_default(), self.marker);
        if rest.get(end) == Some(&quote) { self.after_attribute(end.saturating_add(1)) } else { (end, None) }
    }

    fn unquoted(&mut self, rest: &[u8]) -> (usize, Option<Step>) {
        let ambiguous = self.regions.any();
        let end = rest.iter().position(|&byte| is_space(byte) || byte == b'>' || ambiguous && byte == b'<');
        let end = end.unwrap_or(rest.len());
        self.tag.push_value(rest.get(..end).unwrap_or_default(), self.marker);
        if rest.get(end).is_some_and(|&byte| byte != b'<') { self.after_attribute(end) } else { (end, None) }
    }

    fn after_attribute(&mut self, read: usize) -> (usize, Option<Step>) {
        self.tag.end_attribute(self.marker);
        self.go(State::BeforeAttribute, read)
    }

    /// Behind a tag's `>`: what its content is.
    fn after_tag(&mut self) -> State {
        let Tag { name, slash, .. } = self.tag;
        if self.tag.is_end {
            return if self.regions.leave(&name) { State::Data } else { State::Off };
        }
        let ambiguous = self.regions.any();
        match name.kind() {
            Kind::Ordinary if self.marks_text() => {
                self.element = name;
                State::Marked
            }
            Kind::Ordinary | Kind::Void => State::Data,
            Kind::MixesForeign | Kind::IntegrationPoint if !ambiguous => State::Data,
            Kind::RawText | Kind::IntegrationPoint => {
                (self.element, self.escaped) = (name, false);
                State::RawText(Raw::Text)
            }
            Kind::Region(region) if slash && region.is_foreign() => State::Data,
            Kind::Region(region) if self.regions.enter(region) => State::Data,
            _ => State::Off,
        }
    }

    fn marks_text(&self) -> bool {
        self.tag.marked == Some(true) && !self.tag.slash && self.regions.only_select()
    }

    fn bang(&mut self, byte: u8, hyphens: usize) -> (usize, Option<Step>) {
        match (byte, hyphens) {
            (b'-', 0) => self.go(State::Bang(1), 1),
            (b'-', _) => self.go(State::Comment(Comment::Start), 1),
            // `<![CDATA[` ends at `>` in HTML and at `]]>` in SVG.
            _ if self.regions.any() => self.go(State::Off, 0),
            _ => self.go(State::BogusComment, 0),
        }
    }

    fn comment(&mut self, byte: u8, rest: &[u8], state: Comment) -> (usize, Option<Step>) {
        let next = match (state, byte) {
            (Comment::Text, b'-') => Comment::Dash,
            (Comment::Text, _) => {
                return (self.find_end(rest, b'-').unwrap_or(rest.len()), None);
            }
            (Comment::Start, b'-') => Comment::StartDash,
            (Comment::StartDash | Comment::Dash | Comment::DashDash, b'-') => Comment::DashDash,
            (Comment::DashDashBang, b'-') => Comment::Dash,
            (Comment::DashDash, b'!') => Comment::DashDashBang,
            (Comment::Dash, _) => Comment::Text,
            (_, b'>') => return self.go(State::Data, 1),
            _ => Comment::Text,
        };
        let reads = !matches!(next, Comment::Text);
        self.go(State::Comment(next), usize::from(reads))
    }

    fn bogus_comment(&mut self, rest: &[u8]) -> (usize, Option<Step>) {
        match self.find_end(rest, b'>') {
            Some(end) if rest.get(end) == Some(&b'>') => self.go(State::Data, end.saturating_add(1)),
            end => (end.unwrap_or(rest.len()), None),
        }
    }

    fn raw_text(&mut self, byte: u8, rest: &[u8], state: Raw) -> (usize, Option<Step>) {
        let ambiguous = self.regions.any();
        let is_script = self.element.get() == Some(SCRIPT);
        let (next, read) = match state {
            Raw::Text => match find_byte(rest, b'<') {
                Some(at) => (Raw::Open, at.saturating_add(1)),
                None => (Raw::Text, rest.len()),
            },
            Raw::Open if byte == b'/' => (Raw::Close(0), 1),
            Raw::Close(seen) if self.closes(seen, byte) => {
                self.tag = Tag::new(true);
                self.tag.name = self.element;
                return self.go(State::BeforeAttribute, 0);
            }
            Raw::Close(seen) if self.element.get().is_some_and(|name| continues(name, seen, byte)) => {
                (Raw::Close(seen.saturating_add(1)), 1)
            }
            Raw::Open | Raw::Close(_) if ambiguous => return self.go(State::Off, 0),
            Raw::Open if is_script && byte == b'!' => (Raw::Bang(0), 1),
            Raw::Open if is_script && self.escaped => (Raw::Script(0), 0),
            Raw::Bang(0) if byte == b'-' => (Raw::Bang(1), 1),
            Raw::Bang(_) if byte == b'-' => {
                self.escaped = true;
                (Raw::Text, 1)
            }
            // From here on not every `</script>` ends the script.
            Raw::Script(seen) if seen == SCRIPT.len() && ends_name(byte) => return self.go(State::Off, 0),
            Raw::Script(seen) if continues(SCRIPT, seen, byte) => (Raw::Script(seen.saturating_add(1)), 1),
            _ => (Raw::Text, 0),
        };
        self.go(State::RawText(next), read)
    }

    /// Does `byte` end the name in the raw text's own end tag?
    fn closes(&self, seen: usize, byte: u8) -> bool {
        ends_name(byte) && self.element.get().is_some_and(|name| name.len() == seen)
    }
}

impl Rules for Html<'_> {
    fn advance(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        if byte == b'<' && self.state.is_markup() && self.regions.any() {
            self.state = State::Off;
            return (0, self.release());
        }
        match self.state {
            State::Data => self.data(rest),
            State::Marked => self.marked(byte, rest),
            State::Candidate => self.matcher.advance(rest, &mut self.state, State::Full(0), State::Data),
            State::Full(spaces) => self.full(byte, spaces),
            State::TagOpen => self.tag_open(byte),
            State::EndTagOpen => self.end_tag_open(byte),
            State::TagName => self.tag_name(byte),
            State::BeforeAttribute => self.before_attribute(byte),
            State::AttributeName => self.attribute_name(byte),
            State::AfterAttributeName => self.after_attribute_name(byte),
            State::BeforeValue => self.before_value(byte),
            State::Quoted(quote) => self.quoted(rest, quote),
            State::Unquoted => self.unquoted(rest),
            State::Bang(hyphens) => self.bang(byte, hyphens),
            State::Comment(comment) => self.comment(byte, rest, comment),
            State::BogusComment => self.bogus_comment(rest),
            State::RawText(raw) => self.raw_text(byte, rest, raw),
            State::Off => (rest.len(), None),
        }
    }

    /// Without the end tag a token is not the whole of an element.
    fn at_end(&self) -> Option<Take> {
        None
    }
}

impl State {
    /// Inside a tag or a comment.
    fn is_markup(self) -> bool {
        !matches!(
            self,
            Self::Data
                | Self::Marked
                | Self::Candidate
                | Self::Full(_)
                | Self::TagOpen
                | Self::EndTagOpen
                | Self::RawText(_)
                | Self::Off
        )
    }
}

impl Tag {
    const fn new(is_end: bool) -> Self {
        Self { name: Name::new(), is_end, slash: false, attribute: None, value: None, marked: None }
    }

    fn begin_attribute(&mut self, byte: u8) {
        (self.attribute, self.value) = (Some(0), Some(0));
        self.push_name(byte);
    }

    fn push_name(&mut self, byte: u8) {
        let seen = self.attribute.filter(|&seen| continues(ATTRIBUTE, seen, byte));
        self.attribute = seen.map(|seen| seen.saturating_add(1));
    }

    fn push_value(&mut self, bytes: &[u8], marker: &[u8]) {
        let is_next = |seen: &usize| marker.get(*seen..).is_some_and(|rest| rest.starts_with(bytes));
        self.value = self.value.filter(is_next).map(|seen| seen.saturating_add(bytes.len()));
    }

    /// Of attributes with the same name the first counts.
    fn end_attribute(&mut self, marker: &[u8]) {
        if self.attribute == Some(ATTRIBUTE.len()) && self.marked.is_none() {
            self.marked = Some(!marker.is_empty() && self.value == Some(marker.len()));
        }
    }
}

/// Is `byte`, in lower case, what comes after the first `seen` bytes of `name`?
fn continues(name: &[u8], seen: usize, byte: u8) -> bool {
    name.get(seen) == Some(&byte.to_ascii_lowercase())
}

fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

fn is_space(byte: u8) -> bool {
    (byte == b' ') | (byte == b'\t') | (byte == b'\n') | (byte == b'\r') | (byte == b'\x0c')
}

const ATTRIBUTE: &[u8] = b"data-symbolon";
const SCRIPT: &[u8] = b"script";
