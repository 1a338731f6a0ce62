//! Operators one after the other, copies of rows, balanced classes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::num::NonZeroUsize;
use std::ops::Range;

use arrow::compute::concat_batches;

use crate::augment::augmenter::check_rate;
use crate::augment::{Augmenter, BatchAugmenter};
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::random::SplitMix;
use crate::text::Edits;

use super::columns;
use super::columns::{Drawn, Kept};
use super::config::PipelineConfig;
use super::copies::{Draft, Drafts, Refused, Sources, State};
use super::quota::Quota;
use super::step::{Applied, Work};

/// A copy that comes out like its source, or like an earlier copy, is drawn this often before it is
/// dropped; once if another program is asked.
const ATTEMPTS: u32 = 16;

/// Most operators of a pipeline: `origin` keeps a bit an operator.
const MAX_OPERATORS: usize = 64;

/// What a [`Pipeline`] made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AugmentReport {
    /// Number of rows in the source.
    pub rows_in: usize,
    /// Number of rows in the result, kept originals among them.
    pub rows_out: usize,
    /// Number of rows in the result by `origin`.
    pub by_origin: BTreeMap<String, usize>,
    /// How often copies were drawn again.
    pub redrawn: usize,
    /// Number of copies that operators on many rows were asked about, by operator.
    pub asked: BTreeMap<String, usize>,
    /// Number of copies given up, by reason: `unchanged` (like their row), `duplicate` (like
    /// another copy of it); and of operators that left a copy as it was, as `operator: reason`.
    pub dropped: BTreeMap<String, usize>,
    /// Intents below the number of rows asked for, with how many they lack.
    pub short: BTreeMap<String, usize>,
}

impl AugmentReport {
    fn drop(&mut self, reason: String) {
        *self.dropped.entry(reason).or_default() += 1;
    }
}

/// Operators, applied one after the other to copies of rows.
///
/// A copy keeps its row's spans (moved), labels and further fields. Its `origin` lists the
/// operators that changed it (`synonyms+noise`, after the row's own `origin` unless that is
/// [`SOURCE`](crate::SOURCE)), its `parent` is the row's id, its id that id with `~` and the
/// smallest number that is free. What is drawn for a copy depends on the seed, the row's id, the
/// number of the copy and the operator's position only.
///
/// ```
/// use cs_data::augment::{Noise, NoiseConfig, Pipeline, PipelineConfig, Synonyms};
/// use cs_data::{Dataset, Span, Utterance};
/// let data = Dataset::from_utterances([
///     Utterance::new("7", "我要退款12345").with_spans(vec![Span::new(12, 17, "order_id")]),
/// ])?;
/// let synonyms = Synonyms::new([("退款", vec![("把钱退了", 1.0)])])?;
/// let pipeline = Pipeline::new(PipelineConfig::default()).with(synonyms, 1.0)?;
/// let (augmented, report) = pipeline.run(&data)?;
/// let row = augmented.utterance(0).unwrap();
/// assert_eq!((row.id.as_str(), row.text.as_str()), ("7~1", "我要把钱退了12345"));
/// assert_eq!(row.spans, [Span::new(18, 23, "order_id")]);
/// assert_eq!((row.origin.as_str(), row.parent.as_deref()), ("synonyms", Some("7")));
/// assert_eq!(report.by_origin["synonyms"], 1);
/// # Ok::<(), cs_data::Error>(())
/// ```
#[allow(missing_debug_implementations, reason = "operators are any type")]
pub struct Pipeline {
    config: PipelineConfig,
    steps: Vec<Step>,
}

struct Step {
    operator: Operator,
    /// How likely a copy is to get it.
    probability: f64,
}

enum Operator {
    Row(Box<dyn Augmenter>),
    Batch(Box<dyn BatchAugmenter>),
}

impl Operator {
    fn is_batch(&self) -> bool {
        matches!(self, Operator::Batch(_))
    }

