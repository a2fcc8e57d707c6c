//! Text: one width, one case, one hyphen, one space.

use std::iter;

use icu_casemap::CaseMapper;
use icu_normalizer::ComposingNormalizer;
use icu_properties::{CodePointMapData, props::GeneralCategory};
use zeroize::Zeroizing;

use super::{NormaliseError, Normalised};

pub(super) fn normalise(value: &str) -> Result<Normalised, NormaliseError> {
    let folded = fold(value)?;
    Ok(Normalised(spaces(&dashes(&folded))))
}

/// Without the characters that nobody sees, in NFKC, without case.
pub(super) fn fold(value: &str) -> Result<Zeroizing<String>, NormaliseError> {
    let categories = CodePointMapData::<GeneralCategory>::new();
    if value.chars().any(|c| categories.get(c) == GeneralCategory::Unassigned) {
        return Err(NormaliseError::Unassigned);
    }
    let (nfkc, case) = (ComposingNormalizer::new_nfkc(), CaseMapper::new());
    let seen: Zeroizing<String> = Zeroizing::new(value.chars().filter(|&c| !is_invisible(c)).collect());
    let mut text = Zeroizing::new(nfkc.normalize(&seen).into_owned());
    // Folding can make what is not normal, and normalising what is not folded. Twice is enough: a test tries every character.
    for _ in 0..2 {
        let folded = Zeroizing::new(case.fold_string(&text).into_owned());
        text = Zeroizing::new(nfkc.normalize(&folded).into_owned());
    }
    Ok(text)
}

/// Hyphens, dashes and long-vowel marks are mixed up in what people type. Directly behind kana they are all the long-vowel mark, and
/// anywhere else the hyphen. So are the waves, and anywhere else the tilde.
fn dashes(text: &str) -> Zeroizing<String> {
    let mut behind_kana = false;
    let one = |c: char| {
        let mapped = match (kind(c), behind_kana) {
            (Kind::Other, _) => c,
            (_, true) => LONG_VOWEL,
            (Kind::Dash, false) => '-',
            (Kind::Wave, false) => '~',
        };
        behind_kana = mapped == LONG_VOWEL || is_kana(c);
        mapped
    };
    Zeroizing::new(text.chars().map(one).collect())
}

/// Every run of white space as one space, none at the ends.
fn spaces(text: &str) -> String {
    let mut words = text.split_whitespace();
    let first = words.next().into_iter();
    first.chain(words.flat_map(|word| iter::once(" ").chain(iter::once(word)))).collect()
}

enum Kind {
    Dash,
    Wave,
    Other,
}

fn kind(c: char) -> Kind {
    match c {
        '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{2500}' | '\u{2501}' | LONG_VOWEL => Kind::Dash,
        '~' | '\u{223c}' | '\u{301c}' | '\u{3030}' => Kind::Wave,
        _ => Kind::Other,
    }
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fa}' | '\u{31f0}'..='\u{31ff}')
}

/// Soft hyphen, zero-width space, word joiner, byte order mark, and the selectors of a character's variant.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{200b}' | '\u{2060}' | '\u{feff}' | '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0100}'..='\u{e01ef}'
    )
}

/// U+30FC
const LONG_VOWEL: char = 'ー';
