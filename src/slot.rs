//! What a place is for: a field, and the record where the field is bound to one. SPEC.md section 3.

use core::fmt;

use crate::{Error, Field, MAX_ID_LEN};

/// A field, and for the fields that are bound to a record ([`Field::is_bound`]) the record's id: what sealing is told, and what
/// opening asks for. The record comes from the place where the value is to stand: the order page's own order number.
///
/// ```
/// # use symbolon::{Error, Field, Slot};
/// let name: Slot<'_> = Field::PERSON_NAME.into();
/// let parcel = Slot::in_record(Field::SHIPPING_ADDRESS, b"order-7")?;
/// assert_eq!(Slot::in_record(Field::PERSON_NAME, b"order-7"), Err(Error::InvalidField)); // not a bound field
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Slot<'r> {
    field: Field,
    record: &'r [u8],
}

impl<'r> Slot<'r> {
    /// A bound field in this record: 1 to 64 opaque bytes.
    ///
    /// # Errors
    /// [`Error::InvalidField`]: another length, or a field that is not bound.
    pub fn in_record(field: Field, record: &'r (impl AsRef<[u8]> + ?Sized)) -> Result<Self, Error> {
        let record = record.as_ref();
        let fits = field.is_bound() && !record.is_empty() && record.len() <= MAX_ID_LEN;
        if fits { Ok(Self { field, record }) } else { Err(Error::InvalidField) }
    }

    /// This field, in this record if it is a bound one: for columns whose field is known only when they are read.
    ///
    /// # Errors
    /// [`Error::InvalidField`]: a bound field, and no record or one of over 64 bytes.
    pub fn of(field: Field, record: &'r (impl AsRef<[u8]> + ?Sized)) -> Result<Self, Error> {
        if field.is_bound() { Self::in_record(field, record) } else { Ok(field.into()) }
    }

    /// The field.
    #[must_use]
    pub const fn field(&self) -> Field {
        self.field
    }

    /// The record's id; empty where the field is not bound.
    #[must_use]
    pub const fn record(&self) -> &'r [u8] {
        self.record
    }

    /// What sealing asks for: a record where, and only where, the field is bound.
    pub(crate) fn check(self) -> Result<Self, Error> {
        if self.field.is_bound() == self.record.is_empty() { Err(Error::InvalidField) } else { Ok(self) }
    }
}

/// A field without a record. (Of a bound field nothing is sealed so, and nothing opens.)
impl From<Field> for Slot<'_> {
    fn from(field: Field) -> Self {
        Self { field, record: &[] }
    }
}

/// Without the record: it may be a number that customers know.
impl fmt::Debug for Slot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot").field("field", &self.field).finish_non_exhaustive()
    }
}