    fn name(&self) -> &str {
        match self {
            Operator::Row(operator) => operator.name(),
            Operator::Batch(operator) => operator.name(),
        }
    }
}

impl Pipeline {
    /// Makes a pipeline that has no operators yet.
    pub fn new(config: PipelineConfig) -> Self {
        Pipeline {
            config,
            steps: Vec::new(),
        }
    }

    /// Adds `operator` at the end, to be applied to each copy with this probability.
    ///
    /// # Errors
    ///
    /// A probability outside 0 to 1; more than 64 operators.
    pub fn with(self, operator: impl Augmenter + 'static, probability: f64) -> Result<Self> {
        self.step(Operator::Row(Box::new(operator)), probability)
    }

    /// Adds `operator`, which looks at many rows, at the end, to be applied to each copy with this
    /// probability.
    ///
    /// # Errors
    ///
    /// As [`Pipeline::with`].
    pub fn with_batch(
        self,
        operator: impl BatchAugmenter + 'static,
        probability: f64,
    ) -> Result<Self> {
        self.step(Operator::Batch(Box::new(operator)), probability)
    }

    fn step(mut self, operator: Operator, probability: f64) -> Result<Self> {
        check_rate("probability", probability)?;
        if self.steps.len() == MAX_OPERATORS {
            return Err(Error::argument(
                "operators",
                format!("{} and one more", MAX_OPERATORS),
                format!("at most {MAX_OPERATORS}"),
            ));
        }
        self.steps.push(Step {
            operator,
            probability,
        });
        Ok(self)
    }

    /// Augments a data set and gives the result with its report. Copies stand in the order of their
    /// rows.
    ///
    /// # Errors
    ///
    /// More than 2 GiB of strings; an operator whose edits cannot be applied, with the row; a
    /// program that failed.
    pub fn run(&self, data: &Dataset) -> Result<(Dataset, AugmentReport)> {
        let rows = data.one_batch()?;
        let sources = Sources::of(&rows);
        let mut plan = Quota::new(&rows, &self.config)?;
        let mut report = AugmentReport {
            rows_in: sources.len(),
            ..AugmentReport::default()
        };
        let mut drawn = self.draw(&sources, &mut plan, &mut report)?;
        drawn.kept.sort_unstable_by_key(|kept| kept.draft);
        let names: Vec<&str> = self.steps.iter().map(|step| step.operator.name()).collect();
        let keep_original = self.config.keep_original;
        let made = columns::batch(&rows, &sources, &drawn, &names, keep_original)?;
        let made = match self.config.keep_original {
            true => concat_batches(&made.schema(), [&rows, &made])?,
            false => made,
        };
        report.rows_out = made.num_rows();
        report.by_origin = columns::by_origin(&made);
        report.short = plan.short();
        Ok((Dataset::from_long_batch(&made), report))
    }

    /// Drafts until each copy is new, or given up.
    fn draw(
        &self,
        sources: &Sources<'_>,
        plan: &mut Quota,
        report: &mut AugmentReport,
    ) -> Result<Drawn> {
        let mut drawn = Drawn::default();
        let mut seen = Seen::default();
        let asks = self.steps.iter().any(|step| step.operator.is_batch());
        let attempts = if asks { 1 } else { ATTEMPTS };
        let mut pending = plan.drafts();
        for attempt in 0..attempts {
            if pending.is_empty() {
                break;
            }
            let last = attempt + 1 == attempts;
            let mut failed = Vec::new();
            let mut drafts = pending.iter();
            for made in self.make(sources, &pending, attempt)? {
                for (index, &draft) in drafts.by_ref().take(made.len()).enumerate() {
                    let chunk = drawn.chunks.len();
                    let fault = if !made.changed[index] {
                        Some("unchanged")
                    } else if plan.repeats && !seen.is_new(draft.row, made.text(index)) {
                        Some("duplicate")
                    } else {
                        None
                    };
                    match fault {
                        None => drawn.kept.push(Kept {
                            draft,
                            chunk,
                            index,
                        }),
                        Some(_) if !last => failed.push(draft),
                        Some(fault) => {
                            plan.give_up(draft);
                            report.drop(fault.to_owned());
                        }
                    }
                }
                for (&step, count) in &made.asked {
                    let name = self.steps[step].operator.name();
                    *report.asked.entry(name.to_owned()).or_default() += count;
                }
                for &Refused { step, reason } in &made.refused {
                    report.drop(format!("{}: {reason}", self.steps[step].operator.name()));
                }
                drawn.chunks.push(made);
            }
            report.redrawn += failed.len();
            pending = plan.again(failed);
        }
        Ok(drawn)
    }

