//! Ctrl-C, and the signals by which a scheduler or a closed terminal ends a run.

use std::sync::OnceLock;
use std::sync::atomic::Ordering;

use cs_train::run::StopFlag;

use crate::note;

static STOP: OnceLock<StopFlag> = OnceLock::new();

/// An observer that stops a run, and every later one of the process, with a checkpoint, at the first
/// Ctrl-C, SIGTERM or SIGHUP. The second one ends the process at once, with status 130 as shells expect.
///
/// ```
/// use cs_train::run::{Event, Flow, Observer, TrainReport};
/// let mut stop = cs_examples::stop_on_interrupt();
/// assert_eq!(stop.event(&Event::End(&TrainReport::default())), Flow::Continue);
/// assert!(!cs_examples::interrupted());
/// ```
pub fn stop_on_interrupt() -> StopFlag {
    STOP.get_or_init(|| {
        let stop = StopFlag::default();
        let flag = stop.flag();
        let handler = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            note(format_args!(
                "stopping after this step, with a checkpoint; once more to quit at once"
            ));
        };
        if let Err(error) = ctrlc::set_handler(handler) {
            note(format_args!(
                "warning: signals will not write a checkpoint: {error}"
            ));
        }
        stop
    })
    .clone()
}

/// Whether a signal has asked the process to stop.
pub fn interrupted() -> bool {
    STOP.get()
        .is_some_and(|stop| stop.flag().load(Ordering::Relaxed))
}
