//! HTML's elements, as far as the tokenizer depends on them.

use super::NAME_MAX;

/// A tag's name, ASCII letters in lower case. One that is too long equals none.
#[derive(Clone, Copy)]
pub(super) struct Name {
    bytes: [u8; NAME_MAX],
    len: usize,
}

impl Name {
    pub(super) const fn new() -> Self {
        Self { bytes: [0; NAME_MAX], len: 0 }
    }

    /// Returns whether it fits.
    pub(super) fn push(&mut self, bytes: &[u8]) -> bool {
        let from = self.len;
        self.len = self.len.saturating_add(bytes.len());
        let Some(free) = self.bytes.get_mut(from..self.len) else { return false };
        for (slot, byte) in free.iter_mut().zip(bytes) {
            *slot = byte.to_ascii_lowercase();
        }
        true
    }

    /// `None` if it is too long.
    pub(super) fn get(&self) -> Option<&[u8]> {
        self.bytes.get(..self.len)
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        self.get().is_some() && self.get() == other.get()
    }

    pub(super) fn kind(&self) -> Kind {
        let Some(name) = self.get() else { return Kind::Ordinary };
        match name {
            b"script" | b"style" | b"textarea" | b"title" | b"xmp" | b"iframe" | b"noembed" | b"noframes" => {
                Kind::RawText
            }
            b"desc" | b"mi" | b"mo" | b"mn" | b"ms" | b"mtext" => Kind::IntegrationPoint,
            b"foreignobject" | b"annotation-xml" => Kind::MixesForeign,
            b"plaintext" | b"frameset" => Kind::EndsScan,
            b"area" | b"base" | b"basefont" | b"bgsound" | b"br" | b"col" | b"embed" | b"frame" | b"hr" | b"image"
            | b"img" | b"input" | b"keygen" | b"link" | b"meta" | b"param" | b"source" | b"track" | b"wbr" => {
                Kind::Void
            }
            b"svg" => Kind::Region(Region::Svg),
            b"math" => Kind::Region(Region::Math),
            b"select" => Kind::Region(Region::Select),
            b"template" => Kind::Region(Region::Template),
            b"noscript" => Kind::Region(Region::NoScript),
            _ => Kind::Ordinary,
        }
    }
}

/// What a start tag means for the bytes behind it.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Ordinary,
    /// No content.
    Void,
    /// The content is text up to the element's own end tag.
    RawText,
    /// In SVG and MathML HTML may stand in its content, and be parsed as such.
    IntegrationPoint,
    /// In SVG and MathML what stands in its content is HTML, and can't be followed.
    MixesForeign,
    /// Text to the end, or frames.
    EndsScan,
    Region(Region),
}

/// An element in whose content parsers differ over what a tag or a raw text is: by their settings (`noscript`), their age
/// (`select`), their insertion mode (`template`), or because other rules hold (SVG, MathML).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Region {
    Svg,
    Math,
    Select,
    Template,
    NoScript,
}

impl Region {
    pub(super) fn is_foreign(self) -> bool {
        matches!(self, Self::Svg | Self::Math)
    }
}

/// The regions that are open, outermost first.
#[derive(Clone, Copy)]
pub(super) struct Regions([Option<Region>; REGIONS_MAX]);

impl Regions {
    pub(super) const fn new() -> Self {
        Self([None; REGIONS_MAX])
    }

    pub(super) const fn any(&self) -> bool {
        self.0[0].is_some()
    }

    /// True where a marked element's text is still to be replaced: an `option` in a `select`.
    pub(super) fn only_select(&self) -> bool {
        self.0.iter().flatten().all(|&region| region == Region::Select)
    }

    /// A start tag; returns false if there are too many open.
    pub(super) fn enter(&mut self, region: Region) -> bool {
        let Some(slot) = self.0.iter_mut().find(|slot| slot.is_none()) else { return false };
        *slot = Some(region);
        true
    }

    /// An end tag; returns false if it closes an outer region before an inner one.
    pub(super) fn leave(&mut self, name: &Name) -> bool {
        if !self.any() {
            return true;
        }
        let Kind::Region(region) = name.kind() else { return true };
        let is_open = self.0.contains(&Some(region));
        match self.0.iter_mut().rev().find(|slot| slot.is_some()) {
            Some(innermost) if *innermost == Some(region) => {
                *innermost = None;
                true
            }
            _ => !is_open,
        }
    }
}

const REGIONS_MAX: usize = 8;
