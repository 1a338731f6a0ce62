//! Turns a trained model into int8, and keeps it only if it answers as well.
//!
//! ```text
//! cargo run --release --example quantize -- --model target/quickstart/model --out target/int8 \
//!     --data test.jsonl --max-drop 0.005
//! ```
//!
//! Builds without libtorch too (`-p cs-examples --no-default-features`). The native runtime answers
//! the rows in fp32 and in int8. What is judged, each head by itself, is intent accuracy, span F1
//! and the error of the sentiment; of a model without heads, the vectors. The rows should be those
//! that training was validated on, not the test set, whose figures are to be reported. Exit status
//! 1, and nothing written, if one falls by more than `--max-drop` or the model gets too little
//! faster; it then says which layers to keep in fp32, and `--auto` does. Rows without labels for a
//! head are refused; without `--data` nothing is judged, and `accepted` is null. `--sensitivity`
//! shows what each layer alone costs. A model that is in `--out` stays unless `--overwrite` is
//! given, and then until the new one is whole.
//!
//! A decoder that continues texts (GPT-2, Llama, Qwen) is judged by its perplexity on the texts of
//! `--data`, which may rise by `--max-drop` of itself. An encoder-decoder (BART, Blenderbot, Marian)
//! is quantised without being judged.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;
use cs_data::{Tokenizer, Utterance};
use cs_examples::{
    DataArgs, Error, GateArgs, LengthArgs, OutArgs, Outcome, Output, QuantArgs, Result,
    check_labelled, count_cut, layer_sensitivity, note, note_cut, report, run, unjudged,
    warn_unseen,
};
use cs_model::{Bundle, DecoderConfig, Seq2SeqConfig};
use cs_quant::{
    GateReport, NativeCausalLm, QuantConfig, QuantReport, block_sensitivity, perplexity,
    quantize_decoder, quantize_seq2seq,
};
use serde_json::json;

/// Quantise a trained model to int8, if it keeps its quality
#[derive(Parser)]
struct Arguments {
    /// Folder of the trained model
    #[arg(long, value_name = "DIR")]
    model: PathBuf,
    #[command(flatten)]
    out: OutArgs,
    /// Labelled rows to judge by, of a decoder texts: validation rows, not those of the test
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    #[command(flatten)]
    format: DataArgs,
    #[command(flatten)]
    length: LengthArgs,
    #[command(flatten)]
    gate: GateArgs,
    #[command(flatten)]
    quantise: QuantArgs,
    /// First show what quantising each layer alone costs, on stderr
    #[arg(long)]
    sensitivity: bool,
    #[command(flatten)]
    output: Output,
}

fn main() -> ExitCode {
    run(|arguments: Arguments| {
        let _lock = arguments.out.claim()?;
        if is_of_kind(DecoderConfig::open(&arguments.model))? {
            return match &arguments.data {
                Some(texts) => judge_decoder(&arguments, texts),
                None => quantise_generator(&arguments, quantize_decoder),
            };
        }
        if arguments.quantise.no_calibration {
            let message = "--no-calibration: only a decoder is calibrated";
            return Err(Error::Usage(message.to_owned()));
        }
        if is_of_kind(Seq2SeqConfig::open(&arguments.model))? {
            return quantise_generator(&arguments, quantize_seq2seq);
        }
        let bundle = arguments.length.apply(Bundle::open(&arguments.model)?)?;
        let rows = rows(&arguments, &bundle)?;
        let config = arguments.quantise.config();
        if arguments.sensitivity {
            show_sensitivity(&bundle, &config, &rows)?;
        }
        let (gate, out) = (&arguments.gate, &arguments.out.dir);
        let judged = arguments.data.is_some();
        let verdict = match judged {
            true => gate.quantize(&bundle, out, &config, &rows)?,
            false => unjudged(&bundle, out, &config)?,
        };
        let truncated = count_cut(&bundle, &rows)?;
        note_cut(truncated, bundle.max_length());
        let mut summary = json!(verdict);
        summary["accepted"] = json!(judged.then_some(verdict.accepted));
        summary["truncated"] = json!(truncated);
        report(arguments.output.json, &summary)?;
        Ok(explain(&arguments, &verdict))
    })
}

/// Whether a folder's `config.json` is that of a kind of model.
fn is_of_kind<T>(opened: cs_model::Result<T>) -> Result<bool> {
    match opened {
        Ok(_) => Ok(true),
        // Another kind; or what there is to say of the file, its opening says.
        Err(cs_model::Error::Field { field, .. }) if field == "model_type" => Ok(false),
        Err(error @ cs_model::Error::Field { .. }) => Err(error.into()),
        Err(_) => Ok(false),
    }
}

