//! Work that takes too long between two other tasks.

use super::problem::Problem;

/// Does `work` on a thread of its own. It is done even if nobody waits for it any more.
pub(super) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        // What it panicked with may quote a text.
        let is_panic = error.is_panic();
        tracing::error!(is_panic, "work on a thread of its own did not end");
        Problem::internal("the service failed")
    })
}
