//! Who answers what no flow takes.

use crate::error::BackendError;
use crate::reply::{Answerer, Asked, Reply, Sink};

/// Who answers a turn that no flow takes: an [`Answerer`]. A function is one, too.
pub trait Answers: Send + Sync {
    /// Gives the answer to a question if it surely is one whose answer is known: then it goes before the flow that
    /// the turn's intent would start. By default there is none.
    ///
    /// # Errors
    /// If what should know fails. The flow starts then.
    fn recall(&self, _asked: &Asked<'_>) -> Result<Option<Reply>, BackendError> {
        Ok(None)
    }

    /// Gives a reply; none if there is no source for one. `sink` may get the text piece by piece before, as
    /// soon as each may be shown; together they are the beginning of the reply's text. Once it breaks, nobody waits
    /// for the reply, and whatever is given is dropped.
    ///
    /// # Errors
    /// If what should know fails. A person takes over then.
    fn answer(&self, asked: &Asked<'_>, sink: &mut Sink<'_>)
    -> Result<Option<Reply>, BackendError>;
}

impl<F> Answers for F
where
    F: Fn(&Asked<'_>, &mut Sink<'_>) -> Result<Option<Reply>, BackendError> + Send + Sync,
{
    fn answer(
        &self,
        asked: &Asked<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Reply>, BackendError> {
        self(asked, sink)
    }
}

/// Who knows nothing: whatever no flow takes, a person does.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoAnswers;

impl Answers for NoAnswers {
    fn answer(
        &self,
        _asked: &Asked<'_>,
        _sink: &mut Sink<'_>,
    ) -> Result<Option<Reply>, BackendError> {
        Ok(None)
    }
}

impl Answers for Answerer {
    fn recall(&self, asked: &Asked<'_>) -> Result<Option<Reply>, BackendError> {
        Ok(Self::recall(self, asked)?)
    }

    fn answer(
        &self,
        asked: &Asked<'_>,
        sink: &mut Sink<'_>,
    ) -> Result<Option<Reply>, BackendError> {
        Ok(Self::answer(self, asked, sink)?)
    }
}
