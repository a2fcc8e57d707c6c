//! One cell after another: which stay, which become tokens, which are refused.

use std::{collections::HashMap, ops::AddAssign};

use anyhow::Result;
use symbolon::{CheckedRng, Error, Field, Principal, Sealer, Slot, Token, TokenBuf, Vault};
use symbolon_host::surrogate::Surrogate;
use zeroize::Zeroizing;

use super::{
    job::Registry,
    problem::{Id, What},
    rows::{Cell, Made, Refused, Work},
};
use crate::{
    schema::Plan,
    state::{self, CliRng},
};

/// What a run has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Rows or lines read, the header not among them.
    pub(crate) rows: u64,
    /// Values that became tokens, or tokens that were sealed anew; in a mere check, that would.
    pub(crate) protected: u64,
    /// Cells that were already what they are to be.
    pub(crate) already: u64,
    /// Cells without anything in them.
    pub(crate) empty: u64,
    /// Cells that were left as they are and should not have been.
    pub(crate) left: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.protected += more.protected;
        self.already += more.already;
        self.empty += more.empty;
        self.left += more.left;
    }
}

/// What seals erasable tokens, by the owner's name; or that the owner was erased.
pub(super) type Sealers = HashMap<Vec<u8>, Result<Sealer, Error>>;

/// Turns values into tokens. Every thread has its own, with its own random numbers.
pub(super) struct Cells<'v> {
    /// `None`: values are only checked.
    vault: Option<&'v Vault>,
    pub(super) plan: &'v Plan,
    rng: CheckedRng<CliRng>,
    /// The owner of the last row, for tables that are ordered by owner. (No sealer where the tokens are erasable.)
    last: Option<(Vec<u8>, Option<Sealer>)>,
    /// For erasable tokens: what seals for the owners of the chunk, whose secrets are durable.
    pub(super) erasable: Sealers,
    /// Where surrogates are kept.
    registry: Option<&'v Registry<'v>>,
    surrogate: Option<Surrogate>,
    token: [u8; Token::MAX_LEN],
    text: [u8; Token::MAX_TEXT_LEN],
}

impl<'v> Cells<'v> {
    pub(super) fn new(vault: Option<&'v Vault>, registry: Option<&'v Registry<'v>>, plan: &'v Plan) -> Result<Self> {
        let rng = CheckedRng::new(state::rng()?);
        let (token, text) = ([0; Token::MAX_LEN], [0; Token::MAX_TEXT_LEN]);
        let (last, erasable, surrogate) = (None, HashMap::new(), None);
        Ok(Self { vault, plan, rng, last, erasable, registry, surrogate, token, text })
    }

    /// Derives the owner's keys, unless the last row was the same owner's.
    fn set_owner(&mut self, owner: &[u8]) -> Result<(), What> {
        let is_last = self.last.as_ref().is_some_and(|(last, _)| last == owner);
        if !is_last {
            let principal = principal(self.plan, owner)?;
            let sealer = self.vault.filter(|_| !self.plan.erasable).map(|vault| vault.sealer(&principal));
            self.last = Some((owner.to_vec(), sealer));
        }
        match self.erasable.get(owner) {
            Some(Err(_)) => Err(What::Erased),
            _ => Ok(()),
        }
    }
}

impl Work for Cells<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused> {
        let Some(field) = to_protect(self.plan, cell, made)? else { return Ok(None) };
        let slot = slot(field, cell.record)?;
        self.set_owner(cell.owner).map_err(|what| Refused { id: Some(Id::Owner), what })?;
        made.tally.protected += 1;
        let erasable = self.erasable.get(cell.owner).and_then(|sealer| sealer.as_ref().ok());
        let Some(sealer) = erasable.or(self.last.as_ref().and_then(|(_, sealer)| sealer.as_ref())) else {
            return Ok(None);
        };
        let refuse = |error| Refused::value(What::of_refusal(error, field, cell.value.len()));
        let token = sealer.tokenize(slot, cell.value, &mut self.token, &mut self.rng).map_err(refuse)?;
        if let (Some(last4), Some(registry)) = (self.plan.surrogate(cell.column), self.registry) {
            let owner = principal(self.plan, cell.owner).map_err(Refused::value)?;
            let last4 =
                if last4 { Some(last_four(cell.value).ok_or(Refused::value(What::NoFourDigits))?) } else { None };
            let stage = registry.surrogate(&owner, &token, last4).map_err(Refused::value)?;
            return Ok(Some(self.surrogate.insert(stage).as_str()));
        }
        Token::write_text(&token, &mut self.text).map(Some).map_err(refuse)
    }
}

/// The owners in a chunk for whom something is to be sealed.
pub(super) struct Owners<'p> {
    pub(super) plan: &'p Plan,
    /// Each once.
    pub(super) found: HashMap<Vec<u8>, Principal>,
}

impl Work for Owners<'_> {
    fn plan(&self) -> &Plan {
        self.plan
    }

    fn cell(&mut self, cell: &Cell<'_>, made: &mut Made) -> Result<Option<&str>, Refused> {
        if to_protect(self.plan, cell, made)?.is_some() && !self.found.contains_key(cell.owner) {
            let principal = principal(self.plan, cell.owner).map_err(Refused::value)?;
            self.found.insert(cell.owner.to_vec(), principal);
        }
        Ok(None)
    }
}

