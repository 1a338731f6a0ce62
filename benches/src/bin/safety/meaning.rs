//! Prohibited meanings: exemplars against texts that say the same otherwise, that only mention it, and ordinary turns.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use cs_data::SplitMix;
use cs_model::Bundle;
use cs_serve::RuntimeConfig;
use cs_serve::reply::retrieval::{Embedder, NativeEmbedder};
use cs_serve::safety::meaning::{Exemplar, Meaning};
use cs_serve::safety::{Action, Severity};
use serde_json::{Value, json};

use super::{Error, Result};

/// Texts with what they are for and what they mean, written for this.
const TEXTS: &str = include_str!("meanings.tsv");

/// Texts that are embedded at once.
const BATCH: usize = 32;

/// The shares of ordinary turns that may alarm.
const MAX_ALARMS: [f64; 3] = [0.001, 0.005, 0.01];

/// What is measured, and with what.
pub(super) struct Setup<'a> {
    pub(super) embedder: &'a Path,
    pub(super) prefix: &'a str,
    /// Files of ordinary turns, one a line.
    pub(super) turns: &'a [PathBuf],
    /// The most turns of a file.
    pub(super) most: usize,
    pub(super) seed: u64,
}

struct Text {
    part: &'static str,
    category: &'static str,
    text: &'static str,
}

#[derive(Default, Clone, Copy)]
struct Share {
    all: usize,
    told: usize,
}

impl Share {
    fn add(&mut self, is_told: bool) {
        self.all += 1;
        self.told += usize::from(is_told);
    }

    fn value(self) -> f64 {
        self.told as f64 / self.all.max(1) as f64
    }
}

pub(super) fn measure(setup: &Setup<'_>) -> Result<Value> {
    let bundle = Bundle::open(setup.embedder)?;
    let embedder = NativeEmbedder::open(&bundle, setup.prefix, &RuntimeConfig::default())?;
    let texts: Vec<Text> = TEXTS.lines().filter_map(text_of).collect();
    let written: Vec<&str> = texts.iter().map(|it| it.text).collect();
    let vectors = embed(&embedder, &written)?;
    // Half of each file's turns fit the threshold, and the others are held against it.
    let mut fitting = Vec::new();
    let mut asked = Vec::new();
    for path in setup.turns {
        let turns = turns_of(path, setup)?;
        let turns: Vec<&str> = turns.iter().map(String::as_str).collect();
        let vectors = embed(&embedder, &turns)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        for (at, vector) in vectors.into_iter().enumerate() {
            match at % 2 {
                0 => fitting.push(vector),
                _ => asked.push((name.to_string(), vector)),
            }
        }
    }
    let of = |part: &'static str| {
        texts
            .iter()
            .zip(&vectors)
            .filter(move |it| it.0.part == part)
    };
    let exemplars: Vec<Exemplar> = of("exemplar").map(|it| exemplar(it.0, it.1)).collect();
    let fine: Vec<Vec<f32>> = of("fine").map(|it| it.1.clone()).collect();
    let mut rows = Vec::new();
    for (with_fine, max_alarms) in [false, true]
        .into_iter()
        .flat_map(|fine| MAX_ALARMS.map(|it| (fine, it)))
    {
        let fine = if with_fine { fine.clone() } else { Vec::new() };
        let meaning = Meaning::fit(exemplars.clone(), fine, &fitting, max_alarms)?;
        let is_told = |vector: &[f32]| Ok::<_, Error>(meaning.prohibited(vector)?.is_some());
        let mut said: BTreeMap<String, Share> = BTreeMap::new();
        for (text, vector) in of("paraphrase").chain(of("mention")) {
            let name = format!("{} {}", text.part, text.category);
            said.entry(name).or_default().add(is_told(vector)?);
            said.entry(text.part.to_owned())
                .or_default()
                .add(is_told(vector)?);
        }
        for (name, vector) in &asked {
            said.entry(name.clone()).or_default().add(is_told(vector)?);
        }
        let shares: BTreeMap<String, Value> = said
            .into_iter()
            .map(|(name, it)| (name, json!({"texts": it.all, "told": it.value()})))
            .collect();
        rows.push(json!({"max_alarms": max_alarms, "with_fine": with_fine, "threshold": meaning.threshold(), "shares": shares}));
    }
    Ok(
        json!({"exemplars": exemplars.len(), "fine": fine.len(), "fitted_on": fitting.len(), "rows": rows}),
    )
}

fn text_of(line: &'static str) -> Option<Text> {
    let mut cells = line.split('\t');
    Some(Text {
        part: cells.next()?,
        category: cells.next()?,
        text: cells.next()?,
    })
}

fn exemplar(text: &Text, vector: &[f32]) -> Exemplar {
    Exemplar {
        category: Some(text.category.to_owned()),
        severity: Severity::DEFAULT,
        action: Action::Block,
        vector: vector.to_vec(),
    }
}

/// Gives some turns of a file, picked by chance.
fn turns_of(path: &Path, setup: &Setup<'_>) -> Result<Vec<String>> {
    let text = std::fs::read_to_string(path)?;
    let turns = text.lines().filter(|it| !it.trim().is_empty());
    let mut turns: Vec<String> = turns.map(str::to_owned).collect();
    SplitMix::new(setup.seed).shuffle(&mut turns);
    turns.truncate(setup.most);
    Ok(turns)
}

fn embed(embedder: &dyn Embedder, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
    let mut vectors = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        vectors.extend(embedder.embed(batch).map_err(|error| -> Error { error })?);
    }
    Ok(vectors)
}
