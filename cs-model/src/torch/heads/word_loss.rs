//! Cross-entropy over a vocabulary, for a piece of the tokens at a time.
//!
//! In the shapes, `M` is the number of tokens to be predicted, `R` that of those in a piece, `H`
//! the hidden width, and `V` the number of words.

use tch::{Kind, Tensor};

use crate::error::Result;
use crate::ops::{Autocast, Device};

/// The number of logits that are in memory at once: 128 MB on the CPU, 1 GB on CUDA.
const LOGITS: (i64, i64) = (1 << 25, 1 << 28);

/// The loss of a linear layer's outputs, one for each word of a vocabulary. With 250,000 words the
/// logits of a thousand tokens are 1 GB, and a loss computed operator by operator needs them four
/// times. So no more of them are made than a piece has, and their gradients while they are there
/// (Wijmans et al. 2024, section 4; as Hsu et al. 2024, section 3.2).
#[derive(Debug)]
pub(super) struct WordLoss<'a> {
    /// The input of the layer, `[M, H]` in f32.
    pub(super) hidden: &'a Tensor,
    /// The matrix of the layer, `[V, H]`.
    pub(super) words: &'a Tensor,
    /// The bias of the layer, `[V]`.
    pub(super) bias: &'a Tensor,
    /// The right word of each token, `[M]`, below `V`.
    pub(super) gold: &'a Tensor,
    /// The number `R` of tokens in a piece.
    pub(super) piece: i64,
    pub(super) device: Device,
}

/// How well masked words are predicted, as scalars on the model's device, so that many can be read
/// at once.
///
/// ```
/// use cs_data::TokenBatch;
/// use cs_model::{BertConfig, Device, MaskedScores, Model};
///
/// let config = BertConfig { num_hidden_layers: 2, ..BertConfig::mini(30) };
/// let model = Model::new_masked_lm(&config.into(), Device::Cpu, 42)?;
/// let batch = TokenBatch::pack([&[2, 4, 17, 3][..]]);
/// let MaskedScores { loss, right } = model.masked_scores(&batch, &[1], &[9])?;
/// assert!(loss.double_value(&[]) > 0.0 && right.int64_value(&[]) <= 1);
/// # Ok::<(), cs_model::Error>(())
/// ```
#[derive(Debug)]
pub struct MaskedScores {
    /// The sum of the cross-entropy over the masked words, in f64.
    pub loss: Tensor,
    /// The number of masked words whose likeliest word is the right one, in i64.
    pub right: Tensor,
}

/// The gradients of the sum of the losses.
struct Gradients {
    /// The gradient of each piece's hidden states, `[R, H]`.
    hidden: Vec<Tensor>,
    words: Option<Tensor>,
    bias: Tensor,
}

