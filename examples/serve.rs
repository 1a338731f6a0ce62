//! Answers over HTTP with a trained model, until a signal ends it.
//!
//! ```text
//! cargo run --release --example serve -- --light target/quickstart/int8
//! cargo run --release --example serve -p cs-examples --no-default-features -- --config serve.toml
//! curl --json '{"text": "查询订单12345"}' http://127.0.0.1:8080/v1/understand
//! ```
//!
//! With `--light` and `--full` together, the light model answers what it is sure of, `--route` takes
//! what the example `route` has fitted, and replicas share their answers by `--redis`. The second form
//! builds without libtorch. As soon as it answers, it writes its address to standard output:
//! `{"listening": "http://127.0.0.1:8080"}`. Every flag but `--config` is also a key of the TOML file
//! (`max_body`) and a variable (`CS_MAX_BODY`): a flag goes before a variable, a variable before the
//! file. `deploy/serve.toml` explains them.
//!
//! With `--flows`, `--replies` or both it holds conversations: `POST /v1/chat`, and the page is a chat.
//! `examples/data/shop/serve.toml` has a shop's. Sessions are kept in memory, in a file (`--state`) or by `--redis`.
//!
//! With `--words` and `--semantic` customers' texts and replies are held against lists of words and prohibited texts, as the example
//! `filter` does it: what is to be masked is covered, a text that is to be blocked is not heard, and such a reply is not said.
//! `POST /v1/words`, with an API key, reads the lists anew.
//!
//! With `--log-dir` and `--mask-key` turns and ratings are logged, from which personal data are masked; a turn may name its
//! `customer`, which is a tag there.
//!
//! With `--kb` or `--sparql` it knows facts: `POST /v1/check` holds a reply against them, and
//! `POST /v1/knowledge`, with an API key, reads them anew.
//!
//! At Ctrl-C or SIGTERM it accepts no more connections, answers what was asked, and exits with 0.
//! A second signal ends it at once.

use std::net::SocketAddr;
use std::panic::PanicHookInfo;
use std::process::{ExitCode, exit};
use std::time::Duration;

use cs_examples::{Error, Outcome, Result, ServeArgs, Service, note, print_json, run};
use cs_serve::http::Api;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// What is left after the last answer has this long to end.
const GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(tell_panic));
    run(|arguments: ServeArgs| {
        let settings = arguments.layered(std::env::vars_os())?;
        let service = Service::start(&settings)?;
        serve(service.api(), settings.address())?;
        service.drain(GRACE);
        Ok(Outcome::Passed)
    })
}

/// Says where a panic was, and in which thread, and not its message, which may quote what a customer said.
fn tell_panic(panic: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("without a name");
    match panic.location() {
        Some(place) => note(format_args!("error: a panic in thread {name}: {place}")),
        None => note(format_args!("error: a panic in thread {name}")),
    }
}

/// Serves until a signal comes, and what was asked by then is answered.
fn serve(api: &Api, address: SocketAddr) -> Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime
        .enable_all()
        .build()
        .map_err(Error::io("<runtime>"))?;
    let served = runtime.block_on(listen(api, address));
    runtime.shutdown_timeout(GRACE); // a model that is still being loaded is not waited for
    served
}

async fn listen(api: &Api, address: SocketAddr) -> Result<()> {
    let failed = |error| Error::io(address.to_string())(error);
    let stopped = signals()?;
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    print_json(&json!({"listening": format!("http://{bound}")}))?;
    let served = api.serve(listener, api.router(), stopped).await;
    if served.cut_off > 0 {
        let cut_off = served.cut_off;
        note(format_args!("warning: {cut_off} connections were cut off"));
    }
    Ok(())
}

/// Ready at the first signal. The second ends the process.
fn signals() -> Result<impl Future<Output = ()>> {
    let (stop, mut stopped) = watch::channel(false);
    let handler = move || {
        if stop.send_replace(true) {
            exit(130); // as shells expect
        }
        note(format_args!(
            "answering what was asked; once more to quit at once"
        ));
    };
    ctrlc::set_handler(handler).map_err(|error| Error::Usage(format!("signals: {error}")))?;
    Ok(async move {
        // It cannot fail: the handler keeps the sender for as long as the process runs.
        let _ = stopped.wait_for(|stopped| *stopped).await;
    })
}
