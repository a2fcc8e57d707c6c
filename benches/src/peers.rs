//! What else a user would pick to have a value as text and back, bound to `tenant/owner/field` as near as it can.

#[cfg(feature = "peers")]
mod credentials;
#[cfg(feature = "peers")]
mod libraries;

use std::rc::Rc;

use crate::frame::Row;

/// A way to make a text of a value and back.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    seal: Rc<Seal>,
    open: Rc<Open>,
}

type Seal = dyn Fn(&[u8]) -> String;
type Open = dyn Fn(&str) -> Vec<u8>;

impl Peer {
    /// How many characters a value of this size becomes.
    pub(crate) fn text_len(&self, size: usize) -> usize {
        (self.seal)(&crate::value(size)).len()
    }

    fn rows(&self, size: usize) -> [Row; 2] {
        let (value, seal, open) = (crate::value(size), self.seal.clone(), self.open.clone());
        let text = seal(&value);
        assert_eq!(open(&text), value, "{}", self.name);
        [
            Row::new("job", format!("seal {size} B"), self.name, move || seal(&value)),
            Row::new("job", format!("open {size} B"), self.name, move || open(&text)),
        ]
    }
}

/// The rows of these sizes, and of what proves who a caller is.
pub(crate) fn rows(peers: &[Peer], sizes: &[usize]) -> Vec<Row> {
    let rows = peers.iter().flat_map(|peer| sizes.iter().flat_map(|size| peer.rows(*size)));
    #[cfg(feature = "peers")]
    let rows = rows.chain(credentials::rows());
    rows.collect()
}

/// The quickest of them, and so the reference.
pub(crate) const TINK: &str = "Tink AES-256-GCM";

/// The group that credentials and our own are in.
pub(crate) const CREDENTIALS: &str = "credentials";

/// All; none where they were left out of the build.
pub(crate) fn all() -> Vec<Peer> {
    #[cfg(feature = "peers")]
    let all = libraries::all();
    #[cfg(not(feature = "peers"))]
    let all = Vec::new();
    all
}
