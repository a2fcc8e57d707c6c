//! Masks: the partial view of a value that was opened. SPEC.md, "Masks". What was not opened gets a placeholder instead.

use crate::{
    Error, Field,
    field::{digit, email_local_part, phone_number},
};

/// The buffer that a mask needs: 64 bytes. No mask is longer.
pub(crate) const MASK_LEN: usize = 64;

impl Field {
    /// Writes the mask of `value` into `out` and returns it: enough for its owner to recognise it, never the whole,
    /// and the same length whatever the value's length is.
    ///
    /// | field | mask | of |
    /// |---|---|---|
    /// | person name | `山●●` | 山田 太郎 |
    /// | e-mail | `a●●@●●●` | alice@example.com |
    /// | phone | `●●●●78` | 090-1234-5678 |
    /// | card number | `●●●● 4242` | 4242 4242 4242 4242 (PCI DSS 4.0.1, 3.4.1 would allow the first six as well) |
    /// | bank account | `●●●●67` | 1234567, if there are at least six digits |
    /// | birth date | `1990-●●-●●` | 1990年5月17日 |
    /// | others | the placeholder | |
    ///
    /// A value that [`check`](Self::check) refuses gets the placeholder; a name of one cluster gets `●●●`.
    ///
    /// A cluster is a code point and the marks that belong to it, after the idea of Unicode's UAX #29 but by a short table of
    /// its own (SPEC.md), so that masks don't change with the version of Unicode. In a text that runs from right to left the
    /// first is the first as spoken. A cluster that begins with punctuation of ASCII, white space, a control or anything
    /// invisible is not shown. So a mask needs no more escaping than a placeholder does. It adds no direction marks either: a host that
    /// puts it beside text of the other direction isolates it, as it would the name.
    ///
    /// ```
    /// # use symbolon::Field;
    /// let mut out = [0; Field::MASK_LEN];
    /// assert_eq!(Field::PERSON_NAME.mask("山田 太郎".as_bytes(), &mut out)?, "山●●");
    /// assert_eq!(Field::CARD_NUMBER.mask(b"4242-4242-4242-4242", &mut out)?, "●●●● 4242");
    /// # Ok::<(), symbolon::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::BufferTooSmall`] if `out` has less than [`Field::MASK_LEN`](crate::Field::MASK_LEN) bytes, whatever the value.
    pub fn mask<'o>(self, value: &[u8], out: &'o mut [u8]) -> Result<&'o str, Error> {
        let mut mask = Mask { out: out.get_mut(..MASK_LEN).ok_or(Error::BufferTooSmall)?, len: 0 };
        if mask.write(self, value).is_none() {
            mask.len = 0;
            mask.push(self.placeholder()).ok_or(Error::BufferTooSmall)?;
        }
        Ok(mask.finish())
    }
}

/// A mask in the making.
struct Mask<'o> {
    out: &'o mut [u8],
    len: usize,
}

impl<'o> Mask<'o> {
    /// The mask of a value that passes its field's check; `None` where it is the placeholder.
    ///
    /// To take a mask from a text is to branch on the text: the time tells the shape of the value (where its separators are, which range
    /// its first character is of). Where the placeholder is all that is ever shown, the value is not looked at.
    fn write(&mut self, field: Field, value: &[u8]) -> Option<()> {
        let text = || core::str::from_utf8(value).ok().filter(|_| field.check(value).is_ok());
        match field {
            Field::PERSON_NAME => self.push(first_of_several(text()?).unwrap_or("●"))?.push("●●"),
            Field::EMAIL => self.push(first_of_several(email_local_part(text()?)?)?)?.push("●●@●●●"),
            Field::PHONE => self.push("●●●●")?.push_last_digits(phone_number(text()?)?, 2, 5),
            Field::CARD_NUMBER => self.push("●●●● ")?.push_last_digits(text()?, 4, 12),
            Field::BANK_ACCOUNT => self.push("●●●●")?.push_last_digits(text()?, 2, 6),
            Field::BIRTH_DATE => self.push_digits(text()?, 0, 4)?.push("-●●-●●"),
            _ => None,
        }
        .map(|_| ())
    }

