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
        let Some(at) = find_byte(rest, b'<') else { return (rest.len(), None) };
        let read = at.saturating_add(1);
        // The usual tag, without the states between.
        match rest.get(read..) {
            Some([letter, ..]) if letter.is_ascii_alphabetic() => self.begin_tag(false, read),
            Some([b'/', letter, ..]) if letter.is_ascii_alphabetic() => self.begin_tag(true, read.saturating_add(1)),
            _ => self.go(State::TagOpen, read),
        }
    }

    fn begin_tag(&mut self, is_end: bool, read: usize) -> (usize, Option<Step>) {
        self.tag = Tag::new(is_end);
        self.go(State::TagName, read)
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
            return self.begin_tag(true, 0);
        }
        self.state = if byte == b'>' { State::Data } else { State::BogusComment };
        (usize::from(byte == b'>'), self.release())
    }

    /// The name that decides over a held token.
    fn tag_name(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        let (name, end) = split_name(rest, usize::from(byte == b'<'), ends_name);
        let fits = self.tag.name.push(name);
        let Some(end) = end.filter(|&end| ends_name(end)) else {
            return (name.len(), if fits { None } else { self.release() });
        };
        self.state = State::BeforeAttribute;
        if mem::take(&mut self.held) {
            let is_whole = self.tag.is_end && self.tag.name.is(&self.element);
            let verdict = if is_whole { Take::step(self.matcher.len(), Place::HtmlText) } else { Step::Drop };
            return (name.len(), Some(verdict));
        }
        let (read, step) = self.before_attribute(end, rest.get(name.len()..).unwrap_or_default());
        (name.len().saturating_add(read), step)
    }

    fn before_attribute(&mut self, byte: u8, rest: &[u8]) -> (usize, Option<Step>) {
        if byte == b'>' {
            let state = self.after_tag();
            return self.go(state, 1);
        }
        self.tag.slash = byte == b'/';
        match byte {
            b'/' => (1, None),
            _ if is_space(byte) => (1, None),
            _ => {
                (self.tag.attribute, self.tag.value) = (Some(0), Some(0));
                // An equals sign in front belongs to the name.
                self.attribute_name(rest, 1)
            }
        }
    }

    /// `rest` begins with this many bytes that are the name's, whatever they are.
    fn attribute_name(&mut self, rest: &[u8], some: usize) -> (usize, Option<Step>) {
        let (name, end) = split_name(rest, some, |byte| ends_name(byte) || byte == b'=');
        self.tag.push_name(name);
        match end {
            Some(b'=') => self.go(State::BeforeValue, name.len().saturating_add(1)),
            Some(byte) if ends_name(byte) => self.go(State::AfterAttributeName, name.len()),
            _ => self.go(State::AttributeName, name.len()),
        }
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
    #[inline]
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
            State::TagName => self.tag_name(byte, rest),
            State::BeforeAttribute => self.before_attribute(byte, rest),
            State::AttributeName => self.attribute_name(rest, usize::from(byte == b'<')),
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

    fn push_name(&mut self, bytes: &[u8]) {
        self.attribute = self.attribute.and_then(|seen| {
            let end = seen.saturating_add(bytes.len());
            ATTRIBUTE.get(seen..end)?.eq_ignore_ascii_case(bytes).then_some(end)
        });
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

/// The part of a name that `rest` begins with, and the byte behind it. The first `some` bytes are the name's; behind them a `<` ends the part,
/// because it may be ambiguous.
fn split_name(rest: &[u8], some: usize, ends: impl Fn(u8) -> bool) -> (&[u8], Option<u8>) {
    let len = rest.iter().skip(some).position(|&byte| byte == b'<' || ends(byte));
    let len = len.map_or(rest.len(), |more| some.saturating_add(more));
    (rest.get(..len).unwrap_or_default(), rest.get(len).copied())
}

/// Is `byte`, in lower case, what comes after the first `seen` bytes of `name`?
fn continues(name: &[u8], seen: usize, byte: u8) -> bool {
    name.get(seen) == Some(&byte.to_ascii_lowercase())
}

fn ends_name(byte: u8) -> bool {
    is_space(byte) || matches!(byte, b'/' | b'>')
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\x0c')
}

const ATTRIBUTE: &[u8] = b"data-symbolon";
const SCRIPT: &[u8] = b"script";
