//! The streaming scanner and rewriter, cut wherever the input says, against a reading of the whole text at once.

pub mod reference;

use std::convert::Infallible;

use arbitrary::Unstructured;
use symbolon::{Access, Field, Format, Place, Rewriter, Rights, Scanner, Sink, Token, TokenBuf};

use crate::world::{World, alice, bob, enter};
use reference::{Found, escaped};

/// However a text is cut, and however often its sink fails, the scanner finds what a naive reading finds, in the same places, and every other
/// byte arrives once and in order. The rewriter puts her values where her tokens were and placeholders for all others.
pub fn run(data: &[u8]) {
    let mut data = Unstructured::new(data);
    let Ok(how) = How::of(&mut data) else { return };
    let tokens = Tokens::get();
    let text = tokens.woven_into(data.take_rest());
    finds_as_specified(&text, &how, scan);
    rewrites(&text, &how, tokens);
}

/// What the core's scanner does with a text in pieces; where the sink fails, it is asked again.
pub fn scan(format: Format<'_>, chunks: &[&[u8]], sink: &mut Writer) {
    let mut scanner = Scanner::new(format);
    for chunk in chunks {
        while !sink.is_content(|sink| scanner.feed(chunk, sink)) {}
    }
    while !sink.is_content(|sink| scanner.finish(sink)) {}
}

/// What is done with a text.
pub struct How {
    format: Kind,
    /// How long the chunks are, over and over.
    cuts: Vec<usize>,
    /// The calls of the sink that fail: those whose bit is set, over and over.
    fails: u8,
    value: &'static str,
}

#[derive(Clone, Copy)]
enum Kind {
    Csv(u8),
    Json,
    Html(&'static str),
    Plain,
}

impl Kind {
    fn format(self) -> Format<'static> {
        match self {
            Self::Csv(delimiter) => Format::Csv { delimiter },
            Self::Json => Format::Json,
            Self::Html(marker) => Format::Html { marker },
            Self::Plain => Format::AnywhereInPlainText,
        }
    }

    fn found(self, text: &[u8]) -> Vec<Found> {
        match self {
            Self::Csv(delimiter) => reference::csv(text, delimiter),
            Self::Json => reference::json(text),
            Self::Html(marker) => reference::html(text, marker.as_bytes()),
            Self::Plain => reference::plain(text),
        }
    }
}

impl How {
    /// The first bytes: format, number of cuts, cuts, failures, value.
    pub fn of(data: &mut Unstructured<'_>) -> arbitrary::Result<Self> {
        let mut byte = || data.bytes(1).map(|byte| byte[0]);
        let format = match byte()? {
            b'c' => Kind::Csv(b','),
            b't' => Kind::Csv(b'\t'),
            b'd' => Kind::Csv(byte()?),
            b'j' => Kind::Json,
            b'h' => Kind::Html("m7"),
            b'e' => Kind::Html(""),
            _ => Kind::Plain,
        };
        let count = byte()? % 8;
        let cuts = (0..count).map(|_| byte().map(usize::from)).collect::<Result<Vec<_>, _>>()?;
        let fails = byte()?;
        let value = VALUES[usize::from(byte()?) % VALUES.len()];
        Ok(Self { format, cuts, fails: if fails == 0xff { 0x55 } else { fails }, value })
    }

    fn chunks<'t>(&self, mut text: &'t [u8]) -> Vec<&'t [u8]> {
        let mut chunks = Vec::new();
        let mut cuts = self.cuts.iter().cycle();
        // Cuts of nothing are chunks of nothing; when there are no others, the rest is one.
        while !text.is_empty() && chunks.len() < 2 * text.len() + 8 {
            let len = cuts.next().map_or(text.len(), |&cut| cut.min(text.len()));
            let (chunk, rest) = text.split_at(len);
            chunks.push(chunk);
            text = rest;
            if chunks.len() > 64 && self.cuts.iter().all(|&cut| cut == 0) {
                break;
            }
        }
        chunks.push(text);
        chunks
    }
}

/// What a value is written as.
const VALUES: [&str; 6] =
    ["Alice", "", "O'Neil \"<script>\" & co,\t;\\", " edge\r\n\u{2028}\0\u{1f}", "\u{feff}山田\u{8}\u{c}", "=1+1"];

/// A sink that writes values in the tokens' places, notes where tokens stood, and fails as it is told.
pub struct Writer {
    out: Vec<u8>,
    source: Vec<u8>,
    found: Vec<Found>,
    calls: u32,
    fails: u8,
    has_failed: bool,
    value: &'static str,
}

impl Writer {
    fn call(&mut self) -> Result<(), ()> {
        assert!(!self.has_failed, "a call behind one that failed");
        self.calls += 1;
        self.has_failed = self.fails >> (self.calls % 8) & 1 == 1;
        if self.has_failed { Err(()) } else { Ok(()) }
    }

    /// Whether what is called here says that the sink took everything, as it must say exactly then.
    pub fn is_content(&mut self, call: impl FnOnce(&mut Self) -> Result<(), ()>) -> bool {
        let took_all = call(self).is_ok();
        assert_eq!(took_all, !std::mem::take(&mut self.has_failed), "an error came through");
        took_all
    }
}

