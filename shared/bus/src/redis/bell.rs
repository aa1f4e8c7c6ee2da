//! Hints over one channel, and one connection that hears it for the whole process.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ccm_ports::Chime;
use futures_util::stream::BoxStream;
use redis::cmd;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::Core;
use super::ear::{Ear, Hear, Told};
use super::error::Failed;
use super::pause::Pause;
use super::servers::Servers;
use crate::bells::Bells;

/// The longest that ringing may hold somebody up.
const RING: Duration = Duration::from_millis(250);
/// How long nobody is held up again when ringing did not work.
const HUSH: Duration = Duration::from_secs(1);
/// The longest that listening waits for its connection; it then comes by itself.
const FIRST: Duration = Duration::from_secs(1);
/// Time between two proofs that the connection still works; whoever listens polls anyway.
const PING: Duration = Duration::from_secs(5);

pub(super) struct RedisBell {
    core: Arc<Core>,
    bells: Arc<Bells>,
    hushed: Mutex<Option<Instant>>,
    listening: Mutex<Option<Listening>>,
}

struct Listening {
    /// Whether a connection was tried.
    tried: watch::Receiver<bool>,
    /// Ends the task with the bus.
    _task: JoinSet<()>,
}

impl RedisBell {
    pub(super) fn new(core: Arc<Core>) -> Self {
        Self { core, bells: Arc::default(), hushed: Mutex::default(), listening: Mutex::default() }
    }

    pub(super) async fn ring(&self, chime: Chime) {
        if self.is_hushed() {
            return;
        }
        let mut say = cmd(self.core.publish());
        say.arg(&self.core.keys.bell).arg(chime.name());
        let rung = self.core.link.command::<()>(&say, RING).await;
        if rung.is_err() {
            // Not worth a line in the log: whoever uses Redis for more than a hint says it.
            let mut hushed = self.hushed.lock().unwrap_or_else(PoisonError::into_inner);
            *hushed = Some(Instant::now() + HUSH);
        }
    }

    pub(super) async fn listen(&self, chime: Chime) -> BoxStream<'static, ()> {
        let mut tried = self.tried();
        // However it went: the hint is not needed.
        let _ = tokio::time::timeout(FIRST, tried.wait_for(|tried| *tried)).await;
        self.bells.listen(chime)
    }

    fn is_hushed(&self) -> bool {
        let hushed = self.hushed.lock().unwrap_or_else(PoisonError::into_inner);
        hushed.is_some_and(|until| Instant::now() < until)
    }

    /// Starts to hear the channel if nobody has yet.
    fn tried(&self) -> watch::Receiver<bool> {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let listening = listening.get_or_insert_with(|| {
            let (tell, tried) = watch::channel(false);
            let mut task = JoinSet::new();
            task.spawn(follow(Arc::clone(&self.core), Arc::clone(&self.bells), tell));
            Listening { tried, _task: task }
        });
        listening.tried.clone()
    }
}

/// Hears the channel for ever, from one connection to the next.
async fn follow(core: Arc<Core>, bells: Arc<Bells>, tried: watch::Sender<bool>) {
    let rung = Arc::clone(&bells);
    let hear: Hear = Arc::new(move |told| {
        let Told::Message { text, .. } = told else { return };
        // A chime that a newer process knows is for newer processes.
        let chime = Chime::ALL.iter().find(|chime| chime.name().as_bytes() == text);
        if let Some(chime) = chime {
            rung.ring(*chime);
        }
    });
    let mut pause = Pause::default();
    loop {
        match Ear::open(&core.servers, &[&core.keys.bell], &hear).await {
            Ok(mut ear) => {
                if tried.send_replace(true) {
                    // What was rung meanwhile was not heard: look.
                    Chime::ALL.iter().for_each(|chime| bells.ring(*chime));
                }
                pause = Pause::default();
                let Err(err) = attend(&mut ear, &core.servers).await;
                core.link.forget();
                tracing::debug!(error = %err, "bells are not heard, trying again");
            }
            Err(err) => {
                tried.send_replace(true);
                tracing::debug!(error = %err, "bells are not heard, trying again");
            }
        }
        pause.wait().await;
    }
}

/// Returns when the connection is lost.
async fn attend(ear: &mut Ear, servers: &Servers) -> Result<std::convert::Infallible, Failed> {
    loop {
        tokio::select! {
            () = ear.lost() => return Err(Failed::NoConnection("it was cut".to_owned())),
            () = tokio::time::sleep(PING) => {}
        }
        ear.ping().await?;
        if ear.is_deposed(servers).await {
            return Err(Failed::NoConnection("the Sentinels name another primary".to_owned()));
        }
    }
}
