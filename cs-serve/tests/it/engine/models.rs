//! Small models that answer from their tokens' ids, and gates that hold them up.

use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use cs_data::{Scheme, TagSet, TokenBatch, Tokenizer};
use cs_model::{BiLstmConfig, Bundle, BundleWriter, EncoderConfig, Manifest, Matrix, Tasks};
use cs_serve::engine::{Engine, EngineConfig, Handle, Options, Snapshot};
use cs_serve::{Assistant, BackendError, HeadOutput, ScriptedBackend};
use tempfile::TempDir;

pub(crate) const MAX_LENGTH: usize = 24;

/// Texts with a number in them, which every model finds.
pub(crate) const TEXTS: [&str; 6] = [
    "where is order 12345",
    "我要退款 12345",
    "12345",
    "please cancel order 12345 and refund it",
    "订单 12345 在哪里？",
    "is 12345 the order or is 12345 the refund",
];

/// A word that tests make backends stumble over.
pub(crate) const POISON: &str = "poison";

/// What a script gets: the sequences as words, joined by spaces.
type Seen<'a> = &'a [String];

/// A model named `name` (its intents are `name-0` to `name-2`), whose backend calls `script` before
/// it answers.
pub(crate) fn model(
    name: &str,
    script: impl Fn(Seen<'_>) -> Result<(), BackendError> + Send + Sync + 'static,
) -> Arc<Assistant> {
    open(folder(name).path(), script)
}

/// The folder of such a model. Its tokenizer is of its own, too.
pub(crate) fn folder(name: &str) -> TempDir {
    folder_of(name, name)
}

/// The folder of a model with the labels of that named `name`, and another tokenizer and version for each `word`.
pub(crate) fn folder_of(name: &str, word: &str) -> TempDir {
    let words = ["12345 12345", POISON, POISON, word];
    let tokenizer = Tokenizer::train(TEXTS.into_iter().chain(words), 300).unwrap();
    let config = BiLstmConfig {
        vocab_size: tokenizer.vocab_size(),
        ..Default::default()
    };
    let tasks = Tasks {
        intent: Some((0..3).map(|i| format!("{name}-{i}")).collect()),
        slots: Some(TagSet::of_labels(["number"], Scheme::Iob2).unwrap()),
        sentiment: true,
        ..Tasks::default()
    };
    let dir = tempfile::tempdir().unwrap();
    let mut writer = BundleWriter::new(dir.path()).unwrap();
    let config = EncoderConfig::from(config).to_json().unwrap();
    writer.write("config.json", &config).unwrap();
    let json = tokenizer.to_json().unwrap();
    writer.write("tokenizer.json", &json).unwrap();
    writer.finish(Manifest::new(tasks, MAX_LENGTH)).unwrap();
    dir
}

pub(crate) fn open(
    dir: &Path,
    script: impl Fn(Seen<'_>) -> Result<(), BackendError> + Send + Sync + 'static,
) -> Arc<Assistant> {
    let bundle = Bundle::open(dir).unwrap();
    let tokenizer = bundle.tokenizer().unwrap();
    let backend = ScriptedBackend::new(move |batch| {
        let words = |i| {
            let ids = batch.ids[batch.range(i)].iter();
            let words: Vec<_> = ids.map(|&id| tokenizer.token(id).unwrap()).collect();
            words[1..words.len() - 1].join(" ").replace(" ##", "")
        };
        let seen: Vec<String> = (0..batch.sequences()).map(words).collect();
        script(&seen)?;
        Ok(numbers(batch, tokenizer.id("12345").unwrap()))
    });
    Arc::new(Assistant::new(bundle, Box::new(backend)).unwrap())
}

/// Numbers that depend on each sequence's ids alone.
fn numbers(batch: &TokenBatch, number: u32) -> HeadOutput {
    let mut intent = Matrix::zeros(batch.sequences(), 3);
    let mut sentiment = Vec::new();
    for i in 0..batch.sequences() {
        let sum: u32 = batch.ids[batch.range(i)].iter().sum();
        intent.row_mut(i)[sum as usize % 3] = 1.0 + sum as f32 / 1000.0;
        sentiment.push((sum % 101) as f32 / 100.0);
    }
    let mut slots = Matrix::zeros(batch.tokens(), 3);
    for (token, &id) in batch.ids.iter().enumerate() {
        slots.row_mut(token)[usize::from(id == number)] = 4.0;
    }
    HeadOutput {
        intent: Some(intent),
        slots: Some(slots),
        sentiment: Some(sentiment),
        ..HeadOutput::default()
    }
}

pub(crate) fn plain() -> Arc<Assistant> {
    model("plain", |_| Ok(()))
}

pub(crate) fn start(model: &Arc<Assistant>, config: EngineConfig) -> (Engine, Handle) {
    let engine = Engine::start(Arc::clone(model), config).unwrap();
    let handle = engine.handle();
    (engine, handle)
}

pub(crate) fn workers(workers: usize) -> EngineConfig {
    EngineConfig {
        workers: workers.try_into().unwrap(),
        deadline: Duration::from_secs(60),
        hang_after: Duration::from_secs(60),
        ..EngineConfig::default()
    }
}

pub(crate) fn any() -> Options {
    Options::default()
}

pub(crate) fn within(millis: u64) -> Options {
    Options {
        deadline: Some(Duration::from_millis(millis)),
        ..Options::default()
    }
}

/// A gate that, while it is closed, holds up who passes, and counts them.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<(bool, usize)>,
    moved: Condvar,
}

impl Gate {
    pub(crate) fn closed() -> Arc<Self> {
        let gate = Self::default();
        gate.state.lock().unwrap().0 = true;
        Arc::new(gate)
    }

    pub(crate) fn pass(&self) {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        self.moved.notify_all();
        while state.0 {
            state = self.moved.wait(state).unwrap();
        }
    }

    pub(crate) fn open(&self) {
        self.state.lock().unwrap().0 = false;
        self.moved.notify_all();
    }

    /// Waits until `count` have come here, held up or not.
    pub(crate) fn wait_for(&self, count: usize) {
        let mut state = self.state.lock().unwrap();
        while state.1 < count {
            state = self.moved.wait(state).unwrap();
        }
    }
}

/// Waits for what another thread is about to do.
pub(crate) fn eventually(handle: &Handle, holds: impl Fn(&Snapshot) -> bool) {
    let started = Instant::now();
    while !holds(&handle.snapshot()) {
        assert!(
            started.elapsed() < Duration::from_secs(60),
            "{:?}",
            handle.snapshot()
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Checks that all that was let in has come to an end, according to the snapshot.
pub(crate) fn assert_settled(handle: &Handle) {
    eventually(handle, |it| it.running == 0);
    let it = handle.snapshot();
    assert_eq!((it.queue_texts, it.queue_tokens), (0, 0), "{it:?}");
    let ended = it.answered + it.failed + it.late + it.cancelled + it.cut_off;
    assert_eq!(it.accepted, ended, "{it:?}");
}

struct Unpark(std::thread::Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// The smallest runtime there is.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// A linear congruential generator: the same steps in each run, if not at the same times.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
