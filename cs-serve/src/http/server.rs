//! A server for the router, which bounds what a client can take up.

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service;

use super::api::Api;
use super::blocking::on_thread;
use super::canary::Canary;

/// The most bytes of a request's head.
const HEAD: usize = 64 << 10;

/// How long, and for how many bytes, a connection is read on after the last answer, so that the
/// client gets to read that one.
const LINGER: (Duration, u64) = (Duration::from_secs(1), 1 << 20);

/// The answer to a head that came too slowly, which hyper leaves to us.
const SLOW: &[u8] = b"HTTP/1.1 408 Request Timeout\r\n\
    connection: close\r\n\
    content-type: application/problem+json\r\n\
    content-length: 112\r\n\r\n\
    {\"type\":\"about:blank\",\"title\":\"Request Timeout\",\"status\":408,\
    \"detail\":\"the head of the request came too slowly\"}";

/// How a server ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// The number of connections that were closed before their request was answered.
    pub cut_off: usize,
}

impl Api {
    /// Serves `router` (this interface's, or one that it is nested in) over HTTP/1.1 until
    /// `shutdown` is ready. Then it [drains](Self::drain): it accepts no more connections, answers
    /// the requests that were begun, but no longer than
    /// [`drain_timeout`](super::HttpConfig::drain_timeout), and returns. The engine is left to be
    /// drained by its owner.
    ///
    /// A client that closes its connection, or only the side on which it writes, cancels its
    /// request.
    pub async fn serve(
        &self,
        listener: TcpListener,
        router: Router,
        shutdown: impl Future<Output = ()>,
    ) -> Served {
        let config = self.config();
        let permits = Arc::new(Semaphore::new(config.max_connections));
        let (stop, stopped) = watch::channel(());
        let mut connections = JoinSet::new();
        let mut shutdown = std::pin::pin!(shutdown);
        let _time = self.canary().map(Time::keep);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                (permit, stream, peer) = accept(&listener, &permits) => {
                    let connection = Connection {
                        router: router.clone(),
                        peer,
                        head_timeout: config.head_timeout,
                        write_timeout: config.write_timeout,
                        stopped: stopped.clone(),
                    };
                    connections.spawn(async move {
                        connection.serve(stream).await;
                        drop(permit);
                    });
                }
            }
        }
        drop(listener);
        self.drain();
        stop.send_replace(());
        let all = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(config.drain_timeout, all).await;
        if let Some(canary) = self.canary().cloned() {
            let _ = on_thread(move || canary.settle()).await; // as far as it goes
        }
        Served {
            cut_off: connections.len(),
        }
    }
}

/// What looks after a candidate, until it is dropped.
struct Time(tokio::task::JoinHandle<()>);

impl Time {
    fn keep(canary: &Arc<Canary>) -> Self {
        const EVERY: Duration = Duration::from_secs(1);
        let canary = Arc::clone(canary);
        Self(tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                let canary = Arc::clone(&canary);
                // One that panics has been told, and the next one may not.
                let _ = on_thread(move || canary.tick()).await;
            }
        }))
    }
}

impl Drop for Time {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Waits for a connection, and before that for room.
async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, TcpStream, SocketAddr) {
    const PAUSE: Duration = Duration::from_millis(100);
    let permit = Arc::clone(permits).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (permit, stream, peer),
            Err(error) if is_of_one(&error) => {}
            // For want of file descriptors, say, which other connections give back.
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Whether an error is of one connection, which has gone before it was accepted.
fn is_of_one(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

struct Connection {
    router: Router,
    peer: SocketAddr,
    head_timeout: Duration,
    write_timeout: Duration,
    stopped: watch::Receiver<()>,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

impl Connection {
    async fn serve(self, stream: TcpStream) {
        let Self {
            router,
            peer,
            head_timeout,
            write_timeout,
            mut stopped,
        } = self;
        if let Err(error) = prepare(&stream, write_timeout) {
            tracing::debug!(%error, "a connection could not be prepared");
            return;
        }
        let service = service_fn(move |mut request: hyper::Request<Incoming>| -> Answer {
            request.extensions_mut().insert(ConnectInfo(peer));
            Box::pin(router.clone().call(request.map(Body::new)))
        });
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head_timeout)
            .max_buf_size(HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let outcome = tokio::select! {
            outcome = poll_fn(|context| connection.poll_without_shutdown(context)) => outcome,
            _ = stopped.changed() => {
                Pin::new(&mut connection).graceful_shutdown();
                poll_fn(|context| connection.poll_without_shutdown(context)).await
            }
        };
        let parts = connection.into_parts();
        let stream = parts.io.into_inner();
        match outcome {
            Ok(()) => close(stream, b"").await,
            Err(error) if error.is_timeout() && !parts.read_buf.is_empty() => {
                close(stream, SLOW).await;
            }
            Err(error) => tracing::debug!(%error, "a connection broke off"),
        }
    }
}

/// Has the system send each answer at once, and give up a client that takes nothing of it.
fn prepare(stream: &TcpStream, write_timeout: Duration) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    socket2::SockRef::from(stream).set_tcp_user_timeout(Some(write_timeout))?;
    #[cfg(not(target_os = "linux"))]
    let _ = write_timeout;
    stream.set_nodelay(true)
}

/// Writes a last answer, and closes the connection as soon as the client has had time to read.
async fn close(mut stream: TcpStream, answer: &[u8]) {
    let (time, bytes) = LINGER;
    let last = async {
        stream.write_all(answer).await?;
        stream.shutdown().await?;
        let mut rest = stream.take(bytes);
        let mut buffer = [0; 4096];
        while rest.read(&mut buffer).await? > 0 {}
        io::Result::Ok(())
    };
    // Whatever comes of it, the connection is over.
    let _ = tokio::time::timeout(time, last).await;
}