impl WordLoss<'_> {
    /// Gives the number `R` of tokens in a piece, for a vocabulary on a device.
    pub(super) fn piece(words: &Tensor, device: Device) -> i64 {
        let logits = match device {
            Device::Cpu => LOGITS.0,
            Device::Cuda(_) => LOGITS.1,
        };
        (logits / words.size()[0].max(1)).max(1)
    }

    /// Computes the sum of the losses in f32, to be differentiated.
    pub(super) fn sum(&self) -> Result<Tensor> {
        let (loss, gradients) = tch::no_grad(|| self.differentiated())?;
        let hidden = Tensor::f_cat(&gradients.hidden, 0)?; // [M, H]
        let mut sum = loss.f_to_kind(Kind::Float)?;
        let known = [
            (self.hidden, Some(hidden)),
            (self.words, gradients.words),
            (self.bias, Some(gradients.bias)),
        ];
        for (input, gradient) in known {
            if let Some(gradient) = gradient {
                sum = with_gradient(&sum, input, &gradient)?;
            }
        }
        Ok(sum)
    }

    /// Computes the sums without gradients.
    pub(super) fn scores(&self) -> Result<MaskedScores> {
        let _guard = tch::no_grad_guard();
        let (mut losses, mut right) = (Vec::new(), Vec::new());
        for (hidden, gold) in self.pieces()? {
            let logits = self.logits(&hidden)?;
            right.push(
                logits
                    .f_argmax(1, false)?
                    .f_eq_tensor(&gold)?
                    .f_sum(Kind::Int64)?,
            );
            let logarithms = logits.f_log_softmax(-1, Kind::Float)?;
            losses.push(loss_of(&logarithms, &gold.f_unsqueeze(1)?)?);
        }
        Ok(MaskedScores {
            loss: Tensor::f_stack(&losses, 0)?.f_sum(Kind::Double)?,
            right: Tensor::f_stack(&right, 0)?.f_sum(Kind::Int64)?,
        })
    }

    fn pieces(&self) -> Result<impl Iterator<Item = (Tensor, Tensor)> + use<>> {
        let hidden = self.hidden.f_split(self.piece, 0)?;
        Ok(hidden.into_iter().zip(self.gold.f_split(self.piece, 0)?))
    }

    /// Computes the logits, `[R, H]` to `[R, V]`, in 16 bits under autocast.
    fn logits(&self, hidden: &Tensor) -> Result<Tensor> {
        Ok(hidden.f_linear(self.words, Some(self.bias))?)
    }

    /// Gives the type of the backward pass's products. The range of bf16 is enough for
    /// probabilities, that of fp16 is not.
    fn kind(&self) -> Result<Kind> {
        Ok(match self.logits(&self.hidden.f_narrow(0, 0, 0)?)?.kind() {
            Kind::BFloat16 => Kind::BFloat16,
            _ => Kind::Float,
        })
    }

    fn differentiated(&self) -> Result<(Tensor, Gradients)> {
        let kind = self.kind()?;
        let words = self.words.f_detach()?.f_to_kind(kind)?;
        let mut losses = Vec::new();
        let mut gradients = Gradients {
            hidden: Vec::new(),
            words: None,
            bias: self.bias.f_zeros_like()?,
        };
        for (hidden, gold) in self.pieces()? {
            let gold = gold.f_unsqueeze(1)?; // [R, 1]
            // This is overwritten by its exponential, so that a piece is held twice at most.
            let mut slope = self.logits(&hidden)?.f_log_softmax(-1, Kind::Float)?; // [R, V]
            losses.push(loss_of(&slope, &gold)?);
            // The gradient with respect to the logits: the probabilities, less 1 at the right word.
            let one = Tensor::f_full(gold.size(), -1.0, (Kind::Float, gold.device()))?;
            let _ = slope.f_exp_()?;
            let _ = slope.f_scatter_add_(1, &gold, &one)?;
            let sums = slope.f_sum_dim_intlist([0_i64].as_slice(), false, Kind::Float)?;
            let _ = gradients.bias.f_add_(&sums)?;
            let _guard = Autocast::off(self.device)?;
            let slope = slope.f_to_kind(kind)?;
            let back = slope.f_matmul(&words)?; // [R, H]
            gradients.hidden.push(back.f_to_kind(Kind::Float)?);
            gradients.add_words(&slope, &hidden.f_to_kind(kind)?)?;
        }
        let loss = Tensor::f_stack(&losses, 0)?.f_sum(Kind::Double)?;
        Ok((loss, gradients))
    }
}

impl Gradients {
    fn add_words(&mut self, slope: &Tensor, hidden: &Tensor) -> Result<()> {
        let slope = slope.f_tr()?; // [V, R]
        match &mut self.words {
            None => self.words = Some(slope.f_matmul(hidden)?.f_to_kind(Kind::Float)?),
            Some(words) if slope.kind() == Kind::Float => {
                let _ = words.f_addmm_(&slope, hidden)?;
            }
            Some(words) => {
                let _ = words.f_add_(&slope.f_matmul(hidden)?.f_to_kind(Kind::Float)?)?;
            }
        }
        Ok(())
    }
}

/// Sums the losses, in f32, of `[R, V]` logarithms of probabilities and `[R, 1]` words.
fn loss_of(logarithms: &Tensor, gold: &Tensor) -> Result<Tensor> {
    let right = logarithms.f_gather(1, gold, false)?;
    Ok(right.f_sum(Kind::Float)?.f_neg()?)
}

