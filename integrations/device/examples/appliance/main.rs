//! An appliance without hardware, to try out what works with one. **It protects nothing**: its keys are in this program's memory, and gone
//! when it ends.
//!
//! ```text
//! cargo run -p symbolon-device --example appliance -- 127.0.0.1:7017
//! symbolon keygen shop.roles --device tcp:127.0.0.1:7017
//! ```

mod server;

use std::net::TcpListener;

/// As many trail entries as a small flash has room for.
const ENTRIES: usize = 16_384;

fn main() -> std::io::Result<()> {
    let Some(place) = std::env::args().nth(1) else {
        return Err(std::io::Error::other("where to listen? For example: 127.0.0.1:7017"));
    };
    let listener = TcpListener::bind(place)?;
    eprintln!("An appliance for tests, without any security, listens at {}.", listener.local_addr()?);
    server::serve::<ENTRIES>(listener)
}
