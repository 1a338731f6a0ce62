//! The tasks a model has heads for, and their labels.

use std::collections::HashSet;

use cs_data::{Scheme, TagSet};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::config::names::{HEADS, Role};
use crate::error::{Error, Result};

/// How the hidden states of a sequence become one vector for the intent and sentiment heads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pooling {
    /// The mean over all tokens of the sequence, special ones included (sentence-transformers'
    /// default; Reimers and Gurevych 2019, section 3). This is the default.
    #[default]
    Mean,
    /// The hidden state of the sequence's first token.
    Cls,
    /// The largest value of each dimension over all tokens of the sequence.
    Max,
}

/// How tags are chosen from the slot head's logits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotHead {
    /// Each word has its likeliest tag, whatever the tags beside it are. This is the default.
    #[default]
    Softmax,
    /// The likeliest sequence of tags is chosen by a conditional random field with learned
    /// transitions (Lafferty et al. 2001; Lample et al. 2016, section 2.2) that keeps to IOB2.
    /// Costs about O(words · T²) beside the encoder, for `T` tags.
    Crf,
}

/// The heads of a model and their labels. The order of the labels is the order of the logits.
///
/// ```
/// use cs_data::{Scheme, TagSet};
/// use cs_model::Tasks;
///
/// let tasks = Tasks {
///     intent: Some(vec!["order_status".into(), "refund".into()]),
///     slots: Some(TagSet::of_labels(["order_id"], Scheme::Iob2)?),
///     ..Tasks::default()
/// };
/// tasks.validate()?;
/// assert_eq!(tasks.slot_tags(), ["O", "B-order_id", "I-order_id"]);
/// assert_eq!(tasks.tensors(128)[0], ("heads.intent.weight".to_owned(), vec![2, 128]));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tasks {
    /// The labels of the intent head; `None` without such a head.
    pub intent: Option<Vec<String>>,
    /// The IOB2 tags of the slot head, `O` first, as [`TagSet::of_labels`] makes them of entity
    /// labels; `None` without such a head.
    #[serde(serialize_with = "write_tags", deserialize_with = "read_tags")]
    pub slots: Option<TagSet>,
    /// How tags are chosen from the slot head's logits.
    pub slot_head: SlotHead,
    /// Whether the model has a sentiment head.
    pub sentiment: bool,
    /// How the hidden states of a sequence become the vector that the intent and sentiment heads
    /// read.
    pub pooling: Pooling,
}

impl Tasks {
    /// Gives the slot tags in the order of the logits; empty without a slot head.
    pub fn slot_tags(&self) -> &[String] {
        self.slots.as_ref().map_or(&[], TagSet::tags)
    }

    /// Names the heads that the model has, of `intent`, `slots` and `sentiment`, in this order.
    pub fn heads(&self) -> Vec<&'static str> {
        let all = [
            ("intent", self.intent.is_some()),
            ("slots", self.slots.is_some()),
            ("sentiment", self.sentiment),
        ];
        let there = all.into_iter().filter(|(_, there)| *there);
        there.map(|(name, _)| name).collect()
    }

    /// Whether the model has no head at all, as a plain encoder.
    pub fn is_empty(&self) -> bool {
        self.intent.is_none() && self.slots.is_none() && !self.sentiment
    }

    /// Checks the labels: there is at least one, no two are alike, and the slot tags are an IOB2
    /// set that starts with `O` and has a `B-x` for each `I-x`.
    ///
    /// # Errors
    /// [`Error::Field`] names the label that is wrong.
    pub fn validate(&self) -> Result<()> {
        if let Some(labels) = &self.intent {
            validate_labels("tasks.intent", labels)?;
        }
        if let Some(tags) = &self.slots {
            validate_tags(tags)?;
        }
        Ok(())
    }

    /// Gives the slot tags if a conditional random field chooses them.
    pub fn crf_tags(&self) -> Option<&TagSet> {
        match self.slot_head {
            SlotHead::Crf => self.slots.as_ref(),
            SlotHead::Softmax => None,
        }
    }

    /// Lists name and shape of each head's tensors, for an encoder of width `hidden`.
    pub fn tensors(&self, hidden: usize) -> Vec<(String, Vec<usize>)> {
        let heads = [
            (Role::Intent, self.intent.as_ref().map(Vec::len)),
            (
                Role::Slots,
                self.slots.as_ref().map(|tags| tags.tags().len()),
            ),
            (Role::Sentiment, self.sentiment.then_some(1)),
        ];
        let mut list = Vec::new();
        for (head, outputs) in heads {
            let Some(outputs) = outputs else { continue };
            list.push((HEADS.weight(head), vec![outputs, hidden]));
            list.push((HEADS.bias(head), vec![outputs]));
        }
        if let Some(tags) = self.crf_tags() {
            let tags = tags.tags().len();
            list.push((HEADS.weight(Role::SlotTransitions), vec![tags, tags]));
            list.push((HEADS.weight(Role::SlotStart), vec![tags]));
            list.push((HEADS.weight(Role::SlotEnd), vec![tags]));
        }
        list
    }
}

fn validate_labels(field: &str, labels: &[String]) -> Result<()> {
    if labels.is_empty() {
        return Err(Error::field(field, "[]", "at least one label"));
    }
    let mut seen = HashSet::with_capacity(labels.len());
    for (i, label) in labels.iter().enumerate() {
        if label.trim().is_empty() {
            return Err(Error::field(
                format!("{field}[{i}]"),
                format!("{label:?}"),
                "a label",
            ));
        }
        if !seen.insert(label) {
            let field = format!("{field}[{i}]");
            return Err(Error::field(field, format!("{label:?}"), "each label once"));
        }
    }
    Ok(())
}

