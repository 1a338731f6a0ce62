//! Ctrl-C, and the signals by which a scheduler or a closed terminal ends a run.

use std::sync::atomic::Ordering;
use std::sync::{Once, OnceLock};

use cs_train::run::{Event, Flow, Observer, StopFlag};

use crate::note;

static STOP: OnceLock<StopFlag> = OnceLock::new();
static HANDLER: Once = Once::new();

/// The flag that stops a run, and every later one of the process, with a checkpoint: set by the
/// first Ctrl-C, SIGTERM or SIGHUP after an [`Interruptible`] run has begun.
pub(crate) fn stop_flag() -> StopFlag {
    STOP.get_or_init(StopFlag::default).clone()
}

/// An observer whose run a signal stops. The second signal ends the process at once, with status
/// 130 as shells expect.
///
/// ```
/// use cs_examples::Interruptible;
/// use cs_train::run::{Event, Flow, Observer, RunShape, Silent};
///
/// let start = Event::Start(&RunShape::default());
/// assert_eq!(Interruptible(&mut Silent).event(&start), Flow::Continue);
/// assert!(!cs_examples::interrupted());
/// ```
#[allow(missing_debug_implementations)] // observers need not have one
pub struct Interruptible<'a>(pub &'a mut dyn Observer);

impl Observer for Interruptible<'_> {
    fn event(&mut self, event: &Event<'_>) -> Flow {
        if let Event::Start(_) = event {
            HANDLER.call_once(handle_signals);
        }
        self.0.event(event)
    }
}

fn handle_signals() {
    let flag = stop_flag().flag();
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
}

/// Whether a signal has asked the process to stop.
pub fn interrupted() -> bool {
    stop_flag().flag().load(Ordering::Relaxed)
}
