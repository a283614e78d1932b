//! The stream of a connection, which fails when its client takes too long: to send a head, to begin
//! the next request, or to take an answer. Whatever goes on inside the server has limits of its own.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::table::Line;
use crate::metrics::ConnectionEnd;

pub struct TimedStream {
    stream: TcpStream,
    line: Arc<Line>,
    /// Whether the head that is awaited has begun, or is the first.
    begun: bool,
    read_by: Pin<Box<Sleep>>,
    /// Runs while the client takes nothing of what is to be sent.
    write_by: Option<Pin<Box<Sleep>>>,
}

impl TimedStream {
    pub fn new(stream: TcpStream, line: Arc<Line>) -> Self {
        let read_by = Box::pin(tokio::time::sleep(line.head_timeout()));
        Self {
            stream,
            line,
            begun: true,
            read_by,
            write_by: None,
        }
    }

    fn read_within(&mut self, timeout: Duration) {
        self.read_by.as_mut().reset(Instant::now() + timeout);
    }

    fn timed_out(&self, end: ConnectionEnd) -> io::Error {
        self.line.ended(end);
        io::ErrorKind::TimedOut.into()
    }

    fn written<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_by = None;
            return written;
        }
        let timeout = self.line.head_timeout();
        let by = self
            .write_by
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(timeout)));
        match by.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(self.timed_out(ConnectionEnd::AnswerNotTaken))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for TimedStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        if let Poll::Ready(read) = Pin::new(&mut this.stream).poll_read(cx, buffer) {
            if buffer.filled().len() > before && !this.begun && this.line.awaits_head() {
                this.begun = true;
                this.read_within(this.line.head_timeout());
            }
            return Poll::Ready(read);
        }
        // The body of a request has a limit of its own, with an answer.
        if !this.line.awaits_head() || this.read_by.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let end = match this.begun {
            true => ConnectionEnd::HeadTimeout,
            false => ConnectionEnd::IdleTimeout,
        };
        Poll::Ready(Err(this.timed_out(end)))
    }
}

impl AsyncWrite for TimedStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.written(cx, written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// Called when everything has been written, which is the end of an answer.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(cx);
        if matches!(flushed, Poll::Ready(Ok(()))) && this.line.sent() {
            this.begun = false;
            this.read_within(this.line.idle_timeout());
        }
        flushed
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}