    /// The last `shown` digits of `text`, if it has at least `least`.
    fn push_last_digits(&mut self, text: &str, shown: usize, least: usize) -> Option<&mut Self> {
        let count = text.chars().filter_map(digit).count();
        if count < least {
            return None;
        }
        self.push_digits(text, count.checked_sub(shown)?, shown)
    }

    /// `shown` digits after the first `hidden`, as ASCII whatever their width.
    fn push_digits(&mut self, text: &str, hidden: usize, shown: usize) -> Option<&mut Self> {
        for digit in text.chars().filter_map(digit).skip(hidden).take(shown) {
            let c = char::from_digit(digit.into(), 10)?;
            self.push(c.encode_utf8(&mut [0; 4]))?;
        }
        Some(self)
    }

    fn push(&mut self, part: &str) -> Option<&mut Self> {
        let end = self.len.checked_add(part.len())?;
        self.out.get_mut(self.len..end)?.copy_from_slice(part.as_bytes());
        self.len = end;
        Some(self)
    }

    fn finish(self) -> &'o str {
        core::str::from_utf8(self.out.get(..self.len).unwrap_or_default()).unwrap_or_default()
    }
}

/// The first cluster of `text`, white space before it skipped; `None` if it can't be shown or if nothing that could follows it.
fn first_of_several(text: &str) -> Option<&str> {
    let text = text.trim_start();
    let (cluster, rest) = text.split_at_checked(cluster_len(text))?;
    let shown = cluster.len() <= MAX_CLUSTER_LEN && text.starts_with(can_begin) && rest.contains(can_begin);
    shown.then_some(cluster)
}

