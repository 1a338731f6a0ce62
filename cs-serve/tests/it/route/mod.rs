//! A light and a full model as one, on layers that count what they are asked.

mod cache;
mod cascade;
#[cfg(feature = "redis")]
mod redis;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use cs_serve::route::{Cascade, Layer, Layers, Route, Turn};
use cs_serve::{Entity, Intent, Understanding};

/// A model that is as sure as it is told to be of an intent named after it. It finds the city Rome
/// or Oslo, and what has more words is farther away.
struct Scripted {
    name: &'static str,
    confidence: f32,
    is_idle: bool,
    pauses: usize,
    version: Mutex<Option<&'static str>>,
    begun: AtomicUsize,
    ended: AtomicUsize,
}

impl Scripted {
    fn new(name: &'static str, confidence: f32) -> Self {
        Self {
            name,
            confidence,
            is_idle: false,
            pauses: 1,
            version: Mutex::new(Some("1")),
            begun: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
        }
    }

    fn calls(&self) -> (usize, usize) {
        (
            self.begun.load(Ordering::Relaxed),
            self.ended.load(Ordering::Relaxed),
        )
    }

    fn swap(&self, version: Option<&'static str>) {
        *self.version.lock().unwrap() = version;
    }
}

impl Layer for Scripted {
    type Error = &'static str;

    async fn understand(&self, text: &str) -> Result<Understanding, &'static str> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        for _ in 0..self.pauses {
            pause().await;
        }
        self.ended.fetch_add(1, Ordering::Relaxed);
        match text {
            "broken" => return Err(self.name),
            "broken once" if number == 0 => return Err(self.name),
            "swap" => self.swap(Some("2")),
            _ => {}
        }
        let city = ["Rome", "Oslo"]
            .into_iter()
            .find(|city| text.contains(city));
        let cities: Vec<_> = city.into_iter().map(|city| ("city", city)).collect();
        Ok(Understanding {
            text: text.into(),
            model: self.version.lock().unwrap().map(str::to_owned),
            embedding: Some(vec![1.0, text.split(' ').count() as f32 / 100.0]),
            sentiment: Some(if text.contains('\u{200b}') { 0.0 } else { 0.5 }),
            ..answer(self.name, self.confidence, &cities)
        })
    }

    fn version(&self) -> Option<String> {
        self.version.lock().unwrap().map(str::to_owned)
    }

    fn is_idle(&self) -> bool {
        self.is_idle
    }
}

/// Is ready when it is polled for the second time.
async fn pause() {
    let mut polled = false;
    std::future::poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn answer(label: &str, confidence: f32, entities: &[(&str, &str)]) -> Understanding {
    let entity = |&(label, text): &(&str, &str)| Entity {
        label: label.into(),
        text: text.into(),
        start: 0,
        end: text.chars().count(),
        confidence: 1.0,
    };
    Understanding {
        intents: vec![Intent {
            label: label.into(),
            confidence,
        }],
        entities: entities.iter().map(entity).collect(),
        ..Understanding::default()
    }
}

fn ask(
    cascade: &Cascade,
    (light, full): (&Scripted, &Scripted),
    turn: &Turn<'_>,
) -> Result<Route, &'static str> {
    let routed = cascade.understand_blocking(Layers { light, full }, turn)?;
    assert_eq!(routed.understanding.text, turn.text);
    if routed.route != Route::Cache {
        assert_eq!(routed.understanding.intents[0].label, routed.route.name());
    }
    Ok(routed.route)
}
