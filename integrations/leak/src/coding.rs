//! What text and files are wrapped in.

use std::fmt;

/// One way to wrap text or a file. Each can be switched off, so that a test can see that its absence is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Coding {
    /// `%5F`, for any character, and `%u5C71`.
    Percent,
    /// `+` for a space, as forms send it.
    Plus,
    /// `&#95;`, `&#x5f;`, `&lowbar;`.
    Html,
    /// `\u005f`, `\x5f`, `\n`: JSON, JavaScript, and what looks like them.
    Json,
    /// `=5F`, and `=` at a line's end.
    QuotedPrintable,
    /// A line break in the middle, with a quote sign or indentation behind it.
    Wrapped,
    /// Base64 and base64url, in one line or many.
    Base64,
    /// UTF-16 of either byte order.
    Utf16,
    /// UTF-32 of either byte order; ASCII text only.
    Utf32,
    /// Shift_JIS.
    ShiftJis,
    /// EUC-JP.
    EucJp,
    /// ISO-2022-JP, as in Japanese mail.
    Iso2022Jp,
    /// gzip.
    Gzip,
    /// zip, and so EPUB, docx, xlsx, jar.
    Zip,
    /// Zstandard.
    Zstd,
    /// tar.
    Tar,
}

impl Coding {
    /// All there are.
    pub const ALL: [Self; 16] = [
        Self::Percent,
        Self::Plus,
        Self::Html,
        Self::Json,
        Self::QuotedPrintable,
        Self::Wrapped,
        Self::Base64,
        Self::Utf16,
        Self::Utf32,
        Self::ShiftJis,
        Self::EucJp,
        Self::Iso2022Jp,
        Self::Gzip,
        Self::Zip,
        Self::Zstd,
        Self::Tar,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Percent => "percent",
            Self::Plus => "plus",
            Self::Html => "html",
            Self::Json => "json",
            Self::QuotedPrintable => "quoted-printable",
            Self::Wrapped => "wrapped",
            Self::Base64 => "base64",
            Self::Utf16 => "utf-16",
            Self::Utf32 => "utf-32",
            Self::ShiftJis => "shift_jis",
            Self::EucJp => "euc-jp",
            Self::Iso2022Jp => "iso-2022-jp",
            Self::Gzip => "gzip",
            Self::Zip => "zip",
            Self::Zstd => "zstd",
            Self::Tar => "tar",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of codings.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Codings(u16);

impl Codings {
    /// None.
    pub const NONE: Self = Self(0);
    /// All of [`Coding::ALL`].
    pub const ALL: Self = Self(u16::MAX);

    /// Whether it is among them.
    #[must_use]
    pub const fn has(self, coding: Coding) -> bool {
        self.0 & coding.bit() != 0
    }

    /// With this one, too.
    #[must_use]
    pub const fn with(self, coding: Coding) -> Self {
        Self(self.0 | coding.bit())
    }

    /// Without this one.
    #[must_use]
    pub const fn without(self, coding: Coding) -> Self {
        Self(self.0 & !coding.bit())
    }

    /// Those in the set, in the order of [`Coding::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Coding> {
        Coding::ALL.into_iter().filter(move |coding| self.has(*coding))
    }
}
