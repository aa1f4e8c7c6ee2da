//! Memory of a standalone after it has been running for a while.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::sleep;

use super::Place;
use crate::process;
use crate::report::Figure;
use crate::site::{Order, Site, Store};

/// What is run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Memory {
    /// Simulated minutes between the import of the fleet and the look at the memory.
    minutes: f64,
    fleets: Vec<Fleet>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fleet {
    workers: usize,
    store: Store,
    speed: f64,
}

impl Memory {
    pub(super) async fn run(&self, place: &Place) -> anyhow::Result<Vec<Figure>> {
        let mut figures = Vec::new();
        let mut resident = Vec::new();
        for fleet in &self.fleets {
            let (ready, memory) = self.measure(place, *fleet).await?;
            let name = |what| format!("{} workers, {}: {what}", fleet.workers, fleet.store.word());
            figures.push(Figure::new(name("resident"), memory.resident, "MiB"));
            figures.push(Figure::new(name("peak"), memory.peak, "MiB"));
            figures.push(Figure::millis(name("start to first answer"), ready));
            resident.push((*fleet, memory.resident));
        }
        figures.extend(slope(&resident));
        Ok(figures)
    }

    async fn measure(
        &self,
        place: &Place,
        fleet: Fleet,
    ) -> anyhow::Result<(Duration, process::Memory)> {
        let Fleet { workers, store, speed } = fleet;
        let site = Site::start(&place.standalone, Order { workers, store, speed }).await?;
        site.knows(workers).await?;
        // Nothing to wait for but the passing of simulated time.
        sleep(Duration::from_secs_f64(self.minutes * 60.0 / speed)).await;
        let memory = process::memory(site.pid)?;
        let ready = site.ready_after;
        site.end().await?;
        Ok((ready, memory))
    }
}

/// What one more worker costs, from the smallest to the largest fleet in memory.
fn slope(resident: &[(Fleet, f64)]) -> Option<Figure> {
    let mut fleets: Vec<_> =
        resident.iter().filter(|(fleet, _)| fleet.store == Store::Memory).collect();
    fleets.sort_by_key(|(fleet, _)| fleet.workers);
    let ((small, least), (large, most)) = (fleets.first()?, fleets.last()?);
    let more = large.workers - small.workers;
    let name = "each further worker, memory: resident";
    (more > 0).then(|| Figure::new(name, (most - least) * 1024.0 / more as f64, "KiB"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slope_is_between_the_ends_of_one_store() {
        let fleet = |workers, store| Fleet { workers, store, speed: 1.0 };

        let slope = slope(&[
            (fleet(110, Store::Memory), 30.0),
            (fleet(10, Store::Memory), 20.0),
            (fleet(1000, Store::File), 500.0),
        ]);

        let slope = slope.unwrap();
        assert!((slope.value - 102.4).abs() < 1e-9, "{slope:?}");
    }
}
