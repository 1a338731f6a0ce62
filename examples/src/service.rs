//! A service in this process, as its settings say: for `serve`, which others ask, and for `play`.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cs_model::Bundle;
use cs_serve::Assistant;
use cs_serve::engine::Engine;
use cs_serve::http::{Api, LastRatings};
use cs_serve::log::Log;
use cs_serve::route::Layers;

use crate::error::{Error, Result};
use crate::generator::Generator;
use crate::run::note;
use crate::serve_args::{ServeSettings, Served};

/// Models with their engines, and the interface to them.
#[derive(Debug)]
pub struct Service {
    api: Api,
    engines: Vec<Engine>,
    generator: Option<Generator>,
    log: Option<Arc<Log>>,
}

impl Service {
    /// Opens what the settings name, and starts an engine for each model.
    ///
    /// # Errors
    ///
    /// Settings that contradict each other or are without effect, and what cannot be opened.
    pub fn start(settings: &ServeSettings) -> Result<Self> {
        settings.check()?;
        let knowledge = settings.knowledge()?.map(Arc::new);
        let generator = settings.generator()?;
        let (mut api, mut engines) = models(settings)?;
        let chat = settings.chat(knowledge.as_ref(), generator.as_ref(), entities(&engines))?;
        let log = settings.log()?;
        if let Some(knowledge) = knowledge {
            api = api.with_knowledge(knowledge);
        }
        if let Some(chat) = chat {
            api = api.with_chat(chat, LastRatings::default());
        }
        if let Some(generator) = &generator {
            api = api.with_generation(generator.handle());
        }
        let log = log.map(|(log, masker)| (Arc::new(log), masker));
        let (log, masker) = log.unzip();
        if let (Some(log), Some(masker)) = (&log, masker) {
            api = api.with_log(Arc::clone(log), masker);
        }
        let (api, candidate) = settings.with_candidate(api)?;
        engines.extend(candidate);
        Ok(Self {
            api,
            engines,
            generator,
            log,
        })
    }

    /// The interface.
    pub fn api(&self) -> &Api {
        &self.api
    }

    /// Ends the engines, each as soon as it has answered what it was asked, but no later than after `limit`, and has what was
    /// logged on the disk.
    pub fn drain(self, limit: Duration) {
        for engine in self.engines {
            engine.drain(limit);
        }
        if let Some(generator) = self.generator {
            generator.drain(limit);
        }
        if let Some(log) = self.log
            && !log.drain(limit)
        {
            let lost = log.lost();
            note(format_args!(
                "warning: the log may lack what was said last; {lost} turns and ratings are lost"
            ));
        }
    }
}

/// The labels of the entities that the models find.
fn entities(engines: &[Engine]) -> BTreeSet<String> {
    let mut labels = BTreeSet::new();
    for engine in engines {
        let model = engine.handle().model();
        let tags = model.bundle().tasks().slots.iter();
        labels.extend(tags.flat_map(|tags| tags.labels().map(str::to_owned)));
    }
    labels
}

/// Opens the models, each with an engine of its own, and the interface to them.
fn models(settings: &ServeSettings) -> Result<(Api, Vec<Engine>)> {
    let (models, routing) = (settings.models()?, settings.routing()?);
    let runtime = settings.runtime();
    let compares = routing
        .cache
        .as_ref()
        .is_some_and(|cache| cache.semantic.is_some());
    let open = move |dir: &Path| {
        let model = Assistant::open_native(Bundle::open(dir)?, &runtime)?;
        Ok(if compares {
            model.with_embeddings()
        } else {
            model
        })
    };
    let engine =
        |dir: &Path| Ok::<_, Error>(Engine::start(Arc::new(open(dir)?), settings.engine())?);
    match models {
        Served::One(slot, dir) => {
            let engine = engine(dir)?;
            let api = Api::with_loader(slot, engine.handle(), settings.http(), open)?;
            Ok((api, vec![engine]))
        }
        Served::Both { light, full } => {
            let cascade = settings.cascade(&routing)?;
            let (light, full) = (engine(light)?, engine(full)?);
            let layers = Layers {
                light: light.handle(),
                full: full.handle(),
            };
            let api = Api::routed(layers, cascade, settings.http(), open)?;
            Ok((api, vec![light, full]))
        }
    }
}
