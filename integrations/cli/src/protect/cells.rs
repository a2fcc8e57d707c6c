//! One cell after another: which stay, which become tokens, which are refused.

use std::ops::AddAssign;

use anyhow::Result;
use symbolon::{
    CheckedRng, Field, MAX_ID_LEN, MAX_TEXT_LEN, MAX_TOKEN_LEN, Principal, Sealer, TEXT_PREFIX, Token, TokenBuf, Vault,
};

use super::problem::What;
use crate::{
    schema::Plan,
    state::{self, CliRng},
};

/// What a run has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Rows or lines read, the header not among them.
    pub(crate) rows: u64,
    /// Values that became tokens; in a mere check, that would.
    pub(crate) protected: u64,
    /// Cells that were tokens already.
    pub(crate) already: u64,
    /// Cells without anything in them.
    pub(crate) empty: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Self) {
        self.rows += more.rows;
        self.protected += more.protected;
        self.already += more.already;
        self.empty += more.empty;
    }
}

/// Why a cell was refused, and whether it was the owner's cell and not the value's.
pub(super) struct Refused {
    /// The owner's column is to blame.
    pub(super) owner: bool,
    /// What is wrong.
    pub(super) what: What,
}

/// Turns values into tokens. Every thread has its own, with its own random numbers.
pub(super) struct Cells<'v> {
    /// `None`: values are only checked.
    vault: Option<&'v Vault>,
    plan: &'v Plan,
    rng: CheckedRng<CliRng>,
    /// The owner of the last row, for tables that are ordered by owner.
    last: Option<(Vec<u8>, Option<Sealer>)>,
    token: [u8; MAX_TOKEN_LEN],
    text: [u8; MAX_TEXT_LEN],
}

impl<'v> Cells<'v> {
    pub(super) fn new(vault: Option<&'v Vault>, plan: &'v Plan) -> Result<Self> {
        let rng = CheckedRng::new(state::rng()?);
        Ok(Self { vault, plan, rng, last: None, token: [0; MAX_TOKEN_LEN], text: [0; MAX_TEXT_LEN] })
    }

    /// What the columns are.
    pub(super) const fn plan(&self) -> &'v Plan {
        self.plan
    }

    /// What is to stand in place of `value`; `None` where it stays as it is.
    pub(super) fn protect(
        &mut self,
        owner: &[u8],
        field: Field,
        value: &[u8],
        tally: &mut Tally,
    ) -> Result<Option<&str>, Refused> {
        let refuse = |what| Refused { owner: false, what };
        if value.is_empty() {
            tally.empty += 1;
            return Ok(None);
        }
        if looks_like_token(value) {
            TokenBuf::from_text(value).map_err(|_| refuse(What::DamagedToken))?;
            tally.already += 1;
            return Ok(None);
        }
        field.check(value).map_err(|error| refuse(What::of_refusal(error, field, value.len())))?;
        self.set_owner(owner).map_err(|what| Refused { owner: true, what })?;
        tally.protected += 1;
        let Some((_, Some(sealer))) = &self.last else { return Ok(None) };
        let sealed = sealer.tokenize(field, value, &mut self.token, &mut self.rng);
        let token = sealed.map_err(|error| refuse(What::of_refusal(error, field, value.len())))?;
        let text = Token::write_text(&token, &mut self.text);
        text.map(Some).map_err(|error| refuse(What::of_refusal(error, field, value.len())))
    }

    /// Derives the owner's keys, unless the last row was the same owner's.
    fn set_owner(&mut self, owner: &[u8]) -> Result<(), What> {
        if self.last.as_ref().is_some_and(|(last, _)| last == owner) {
            return Ok(());
        }
        if owner.is_empty() {
            return Err(What::NoOwner);
        }
        if looks_like_token(owner) {
            return Err(What::OwnerIsToken);
        }
        if owner.len() > MAX_ID_LEN {
            return Err(What::LongOwner(owner.len()));
        }
        let text = std::str::from_utf8(owner).map_err(|_| What::NotUtf8)?;
        if text.trim() != text {
            return Err(What::SpacedOwner);
        }
        let principal = Principal::new(self.plan.tenant.as_bytes(), self.plan.owner_kind.into(), owner)
            .map_err(|error| What::Other(error.to_string()))?;
        self.last = Some((owner.to_vec(), self.vault.map(|vault| vault.sealer(&principal))));
        Ok(())
    }
}

/// Whether `text` is a token, or what is left of one; white space around it doesn't count. Somebody may well be called `sym_bio`:
/// that is a value.
fn looks_like_token(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let Some(rest) = text.trim_ascii().strip_prefix(TEXT_PREFIX.as_bytes()) else { return false };
    rest.starts_with(FIRST_DIGITS) || rest.len() >= NO_NAME && rest.iter().all(is_digit)
}

/// What every token's text goes on with: version 1, suite 1, no flags.
const FIRST_DIGITS: &[u8] = b"EQ";

/// So many base64url digits without anything between them are no name.
const NO_NAME: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_told_from_names() {
        for token in ["sym_EQ", "sym_EQABAAEA+", " sym_EQAB ", &format!("sym_{}", "x".repeat(40))] {
            assert!(looks_like_token(token.as_bytes()), "{token}");
        }
        for name in ["", "sym", "sym_", "sym_bio", "sym_not-a-token", "a sym_EQ", "SYM_EQ", &"sym_ ".repeat(40)] {
            assert!(!looks_like_token(name.as_bytes()), "{name}");
        }
    }
}
