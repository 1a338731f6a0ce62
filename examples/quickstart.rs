//! The whole way in under three minutes, from nothing but this repository: generate labelled
//! conversations, train the light model, score it, quantise it, compare, answer.
//!
//! ```text
//! cargo run --release --example quickstart
//! ```
//!
//! What it makes stays in target/quickstart: train.jsonl, validation.jsonl, test.jsonl,
//! out_of_scope.jsonl, model, int8. `--seconds N` bounds the training.

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use cs_examples::demo::Demo;
use cs_examples::{
    GateArgs, Interruptible, Latency, Outcome, Output, Progress, Result, Settings, interrupted,
    note, note_cut, print_json, readable, report, rows_of, run,
};
use cs_model::{Bundle, Understanding};
use cs_quant::QuantConfig;
use cs_serve::Assistant;
use cs_train::RunLock;
use cs_train::recipe::Start;
use cs_train::run::Trainer;
use serde::Serialize;

const SEED: u64 = 42;

/// Questions in nobody's words but ours: none is in the generated data.
const TURNS: [&str; 7] = [
    "你好，帮我看看订单DD88231207发出来没有，谢谢",
    "这件毛衣太小了，不用退款，给我换成XL码就行",
    "你们客服半小时没人理我，什么态度，我要投诉！",
    "I sent the headphones back last week, when do I get my money?",
    "Could you change the delivery address of order A2031975 to Berlin?",
    "the coupon SAVE17 doesn't work at checkout, so disappointing",
    "周末适合去爬山吗",
];

/// Generate, train, evaluate, quantise, answer
#[derive(Parser)]
struct Arguments {
    /// Bound on the training, in seconds
    #[arg(long, default_value_t = 150)]
    seconds: u64,
    #[command(flatten)]
    output: Output,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Summary {
    intent_accuracy: Option<f64>,
    slot_f1: Option<f64>,
    oos_recall: Option<f64>,
    int8_ratio: f64,
    int8_speedup: f64,
    answers: Vec<Understanding>,
}

fn main() -> ExitCode {
    run(quickstart)
}

fn quickstart(arguments: Arguments) -> Result<Outcome> {
    let began = Instant::now();
    let step = |what: &str| note(format_args!("\n[{:3} s] {what}", began.elapsed().as_secs()));
    let folder = Path::new("target/quickstart");
    let (model, int8) = (folder.join("model"), folder.join("int8"));

    step("Customers' questions, made from templates. The test set has its own wording and names.");
    let _lock = RunLock::take(folder)?;
    let demo = Demo::new(SEED)?;
    demo.write(folder)?;

    step("Training the light model, word embeddings and a BiLSTM, on libtorch.");
    let settings = Settings {
        seed: SEED,
        ..Settings::default()
    };
    let mut progress = Progress::with_limit(Duration::from_secs(arguments.seconds));
    let recipe = settings.recipe(&Start::Light, &model);
    let ready = recipe.prepare(rows_of(&demo.train, Some(&demo.validation)))?;
    note_cut(ready.truncated(), ready.max_length());
    let mut fitted = ready.fit(&mut Interruptible(&mut progress))?;

    if interrupted() {
        return Ok(Outcome::Failed);
    }

    step("Scoring it on the test set.");
    let scores = fitted.evaluate(&demo.test)?;
    fitted.note_metrics("test", &scores);
    fitted.write(&model)?;
    Trainer::remove_checkpoints(&recipe.checkpoints())?;
    report(false, &scores)?;

    let foreign = fitted.evaluate(&demo.out_of_scope)?.intent_accuracy;
    note(format_args!(
        "of rows out of scope {:.4} recognised",
        foreign.unwrap_or(f64::NAN)
    ));

    step("Quantising it to int8; kept only if it answers as well.");
    let bundle = Bundle::open(&model)?;
    let gate = GateArgs::new(0.01);
    let validation: Vec<_> = demo.validation.iter().collect();
    let verdict = gate.quantize(&bundle, &int8, &QuantConfig::default(), &validation)?;
    report(false, &verdict)?;
    if !verdict.accepted {
        return Ok(Outcome::Failed);
    }

    step("One question at a time, in fp32 and in int8.");
    let latency = Latency::measure(&bundle, &Bundle::open(&int8)?, &demo.test)?;
    report(false, &latency)?;

    step("Answers of the int8 model, without libtorch:");
    let answers = Assistant::open(&int8)?.understand_batch(&TURNS)?;
    for answer in &answers {
        note(format_args!("{}", readable(answer)));
    }

    step("Done. Ask it yourself:");
    let command = "cargo run --release --example predict -- --model";
    note(format_args!("{command} {}", int8.display()));
    let summary = Summary {
        intent_accuracy: scores.intent_accuracy,
        slot_f1: scores.slot_f1,
        oos_recall: foreign,
        int8_ratio: verdict.ratio,
        int8_speedup: latency.speedup(),
        answers,
    };
    if arguments.output.json {
        print_json(&summary)?;
    }
    Ok(Outcome::Passed)
}
