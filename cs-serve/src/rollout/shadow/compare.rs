//! Two answers to a turn, compared.

use cs_model::Understanding;
use serde::{Deserialize, Serialize};

/// Sentiments that are as near as this are the same.
const SAME_SENTIMENT: f32 = 0.2;

/// What answers are compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Aspect {
    /// The intent.
    Intent,
    /// The entities: their labels and places.
    Entities,
    /// The sentiment, to a fifth.
    Sentiment,
    /// Which model answered.
    Route,
    /// What the reply is from and what it says.
    Reply,
}

impl Aspect {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Intent,
        Self::Entities,
        Self::Sentiment,
        Self::Route,
        Self::Reply,
    ];

    /// Gives its name in files: `intent`, `entities`, `sentiment`, `route` or `reply`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Entities => "entities",
            Self::Sentiment => "sentiment",
            Self::Route => "route",
            Self::Reply => "reply",
        }
    }

    /// Whether an answer has something of it. That it has no entities is something.
    pub(super) fn is_told(self, answered: &Answered) -> bool {
        match self {
            Self::Intent => answered.understanding.intent.is_some(),
            Self::Entities => true,
            Self::Sentiment => answered.understanding.sentiment.is_some(),
            Self::Route => answered.route.is_some(),
            Self::Reply => answered.reply.is_some(),
        }
    }
}

/// An answer to a turn.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answered {
    /// What was understood.
    pub understanding: Understanding,
    /// Which model answered, if there are several.
    pub route: Option<String>,
    /// What the reply is from, such as `template`, and its text, if there is one.
    pub reply: Option<(String, String)>,
}

/// Where a candidate differs from the stable model. Nothing of a customer's text is in it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Disagreement {
    /// In what.
    pub aspect: Aspect,
    /// What the stable model has: an intent, labels of entities, a sentiment in fifths, a route, a reply's source.
    pub stable: String,
    /// What the candidate has instead.
    pub candidate: String,
}

/// Compares two answers to one turn. What neither has is the same.
///
/// ```
/// use cs_serve::rollout::shadow::{Answered, Aspect, compare};
/// use cs_serve::{Intent, Understanding};
///
/// let of = |label: &str| Answered {
///     understanding: Understanding {
///         intent: Some(Intent { label: label.into(), confidence: 0.9 }),
///         ..Understanding::default()
///     },
///     ..Answered::default()
/// };
/// assert!(compare(&of("refund"), &of("refund")).is_empty());
/// let found = compare(&of("refund"), &of("complaint"));
/// assert_eq!((found[0].aspect, found[0].candidate.as_str()), (Aspect::Intent, "complaint"));
/// ```
#[must_use]
pub fn compare(stable: &Answered, candidate: &Answered) -> Vec<Disagreement> {
    let differs = |&aspect: &Aspect| match aspect {
        Aspect::Intent => intent(stable) != intent(candidate),
        Aspect::Entities => !have_same_entities(stable, candidate),
        Aspect::Sentiment => !have_same_sentiment(stable, candidate),
        Aspect::Route => stable.route != candidate.route,
        Aspect::Reply => stable.reply != candidate.reply,
    };
    let disagreement = |aspect: Aspect| Disagreement {
        aspect,
        stable: shown(stable, aspect),
        candidate: shown(candidate, aspect),
    };
    let aspects = Aspect::ALL.into_iter();
    aspects.filter(differs).map(disagreement).collect()
}

fn intent(answered: &Answered) -> Option<&str> {
    let intent = answered.understanding.intent.as_ref();
    intent.map(|it| it.label.as_str())
}

fn have_same_entities(a: &Answered, b: &Answered) -> bool {
    let of = |it: &Answered| {
        let entities = it.understanding.entities.iter();
        let mut places: Vec<_> = entities
            .map(|it| (it.start, it.end, it.label.clone()))
            .collect();
        places.sort();
        places
    };
    of(a) == of(b)
}

fn have_same_sentiment(a: &Answered, b: &Answered) -> bool {
    match (a.understanding.sentiment, b.understanding.sentiment) {
        (Some(a), Some(b)) => (a - b).abs() <= SAME_SENTIMENT,
        (a, b) => a.is_none() == b.is_none(),
    }
}

fn shown(answered: &Answered, aspect: Aspect) -> String {
    let or_none = |it: Option<&str>| it.unwrap_or("none").to_owned();
    match aspect {
        Aspect::Intent => or_none(intent(answered)),
        Aspect::Entities => {
            let entities = answered.understanding.entities.iter();
            let labels: Vec<&str> = entities.map(|it| it.label.as_str()).collect();
            or_none((!labels.is_empty()).then(|| labels.join(" ")).as_deref())
        }
        Aspect::Sentiment => match answered.understanding.sentiment {
            Some(sentiment) => format!("{:.1}", (sentiment * 5.0).round() / 5.0),
            None => or_none(None),
        },
        Aspect::Route => or_none(answered.route.as_deref()),
        Aspect::Reply => or_none(answered.reply.as_ref().map(|it| it.0.as_str())),
    }
}
