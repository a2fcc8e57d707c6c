//! All sorts of text without a token in it, the same in each run: English, Japanese, HTML, JSON, CSV, base64 in lines and in one.
#![allow(unreachable_pub, missing_docs, clippy::unwrap_used, reason = "shared by a test and an example")]

use std::io::{self, Write};

use chacha20::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

pub struct Generator {
    rng: ChaCha20Rng,
    block: String,
}

impl Generator {
    pub fn new(seed: u8) -> Self {
        Self { rng: ChaCha20Rng::from_seed([seed; 32]), block: String::new() }
    }

    /// Writes about so many bytes.
    pub fn write(&mut self, len: u64, out: &mut impl Write) -> io::Result<()> {
        let mut written = 0;
        while written < len {
            self.block.clear();
            match self.below(8) {
                0 | 1 => self.words(&ENGLISH, " ", 2000),
                2 | 3 => self.words(&JAPANESE, "", 2000),
                4 => (0..60).for_each(|_| self.html()),
                5 => (0..60).for_each(|_| self.json()),
                6 => (0..150).for_each(|_| self.row()),
                _ => self.base64(),
            }
            out.write_all(self.block.as_bytes())?;
            written += self.block.len() as u64;
        }
        Ok(())
    }

    fn below(&mut self, limit: usize) -> usize {
        self.rng.next_u32() as usize % limit
    }

    fn pick(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len())]
    }

    fn words(&mut self, words: &[&'static str], between: &str, count: usize) {
        for number in 0..count {
            let word = self.pick(words);
            self.block.push_str(word);
            self.block.push_str(if number % 13 == 12 { "\n" } else { between });
        }
    }

    fn html(&mut self) {
        let (a, b, number) = (self.pick(&ENGLISH), self.pick(&JAPANESE), self.below(1_000_000));
        self.block.push_str(&format!(
            "<li class=\"item sym_table\"><a href=\"/search?q={a}%20{number}&amp;p={number}\">{b} &quot;{a}&quot;&nbsp;&#{};</a></li>\n",
            12354 + number % 80
        ));
    }

    fn json(&mut self) {
        let (a, b, number) = (self.pick(&ENGLISH), self.pick(&JAPANESE), self.below(1_000_000));
        self.block.push_str(&format!(
            "{{\"id\":{number},\"name\":\"{b}\",\"note\":\"\\u3042\\u{:04x} {a}\\r\\n\\\"x\\\"\",\"url\":\"https:\\/\\/example.com\\/{a}\"}}\n",
            0x3042 + number % 80
        ));
    }

    fn row(&mut self) {
        let (a, b, number) = (self.pick(&ENGLISH), self.pick(&JAPANESE), self.below(1_000_000));
        self.block.push_str(&format!(
            "{number},{a},{b},{a}{number}@example.com,03-{:04}-{:04}\r\n",
            number / 100,
            number % 9973
        ));
    }

    fn base64(&mut self) {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let in_lines = self.below(2) == 0;
        let mut bytes = [0; 9000];
        self.rng.fill_bytes(&mut bytes);
        for (number, byte) in bytes.iter().enumerate() {
            self.block.push(char::from(DIGITS[usize::from(byte % 64)]));
            if in_lines && number % 76 == 75 {
                self.block.push_str("\r\n");
            }
        }
        self.block.push_str("==\n");
    }
}

const ENGLISH: [&str; 16] = [
    "order",
    "the",
    "customer",
    "delivered",
    "of",
    "and",
    "address",
    "with",
    "a",
    "responsibility",
    "to",
    "invoice",
    "in",
    "sym",
    "reference",
    "it",
];

const JAPANESE: [&str; 12] = [
    "東京都",
    "お客様",
    "の",
    "注文",
    "は",
    "配送先",
    "株式会社",
    "ご確認ください",
    "、",
    "。",
    "電話番号",
    "メールアドレス",
];
