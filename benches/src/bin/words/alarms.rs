//! Words that are found where none was meant.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;

use cs_serve::safety::words::{Filter, FilterConfig, Trick, Tricks};
use serde_json::{Value, json};

use crate::Result;

pub(crate) fn measure(
    words: &[String],
    turns: &[PathBuf],
    layers: &[String],
    errors: usize,
) -> Result<Value> {
    let tricks = layers.iter().map(|name| name.parse::<Trick>());
    let tricks = match layers.is_empty() {
        true => Tricks::ALL,
        false => tricks.collect::<std::result::Result<_, _>>()?,
    };
    let filter = Filter::new(
        crate::list(words)?,
        FilterConfig::default().with_tricks(tricks),
    );
    let mut figures = BTreeMap::new();
    for path in turns {
        let text = std::fs::read_to_string(path)?;
        let (mut all, mut as_is, mut disguised) = (0, 0, 0);
        let mut by_trick: BTreeMap<&str, usize> = BTreeMap::new();
        for turn in text.lines() {
            all += 1;
            let found = filter.filter(turn);
            let Some(hit) = found
                .hits
                .iter()
                .find(|hit| hit.trick > Trick::Case)
                .or(found.hits.first())
            else {
                continue;
            };
            match hit.trick {
                Trick::Exact | Trick::Case => as_is += 1,
                _ => disguised += 1,
            }
            let count = by_trick.entry(hit.trick.name()).or_default();
            *count += 1;
            if *count <= errors {
                let at = &hit.word;
                writeln!(std::io::stderr(), "{}: {at} in {turn}", hit.trick)?;
            }
        }
        let name = path
            .file_stem()
            .map(|name| name.to_string_lossy().into_owned());
        let share = |count: usize| count as f64 / f64::from(all.max(1));
        figures.insert(
            name.unwrap_or_default(),
            json!({
                "turns": all, "as_they_are": share(as_is), "disguised": share(disguised), "by_trick": by_trick,
            }),
        );
    }
    Ok(json!(figures))
}
