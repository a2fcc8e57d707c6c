//! The orders: who bought what, and where it goes.

use super::generator::Generator;
use super::people::{self, customer};
use super::pools::{PRODUCTS, STATUSES};

/// The header of `orders.csv`.
pub(super) const COLUMNS: [&str; 8] =
    ["order_id", "customer_id", "placed_on", "ship_to_name", "ship_to_address", "order_line", "amount_jpy", "status"];

/// What the protected columns hold.
pub(super) const FIELDS: &[(&str, &str)] =
    &[("ship_to_name", "person-name"), ("ship_to_address", "postal-address"), ("order_line", "order-line")];

/// One row of `orders.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Order {
    id: String,
    customer_id: String,
    placed_on: String,
    ship_to_name: String,
    ship_to_address: String,
    order_line: String,
    amount_jpy: String,
    status: &'static str,
}

impl Order {
    /// The cells, in the order of [`COLUMNS`].
    pub(super) fn cells(&self) -> [&str; 8] {
        [
            &self.id,
            &self.customer_id,
            &self.placed_on,
            &self.ship_to_name,
            &self.ship_to_address,
            &self.order_line,
            &self.amount_jpy,
            self.status,
        ]
    }
}

/// The order of row `index`, by one of the first `customers` customers. One in ten is a present, which goes to somebody else.
pub(super) fn order(seed: u64, index: u64, customers: u64) -> Order {
    let g = &mut Generator::of_row(!seed, index);
    let buyer = buyer(g, index, customers);
    let receiver = if buyer > 1 && g.one_in(10) { 2 + g.below(customers - 2) } else { buyer };
    let receiver = customer(seed, receiver);
    let (product, price) = g.pick(PRODUCTS);
    let pieces = 1 + g.below(3);
    Order {
        id: format!("o-{:06}", index + 1),
        customer_id: people::id(buyer),
        placed_on: placed_on(index),
        ship_to_name: receiver.name,
        ship_to_address: receiver.postal_address,
        order_line: format!("{product} × {pieces}"),
        amount_jpy: (price * pieces).to_string(),
        status: g.pick(STATUSES),
    }
}

/// Who buys: the demo's two people begin and return through the file, the others come as they like.
fn buyer(g: &mut Generator, index: u64, customers: u64) -> u64 {
    match index % 1_250 {
        0 => 0,
        1 => 1,
        _ => 2 + g.below(customers - 2),
    }
}

/// Ten orders a day from 2025-01-01, in months of 28 days: orders stand in the order of their dates, and every date exists.
fn placed_on(index: u64) -> String {
    let day = index / 10;
    format!("{}-{:02}-{:02}", 2025 + day / 336, 1 + day / 28 % 12, 1 + day % 28)
}
