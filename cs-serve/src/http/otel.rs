//! Spans for OpenTelemetry.

use std::fmt;
use std::pin::Pin;

use axum::http::HeaderMap;
use axum::http::header::HOST;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TracerProvider;
use opentelemetry_http::{Bytes, HeaderExtractor, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::Layer;
use tracing_subscriber::registry::LookupSpan;

use crate::error;

/// The export of `tracing`'s spans to an OpenTelemetry collector, by OTLP over HTTP (feature
/// `otel`).
///
/// A request that brings a `traceparent` header (W3C Trace Context) continues that trace. Without
/// TLS, as collectors run beside what they collect from. The environment variables `OTEL_…` of the
/// specification set what is not set here.
///
/// ```no_run
/// use cs_serve::http::SpanExport;
/// use tracing_subscriber::prelude::*;
///
/// # async fn start() -> Result<(), cs_serve::HttpError> {
/// let export = SpanExport::start("http://127.0.0.1:4318/v1/traces", "support")?;
/// tracing_subscriber::registry().with(export.layer()).init();
/// // … serve …
/// export.stop().await
/// # }
/// ```
pub struct SpanExport {
    endpoint: String,
    provider: SdkTracerProvider,
}

impl SpanExport {
    /// Starts a thread that sends spans to the collector at `endpoint`, as those of a service
    /// called `service`. Has to be called on a tokio runtime, which does the sending.
    ///
    /// # Errors
    /// [`error::HttpError::SpanExport`] outside a runtime, or for an endpoint that is none.
    pub fn start(endpoint: &str, service: &str) -> Result<Self, error::HttpError> {
        let provider = provider(endpoint, service).map_err(|source| failed(endpoint, source))?;
        Ok(Self {
            endpoint: endpoint.to_owned(),
            provider,
        })
    }

    /// The layer of a `tracing` subscriber that hands spans over.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let tracer = self.provider.tracer("cs-serve");
        tracing_opentelemetry::layer().with_tracer(tracer)
    }

    /// Sends what is left, and ends the thread.
    ///
    /// # Errors
    /// [`error::HttpError::SpanExport`] if the collector does not take it.
    pub async fn stop(self) -> Result<(), error::HttpError> {
        let Self { endpoint, provider } = self;
        let shutdown = tokio::task::spawn_blocking(move || provider.shutdown()).await;
        match shutdown {
            Ok(Ok(())) => Ok(()),
            Ok(Err(source)) => Err(failed(&endpoint, source.into())),
            Err(source) => Err(failed(&endpoint, source.into())),
        }
    }
}

impl fmt::Debug for SpanExport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanExport")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}

/// Makes a request's span part of the trace that its headers name, if they do and spans are
/// exported.
pub(super) fn continue_trace(span: &Span, headers: &HeaderMap) {
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    let _ = span.set_parent(context); // an error says that no layer exports
}

fn failed(endpoint: &str, source: HttpError) -> error::HttpError {
    error::HttpError::SpanExport {
        endpoint: endpoint.to_owned(),
        source,
    }
}

fn provider(endpoint: &str, service: &str) -> Result<SdkTracerProvider, HttpError> {
    let client = Client {
        runtime: Handle::try_current()?,
    };
    let exporter = SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .build()?;
    let resource = Resource::builder().with_service_name(service.to_owned());
    Ok(SdkTracerProvider::builder()
        .with_resource(resource.build())
        .with_batch_exporter(exporter)
        .build())
}

/// Sends each request over a connection of its own.
#[derive(Debug)]
struct Client {
    runtime: Handle,
}

type Sent = Result<Response<Bytes>, HttpError>;

impl HttpClient for Client {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Sent> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        // It is polled on a thread without a runtime.
        let sent = self.runtime.spawn(send(request));
        Box::pin(async { sent.await? })
    }
}

async fn send(mut request: Request<Bytes>) -> Sent {
    /// The most bytes of a collector's answer.
    const ANSWER: usize = 1 << 20;
    let uri = request.uri().clone();
    let (Some("http"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err(format!("{uri}: expected http://HOST:PORT/PATH").into());
    };
    let address = (authority.host(), authority.port_u16().unwrap_or(80));
    let stream = TokioIo::new(TcpStream::connect(address).await?);
    let (mut sender, connection) = http1::handshake(stream).await?;
    tokio::spawn(connection);
    let host = authority.as_str().parse()?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = uri.path_and_query().map_or("/", |it| it.as_str()).parse()?;
    let response = sender.send_request(request.map(Full::new)).await?;
    let (parts, body) = response.into_parts();
    let body = Limited::new(body, ANSWER).collect().await?.to_bytes();
    Ok(Response::from_parts(parts, body))
}
