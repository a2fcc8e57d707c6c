//! Texts without tokens, as an application would pass them through a rewriter: a quarter of a megabyte each.

const LEN: usize = 1 << 18;

fn lines(of: impl Fn(usize) -> String) -> Vec<u8> {
    let mut text = Vec::with_capacity(LEN + 1024);
    for line in 0.. {
        if text.len() >= LEN {
            break;
        }
        text.extend_from_slice(of(line).as_bytes());
    }
    text
}

/// Customers.
pub(crate) fn csv() -> Vec<u8> {
    lines(|line| {
        format!(
            "c{line:06},Yamada Taro,taro.{line}@example.com,\"1-2-3 Ginza, Chuo-ku, Tokyo\",+81 3 1234 5678,2026-11-{:02}\r\n",
            line % 28 + 1
        )
    })
}

/// The same, one object a line.
pub(crate) fn json() -> Vec<u8> {
    lines(|line| {
        format!(
            "{{\"id\":{line},\"name\":\"Yamada Taro\",\"mail\":\"taro.{line}@example.com\",\"address\":\"1-2-3 Ginza, Chuo-ku, Tokyo\",\"orders\":[{line},{}]}}\n",
            line + 1
        )
    })
}

/// A page of orders.
pub(crate) fn html() -> Vec<u8> {
    lines(|line| {
        format!(
            "<tr class=\"order\"><td><a href=\"/orders/{line}\">Order {line}</a></td><td>Two pounds of green tea, and a kettle</td><td>1-2-3 Ginza &amp; Co.</td></tr>\n"
        )
    })
}

/// A log.
pub(crate) fn plain() -> Vec<u8> {
    lines(|line| {
        format!(
            "2026-11-29T08:{:02}:07Z INFO shop::orders order {line} was packed and left for Ginza by the second van of the day\n",
            line % 60
        )
    })
}
