//! ISO-2022-JP: Japanese in seven bits, switched on and off by escape sequences.

use encoding_rs::EUC_JP;
use memchr::memchr_iter;

use super::{
    islands::{Ground, Islands},
    view::View,
};
use crate::Coding;

/// The text with its Japanese in UTF-8.
pub(crate) fn view(ground: &Ground<'_>) -> Option<View> {
    let mut islands = Islands::new(ground);
    for span in ground.spans {
        islands.enter(span);
        let bytes = &ground.bytes[..span.end];
        for at in memchr_iter(0x1b, &bytes[span.clone()]).map(|at| at + span.start) {
            match bytes.get(at + 1..at + 3) {
                Some(b"$B" | b"$@") => kanji(bytes, at, &mut islands),
                Some(b"(B" | b"(J") => islands.join(at, at + 3, b"", Coding::Iso2022Jp),
                _ => {}
            }
        }
    }
    islands.finish()
}

/// What is switched on at `at`, up to the next escape or line.
fn kanji(bytes: &[u8], at: usize, islands: &mut Islands<'_>) {
    islands.join(at, at + 3, b"", Coding::Iso2022Jp);
    let pairs = bytes[at + 3..].chunks_exact(2);
    for (number, pair) in pairs.take_while(|pair| pair.iter().all(|byte| (0x21..=0x7e).contains(byte))).enumerate() {
        let from = at + 3 + number * 2;
        // The same characters have the same numbers in EUC-JP, with the high bits set.
        let euc = [pair[0] | 0x80, pair[1] | 0x80];
        let (text, _) = EUC_JP.decode_without_bom_handling(&euc);
        islands.put(from, from + 2, text.as_bytes(), Coding::Iso2022Jp);
    }
}
