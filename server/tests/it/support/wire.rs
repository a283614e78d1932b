//! A connection below HTTP.

use std::time::Duration;

use reqwest::header::HeaderName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::TestServer;
use super::http::Answer;

/// A connection on which a test writes what no HTTP client would.
pub struct Wire(TcpStream);

impl Wire {
    pub async fn connect(server: &TestServer) -> Self {
        Self::at(&server.url()).await
    }

    pub async fn at(url: &str) -> Self {
        let address = url.strip_prefix("http://").expect("an address");
        Self(TcpStream::connect(address).await.expect("a connection"))
    }

    /// From another address of this machine, as another client would come.
    pub async fn from(local: &str, url: &str) -> Self {
        let address = url.strip_prefix("http://").expect("an address");
        let socket = TcpSocket::new_v4().expect("a socket");
        let local = format!("{local}:0").parse().expect("an address");
        socket.bind(local).expect("an address of this machine");
        let address = address.parse().expect("an address");
        Self(socket.connect(address).await.expect("a connection"))
    }

    pub async fn write(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.expect("written");
    }

    /// Writes although the server may have closed the connection.
    pub async fn try_write(&mut self, text: &str) -> bool {
        self.0.write_all(text.as_bytes()).await.is_ok()
    }

    /// One answer with a `Content-Length`, without waiting for the connection's end.
    pub async fn answer(&mut self) -> Answer {
        let mut bytes = Vec::new();
        loop {
            if let Some(answer) = parse(&bytes) {
                return answer;
            }
            let mut buffer = [0; 4096];
            let read = tokio::time::timeout(Duration::from_secs(20), self.0.read(&mut buffer));
            let read = read.await.expect("an answer in time").expect("an answer");
            assert_ne!(read, 0, "closed: {:?}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&buffer[..read]);
        }
    }

    /// Whether the server closes the connection, without another answer.
    pub async fn is_closed(&mut self) -> bool {
        let mut buffer = [0; 1];
        let read = tokio::time::timeout(Duration::from_secs(5), self.0.read(&mut buffer)).await;
        matches!(read, Ok(Ok(0) | Err(_)))
    }
}

/// The answer, once it is whole.
fn parse(bytes: &[u8]) -> Option<Answer> {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
    let headers = head.lines().map(|line| {
        let (name, value) = line.split_once(": ").expect("a header");
        let name: HeaderName = name.parse().expect("a name");
        (name, value.parse().expect("a value"))
    });
    let answer = Answer {
        status: first.split(' ').nth(1)?.parse().expect("a status"),
        headers: headers.collect(),
        body: body.to_owned(),
    };
    let length = answer.header("content-length");
    let length: usize = length.map_or(0, |length| length.parse().expect("a length"));
    (body.len() >= length).then_some(answer)
}
