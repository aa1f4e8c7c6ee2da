//! Bells inside a process: a counter per chime that listeners see grow.

use ccm_ports::Chime;
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};
use tokio::sync::watch;

#[derive(Debug, Default)]
pub(crate) struct Bells {
    outbox: watch::Sender<u64>,
    commands: watch::Sender<u64>,
    lease: watch::Sender<u64>,
}

impl Bells {
    pub(crate) fn ring(&self, chime: Chime) {
        self.of(chime).send_modify(|rings| *rings = rings.wrapping_add(1));
    }

    pub(crate) fn listen(&self, chime: Chime) -> BoxStream<'static, ()> {
        stream::unfold(self.of(chime).subscribe(), |mut rings| async move {
            rings.changed().await.ok().map(|()| ((), rings))
        })
        .boxed()
    }

    const fn of(&self, chime: Chime) -> &watch::Sender<u64> {
        match chime {
            Chime::Outbox => &self.outbox,
            Chime::Commands => &self.commands,
            Chime::Lease => &self.lease,
        }
    }
}
