//! Continues texts, or answers them, with a language model.
//!
//! ```text
//! cargo run --release --example generate -- --model SmolLM2-135M-Instruct --chat \
//!     --prompt 'Where is my parcel?' --stream
//! cargo run --release --example generate -- --model DIR --input questions.txt --json
//! cargo run --release --example generate -- --model DIR --prompt 'Order 12345. Status: ' \
//!     --regex 'paid|shipped on \d{4}-\d\d-\d\d'
//! ```
//!
//! Builds without libtorch too (`-p cs-examples --no-default-features`). The native backend computes
//! with the weights that the folder has: int8 or int4 if `quantize` wrote it; `--int4` quantises
//! those of a checkpoint when they are read.
//!
//! `DIR` is a Hugging Face folder of GPT-2 (DialoGPT), Llama (SmolLM2), Qwen2 or Qwen3, with its
//! tokenizer in whichever files. With `--chat` a text is a user's turn in the model's format, by its
//! chat template or as DialoGPT has it. `FILE.gguf` is such a model (no DialoGPT) as llama.cpp reads it,
//! with its tokenizer and chat template in the file. Greedy unless told otherwise. Lines from a file are
//! continued in batches, whose time `prefill_seconds` and `decode_seconds` are; those from standard
//! input as they come. A line that cannot be continued leaves `{"error": …, "line": N}` in its
//! place, and the exit status is 2.
//!
//! What is chosen greedily by the native backend is proposed out of the text where that repeats
//! itself, or by `--draft`, and read several tokens at once; that changes nothing of what comes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use cs_data::Tokenizer;
use cs_examples::{
    Author, BackendKind, Error, GenerationArgs, InputArgs, Outcome, Output, Result, Written, print,
    run, try_answer_lines,
};
use cs_model::chat::ChatFormat;
use cs_model::generate::{Decoder, GenerateConfig, Piece};
use cs_model::gguf::Gguf;
#[cfg(feature = "torch")]
use cs_model::{CausalLm, Device, Dtype};
use cs_quant::{Int4, NativeCausalLm, QuantConfig, RuntimeConfig};

/// Texts of a file continued at a time.
const BATCH: usize = 16;

/// Continue texts, or answer them, with a language model
#[derive(Parser)]
struct Arguments {
    /// Folder of the model, or a GGUF file, for the native backend
    #[arg(long, value_name = "DIR|FILE.gguf")]
    model: PathBuf,
    /// A text to continue, instead of those of a file or of standard input
    #[arg(long, value_name = "TEXT", conflicts_with = "input")]
    prompt: Option<String>,
    #[command(flatten)]
    input: InputArgs,
    /// Answer the text as a user's turn, in the model's format
    #[arg(long)]
    chat: bool,
    #[command(flatten)]
    generation: GenerationArgs,
    /// Of a prompt that is longer than the model's positions, read the end
    #[arg(long, conflicts_with = "chat")]
    cut: bool,
    /// What runs the model
    #[arg(long, value_enum, default_value = "native")]
    backend: BackendKind,
    /// With libtorch, cpu, cuda or cuda:N; a CUDA device where there is one if left out
    #[cfg(feature = "torch")]
    #[arg(long)]
    device: Option<Device>,
    /// With the native backend, weights in 4 bits
    #[arg(long)]
    int4: bool,
    /// A smaller model of the same vocabulary, whose proposals are read at once: what comes is the same,
    /// sooner if it often proposes that
    #[arg(long, value_name = "DIR|FILE.gguf")]
    draft: Option<PathBuf>,
    /// Print the text as it comes, and at its end how long one waited for it
    #[arg(long, conflicts_with = "json")]
    stream: bool,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(generate)
}

fn generate(arguments: Arguments) -> Result<Outcome> {
    check(&arguments)?;
    let Arguments {
        prompt,
        input,
        output,
        stream,
        ..
    } = &arguments;
    let Opened {
        mut decoder,
        tokenizer,
        format,
        config,
    } = match arguments.model.is_dir() {
        true => open(&arguments)?,
        false => open_gguf(&arguments)?,
    };
    let constraint = arguments.generation.constraint(&tokenizer)?;
    let draft = arguments.draft.as_deref();
    let draft = draft.map(|path| open_draft(path, &tokenizer, &arguments));
    let mut draft = draft.transpose()?;
    let mut author = Author {
        decoder: &mut *decoder,
        draft: draft.as_mut().map(|draft| draft as &mut dyn Decoder),
        tokenizer: &tokenizer,
        format: format.as_ref(),
        config,
        constraint: constraint.as_ref(),
        cut: arguments.cut,
    };
    let mut answer = |texts: &[&str]| author.write(texts, &mut |piece| show_piece(piece, *stream));
    let show = |written: &Written| match stream {
        true => {
            let ended = print(format_args!(""));
            written.note_latency();
            ended
        }
        false => written.show(*output),
    };
    let Some(text) = prompt else {
        let batch = if *stream { 1 } else { BATCH };
        return try_answer_lines(input, *output, batch, answer, show);
    };
    for written in answer(&[text])? {
        show(&written?)?;
    }
    Ok(Outcome::Passed)
}