impl Sink for Writer {
    type Error = ();

    fn copy(&mut self, bytes: &[u8]) -> Result<(), ()> {
        self.call()?;
        assert!(!bytes.is_empty(), "a call without bytes");
        self.out.extend_from_slice(bytes);
        self.source.extend_from_slice(bytes);
        Ok(())
    }

    fn token(&mut self, token: Token<'_>, place: Place) -> Result<(), ()> {
        self.call()?;
        let start = self.source.len();
        self.source.extend_from_slice(token.to_string().as_bytes());
        self.found.push(Found { start, end: self.source.len(), place });
        let Ok(()) = place.escape(self.value, |bytes| {
            self.out.extend_from_slice(bytes);
            Ok::<(), Infallible>(())
        });
        Ok(())
    }
}

/// `scan` finds what the reference finds, and writes what it would write: in the chunks that the input asks for, byte by byte, and of a short text
/// in any two chunks.
pub fn finds_as_specified(text: &[u8], how: &How, scan: impl Fn(Format<'_>, &[&[u8]], &mut Writer)) {
    let found = how.format.found(text);
    let expected = woven(text, &found, |_, place| escaped(place, how.value));
    let finds = |chunks: &[&[u8]]| {
        let (out, source) = (Vec::new(), Vec::new());
        let (fails, value) = (how.fails, how.value);
        let mut writer = Writer { out, source, found: Vec::new(), calls: 0, fails, has_failed: false, value };
        scan(how.format.format(), chunks, &mut writer);
        let lengths = || chunks.iter().map(|chunk| chunk.len()).collect::<Vec<_>>();
        assert!(
            writer.source == text,
            "bytes lost or made up: {:?} in {:?}",
            text.escape_ascii().to_string(),
            lengths()
        );
        assert_eq!(writer.found, found, "{:?} in {:?}", text.escape_ascii().to_string(), lengths());
        assert!(writer.out == expected, "{:?} in {:?}", text.escape_ascii().to_string(), lengths());
    };
    finds(&how.chunks(text));
    finds(&text.chunks(1).collect::<Vec<_>>());
    if text.len() <= CUT_ANYWHERE {
        for (before, behind) in (0..=text.len()).map(|at| text.split_at(at)) {
            finds(&[before, behind]);
        }
    }
}

/// Four tokens and what stands around them.
const CUT_ANYWHERE: usize = 600;

/// The text with something else in the tokens' places.
#[must_use]
pub fn woven(text: &[u8], found: &[Found], mut put: impl FnMut(&[u8], Place) -> Vec<u8>) -> Vec<u8> {
    let (mut out, mut from) = (Vec::new(), 0);
    for &Found { start, end, place } in found {
        out.extend_from_slice(&text[from..start]);
        out.extend(put(&text[start..end], place));
        from = end;
    }
    out.extend_from_slice(&text[from..]);
    out
}

/// The same with a session: hers is shown, and of everything else the placeholder.
fn rewrites(text: &[u8], how: &How, tokens: &Tokens) {
    let found = how.format.found(text);
    if found.is_empty() || found.len() > 24 {
        return;
    }
    let mut world = World::new();
    let client = world.log_in_as_bearer(&alice(), Rights::OWN);
    let session = enter(&world.vault, &client, &mut world.host);
    let mut out = Vec::new();
    let mut put = |bytes: &[u8]| {
        out.extend_from_slice(bytes);
        Ok::<(), Infallible>(())
    };
    let format = how.format.format();
    let mut rewriter =
        Rewriter::new(format, Access::OWN, &session, &mut world.host).in_record(RECORD).expect("a record");
    for chunk in how.chunks(text) {
        rewriter.feed(chunk, &mut put).expect("room in the trail");
    }
    assert!(format!("{rewriter:?}").starts_with("Rewriter {"), "and no text");
    rewriter.finish(&mut put).expect("room in the trail");
    let expected = woven(text, &found, |token, place| {
        let known = tokens.known.iter().find(|known| known.text == token);
        let value = known.and_then(|known| known.hers);
        let field = TokenBuf::from_text(token).expect("found tokens decode").as_token().field();
        escaped(place, value.unwrap_or(field.placeholder()))
    });
    assert!(out == expected, "{} became {}", text.escape_ascii(), out.escape_ascii());
}

/// What the input can have woven in by a byte.
pub struct Tokens {
    known: Vec<Known>,
}

struct Known {
    text: Vec<u8>,
    /// Her value, where it opens for her.
    hers: Option<&'static str>,
}

impl Tokens {
    /// The same for every input.
    #[must_use]
    pub fn get() -> &'static Self {
        static TOKENS: std::sync::OnceLock<Tokens> = std::sync::OnceLock::new();
        TOKENS.get_or_init(|| {
            let mut world = World::new();
            let mut known = Vec::new();
            let mut add = |token: TokenBuf, hers| {
                known.push(Known { text: token.as_token().to_string().into_bytes(), hers });
            };
            add(world.token(&alice(), Field::CARD_NUMBER, b"4242 4242 4242 4242"), Some("4242 4242 4242 4242"));
            add(world.token(&bob(), Field::PHONE, b"0312345678"), None);
            let odd = VALUES[2];
            add(world.token(&alice(), Field::PERSON_NAME, odd.as_bytes()), Some(odd));
            let slot = symbolon::Slot::in_record(Field::SHIPPING_ADDRESS, RECORD).expect("a record");
            add(world.token_in(&alice(), slot, b"Rabbit Hole 1"), Some("Rabbit Hole 1"));
            add(world.token(&alice(), Field::FREE_TEXT, &[b'x'; 600]), Some(LONG));
            // Of the right form and nobody's; and what only nearly is a token.
            let mut nobodys = known[0].text.clone();
            nobodys[60] ^= 1;
            known.push(Known { text: nobodys, hers: None });
            let mut bits = known[0].text.clone();
            if let Some(last) = bits.last_mut() {
                *last = if *last == b'A' { b'B' } else { *last + 1 };
            }
            known.push(Known { text: bits, hers: None });
            let half = known[1].text[..100].to_vec();
            known.push(Known { text: half, hers: None });
            Self { known }
        })
    }

    /// Bytes from 0xf8 on are tokens, all others themselves.
    #[must_use]
    pub fn woven_into(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        for &byte in text {
            match byte.checked_sub(0xf8).and_then(|number| self.known.get(usize::from(number))) {
                Some(known) => out.extend_from_slice(&known.text),
                None => out.push(byte),
            }
        }
        out
    }

    /// Her value for a token's text.
    #[must_use]
    pub fn hers(&self, text: &[u8]) -> Option<&'static str> {
        self.known.iter().find(|known| known.text == text)?.hers
    }
}

