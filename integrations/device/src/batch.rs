//! How much goes into one request, and into one answer.

use symbolon::{
    Credential, Item, Proof, Token,
    appliance::{Opening, ROOM_BEHIND, Status, room_before},
};

use crate::{
    Value,
    line::{LONGEST_ANSWER, LONGEST_REQUEST},
};

/// What is left of one request and its answer.
#[derive(Clone, Copy)]
pub(crate) struct Room {
    request: usize,
    answer: usize,
    items: usize,
}

impl Room {
    /// For a session's act that has `fixed` bytes besides what comes in numbers.
    pub(crate) fn new(status: &Status, credential: &Credential, fixed: usize) -> Self {
        // A frame: one byte more for each 254 and one in front, head and check. A request: its lengths, the credential and the proof.
        let message = LONGEST_REQUEST.saturating_sub(LONGEST_REQUEST / 254 + 1 + HEAD_AND_CHECK);
        let around = credential.as_bytes().len() + Proof::LEN + LENGTHS;
        let longest = usize::from(status.longest_answer).min(LONGEST_ANSWER);
        let answer = longest.saturating_sub(room_before(longest) + HEADS + ROOM_BEHIND + TAG);
        Self { request: message.saturating_sub(around + fixed), answer, items: status.most_items.into() }
    }

    /// How many of the sizes, request and answer of each, fit from the front; at least one.
    pub(crate) fn take(mut self, sizes: impl Iterator<Item = (usize, usize)>) -> usize {
        let fits = |(request, answer): &(usize, usize)| {
            let left =
                (self.request.checked_sub(*request), self.answer.checked_sub(*answer), self.items.checked_sub(1));
            let (Some(request), Some(answer), Some(items)) = left else { return false };
            self = Self { request, answer, items };
            true
        };
        sizes.take_while(fits).count().max(1)
    }

    /// The same where the number alone is no limit.
    pub(crate) fn of_any_number(self) -> Self {
        Self { items: usize::MAX, ..self }
    }

    /// Less, for what stands once in an answer.
    pub(crate) fn with_answer_of(self, fixed: usize) -> Self {
        Self { answer: self.answer.saturating_sub(fixed), ..self }
    }
}

/// Bytes of a value in a request, and of its token.
pub(crate) fn of_value(value: &Value<'_>) -> (usize, usize) {
    let class = symbolon::Class::of_value(value.value.len()).unwrap_or(symbolon::Class::LARGEST);
    let token = Token::OVERHEAD + class.max(value.field.smallest_class()).len();
    (MOST_NUMBERS + value.record.len() + value.value.len(), token)
}

/// Bytes of an item in a request, and of its place in a reply.
pub(crate) fn of_item(item: &Item<'_>) -> (usize, usize) {
    (MOST_NUMBERS + item.slot.record().len() + item.token.as_bytes().len(), item.token.class().len() + 1)
}

/// Bytes of how something is opened.
pub(crate) fn of_opening(opening: &Opening<'_>) -> usize {
    MOST_NUMBERS + LENGTHS + opening.grant.len() + opening.address.len()
}

/// Version, number and check.
const HEAD_AND_CHECK: usize = 3 + 4;

/// The variants' numbers, the lengths of credential, proof, act and list, and the flag.
const LENGTHS: usize = 12;

/// A field's number and two lengths.
const MOST_NUMBERS: usize = 3 + 2 + 2;

/// An answer's heads, and a tag's room behind it: the device keeps both free whatever it answers.
const HEADS: usize = 8;
const TAG: usize = 16;
