//! The server on a real socket, and clients that are slow, rude or gone.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cs_serve::Assistant;
use cs_serve::engine::{Engine, Handle};
use cs_serve::http::{Api, HttpConfig, Served, Slot};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::engine::models::{Gate, eventually, model, plain, start, workers};

/// A service that listens.
struct Running {
    address: SocketAddr,
    api: Api,
    handle: Handle,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Served>,
    _engine: Engine,
}

impl Running {
    async fn new(model: &Arc<Assistant>, config: HttpConfig) -> Self {
        let (engine, handle) = start(model, workers(1));
        let api = Api::new(Slot::Light, handle.clone(), config).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let served = api.clone();
        let task = tokio::spawn(async move {
            let shutdown = async { stopped.await.unwrap_or_default() };
            served.serve(listener, served.router(), shutdown).await
        });
        Self {
            address,
            api,
            handle,
            stop,
            task,
            _engine: engine,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// What comes back until the server closes the connection.
    async fn exchange(&self, request: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request).await.unwrap();
        rest(stream).await
    }

    /// Waits, on another thread, until the engine is as `holds` says.
    async fn eventually(&self, holds: fn(&cs_serve::engine::Snapshot) -> bool) {
        let handle = self.handle.clone();
        let waiting = move || eventually(&handle, holds);
        tokio::task::spawn_blocking(waiting).await.unwrap();
    }
}

async fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    String::from_utf8(bytes).unwrap()
}

fn request(text: &str, headers: &str) -> String {
    let body = serde_json::json!({ "text": text }).to_string();
    let length = body.len();
    format!(
        "POST /v1/understand HTTP/1.1\r\nhost: it\r\ncontent-type: application/json\r\n{headers}\
         content-length: {length}\r\n\r\n{body}"
    )
}

fn impatient() -> HttpConfig {
    HttpConfig {
        head_timeout: Duration::from_millis(200),
        body_timeout: Duration::from_millis(200),
        ..HttpConfig::default()
    }
}

fn gated() -> (Arc<Gate>, Arc<Assistant>) {
    let gate = Gate::closed();
    let passed = Arc::clone(&gate);
    let model = model("gated", move |_| {
        passed.pass();
        Ok(())
    });
    (gate, model)
}

/// Checks that an answer's last part is a problem document with that status.
fn assert_problem(answer: &str, status: u16) {
    let (head, body) = answer.rsplit_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    assert!(
        head.contains("content-type: application/problem+json"),
        "{answer}"
    );
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["status"], status);
    let length = format!("content-length: {}", body.len());
    assert!(head.contains(&length), "{answer}");
}

#[tokio::test]
async fn a_slow_sender_is_told_so() {
    let running = Running::new(&plain(), impatient()).await;
    let whole = request("order", "");
    let (head, _) = whole.split_once("\r\n\r\n").unwrap();
    assert_problem(&running.exchange(head.as_bytes()).await, 408);
    let cut = &whole.as_bytes()[..whole.len() - 3];
    assert_problem(&running.exchange(cut).await, 408);
    assert_eq!(running.exchange(b"").await, ""); // nothing was begun
    let answers = running.exchange(whole.as_bytes()).await;
    assert!(answers.starts_with("HTTP/1.1 200 OK"), "{answers}"); // and then it was idle
    assert_eq!(answers.matches("HTTP/1.1").count(), 1, "{answers}");
}