/// A model with what is to run it.
struct Opened {
    decoder: Box<dyn Decoder>,
    tokenizer: Tokenizer,
    /// How it wants conversations written, if there are any.
    format: Option<ChatFormat>,
    config: GenerateConfig,
}

/// Opens the model in a folder.
fn open(arguments: &Arguments) -> Result<Opened> {
    let dir = &arguments.model;
    let config = GenerateConfig::open(dir)?;
    let tokenizer = Tokenizer::open(dir)?;
    let format = arguments
        .chat
        .then(|| ChatFormat::open(dir, &tokenizer))
        .transpose()?;
    let decoder: Box<dyn Decoder> = match arguments.backend {
        BackendKind::Native => Box::new(open_native(dir, arguments)?),
        #[cfg(feature = "torch")]
        BackendKind::Torch => {
            let device = arguments.device.unwrap_or_else(Device::auto);
            let dtype = if device == Device::Cpu {
                Dtype::F32
            } else {
                Dtype::BF16
            };
            Box::new(CausalLm::open(dir, device, dtype)?)
        }
    };
    Ok(Opened {
        decoder,
        tokenizer,
        format,
        config: arguments.generation.config(config)?,
    })
}

/// Opens a model that is one file.
fn open_gguf(arguments: &Arguments) -> Result<Opened> {
    let gguf = Gguf::open(&arguments.model)?;
    let tokenizer = gguf.tokenizer()?;
    let format = arguments.chat.then(|| gguf.chat_format()).transpose()?;
    let config = arguments.generation.config(gguf.generate_config()?)?;
    Ok(Opened {
        decoder: Box::new(open_native_gguf(gguf, arguments)?),
        tokenizer,
        format,
        config,
    })
}

/// Opens the model that drafts for one with this tokenizer.
fn open_draft(path: &Path, tokenizer: &Tokenizer, arguments: &Arguments) -> Result<NativeCausalLm> {
    let (draft, own) = match path.is_dir() {
        true => (open_native(path, arguments)?, Tokenizer::open(path)?),
        false => {
            let gguf = Gguf::open(path)?;
            let own = gguf.tokenizer()?;
            (open_native_gguf(gguf, arguments)?, own)
        }
    };
    let size = tokenizer.vocab_size();
    let is_same = |id| tokenizer.token(id) == own.token(id);
    if size != own.vocab_size() || !(0..size as u32).all(is_same) {
        return Err(Error::Usage(format!(
            "--draft {}: a model of other tokens, expected those of --model",
            path.display()
        )));
    }
    Ok(draft)
}

fn open_native(dir: &Path, arguments: &Arguments) -> Result<NativeCausalLm> {
    let runtime = RuntimeConfig::default();
    Ok(match arguments.int4 {
        true => NativeCausalLm::open_quantised(dir, &int4(), &runtime)?,
        false => NativeCausalLm::open(dir, &runtime)?,
    })
}

fn open_native_gguf(gguf: Gguf, arguments: &Arguments) -> Result<NativeCausalLm> {
    let runtime = RuntimeConfig::default();
    Ok(match arguments.int4 {
        true => NativeCausalLm::open_gguf_quantised(gguf, &int4(), &runtime)?,
        false => NativeCausalLm::open_gguf(gguf, &runtime)?,
    })
}

/// What `--int4` asks for.
fn int4() -> QuantConfig {
    QuantConfig {
        int4: Int4::ALL,
        calibrate: false,
        ..QuantConfig::default()
    }
}

/// Refuses what does not go together, and what would have no effect.
fn check(arguments: &Arguments) -> Result<()> {
    let refuse = |message: String| Err(Error::Usage(message));
    #[cfg(feature = "torch")]
    match arguments.backend {
        BackendKind::Torch if arguments.model.is_file() => {
            return refuse(format!(
                "--model {}: libtorch reads a folder, expected --backend native for a GGUF file",
                arguments.model.display()
            ));
        }
        BackendKind::Torch if arguments.int4 => {
            return refuse(
                "--int4: libtorch computes in floats, expected --backend native".to_owned(),
            );
        }
        BackendKind::Native if arguments.device.is_some() => {
            return refuse(
                "--device: the native backend has none, expected --backend torch".to_owned(),
            );
        }
        _ => {}
    }
    if arguments.stream && arguments.generation.beams > 1 {
        return refuse(
            "--stream: beams are sure of nothing before their end, expected --beams 1".to_owned(),
        );
    }
    Ok(())
}

fn show_piece(piece: Piece<'_>, stream: bool) {
    if stream {
        let mut out = std::io::stdout().lock();
        // That it cannot be written, the end of the line will tell.
        let _ = out
            .write_all(piece.text.as_bytes())
            .and_then(|()| out.flush());
    }
}
