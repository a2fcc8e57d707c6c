//! Fields: the classes of data that a token can hold. SPEC.md section 3.

use core::fmt;

use crate::{Error, token::Class};

/// The class of data in a token. It is part of the key that seals the token, so a token of one field never opens as another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Field(u16);

impl Field {
    /// A person's name, in any script.
    pub const PERSON_NAME: Self = Self(1);
    /// A postal address.
    pub const POSTAL_ADDRESS: Self = Self(2);
    /// A telephone number.
    pub const PHONE: Self = Self(3);
    /// An e-mail address.
    pub const EMAIL: Self = Self(4);
    /// A payment card's number (PAN): 12 to 19 digits that pass Luhn.
    pub const CARD_NUMBER: Self = Self(5);
    /// A payment card's expiry date.
    pub const CARD_EXPIRY: Self = Self(6);
    /// A bank account.
    pub const BANK_ACCOUNT: Self = Self(7);
    /// A date of birth.
    pub const BIRTH_DATE: Self = Self(8);
    /// A number that a state gave a person.
    pub const NATIONAL_ID: Self = Self(9);
    /// One line of an order: what was bought.
    pub const ORDER_LINE: Self = Self(10);
    /// Anything else. What is in it can't be checked: a security code in free text is not noticed.
    pub const FREE_TEXT: Self = Self(11);

    /// The field with this code.
    ///
    /// # Errors
    /// [`Error::InvalidField`]
    pub const fn from_code(code: u16) -> Result<Self, Error> {
        match code {
            1..=11 => Ok(Self(code)),
            _ => Err(Error::InvalidField),
        }
    }

    /// The code that stands in tokens.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }

    /// The smallest padding class that a value of this field gets.
    #[must_use]
    pub const fn smallest_class(self) -> Class {
        Class::SMALLEST
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.0)
    }
}
impl Field {
    /// temporary
    pub fn check(self, _v: &[u8]) -> Result<(), Error> {
        Ok(())
    }
}