#[tokio::test]
async fn a_client_that_goes_or_writes_no_more_cancels_its_request() {
    let (gate, model) = gated();
    let running = Running::new(&model, HttpConfig::default()).await;
    let mut first = running.connect().await;
    first
        .write_all(request("order", "connection: close\r\n").as_bytes())
        .await
        .unwrap();
    running.eventually(|it| it.running == 1).await;

    let mut gone = running.connect().await;
    gone.write_all(request("order", "").as_bytes())
        .await
        .unwrap();
    running.eventually(|it| it.queue_texts == 1).await;
    drop(gone);
    running
        .eventually(|it| it.cancelled == 1 && it.queue_texts == 0)
        .await;

    let mut half = running.connect().await;
    half.write_all(request("order", "").as_bytes())
        .await
        .unwrap();
    running.eventually(|it| it.queue_texts == 1).await;
    half.shutdown().await.unwrap();
    running
        .eventually(|it| it.cancelled == 2 && it.queue_texts == 0)
        .await;
    assert_eq!(rest(half).await, "");

    gate.open();
    assert!(rest(first).await.starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let running = Running::new(&plain(), HttpConfig::default()).await;
    let mut all = String::new();
    for i in 0..9 {
        all += &request(&format!("order {i}"), "");
    }
    all += &request("order 9", "connection: close\r\n");
    let answers = running.exchange(all.as_bytes()).await;
    let texts: Vec<_> = answers.split("\"text\":\"order ").skip(1).collect();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 10);
    let order: Vec<_> = texts.iter().map(|it| it.as_bytes()[0]).collect();
    assert_eq!(order, *b"0123456789");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_unread() {
    let config = HttpConfig {
        max_body: 1000,
        ..HttpConfig::default()
    };
    let running = Running::new(&plain(), config).await;
    let head = "POST /v1/understand HTTP/1.1\r\nhost: it\r\ncontent-type: application/json\r\n";
    let announced = format!(
        "{head}content-length: 99999999999\r\n\r\n{}",
        "x".repeat(100_000)
    );
    assert_problem(&running.exchange(announced.as_bytes()).await, 413);
    let chunk = format!("200\r\n{}\r\n", "x".repeat(512));
    let chunked = format!(
        "{head}transfer-encoding: chunked\r\n\r\n{}",
        chunk.repeat(3)
    );
    assert_problem(&running.exchange(chunked.as_bytes()).await, 413);
    let broken = format!("{head}transfer-encoding: chunked\r\n\r\nno number\r\n");
    assert_problem(&running.exchange(broken.as_bytes()).await, 400);
    assert!(
        running
            .exchange(b"no http\r\n\r\n")
            .await
            .starts_with("HTTP/1.1 400")
    );
}

#[tokio::test]
async fn at_the_end_what_was_begun_is_answered_and_nothing_else() {
    let (gate, model) = gated();
    let running = Running::new(&model, HttpConfig::default()).await;
    let idle = running.connect().await;
    let mut asking = running.connect().await;
    asking
        .write_all(request("order", "").as_bytes())
        .await
        .unwrap();
    running.eventually(|it| it.running == 1).await;
    running.stop.send(()).unwrap();
    assert_eq!(rest(idle).await, "");
    assert!(!running.api.is_ready() && running.handle.is_open());
    assert!(TcpStream::connect(running.address).await.is_err());
    gate.open();
    assert!(rest(asking).await.starts_with("HTTP/1.1 200 OK"));
    assert_eq!(running.task.await.unwrap(), Served { cut_off: 0 });
}

#[tokio::test]
async fn the_end_does_not_wait_for_a_backend_that_hangs() {
    let (gate, model) = gated();
    let config = HttpConfig {
        drain_timeout: Duration::from_millis(50),
        ..HttpConfig::default()
    };
    let running = Running::new(&model, config).await;
    let mut asking = running.connect().await;
    asking
        .write_all(request("order", "").as_bytes())
        .await
        .unwrap();
    running.eventually(|it| it.running == 1).await;
    running.stop.send(()).unwrap();
    assert_eq!(running.task.await.unwrap(), Served { cut_off: 1 });
    assert_eq!(rest(asking).await, "");
    gate.open();
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_client_that_never_reads_is_given_up() {
    let config = HttpConfig {
        write_timeout: Duration::from_millis(100),
        ..HttpConfig::default()
    };
    let running = Running::new(&plain(), config).await;
    let mut stuck = running.connect().await;
    let request = request(&"order ".repeat(2000), "");
    // Until all buffers are full, and then until the server has closed the connection.
    let asking = async { while stuck.write_all(request.as_bytes()).await.is_ok() {} };
    let given_up = tokio::time::timeout(Duration::from_secs(60), asking).await;
    assert!(given_up.is_ok());
}

#[tokio::test]
async fn more_connections_than_may_be_wait() {
    let config = HttpConfig {
        max_connections: 1,
        ..HttpConfig::default()
    };
    let running = Running::new(&plain(), config).await;
    let mut first = running.connect().await;
    first
        .write_all(request("order", "").as_bytes())
        .await
        .unwrap();
    let mut buffer = [0; 16];
    first.read_exact(&mut buffer).await.unwrap();
    let mut second = running.connect().await; // by the system, and not by the server
    let close = request("order", "connection: close\r\n");
    second.write_all(close.as_bytes()).await.unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(50), second.read_exact(&mut buffer));
    assert!(waited.await.is_err());
    assert_eq!(running.handle.snapshot().accepted, 1);
    drop(first);
    assert!(rest(second).await.starts_with("HTTP/1.1 200 OK"));
}