/// Gives the scalar as it is, with a gradient for `input` that is known already. A product with it
/// adds the gradient; the product's value is taken off again, so that it adds nothing.
fn with_gradient(scalar: &Tensor, input: &Tensor, gradient: &Tensor) -> Result<Tensor> {
    let (input, gradient) = (input.f_flatten(0, -1)?, gradient.f_flatten(0, -1)?);
    let product = input.f_dot(&gradient)?;
    Ok(scalar.f_add(&product.f_sub(&product.f_detach()?)?)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::HalfPrecision;
    use tch::Reduction;

    /// Gives numbers of either sign, a pure function of their position.
    fn numbers(seed: i64, shape: &[i64]) -> Tensor {
        let count = shape.iter().product::<i64>();
        let number = |i| ((i * 37 + seed * 11) % 23) as f32 / 9.0 - 1.2;
        let numbers: Vec<f32> = (0..count).map(number).collect();
        Tensor::from_slice(&numbers)
            .reshape(shape)
            .set_requires_grad(true)
    }

    fn inputs() -> [Tensor; 4] {
        let gold = Tensor::from_slice(&[0_i64, 12, 3, 3, 7, 1, 12]);
        [
            numbers(1, &[7, 5]),
            numbers(2, &[13, 5]),
            numbers(3, &[13]),
            gold,
        ]
    }

    fn by_pieces([hidden, words, bias, gold]: &[Tensor; 4], piece: i64) -> WordLoss<'_> {
        WordLoss {
            hidden,
            words,
            bias,
            gold,
            piece,
            device: Device::Cpu,
        }
    }

    fn plain([hidden, words, bias, gold]: &[Tensor; 4]) -> Tensor {
        let logits = hidden.linear(words, Some(bias));
        logits.cross_entropy_loss(gold, None::<Tensor>, Reduction::Sum, -100, 0.0)
    }

    fn off(a: &Tensor, b: &Tensor) -> f64 {
        (a - b).abs().max().double_value(&[])
    }

    #[test]
    fn pieces_have_the_loss_and_the_gradients_of_the_whole() {
        let whole = inputs();
        let expected = plain(&whole);
        // Others' gradients scale it, and the words have another use as well.
        (&expected * 0.25 + whole[1].square().sum(Kind::Float)).backward();
        for piece in [1, 2, 3, 7, 100] {
            let own = inputs();
            let loss = by_pieces(&own, piece);
            let found = loss.sum().unwrap();
            assert!(off(&found, &expected) < 1e-5, "{piece}");
            (found * 0.25 + own[1].square().sum(Kind::Float)).backward();
            for (own, whole) in own[..3].iter().zip(&whole[..3]) {
                let off = off(&own.grad(), &whole.grad());
                assert!(off < 1e-5, "{piece}: {off}");
            }
            let scores = loss.scores().unwrap();
            assert!((scores.loss.double_value(&[]) - expected.double_value(&[])).abs() < 1e-5);
            let [hidden, words, bias, gold] = &whole;
            let likeliest = hidden.linear(words, Some(bias)).argmax(1, false);
            let right = likeliest.eq_tensor(gold).sum(Kind::Int64);
            assert_eq!(scores.right, right);
        }
    }

    #[test]
    fn pieces_in_bf16_are_near_those_in_f32() {
        let (whole, own) = (inputs(), inputs());
        let expected = plain(&whole);
        expected.backward();
        let guard = Autocast::new(Device::Cpu, HalfPrecision::Bf16).unwrap();
        let found = by_pieces(&own, 3).sum().unwrap();
        drop(guard);
        assert_eq!(found.kind(), Kind::Float);
        found.backward();
        let scale = expected.double_value(&[]);
        assert!(off(&found, &expected) < 0.02 * scale);
        for (own, whole) in own[..3].iter().zip(&whole[..3]) {
            assert!(off(&own.grad(), &whole.grad()) < 0.05);
        }
    }

    #[test]
    fn a_piece_has_a_token_at_least() {
        let words = |count: i64| Tensor::zeros([count, 1], (Kind::Float, tch::Device::Cpu));
        assert_eq!(WordLoss::piece(&words(250_037), Device::Cpu), 134);
        assert_eq!(WordLoss::piece(&words((1 << 25) + 1), Device::Cpu), 1);
    }
}
