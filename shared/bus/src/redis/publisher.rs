//! To the log and to all who hear.

use std::sync::atomic::Ordering;

use ccm_events::Event;
use ccm_ports::BusError;
use redis::cmd;

use super::Core;
use super::keys::CLEARED;
use super::link::CALL;

/// Events of one call, so that Redis serves others in between.
const EVENTS_AT_ONCE: usize = 500;
/// Bytes of one call; an event that is larger is alone.
const BYTES_AT_ONCE: usize = 1 << 20;

impl Core {
    pub(super) async fn last(&self) -> Result<u64, BusError> {
        let (_, last) = self.bounds(None).await?;
        self.holds.store(last > 0, Ordering::Relaxed);
        Ok(last)
    }

    pub(super) async fn append(&self, events: &[Event]) -> Result<(), BusError> {
        // Without a number an event has no place here.
        let numbered: Vec<_> =
            events.iter().filter_map(|event| Some((event.seq?, &event.json[..]))).collect();
        let mut rest = &numbered[..];
        while !rest.is_empty() {
            let (batch, more) = rest.split_at(fitting(rest));
            self.append_batch(batch).await?;
            rest = more;
        }
        Ok(())
    }

    async fn append_batch(&self, batch: &[(u64, &[u8])]) -> Result<(), BusError> {
        let mut call = self.scripts.append.on(&self.keys.log);
        call.arg(&self.keys.live).arg(self.publish()).arg(self.limits.history.max(1));
        call.arg(u8::from(self.holds.load(Ordering::Relaxed)));
        for (seq, json) in batch {
            call.arg(*seq).arg(*json);
        }
        let (complete, last): (u8, u64) = self.link.script(&call).await?;
        // Empty is what it is from here on: whoever is told so may begin it with any event.
        self.holds.store(last > 0, Ordering::Relaxed);
        if complete == 1 { Ok(()) } else { Err(BusError::OutOfOrder(last)) }
    }

    pub(super) async fn clear(&self) -> Result<(), BusError> {
        let mut call = self.scripts.clear.on(&self.keys.log);
        call.arg(&self.keys.live).arg(self.publish()).arg(CLEARED);
        self.link.script::<()>(&call).await?;
        self.holds.store(false, Ordering::Relaxed);
        Ok(())
    }

    pub(super) async fn tell(&self, event: &Event) -> Result<(), BusError> {
        let mut say = cmd(self.publish());
        say.arg(&self.keys.live).arg(&event.json[..]);
        self.link.command(&say, CALL).await
    }
}

/// Returns how many of the events go into one call, at least one.
fn fitting(events: &[(u64, &[u8])]) -> usize {
    let mut bytes = 0;
    let fits = |(_, json): &&(u64, &[u8])| {
        bytes += json.len();
        bytes <= BYTES_AT_ONCE
    };
    events.iter().take(EVENTS_AT_ONCE).take_while(fits).count().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_bounded_in_events_and_bytes() {
        let (small, half, huge) =
            (vec![0; 10], vec![0; BYTES_AT_ONCE / 2], vec![0; 2 * BYTES_AT_ONCE]);
        let of = |all: &[(usize, &Vec<u8>)]| -> Vec<(u64, Vec<u8>)> {
            let each = all.iter().flat_map(|(count, json)| vec![(1, (*json).clone()); *count]);
            each.collect()
        };

        for (case, events, expected) in [
            ("many small ones", of(&[(1_200, &small)]), EVENTS_AT_ONCE),
            ("a few", of(&[(3, &small)]), 3),
            ("large ones", of(&[(5, &half)]), 2),
            ("a huge one", of(&[(2, &huge)]), 1),
            ("a small one before a huge one", of(&[(1, &small), (1, &huge)]), 1),
        ] {
            let events: Vec<_> = events.iter().map(|(seq, json)| (*seq, &json[..])).collect();
            assert_eq!(fitting(&events), expected, "{case}");
        }
    }
}