/// What the value in this cell is to be protected as; `None` where the cell stays as it is.
pub(super) fn to_protect(plan: &Plan, cell: &Cell<'_>, made: &mut Made) -> Result<Option<Field>, Refused> {
    let (Some(field), value) = (cell.field, cell.value) else { return Ok(None) };
    if value.is_empty() {
        made.tally.empty += 1;
        return Ok(None);
    }
    if plan.surrogate(cell.column).is_some() && as_surrogate(value).is_some() {
        made.tally.already += 1;
        return Ok(None);
    }
    if looks_like_token(value) {
        TokenBuf::from_text(value).map_err(|_| Refused::value(What::DamagedToken))?;
        made.tally.already += 1;
        return Ok(None);
    }
    field.check(value).map_err(|error| Refused::value(What::of_refusal(error, field, value.len())))?;
    Ok(Some(field))
}

/// The surrogate that stands in a cell.
pub(crate) fn as_surrogate(value: &[u8]) -> Option<Surrogate> {
    Surrogate::from_digits(value.try_into().ok()?)
}

/// A number's last four digits, whatever stands between them; wide ones count.
fn last_four(value: &[u8]) -> Option<[u8; 4]> {
    let digit = |c: char| match c {
        '0'..='9' => Some(c as u8),
        '０'..='９' => Some((c as u32 - '０' as u32) as u8 + b'0'),
        _ => None,
    };
    let digits: Zeroizing<Vec<u8>> =
        Zeroizing::new(std::str::from_utf8(value).ok()?.chars().filter_map(digit).collect());
    digits.last_chunk().copied()
}

/// The field, and for one that is bound the row's record.
pub(crate) fn slot(field: Field, record: &[u8]) -> Result<Slot<'_>, Refused> {
    if !field.is_bound() {
        return Ok(field.into());
    }
    check_id(Id::Record, record).map_err(|what| Refused { id: Some(Id::Record), what })?;
    Slot::in_record(field, record).map_err(|error| Refused::value(What::Other(error.to_string())))
}

/// The owner whom a row names.
pub(crate) fn principal(plan: &Plan, owner: &[u8]) -> Result<Principal, What> {
    check_id(Id::Owner, owner)?;
    Principal::new(plan.tenant.as_bytes(), plan.owner_kind.into(), owner)
        .map_err(|error| What::Other(error.to_string()))
}

/// Whether an owner or a record can be meant by this.
pub(crate) fn check_id(id: Id, text: &[u8]) -> Result<(), What> {
    if text.is_empty() {
        return Err(What::Missing(id));
    }
    if looks_like_token(text) {
        return Err(What::IsToken(id));
    }
    if text.len() > Principal::MAX_ID_LEN {
        return Err(What::Long(id, text.len()));
    }
    let text = std::str::from_utf8(text).map_err(|_| What::NotUtf8)?;
    if text.trim() != text { Err(What::Spaced(id)) } else { Ok(()) }
}

/// Whether `text` is a token, or what is left of one; white space around it doesn't count. Somebody may well be called `sym_bio`:
/// that is a value.
pub(crate) fn looks_like_token(text: &[u8]) -> bool {
    let Some(rest) = text.trim_ascii().strip_prefix(Token::TEXT_PREFIX.as_bytes()) else { return false };
    let begins = matches!(rest, [b'E', b'Q'..=b'T', ..]);
    begins || rest.len() >= NO_NAME && rest.iter().all(is_digit)
}

/// Whether there is a whole token anywhere in `text`.
pub(crate) fn holds_token(text: &[u8]) -> bool {
    let prefix = Token::TEXT_PREFIX.as_bytes();
    let mut starts = text.windows(prefix.len()).enumerate().filter(|(_, window)| *window == prefix).map(|(at, _)| at);
    starts.any(|at| {
        let rest = text.get(at..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| is_digit(byte)).count();
        rest.get(..len).is_some_and(|token| TokenBuf::from_text(token).is_ok())
    })
}

/// One of base64url's.
const fn is_digit(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// So many base64url digits without anything between them are no name. (Every token's text begins with EQ, ER, ES or ET: version 1,
/// suite 1, and two flags.)
const NO_NAME: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_names() {
        for token in ["sym_EQ", "sym_EQABAAEA+", " sym_EQAB ", "sym_ERxx", "sym_ET", &format!("sym_{}", "x".repeat(40))]
        {
            assert!(looks_like_token(token.as_bytes()), "{token}");
        }
        for name in
            ["", "sym", "sym_", "sym_bio", "sym_not-a-token", "sym_EU", "a sym_EQ", "SYM_EQ", &"sym_ ".repeat(40)]
        {
            assert!(!looks_like_token(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn the_last_four_digits() {
        assert_eq!(last_four(b"4242 4242-4242 4241"), Some(*b"4241"));
        assert_eq!(last_four("４２４２　４２４１".as_bytes()), Some(*b"4241"));
        assert_eq!(last_four(b"424"), None);
    }

    /// A token is found wherever it stands, and what only begins like one isn't.
    #[test]
    fn tokens_are_found_in_text() {
        let vault = state::vault_of(symbolon::Keyring::generate(&mut state::rng().unwrap()).unwrap()).unwrap();
        let mut rng = CheckedRng::new(state::rng().unwrap());
        let (mut out, mut text) = ([0; Token::MAX_LEN], [0; Token::MAX_TEXT_LEN]);
        let alice = Principal::person("shop-17", "alice").unwrap();
        let token = vault.sealer(&alice).tokenize(Field::PHONE, b"0300000001", &mut out, &mut rng).unwrap();
        let token = Token::write_text(&token, &mut text).unwrap();
        for text in [token.to_owned(), format!("call {token}!"), format!("[\"sym_x\",\"{token}\"]")] {
            assert!(holds_token(text.as_bytes()), "{text}");
        }
        for text in ["", "sym_", &format!("x{}", &token[..token.len() - 1]), &format!("{token}x")] {
            assert!(!holds_token(text.as_bytes()), "{text}");
        }
    }
}
