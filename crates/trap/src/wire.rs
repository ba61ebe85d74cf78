//! The connection, in clear or under TLS: reading through one function that keeps no buffer (ten
//! thousand idle clients must not cost ten thousand of them), writing, the handshake with the
//! ClientHello noted on its way to the TLS library.

use heloscope_model::sighting::ClientHello;
use heloscope_smtp::Hello;
use rustls::ServerConfig;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// Bytes read at a time.
const READ: usize = 16 << 10;

/// A connection.
pub(crate) enum Wire {
    /// In clear.
    Plain(TcpStream),
    /// Under TLS.
    Secure(Box<TlsStream<Tap>>),
    /// Closed while the handshake went on.
    Gone,
}

impl Wire {
    /// Waits for bytes and hands them over. Zero: the client has closed its side.
    pub(crate) async fn read(&mut self, mut with: impl FnMut(&[u8])) -> io::Result<usize> {
        poll_fn(|cx| {
            let mut room = [MaybeUninit::uninit(); READ];
            let mut buffer = ReadBuf::uninit(&mut room);
            ready!(match self {
                Self::Plain(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
                Self::Secure(stream) => Pin::new(stream).poll_read(cx, &mut buffer),
                Self::Gone => Poll::Ready(Ok(())),
            })?;
            with(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }

    /// Writes all of it.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).await,
            Self::Secure(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
            Self::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Says that nothing more comes.
    pub(crate) async fn shutdown(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.shutdown().await,
            Self::Secure(stream) => stream.shutdown().await,
            Self::Gone => Ok(()),
        }
    }

    /// Takes up TLS. The hello as far as it came, also where the handshake fails.
    pub(crate) async fn secure(
        &mut self,
        config: Arc<ServerConfig>,
    ) -> (Option<ClientHello>, io::Result<()>) {
        let Self::Plain(stream) = std::mem::replace(self, Self::Gone) else {
            return (None, Err(io::ErrorKind::InvalidInput.into()));
        };
        let accepting = tokio_rustls::TlsAcceptor::from(config).accept(Tap::new(stream));
        match accepting.into_fallible().await {
            Ok(mut stream) => {
                let hello = stream.get_mut().0.hello.take();
                *self = Self::Secure(Box::new(stream));
                (hello, Ok(()))
            }
            Err((error, mut tap)) => (tap.hello.take(), Err(error)),
        }
    }

    /// Bytes under TLS as they went over the wire, of the client and of ours.
    pub(crate) fn tls_bytes(&self) -> Option<(u64, u64)> {
        match self {
            Self::Secure(stream) => {
                let tap = stream.get_ref().0;
                Some((tap.read, tap.written))
            }
            _ => None,
        }
    }
}

/// Notes and counts what passes between the socket and the TLS library.
pub(crate) struct Tap {
    stream: TcpStream,
    reading: Hello,
    hello: Option<ClientHello>,
    read: u64,
    written: u64,
}

impl Tap {
    fn new(stream: TcpStream) -> Self {
        Self { stream, reading: Hello::default(), hello: None, read: 0, written: 0 }
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        let came = buffer.filled().get(before..).unwrap_or_default();
        self.read = self.read.saturating_add(came.len() as u64);
        if let Some(hello) = self.reading.feed(came) {
            self.hello = Some(hello);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Tap {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let len = ready!(Pin::new(&mut self.stream).poll_write(cx, bytes))?;
        self.written = self.written.saturating_add(len as u64);
        Poll::Ready(Ok(len))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