/// The labels as a file has them, which may not be a set of tags.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct TaskLabels {
    intent: Option<Vec<String>>,
    slots: Option<Vec<String>>,
}

impl TaskLabels {
    /// Checks the labels as [`Tasks::validate`] does.
    pub(crate) fn validate(&self) -> Result<()> {
        if let Some(labels) = &self.intent {
            validate_labels("tasks.intent", labels)?;
        }
        match &self.slots {
            Some(tags) => validate_tag_list(tags),
            None => Ok(()),
        }
    }
}

fn write_tags<S: Serializer>(tags: &Option<TagSet>, to: S) -> Result<S::Ok, S::Error> {
    tags.as_ref().map(TagSet::tags).serialize(to)
}

fn read_tags<'d, D: Deserializer<'d>>(from: D) -> Result<Option<TagSet>, D::Error> {
    let tags = Option::<Vec<String>>::deserialize(from)?;
    let set = tags.map(|tags| TagSet::new(tags, Scheme::Iob2));
    set.transpose().map_err(de::Error::custom)
}

/// Checks that the tags are an IOB2 set that starts with `O`.
pub(crate) fn validate_tags(tags: &TagSet) -> Result<()> {
    if tags.scheme() != Scheme::Iob2 {
        let found = format!("{} tags", tags.scheme());
        return Err(Error::field("tasks.slots", found, "IOB2 tags"));
    }
    validate_tag_list(tags.tags())
}

fn validate_tag_list(tags: &[String]) -> Result<()> {
    validate_labels("tasks.slots", tags)?;
    match tags.first() {
        None => return Err(Error::field("tasks.slots", "[]", "at least one tag")),
        Some(first) if first != "O" => return Err(wrong_tag(tags, 0, "\"O\"")),
        Some(_) => {}
    }
    let known: HashSet<&str> = tags.iter().map(String::as_str).collect();
    for (i, tag) in tags.iter().enumerate().skip(1) {
        match tag.split_once('-') {
            Some(("B" | "I", label)) if label.is_empty() || label.contains(char::is_whitespace) => {
                let expected = "a label without white space after the dash";
                return Err(wrong_tag(tags, i, expected));
            }
            Some(("I", label)) if !known.contains(format!("B-{label}").as_str()) => {
                let expected = format!("\"B-{label}\" among the tags as well");
                return Err(wrong_tag(tags, i, expected));
            }
            Some(("B" | "I", _)) => {}
            _ => {
                let expected = "an IOB2 tag: \"O\", \"B-x\" or \"I-x\"";
                return Err(wrong_tag(tags, i, expected));
            }
        }
    }
    Ok(())
}

fn wrong_tag(tags: &[String], i: usize, expected: impl Into<String>) -> Error {
    let found = format!("{:?}", tags[i]);
    Error::field(format!("tasks.slots[{i}]"), found, expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(tags: &[&str]) -> TaskLabels {
        TaskLabels {
            slots: Some(tags.iter().map(|&tag| tag.into()).collect()),
            ..TaskLabels::default()
        }
    }

    #[test]
    fn tags_are_checked_as_an_iob2_set() {
        assert!(labels(&["O"]).validate().is_ok());
        assert!(labels(&["O", "B-a", "I-a", "B-b-c"]).validate().is_ok());
        for (tags, reason) in [
            (
                &["B-a", "O"][..],
                "tasks.slots[0] is \"B-a\", expected \"O\"",
            ),
            (
                &["O", "I-a"],
                "tasks.slots[1] is \"I-a\", expected \"B-a\" among the tags as well",
            ),
            (
                &["O", "B-a", "B-a"],
                "tasks.slots[2] is \"B-a\", expected each label once",
            ),
            (
                &["O", "B-"],
                "tasks.slots[1] is \"B-\", expected a label without white space",
            ),
            (
                &["O", "S-a"],
                "tasks.slots[1] is \"S-a\", expected an IOB2 tag",
            ),
            (
                &["O", "Ba"],
                "tasks.slots[1] is \"Ba\", expected an IOB2 tag",
            ),
            (&["O", " "], "tasks.slots[1] is \" \", expected a label"),
            (&[], "tasks.slots is [], expected at least one label"),
        ] {
            let error = labels(tags).validate().unwrap_err().to_string();
            assert!(error.starts_with(reason), "{error}");
        }
    }

    #[test]
    fn every_head_has_a_weight_and_a_bias() {
        let tasks = Tasks {
            sentiment: true,
            slots: Some(TagSet::of_labels(["a"], Scheme::Iob2).unwrap()),
            ..Tasks::default()
        };
        let expected = [
            ("heads.slots.weight", vec![3, 8]),
            ("heads.slots.bias", vec![3]),
            ("heads.sentiment.weight", vec![1, 8]),
            ("heads.sentiment.bias", vec![1]),
        ];
        let expected: Vec<_> = expected
            .map(|(name, shape)| (name.to_owned(), shape))
            .into();
        assert_eq!(tasks.tensors(8), expected);
        let crf = Tasks {
            slot_head: SlotHead::Crf,
            ..tasks.clone()
        };
        let more = &crf.tensors(8)[4..];
        assert_eq!(more[0], ("heads.slots.transitions".to_owned(), vec![3, 3]));
        assert_eq!(more[1], ("heads.slots.start".to_owned(), vec![3]));
        assert_eq!(more[2], ("heads.slots.end".to_owned(), vec![3]));
        assert!(Tasks::default().is_empty() && !tasks.is_empty());
    }
}
