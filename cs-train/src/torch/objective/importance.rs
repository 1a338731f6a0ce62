//! [`importance`]: Taylor scores of attention heads and feed-forward neurons.
//!
//! `H` hidden, `A` heads, `D` head size, `M` intermediate.

use cs_data::{BatchPlan, TokenBatch};
use cs_model::names::Role;
use cs_model::{Importance, Mode, Model, Stack};
use tch::{Kind, Tensor};

use super::loss::{CombinedLoss, Targets};
use crate::data::{Example, Prepared};
use crate::error::{Error, Result};

/// How much the loss on labelled rows would change, to first order, if a head or a neuron were
/// gone.
///
/// The score of a head is `|Σ W_o ∂L/∂W_o|` over the columns of the attention's output matrix that
/// read the head; that of a neuron the same over its column of the second feed-forward matrix. That
/// is the size of the gradient of a factor, 1 now, on the head's or the neuron's output (Michel et
/// al. 2019, equation 2; Molchanov et al. 2019, equation 8). The mean over batches of at most
/// `rows` rows: the smaller, the less opposite signs cancel out, as the papers want it; the larger,
/// the faster.
///
/// Without dropout. Costs a forward and a backward pass over the data.
///
/// ```
/// use cs_data::{Tokenizer, Utterance};
/// use cs_model::{BertConfig, Device, Model};
/// use cs_train::data::{examples, tasks_of};
/// use cs_train::objective::{CombinedLoss, importance};
///
/// let rows = [("退款", "refund"), ("你好", "hello")];
/// let rows = rows.map(|(text, intent)| Utterance::new(intent, text).with_intent(intent));
/// let tasks = tasks_of(&rows)?;
/// let tokenizer = Tokenizer::train(rows.iter().map(|row| row.text.as_str()), 50)?;
/// let config = BertConfig {
///     vocab_size: tokenizer.vocab_size(),
///     hidden_size: 8,
///     num_hidden_layers: 2,
///     num_attention_heads: 4,
///     intermediate_size: 16,
///     ..BertConfig::default()
/// };
/// let data = examples(rows, &tokenizer, &tasks, 16)?;
/// let model = Model::new(&config.clone().into(), &tasks, Device::Cpu, 1)?;
/// let scores = importance(&model, &data, &CombinedLoss::default(), 8)?;
/// assert!(scores.validate(&config.stack()).is_ok());
/// assert!(scores.heads[1][3] > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// [`Error::Unsupported`] for a model that is no transformer; [`Error::NoLabels`] if no row has a
/// label the model has; [`Error::Model`] or [`Error::Torch`] if libtorch fails.
pub fn importance(
    model: &Model,
    data: &Prepared,
    loss: &CombinedLoss,
    rows: usize,
) -> Result<Importance> {
    let Some(stack) = model.config().stack() else {
        return Err(Error::Unsupported {
            what: "importance of heads and neurons",
            model: model.config().model_type(),
        });
    };
    let examples: Vec<&Example> = data.examples.iter().filter(|e| e.is_labelled()).collect();
    if examples.is_empty() {
        return Err(Error::NoLabels { what: "importance" });
    }
    let lengths: Vec<usize> = examples.iter().map(|e| e.encoding.ids.len()).collect();
    let plan = BatchPlan {
        max_tokens: usize::MAX,
        max_sequences: rows,
        shuffle: None,
    };
    let mut sums = Sums::new(model, &stack)?;
    for batch in plan.batches(&lengths) {
        let batch: Vec<&Example> = batch.into_iter().map(|row| examples[row]).collect();
        let ids = TokenBatch::pack(batch.iter().map(|e| &e.encoding.ids[..]));
        let output = model.forward(&ids, Mode::Eval)?;
        let targets = Targets::pack(batch.iter().copied());
        sums.add(&loss.forward(&output, &targets)?.total)?;
    }
    sums.means()
}

/// Scores added up over batches.
struct Sums {
    layers: Vec<Layer>,
    batches: usize,
}

/// The two matrices of a block that read what may be pruned, and what was added up for them.
struct Layer {
    /// `[H, A·D]`
    attention: Tensor,
    /// `[H, M]`
    feed_forward: Tensor,
    head_size: i64,
    /// `[A]`
    heads: Tensor,
    /// `[M]`
    neurons: Tensor,
}

impl Sums {
    fn new(model: &Model, stack: &Stack) -> Result<Self> {
        let parameters = model.parameters();
        let matrix = |name: String| {
            let found = parameters.iter().find(|(known, _)| *known == name);
            let found = found.map(|(_, tensor)| tensor.shallow_clone());
            found.ok_or(Error::Shape {
                what: name,
                expected: "a tensor of the model".to_owned(),
                found: "none".to_owned(),
            })
        };
        let layer = |index: usize| -> Result<Layer> {
            let names = model.config().names().layer(index);
            let attention = matrix(names.weight(Role::AttentionOutput))?;
            let feed_forward = matrix(names.weight(Role::FeedForwardOut))?;
            let head_size = stack.head_size as i64;
            let zeros = |count| Tensor::f_zeros([count], (Kind::Double, attention.device()));
            Ok(Layer {
                heads: zeros(attention.size2()?.1 / head_size)?,
                neurons: zeros(feed_forward.size2()?.1)?,
                attention,
                feed_forward,
                head_size,
            })
        };
        Ok(Self {
            layers: (0..stack.blocks.len()).map(layer).collect::<Result<_>>()?,
            batches: 0,
        })
    }

    fn add(&mut self, loss: &Tensor) -> Result<()> {
        let matrices: Vec<&Tensor> = self
            .layers
            .iter()
            .flat_map(|layer| [&layer.attention, &layer.feed_forward])
            .collect();
        let gradients = Tensor::f_run_backward(&[loss], &matrices, false, false)?;
        let _guard = tch::no_grad_guard();
        for (layer, gradients) in self.layers.iter_mut().zip(gradients.chunks(2)) {
            let by_column = |weight: &Tensor, gradient: &Tensor| -> Result<Tensor> {
                let product = weight.f_mul(gradient)?.f_to_kind(Kind::Double)?;
                Ok(product.f_sum_dim_intlist([0i64].as_slice(), false, Kind::Double)?)
            };
            let columns = by_column(&layer.attention, &gradients[0])?; // [A·D]
            let heads = columns.f_reshape([-1, layer.head_size])?;
            let heads = heads.f_sum_dim_intlist([1i64].as_slice(), false, Kind::Double)?; // [A]
            let _ = layer.heads.f_add_(&heads.f_abs()?)?;
            let neurons = by_column(&layer.feed_forward, &gradients[1])?; // [M]
            let _ = layer.neurons.f_add_(&neurons.f_abs()?)?;
        }
        self.batches += 1;
        Ok(())
    }

    fn means(&self) -> Result<Importance> {
        let mut importance = Importance::default();
        let numbers = |sum: &Tensor| -> Result<Vec<f64>> {
            let mean = sum.f_div_scalar(self.batches as f64)?;
            Ok(Vec::<f64>::try_from(mean.f_to_device(tch::Device::Cpu)?)?)
        };
        for layer in &self.layers {
            importance.heads.push(numbers(&layer.heads)?);
            importance.neurons.push(numbers(&layer.neurons)?);
        }
        Ok(importance)
    }
}
