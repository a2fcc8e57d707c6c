//! E-mail addresses.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use zeroize::Zeroizing;

use super::{NormaliseError, Normalised, text::fold};

pub(super) fn normalise(value: &str) -> Result<Normalised, NormaliseError> {
    let folded = fold(value)?;
    let address = folded.trim();
    if address.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(NormaliseError::NotAnAddress);
    }
    let (local, domain) = address.rsplit_once('@').ok_or(NormaliseError::NotAnAddress)?;
    if local.is_empty() {
        return Err(NormaliseError::NotAnAddress);
    }
    let domain = ascii(domain)?;
    Ok(Normalised([local, "@", &domain].concat()))
}

/// A domain in its ASCII form, without the dot of the root; or an address in brackets as it is.
fn ascii(domain: &str) -> Result<Zeroizing<String>, NormaliseError> {
    if domain.len() > 2 && domain.starts_with('[') && domain.ends_with(']') {
        return Ok(Zeroizing::new(domain.into()));
    }
    let ascii = Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::VerifyAllowRootDot)
        .map_err(|_| NormaliseError::NotAnAddress)?;
    let ascii = ascii.strip_suffix('.').unwrap_or(&ascii);
    if ascii.is_empty() { Err(NormaliseError::NotAnAddress) } else { Ok(Zeroizing::new(ascii.into())) }
}
