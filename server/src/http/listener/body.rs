//! The body of a request, which tells when the client has sent all of it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

use super::table::Line;

pub struct RequestBody {
    body: Incoming,
    /// `None`: it is whole.
    line: Option<Arc<Line>>,
}

impl RequestBody {
    /// Fails when the connection was closed for another in the moment in which its request was whole.
    pub fn new(body: Incoming, line: Arc<Line>) -> io::Result<Self> {
        let mut new = Self {
            body,
            line: Some(line),
        };
        if new.body.is_end_stream() {
            new.complete()?;
        }
        Ok(new)
    }

    fn complete(&mut self) -> io::Result<()> {
        match self.line.take() {
            Some(line) if !line.complete() => Err(io::ErrorKind::ConnectionAborted.into()),
            _ => Ok(()),
        }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        match ready!(Pin::new(&mut this.body).poll_frame(cx)) {
            Some(frame) => Poll::Ready(Some(frame.map_err(Into::into))),
            None => Poll::Ready(this.complete().err().map(|error| Err(error.into()))),
        }
    }

    fn is_end_stream(&self) -> bool {
        // Not before it is known to the table.
        self.line.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
