//! What the demo promises, checked; and its table.

use std::io::Write;

use anyhow::{Context, Result, bail, ensure};

use super::page;

/// The same page in four hands.
pub(super) struct Pages {
    /// As it would be without symbolon.
    pub(super) plain: String,
    /// As the server made it.
    pub(super) cached: String,
    /// As Alice's session reveals it.
    pub(super) alice: String,
    /// As Bob's does.
    pub(super) bob: String,
}

/// One marked element in the hands of each.
pub(super) struct Row {
    field: &'static str,
    token: String,
    alice: String,
    bob: String,
}

impl Pages {
    /// Alice reads what is hers, nobody else reads any of it, and no link carries it away.
    pub(super) fn check(&self) -> Result<Vec<Row>> {
        let values = page::marked(&self.plain);
        let (tokens, alice, bob) = (page::marked(&self.cached), page::marked(&self.alice), page::marked(&self.bob));
        ensure!(values.len() == FIELDS.len(), "the order page has {} marked elements", values.len());
        ensure!(
            tokens.iter().all(|token| token.starts_with("sym_")),
            "the cached page holds something else than tokens"
        );
        ensure!(alice == values, "Alice's page does not show what is hers");
        ensure!(bob.len() == values.len(), "Bob's page lacks elements");
        for page in [&self.cached, &self.bob] {
            ensure!(!values.iter().any(|value| page.contains(value)), "a page that is not Alice's shows what is hers");
        }
        for page in [&self.cached, &self.alice, &self.bob] {
            ensure!(page::picture_link(page)?.starts_with(HARMLESS_LINK), "a value has got into a link");
        }
        let rows = FIELDS.into_iter().zip(tokens).zip(alice).zip(bob);
        Ok(rows.map(|(((field, token), alice), bob)| Row { field, token, alice, bob }).collect())
    }

    /// Where the picture points to in Alice's page.
    pub(super) fn link_in_alices_page(&self) -> Result<String> {
        page::picture_link(&self.alice).map(Into::into)
    }
}

/// In her table of orders, Alice reads her own rows as they were, and no other name.
pub(super) fn alices_orders(plain: &str, alice: &str) -> Result<()> {
    let (mut plain, mut alice) =
        (csv::Reader::from_reader(plain.as_bytes()), csv::Reader::from_reader(alice.as_bytes()));
    let mut column = |name: &str| plain.headers().ok()?.iter().position(|header| header == name);
    let (id, name) = column("customer_id").zip(column("ship_to_name")).context("the sample's columns have changed")?;
    let (mut hers, mut rows) = (0, alice.records());
    for row in plain.records() {
        let (row, revealed) = (row?, rows.next().context("a row is missing in Alice's table")??);
        if row.get(id) == Some("alice") {
            ensure!(row == revealed, "Alice's own order is not as it was");
            hers += 1;
        } else if row.get(name) == revealed.get(name) {
            bail!("Alice's table shows somebody else's name");
        }
    }
    ensure!(hers > 0 && rows.next().is_none(), "Alice's table has other rows than the orders have");
    Ok(())
}

/// The table of the summary. Values that may be wide come last, so that nothing must be aligned behind them.
pub(super) fn table(out: &mut impl Write, rows: &[Row]) -> Result<()> {
    let bob_width = rows.iter().map(|row| row.bob.chars().count()).max().unwrap_or(0).max(9);
    writeln!(out, "  {:14}  {:16}  {:bob_width$}  Alice reads", "", "the cache holds", "Bob reads")?;
    writeln!(out, "  {:─<14}  {:─<16}  {:─<bob_width$}  {:─<20}", "", "", "", "")?;
    for Row { field, token, alice, bob } in rows {
        let start = token.get(..15).unwrap_or(token);
        writeln!(out, "  {field:14}  {start}…  {bob:bob_width$}  {alice}")?;
    }
    Ok(())
}

/// The marked elements of the page, in order.
const FIELDS: [&str; 5] = ["name", "address", "card number", "e-mail", "order line"];

const HARMLESS_LINK: &str = "https://evil.example/?q=sym_";
