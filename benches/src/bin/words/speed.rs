//! How long many words take to be ready, and how fast texts are filtered then.

use std::fmt::Write;
use std::time::Instant;

use cs_data::SplitMix;
use cs_serve::safety::words::{Filter, FilterConfig, Trick, WordList};
use serde_json::{Value, json};

use crate::Result;

/// Words of two to five Chinese characters, or of four to ten Latin letters.
pub(crate) fn words(count: usize) -> String {
    let mut random = SplitMix::new(7);
    let mut text = String::new();
    for number in 0..count {
        match number % 3 {
            0 => {
                for _ in 0..4 + random.below(7) {
                    text.push((b'a' + random.below(26) as u8) as char);
                }
            }
            _ => {
                for _ in 0..2 + random.below(4) {
                    text.push(char::from_u32(0x4e00 + random.below(6000) as u32).unwrap_or('一'));
                }
            }
        }
        text.push('\n');
    }
    text
}

pub(crate) fn measure(count: usize) -> Result<Value> {
    let mut lines = words(count);
    let mut seconds = Vec::new();
    for tricks in [Trick::Exact.into(), cs_serve::safety::words::Tricks::ALL] {
        let (start, before) = (Instant::now(), on_core()?);
        let mut list = WordList::new();
        list.add(lines.as_bytes(), "words".as_ref())?;
        let filter = Filter::new(list, FilterConfig::default().with_tricks(tricks));
        let on_core = on_core()? - before;
        seconds.push((filter.len(), start.elapsed().as_secs_f64(), on_core));
        writeln!(lines)?;
    }
    Ok(json!({
        "words": seconds[1].0, "seconds_exact": seconds[0].1, "seconds_all": seconds[1].1,
        "on_core_exact": seconds[0].2, "on_core_all": seconds[1].2,
    }))
}

/// The seconds that a core has worked for this thread: what else a machine does is not in them.
fn on_core() -> Result<f64> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds: f64 = told.split(' ').next().unwrap_or_default().parse()?;
    Ok(nanoseconds / 1e9)
}
