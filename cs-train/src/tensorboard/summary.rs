//! [`Summary`]: what is recorded of one step.

use prost::Message;

use super::encode;
use super::proto::{self, DT_STRING, Data};
use crate::metrics::{Histogram, PrCurve};

/// Longest text in bytes; the dashboard loads all of a run's texts at once.
const MAX_TEXT: usize = 1 << 20;

/// What is recorded of one step: figures, distributions, texts and curves, each under a tag.
/// TensorBoard groups charts by what stands before the tag's first `/`.
///
/// ```
/// use cs_train::tensorboard::Summary;
///
/// let summary = Summary::new().scalar("train/loss", 0.3).text("note", "a *Markdown* text");
/// assert_eq!(summary.len(), 2);
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    values: Vec<proto::Value>,
}

impl Summary {
    /// A summary that holds nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a figure, kept as f32. Infinite ones and NaN are shown as such.
    #[must_use]
    pub fn scalar(mut self, tag: &str, value: f64) -> Self {
        self.push(tag, None, Some(Data::Scalar(value as f32)));
        self
    }

    /// Adds a distribution.
    #[must_use]
    pub fn histogram(mut self, tag: &str, histogram: &Histogram) -> Self {
        self.push(
            tag,
            None,
            Some(Data::Histogram(encode::histogram(histogram))),
        );
        self
    }

    /// Adds a text in Markdown; of one longer than 1 MiB, the beginning.
    #[must_use]
    pub fn text(mut self, tag: &str, text: &str) -> Self {
        let tensor = proto::Tensor {
            dtype: DT_STRING,
            shape: Some(proto::Shape {
                dim: vec![proto::Dim { size: 1 }],
            }),
            floats: Vec::new(),
            strings: vec![shortened(text).into_bytes()],
        };
        let plugin = plugin("text", Vec::new());
        self.push(
            &format!("{tag}/text_summary"),
            plugin,
            Some(Data::Tensor(tensor)),
        );
        self
    }

    /// Adds a curve of precision over recall.
    #[must_use]
    pub fn pr_curve(mut self, tag: &str, curve: &PrCurve) -> Self {
        let plugin = plugin("pr_curves", encode::pr_curve_data().encode_to_vec());
        self.push(tag, plugin, Some(Data::Tensor(encode::pr_curve(curve))));
        self
    }

    /// How many figures, distributions, texts and curves there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// A summary that the HPARAMS tab reads: no data, but metadata under a reserved tag.
    pub(super) fn hparams(tag: &str, part: proto::HParamsPart) -> Self {
        let content = proto::HParamsData { part: Some(part) }.encode_to_vec();
        let mut summary = Self::new();
        summary.push(tag, plugin("hparams", content), None);
        summary
    }

    pub(super) fn into_proto(self) -> proto::Summary {
        proto::Summary { value: self.values }
    }

    fn push(&mut self, tag: &str, metadata: Option<proto::Metadata>, data: Option<Data>) {
        self.values.push(proto::Value {
            tag: tag.to_owned(),
            metadata,
            data,
        });
    }
}

fn plugin(name: &str, content: Vec<u8>) -> Option<proto::Metadata> {
    Some(proto::Metadata {
        plugin: Some(proto::Plugin {
            name: name.to_owned(),
            content,
        }),
    })
}

fn shortened(text: &str) -> String {
    if text.len() <= MAX_TEXT {
        return text.to_owned();
    }
    let boundary = (0..=MAX_TEXT).rev().find(|&at| text.is_char_boundary(at));
    let kept = &text[..boundary.unwrap_or(0)];
    format!("{kept}… ({} bytes more)", text.len() - kept.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_huge_text_is_cut_between_characters() {
        let text = shortened(&"汉".repeat(MAX_TEXT));
        assert!(text.len() < MAX_TEXT + 40);
        assert!(
            text.ends_with("汉… (2097153 bytes more)"),
            "{}",
            &text[MAX_TEXT - 4..]
        );
    }
}