/// Quantises a decoder if it foretells texts about as well as in fp32.
fn judge_decoder(arguments: &Arguments, texts: &Path) -> Result<Outcome> {
    arguments.refuse(&[("--max-length", arguments.length.max_length.is_some())])?;
    let texts = token_ids(arguments, texts)?;
    let mut measured = 0;
    // To search for blocks takes one for each, and long.
    let mut metric = |model: &mut NativeCausalLm| {
        let figure = perplexity(model, &texts)?;
        measured += 1;
        note(format_args!(
            "measurement {measured}: perplexity {figure:.4}"
        ));
        Ok::<_, cs_quant::Error>(figure)
    };
    let config = arguments.quantise.config();
    if arguments.sensitivity {
        for block in block_sensitivity(&arguments.model, &config, &mut metric)? {
            let percent = block.rise * 100.0;
            note(format_args!("{percent:+.3} % {}", block.block));
        }
    }
    let (gate, out) = (arguments.gate.of_decoder(), &arguments.out.dir);
    let verdict = gate.quantize(&arguments.model, out, &config, metric)?;
    report(arguments.output.json, &json!(verdict))?;
    let (before, after) = (verdict.metric_before, verdict.metric_after);
    note(format_args!(
        "perplexity: {before:.4} in fp32, {after:.4} quantised"
    ));
    Ok(conclude(
        arguments,
        verdict.accepted,
        &verdict.keep_fp32.join(","),
    ))
}

/// The texts of rows as token ids.
fn token_ids(arguments: &Arguments, path: &Path) -> Result<Vec<Vec<u32>>> {
    let tokenizer = Tokenizer::open(&arguments.model)?;
    let rows = arguments.format.open_texts(path)?;
    let texts: Vec<Vec<u32>> = rows
        .iter()
        .map(|row| tokenizer.encode_prompt(&row.text))
        .collect::<std::result::Result<_, _>>()?;
    if texts.iter().all(|text| text.len() < 2) {
        return Err(Error::Unfit {
            path: path.to_owned(),
            found: "no text of two tokens".to_owned(),
            expected: "texts to foretell",
        });
    }
    Ok(texts)
}

impl Arguments {
    /// Refuses what has no effect on a model that generates texts.
    fn refuse(&self, given: &[(&str, bool)]) -> Result<()> {
        match given.iter().find(|(_, given)| *given) {
            None => Ok(()),
            Some((name, _)) => Err(Error::Usage(format!(
                "{name}: it has no effect on a model that generates texts, expected none"
            ))),
        }
    }
}

/// Quantises a model that generates texts.
fn quantise_generator(
    arguments: &Arguments,
    quantise: fn(&Path, &Path, &QuantConfig) -> cs_quant::Result<QuantReport>,
) -> Result<Outcome> {
    arguments.gate.check_unused()?;
    arguments.refuse(&[
        ("--data", arguments.data.is_some()),
        ("--sensitivity", arguments.sensitivity),
        ("--max-length", arguments.length.max_length.is_some()),
    ])?;
    let out = &arguments.out.dir;
    let done = quantise(&arguments.model, out, &arguments.quantise.config())?;
    let mut summary = json!(done);
    summary["ratio"] = json!(done.ratio());
    report(arguments.output.json, &summary)?;
    note(format_args!("written to {}", out.display()));
    Ok(Outcome::Passed)
}

fn rows(arguments: &Arguments, bundle: &Bundle) -> Result<Vec<Utterance>> {
    let Some(path) = &arguments.data else {
        arguments.gate.check_unused()?;
        return Ok(Vec::new());
    };
    let rows: Vec<Utterance> = arguments.format.open(path)?.iter().collect();
    check_labelled(path, &rows, bundle.tasks())?;
    warn_unseen(path, &rows, bundle.tasks());
    Ok(rows)
}

fn show_sensitivity(bundle: &Bundle, config: &QuantConfig, rows: &[Utterance]) -> Result<()> {
    for layer in layer_sensitivity(bundle, config, rows)? {
        let drop = layer.worst_drop();
        let drop = drop.map(|(head, drop)| format!("{head} {:+.4} ", -drop));
        note(format_args!(
            "{:.5} (least {:.5}) {}{}",
            layer.cosine,
            layer.least_cosine,
            drop.unwrap_or_default(),
            layer.layer
        ));
    }
    Ok(())
}

fn explain(arguments: &Arguments, verdict: &GateReport) -> Outcome {
    if arguments.data.is_none() {
        let out = arguments.out.dir.display();
        note(format_args!(
            "written to {out}, and not judged: that takes --data"
        ));
        return Outcome::Passed;
    }
    for (head, figures) in &verdict.heads {
        let (before, after) = (figures.before, figures.after);
        note(format_args!(
            "{head}: {before:.4} in fp32, {after:.4} in int8"
        ));
    }
    conclude(arguments, verdict.accepted, &verdict.keep_fp32.join(","))
}

/// Tells what came of it, with the layers that were, or should be, kept in fp32.
fn conclude(arguments: &Arguments, accepted: bool, kept: &str) -> Outcome {
    if accepted {
        if !kept.is_empty() {
            note(format_args!("kept in fp32: {kept}"));
        }
        note(format_args!("accepted: {}", arguments.out.dir.display()));
        return Outcome::Passed;
    }
    if !kept.is_empty() && !arguments.gate.auto {
        note(format_args!(
            "it would keep its quality with --keep-fp32 {kept}, which --auto finds by itself"
        ));
    }
    note(format_args!("not accepted: nothing was written"));
    Outcome::Failed
}