/// Bytes of the first cluster: a code point, all that extend it, and any pictograph that a joiner ties to it.
fn cluster_len(text: &str) -> usize {
    let mut previous = None;
    let end = text.char_indices().find(|&(_, c)| {
        let joined = previous == Some(JOINER) && is_pictograph(c);
        let goes_on = previous.is_none() || extends(c) || joined;
        previous = Some(c);
        !goes_on
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// Whether a cluster that begins with `c` can be shown: visible by itself, and nothing that a host would have to escape.
fn can_begin(c: char) -> bool {
    let plain = c.is_ascii_alphanumeric() || ('\u{c0}'..'\u{e0000}').contains(&c);
    plain && !is_in(&HIDDEN, c) && !extends(c)
}

fn extends(c: char) -> bool {
    is_in(&EXTENDING, c)
        || matches!(c, '\u{11100}'..='\u{11102}' | '\u{11127}'..='\u{11134}' | '\u{11145}'..='\u{11146}')
        || matches!(c, '\u{1e944}'..='\u{1e94a}' | '\u{1f3fb}'..='\u{1f3ff}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_in(table: &[(u16, u16)], c: char) -> bool {
    u16::try_from(u32::from(c)).is_ok_and(|c| table.iter().any(|(from, to)| (*from..=*to).contains(&c)))
}

fn is_pictograph(c: char) -> bool {
    matches!(c, '\u{2190}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// A longer cluster isn't shown: no script needs it, and a value could hide in one.
const MAX_CLUSTER_LEN: usize = 24;

/// ZERO WIDTH JOINER.
const JOINER: char = '\u{200d}';

/// From U+00C0, what begins no shown cluster: white space, what is invisible or changes direction, the mask's own
/// bullet, wide forms of ASCII's punctuation (some spreadsheets take ＝ ＋ － ＠ for formulas), CJK brackets, private use.
#[rustfmt::skip]
const HIDDEN: [(u16, u16); 19] = [
    (0x061c, 0x061c), (0x115f, 0x115f), (0x1680, 0x1680), (0x180e, 0x180e), (0x2000, 0x206f), (0x25cf, 0x25cf),
    (0x2800, 0x2800), (0x3000, 0x3003), (0x3008, 0x3020), (0x3164, 0x3164), (0xe000, 0xf8ff), (0xfe10, 0xfe1f),
    (0xfe30, 0xfe6f), (0xfeff, 0xff0f), (0xff1a, 0xff20), (0xff3b, 0xff40), (0xff5b, 0xff65), (0xffa0, 0xffa0),
    (0xffe0, 0xffff),
];

/// What belongs to the code point before it, up to U+FFFF: the marks (Mn, Mc, Me) of Unicode 14 in the scripts of living
/// languages, gaps without assigned code points closed; joiners, conjoining jamo, half-width voicing marks, sara am.
/// This table is the rule, whatever later versions of Unicode say.
#[rustfmt::skip]
const EXTENDING: [(u16, u16); 116] = [
    // all scripts
    (0x0300, 0x036f), (0x1ab0, 0x1aff), (0x1dc0, 0x1dff), (0x200c, 0x200d), (0x20d0, 0x20ff), (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    // Cyrillic
    (0x0483, 0x0489),
    // Hebrew
    (0x0591, 0x05bd), (0x05bf, 0x05bf), (0x05c1, 0x05c2), (0x05c4, 0x05c5), (0x05c7, 0x05c7),
    // Arabic
    (0x0610, 0x061a), (0x064b, 0x065f), (0x0670, 0x0670), (0x06d6, 0x06dc), (0x06df, 0x06e4), (0x06e7, 0x06e8),
    (0x06ea, 0x06ed),
    // Syriac, Thaana, N'Ko
    (0x0711, 0x0711), (0x0730, 0x074a), (0x07a6, 0x07b0), (0x07eb, 0x07f3), (0x07fd, 0x07fd),
    // Arabic, extended
    (0x0898, 0x089f), (0x08ca, 0x08e1), (0x08e3, 0x08ff),
    // Devanagari
    (0x0900, 0x0903), (0x093a, 0x093c), (0x093e, 0x094f), (0x0951, 0x0957), (0x0962, 0x0963),
    // Bengali
    (0x0981, 0x0983), (0x09bc, 0x09bc), (0x09be, 0x09cd), (0x09d7, 0x09d7), (0x09e2, 0x09e3), (0x09fe, 0x09fe),
    // Gurmukhi
    (0x0a01, 0x0a03), (0x0a3c, 0x0a51), (0x0a70, 0x0a71), (0x0a75, 0x0a75),
    // Gujarati
    (0x0a81, 0x0a83), (0x0abc, 0x0abc), (0x0abe, 0x0acd), (0x0ae2, 0x0ae3), (0x0afa, 0x0aff),
    // Odia
    (0x0b01, 0x0b03), (0x0b3c, 0x0b3c), (0x0b3e, 0x0b57), (0x0b62, 0x0b63),
    // Tamil
    (0x0b82, 0x0b82), (0x0bbe, 0x0bcd), (0x0bd7, 0x0bd7),
    // Telugu
    (0x0c00, 0x0c04), (0x0c3c, 0x0c3c), (0x0c3e, 0x0c56), (0x0c62, 0x0c63),
    // Kannada
    (0x0c81, 0x0c83), (0x0cbc, 0x0cbc), (0x0cbe, 0x0cd6), (0x0ce2, 0x0ce3),
    // Malayalam
    (0x0d00, 0x0d03), (0x0d3b, 0x0d3c), (0x0d3e, 0x0d4d), (0x0d57, 0x0d57), (0x0d62, 0x0d63),
    // Sinhala
    (0x0d81, 0x0d83), (0x0dca, 0x0ddf), (0x0df2, 0x0df3),
    // Thai
    (0x0e31, 0x0e31), (0x0e33, 0x0e3a), (0x0e47, 0x0e4e),
    // Lao
    (0x0eb1, 0x0eb1), (0x0eb3, 0x0ebc), (0x0ec8, 0x0ecd),
    // Tibetan
    (0x0f18, 0x0f19), (0x0f35, 0x0f35), (0x0f37, 0x0f37), (0x0f39, 0x0f39), (0x0f3e, 0x0f3f), (0x0f71, 0x0f84),
    (0x0f86, 0x0f87), (0x0f8d, 0x0fbc), (0x0fc6, 0x0fc6),
    // Myanmar
    (0x102b, 0x103e), (0x1056, 0x1059), (0x105e, 0x1060), (0x1062, 0x1064), (0x1067, 0x106d), (0x1071, 0x1074),
    (0x1082, 0x108d), (0x108f, 0x108f), (0x109a, 0x109d),
    // Ethiopic
    (0x135d, 0x135f),
    // Khmer
    (0x17b4, 0x17d3), (0x17dd, 0x17dd),
    // Mongolian
    (0x180b, 0x180d), (0x180f, 0x180f), (0x1885, 0x1886), (0x18a9, 0x18a9),
    // Javanese, Balinese
    (0xa980, 0xa983), (0xa9b3, 0xa9c0), (0x1b00, 0x1b04), (0x1b34, 0x1b44), (0x1b6b, 0x1b73),
    // Hangul, conjoining
    (0x1160, 0x11ff), (0xd7b0, 0xd7ff),
    // kana
    (0x302a, 0x302f), (0x3099, 0x309a), (0xff9e, 0xff9f),
    // Cyrillic, old
    (0x2de0, 0x2dff), (0xa66f, 0xa672), (0xa674, 0xa67d), (0xa69e, 0xa69f),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clusters_keep_what_belongs_together() {
        for (text, cluster) in [
            ("山田", "山"),
            ("e\u{301}a", "e\u{301}"),
            ("か\u{3099}き", "か\u{3099}"),
            ("ｶﾞｲ", "ｶﾞ"),
            ("葛\u{e0100}城", "葛\u{e0100}"),
            ("नि\u{94d}क", "नि\u{94d}"),
            ("กำแพง", "กำ"),
            ("\u{1112}\u{1161}\u{11ab}가", "\u{1112}\u{1161}\u{11ab}"),
            ("مُحمد", "مُ"),
            ("👩\u{1f3fd}\u{200d}🚀x", "👩\u{1f3fd}\u{200d}🚀"),
            ("a\u{200d}b", "a\u{200d}"),
            ("\u{1e922}\u{1e944}x", "\u{1e922}\u{1e944}"),
            ("", ""),
            ("x", "x"),
        ] {
            assert_eq!(&text[..cluster_len(text)], cluster, "{text:?}");
        }
    }

    /// Controls of direction, spaces, bullets, markup and formulas never begin what is shown.
    #[test]
    fn hidden_starts_show_nothing() {
        for start in "\u{202e}\u{2067}\u{200b}\u{feff}\u{61c}\u{ad}\u{a0}\0\t<>&\"',;=+-@＝＋●\u{301}\u{e000}\u{e0041}\u{f0000}\u{3164}".chars() {
            assert!(!can_begin(start), "{start:?}");
        }
        for start in "aZ09ÀñЖЩאم山々〇カｶﾊ１Ａ한ก\u{1112}😀𠮷".chars() {
            assert!(can_begin(start), "{start:?}");
        }
    }

    /// Both of the conditions on their own: something else must follow, and 24 bytes are the most.
    #[test]
    fn a_single_cluster_is_never_shown() {
        for text in ["", " ", "林", " 林 ", "e\u{301}", "林\u{200b}", "林.", "林●●"] {
            assert_eq!(first_of_several(text), None, "{text:?}");
        }
        assert_eq!(first_of_several("林a"), Some("林"));
        let marks = |count: usize| ["a"].into_iter().chain(core::iter::repeat_n("\u{301}", count)).chain(["b"]);
        let mut text = [0; 32];
        for (count, shown) in [(11, Some(23)), (12, None)] {
            let mut mask = Mask { out: &mut text, len: 0 };
            marks(count).for_each(|part| assert!(mask.push(part).is_some()));
            assert_eq!(first_of_several(mask.finish()).map(str::len), shown);
        }
    }

    /// `is_in` compares both ends, so the tables must be ranges, and rising ones so that a reader finds what is missing.
    #[test]
    fn tables_are_ranges_that_do_not_meet() {
        for table in [&EXTENDING[..], &HIDDEN[..]] {
            for (at, (from, to)) in table.iter().enumerate() {
                assert!(from <= to);
                assert!(table[..at].iter().all(|(start, end)| end < from || to < start), "{from:#x}");
            }
        }
    }

    #[test]
    fn the_buffer_is_asked_for_whatever_the_value() {
        for field in Field::STANDARD {
            assert_eq!(field.mask(b"x", &mut [0; MASK_LEN - 1]), Err(Error::BufferTooSmall));
            assert!(field.mask(b"x", &mut [0; MASK_LEN]).is_ok());
        }
    }

    /// What lies behind the mask in a larger buffer stays as it was.
    #[test]
    fn only_the_mask_is_written() {
        let mut out = [0xaa; 100];
        let len = Field::CARD_NUMBER.mask(b"4242424242424242", &mut out).unwrap().len();
        assert!(out[len..].iter().all(|&byte| byte == 0xaa));
    }
}