    /// The drafts in order, in as many pieces as suits the last operator.
    fn make(&self, sources: &Sources<'_>, drafts: &[Draft], attempt: u32) -> Result<Vec<Drafts>> {
        let mut made: Vec<Drafts> = Vec::new();
        let mut step = 0;
        while step < self.steps.len() || made.is_empty() {
            let previous = made.into_iter().reduce(|mut all, more| {
                all.append(more);
                all
            });
            let work = Work {
                sources,
                drafts,
                previous: previous.as_ref(),
                attempt,
                seed: self.config.seed,
            };
            let rest = self.steps[step..].iter();
            let rows = rest.take_while(|step| !step.operator.is_batch()).count();
            made = match self.steps.get(step) {
                Some(Step {
                    operator: Operator::Batch(operator),
                    probability,
                }) => {
                    let made = work.ask(&**operator, step, *probability)?;
                    step += 1;
                    vec![made]
                }
                _ => {
                    let steps = step..step + rows;
                    step += rows;
                    self.make_rows(&work, steps)?
                }
            };
            if let (Some(previous), Some(first)) = (previous, made.first_mut()) {
                first.asked.extend(previous.asked);
                first.refused.extend(previous.refused);
            }
        }
        Ok(made)
    }

    /// Operators that look at one row, on all threads.
    fn make_rows(&self, work: &Work<'_>, steps: Range<usize>) -> Result<Vec<Drafts>> {
        let threads = self.config.threads.map_or_else(
            || std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            NonZeroUsize::get,
        );
        let all = work.drafts.len();
        let piece = all.div_ceil(threads).max(1);
        let pieces =
            (0..threads).map(|thread| (thread * piece).min(all)..((thread + 1) * piece).min(all));
        std::thread::scope(|scope| {
            let handles: Vec<_> = pieces
                .map(|piece| {
                    let steps = steps.clone();
                    scope.spawn(move || self.make_piece(work, steps, piece))
                })
                .collect();
            let joined = handles.into_iter().map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            joined.collect()
        })
    }

    fn make_piece(
        &self,
        work: &Work<'_>,
        steps: Range<usize>,
        piece: Range<usize>,
    ) -> Result<Drafts> {
        let mut made = Drafts::with_capacity(piece.len());
        let mut state = State::default();
        let mut edits = Edits::default();
        for at in piece {
            work.load(at, &mut state);
            for step in steps.clone() {
                let Step {
                    operator: Operator::Row(operator),
                    probability,
                } = &self.steps[step]
                else {
                    continue;
                };
                let mut random = work.random(at, step);
                if *probability < 1.0 && !random.chance(*probability) {
                    continue;
                }
                edits.clear();
                operator.edits(state.row(), &mut random, &mut edits);
                if !edits.is_empty() {
                    let applied = Applied {
                        step,
                        name: operator.name(),
                        edits: &edits,
                    };
                    work.apply(at, applied, &mut state, &mut made)?;
                }
            }
            work.finish(at, &state, &mut made);
        }
        Ok(made)
    }
}

/// The texts of copies, by row.
#[derive(Default)]
struct Seen(HashMap<u32, HashSet<u64>>);

impl Seen {
    fn is_new(&mut self, row: u32, text: &str) -> bool {
        self.0
            .entry(row)
            .or_default()
            .insert(SplitMix::hash(0, text))
    }
}
