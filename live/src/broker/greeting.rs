//! The first words of an AMQP broker: is it there, and what is it?

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Protocol header of AMQP 0-9-1.
const HEADER: [u8; 8] = *b"AMQP\x00\x00\x09\x01";

const TIMEOUT: Duration = Duration::from_secs(2);

/// The version that the broker at an address gives in its greeting, before anybody logs in.
///
/// `None` if nothing answers in AMQP. The client library keeps the greeting to itself, and a broker
/// that greets is also one that is ready.
///
/// # References
/// AMQP 0-9-1 specification, `connection.start`: its server properties are a table of named values.
pub(super) async fn version(host: &str, port: u16) -> Option<String> {
    tokio::time::timeout(TIMEOUT, greet(host, port)).await.ok()?
}

async fn greet(host: &str, port: u16) -> Option<String> {
    let mut stream = TcpStream::connect((host, port)).await.ok()?;
    stream.write_all(&HEADER).await.ok()?;
    // A frame is type (1), channel (2), size (4), payload, end (1).
    let mut head = [0; 7];
    stream.read_exact(&mut head).await.ok()?;
    let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
    let mut payload = vec![0; usize::try_from(size.min(64 * 1024)).ok()?];
    stream.read_exact(&mut payload).await.ok()?;
    Some(long_string(&payload, "version").unwrap_or_else(|| "of unknown version".into()))
}

/// The long string that follows a short-string key in an AMQP table.
fn long_string(table: &[u8], key: &str) -> Option<String> {
    let mut pattern = vec![u8::try_from(key.len()).ok()?];
    pattern.extend_from_slice(key.as_bytes());
    pattern.push(b'S');
    let start = table.windows(pattern.len()).position(|window| window == pattern)? + pattern.len();
    let length = u32::from_be_bytes(table.get(start..start + 4)?.try_into().ok()?) as usize;
    String::from_utf8(table.get(start + 4..start + 4 + length)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::long_string;

    #[test]
    fn a_value_is_found_by_its_key() {
        let table = b"\x07productS\x00\x00\x00\x08RabbitMQ\x07versionS\x00\x00\x00\x063.10.8";
        assert_eq!(long_string(table, "version").as_deref(), Some("3.10.8"));
        assert_eq!(long_string(table, "cluster"), None);
        assert_eq!(long_string(&table[..table.len() - 2], "version"), None);
    }
}
