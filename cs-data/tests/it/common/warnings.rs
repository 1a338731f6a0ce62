//! What is warned of.

use std::sync::{Arc, Mutex};

/// The lines that are written to the log meanwhile.
pub(crate) fn warnings_of(of: impl FnOnce()) -> String {
    let written = Arc::new(Mutex::new(Vec::new()));
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || Shared(writer.clone()))
        .finish();
    tracing::subscriber::with_default(subscriber, of);
    String::from_utf8(written.lock().unwrap().clone()).unwrap()
}

struct Shared(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
