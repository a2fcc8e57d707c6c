//! Purposes and views: what an opening is for, and how much it shows. SPEC.md section 12.

use core::fmt;

use crate::Error;

/// What a value is opened for. Every opening has one, which must be in the credential's set ([`Purposes`]), in the grant, and stands
/// in the trail.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Purpose(u8);

impl Purpose {
    /// The owner looks at what is the owner's.
    pub const OWN_USE: Self = Self(0);
    /// Getting a parcel to the owner.
    pub const SHIPPING: Self = Self(1);
    /// Taking or returning the owner's money.
    pub const PAYMENT: Self = Self(2);
    /// A mail or a text message to the owner: opens only for the owner's own verified address
    /// ([`Access::to_address`](crate::Access::to_address)).
    pub const MESSAGE: Self = Self(3);
    /// Helping the owner.
    pub const SUPPORT: Self = Self(4);
    /// Finding out whether somebody cheats.
    pub const FRAUD_PREVENTION: Self = Self(5);
    /// What the law asks for.
    pub const LEGAL: Self = Self(6);
    /// Books and invoices.
    pub const ACCOUNTING: Self = Self(7);
    /// Moving tokens to a newer epoch: nothing is shown.
    pub const MAINTENANCE: Self = Self(8);
    /// Making a guest's tokens the account's: nothing is shown.
    pub const TRANSFER: Self = Self(9);

    const STANDARD: [(Self, &'static str); 10] = [
        (Self::OWN_USE, "own-use"),
        (Self::SHIPPING, "shipping"),
        (Self::PAYMENT, "payment"),
        (Self::MESSAGE, "message"),
        (Self::SUPPORT, "support"),
        (Self::FRAUD_PREVENTION, "fraud-prevention"),
        (Self::LEGAL, "legal"),
        (Self::ACCOUNTING, "accounting"),
        (Self::MAINTENANCE, "maintenance"),
        (Self::TRANSFER, "transfer"),
    ];

    /// A purpose of the host's own: `number` is 0 to 31.
    ///
    /// # Errors
    /// [`Error::InvalidTerms`]
    pub const fn custom(number: u8) -> Result<Self, Error> {
        if number < CUSTOM { Ok(Self(CUSTOM | number)) } else { Err(Error::InvalidTerms) }
    }

    /// The purpose with this number: 0 to 9, 32 to 63.
    ///
    /// # Errors
    /// [`Error::InvalidTerms`]
    pub const fn from_code(code: u8) -> Result<Self, Error> {
        match code {
            0..=9 | CUSTOM..=63 => Ok(Self(code)),
            _ => Err(Error::InvalidTerms),
        }
    }

    /// Its number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self.0
    }

    /// The purpose that `Display` writes as `name`: `own-use` … `transfer`, or `custom-3`. One spelling only.
    ///
    /// # Errors
    /// [`Error::InvalidTerms`]
    pub fn from_name(name: &str) -> Result<Self, Error> {
        if let Some(number) = name.strip_prefix("custom-") {
            let canonical = number == "0" || !number.starts_with(['0', '+']);
            let number = number.parse().ok().filter(|_| canonical).ok_or(Error::InvalidTerms)?;
            return Self::custom(number);
        }
        let known = Self::STANDARD.iter().find(|(_, known)| *known == name);
        known.map(|(purpose, _)| *purpose).ok_or(Error::InvalidTerms)
    }

    /// Resealing is what these two are for, and nothing else.
    pub(crate) fn is_resealing(self) -> bool {
        matches!(self, Self::MAINTENANCE | Self::TRANSFER)
    }
}

/// Writes the name that [`Purpose::from_name`] reads.
impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Self::STANDARD.iter().find(|(purpose, _)| purpose == self) {
            Some((_, name)) => f.pad(name),
            None => write!(f, "custom-{}", self.0 & !CUSTOM),
        }
    }
}

impl fmt::Debug for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Purpose({self})")
    }
}

/// The first of the host's own purposes, and how many there are.
const CUSTOM: u8 = 32;

/// A set of purposes: what a credential is good for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Purposes(u64);

impl Purposes {
    /// The owner's own use and nothing else.
    pub const OWN_USE: Self = Self::of(&[Purpose::OWN_USE]);

    /// The set of these.
    #[must_use]
    pub const fn of(purposes: &[Purpose]) -> Self {
        let mut bits = 0;
        let mut rest = purposes;
        while let [purpose, behind @ ..] = rest {
            bits |= 1 << purpose.0;
            rest = behind;
        }
        Self(bits)
    }

    /// The set with these bits, one for each purpose's number.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The set's bits.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// True where `purpose` is one of these.
    #[must_use]
    pub const fn contains(self, purpose: Purpose) -> bool {
        self.0 & 1 << purpose.0 != 0
    }
}

impl Default for Purposes {
    fn default() -> Self {
        Self::OWN_USE
    }
}

/// How much an opening shows, and the most that a grant allows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum View {
    /// The value; under a grant, its mask too, if that is asked for.
    Full = 1,
    /// The mask only ([`Field::mask`](crate::Field::mask)).
    Masked = 2,
    /// No value, only resealing: rewrap and re-owning.
    Reseal = 3,
}

impl View {
    /// 1 to 3, as it stands in grants and in the trail.
    #[expect(clippy::as_conversions, reason = "the discriminant of a repr(u8) enum")]
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The view with this code.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Full),
            2 => Some(Self::Masked),
            3 => Some(Self::Reseal),
            _ => None,
        }
    }

    /// True where a grant of this view allows the other.
    pub(crate) const fn allows(self, asked: Self) -> bool {
        matches!(
            (self, asked),
            (Self::Full, Self::Full | Self::Masked) | (Self::Masked, Self::Masked) | (Self::Reseal, Self::Reseal)
        )
    }
}