/// The order that tokens of bound fields are of.
pub const RECORD: &[u8] = b"order-7";

const LONG: &str = match std::str::from_utf8(&[b'x'; 600]) {
    Ok(long) => long,
    Err(_) => "",
};

/// Texts of every format.
pub fn seeds() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 22] = [
        b"c\x00\x00\x00id,name\r\n1,\xf8\r\n2,\"\xf9\",x\xf8\n",
        b"c\x02\x01\x05\x0f\x01\xef\xbb\xbf\"\xf8\",\"a,\"\"\xf8\"\"\",\xfa\r\xfb,\xfc",
        b"c\x01\x01\xff\x02\"\xf8\"x,\xf8 , \xf8,\"\xf8",
        b"t\x01\x07\x00\x03\xf8\t\"\xfa\"\n",
        b"d;\x01\x20\x00\x02\xf8;\xfe;\xff\n",
        b"d\"\x01\x20\x00\x02\xf8\"\xf8\"",
        b"j\x00\x00\x02{\"a\":\"\xf8\",\"\xf8\":1,\"b\":[\"\xfa\" , \"\xfd\"]}\n\"\xf8\"\n",
        b"j\x02\x03\x50\xaa\x03\"\xf8\" \n \"\xf8\"x[\"\\\"\xf8\"]",
        b"j\x01\x01\x00\x04\"\xfe\"\xf8\",\"\\\\\",\"\xfc\"",
        b"h\x00\x00\x02<p data-symbolon=\"m7\">\xf8</p><p>\xf8</p><img src=\"//e/?q=\xf8\">",
        b"h\x02\x01\x09\x33\x03<!doctype html><B DATA-symbolon=m7> \xfa \n</b ><br data-symbolon=m7>\xf8</br>",
        b"h\x01\x02\x00\x02<!-- <p data-symbolon=m7>\xf8</p> --><!---><p data-symbolon='m7'>\xf8</p></x ><?x>",
        b"h\x01\x40\x00\x02<script data-symbolon=m7>\xf8</script><script><!-- <script>x</script></script><p data-symbolon=m7>\xf8</p>",
        b"h\x00\x00\x00<svg><desc data-symbolon=m7>\xf8</desc></svg><p data-symbolon=m7>\xf8</p><svg/><title></title>",
        b"h\x00\x00\x00<select><option data-symbolon=m7>\xf8</option></select><template><p data-symbolon=m7>\xf8</p></template>",
        b"h\x00\x00\x00<textarea data-symbolon=m7>\xf8</textarea/><noscript><a <b></noscript><p data-symbolon=m7>\xf8</p>",
        b"h\x01\x03\x00\x00<p data-symbolon=m7 data-symbolon=x/>\xf8</p><p a=b/ data-symbolon=m7>\xf8</p ><plaintext><p data-symbolon=m7>\xf8</p>",
        b"h\x00\x00\x00<svg><math></svg><p data-symbolon=m7>\xf8</p>",
        b"e\x00\x00\x00<p data-symbolon=\"\">\xf8</p>",
        b"p\x00\x00\x02see \xf8, \xfa\xf8 or x\xf8 \xfd\n\xf8",
        b"p\x03\x00\x01\xc8\x0f\x03\xfc.\xfb!\xff\xf9?\xfe",
        b"p\x00\x00\x00sym_sym_ ssysym_EQ \xf8-",
    ];
    texts.iter().map(|text| text.to_vec()).collect()
}
