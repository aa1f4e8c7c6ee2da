//! From a committed change to the event on the streams of readers.
//!
//! The moment of the commit is between the sending of the request and its answer, and nobody outside sees it.
//! So both are measured: from the request is the most that it can have been, from the answer the least. An
//! event that was there before the answer counts as zero in the latter.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde::Deserialize;
use uuid::Uuid;

use super::Place;
use crate::pace::{self, Write, Written};
use crate::process;
use crate::readers::{Heard, Readers};
use crate::report::Figure;
use crate::rest::Rest;
use crate::site::{Order, Site, Store};
use crate::spread::Spread;
use crate::wait::until;

/// What is run.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Latency {
    /// Workers of the fleet, each changed in its turn.
    workers: usize,
    /// Changes in a second, each a durable event.
    rate: u32,
    /// Seconds that are measured, and seconds of the same before that are not.
    seconds: u32,
    lead_in: u32,
    stores: Vec<Store>,
    /// How many readers hear everything.
    readers: Vec<usize>,
}

/// Where changes go and where events come from.
struct Doors {
    write: Rest,
    read: Vec<Rest>,
    pid: Option<u32>,
}

impl Latency {
    pub(super) async fn run(&self, place: &Place) -> anyhow::Result<Vec<Figure>> {
        let mut figures = Vec::new();
        if let Some((first, others)) = place.at.split_first() {
            let write = Rest::new(first)?;
            let read = others.iter().map(|base| Rest::new(base)).collect::<Result<Vec<_>, _>>()?;
            let read = if read.is_empty() { vec![write.clone()] } else { read };
            let doors = Doors { write, read, pid: None };
            for readers in &self.readers {
                figures.extend(self.measure(&doors, "given", *readers).await?);
            }
            return Ok(figures);
        }
        for store in &self.stores {
            let order = Order { workers: self.workers, store: *store, speed: 1.0 };
            let site = Site::start(&place.standalone, order).await?;
            site.knows(self.workers).await?;
            let read = vec![site.rest.clone()];
            let doors = Doors { write: site.rest.clone(), read, pid: Some(site.pid) };
            for readers in &self.readers {
                figures.extend(self.measure(&doors, store.word(), *readers).await?);
            }
            site.end().await?;
        }
        Ok(figures)
    }

    async fn measure(
        &self,
        doors: &Doors,
        place: &str,
        readers: usize,
    ) -> anyhow::Result<Vec<Figure>> {
        let workers: Vec<Uuid> = doors.write.workers().await?.iter().map(|w| w.id).collect();
        ensure!(!workers.is_empty(), "there is no worker to change");
        let open = Readers::open(&doors.read, readers).await?;
        pace::write(&doors.write, &workers, self.rate, self.rate * self.lead_in).await?;
        let cpu = doors.cpu()?;
        let begun = Instant::now();
        let count = self.rate * self.seconds;
        let written = pace::write(&doors.write, &workers, self.rate, count).await?;
        let busy = doors.cpu()?.zip(cpu).map(|(after, before)| after - before);
        let cores = busy.map(|busy| busy.as_secs_f64() / begun.elapsed().as_secs_f64());
        let last = until("the end of the backlog", Duration::from_secs(30), async || {
            doors.write.told().await
        });
        let heard = open.end(last.await?).await?;
        let name = |what: &str| format!("{place}, {readers} readers: {what}");
        let mut figures = figures(&written, &heard)?;
        figures.extend(cores.map(|cores| Figure::new("cores of the product", cores, "")));
        if let Some(pid) = doors.pid {
            figures.push(Figure::new("peak memory", process::memory(pid)?.peak, "MiB"));
        }
        let named = |figure: Figure| Figure { name: name(&figure.name), ..figure };
        Ok(figures.into_iter().map(named).collect())
    }
}

impl Doors {
    fn cpu(&self) -> anyhow::Result<Option<Duration>> {
        self.pid.map(process::cpu).transpose()
    }
}

fn figures(written: &Written, heard: &[Heard]) -> anyhow::Result<Vec<Figure>> {
    if let Some(err) = written.failed.first() {
        let (failed, done) = (written.failed.len(), written.done.len());
        ensure!(failed * 100 < done, "{failed} of {} writes failed: {err:#}", failed + done);
    }
    let writer = heard.first().context("no reader")?;
    let by_change: HashMap<(Uuid, u64), &Write> =
        written.done.iter().map(|write| ((write.worker, write.rev), write)).collect();
    let by_number: HashMap<u64, &Write> = writer
        .changes
        .iter()
        .filter_map(|(seq, worker, rev)| Some((*seq, *by_change.get(&(*worker, *rev))?)))
        .collect();
    let deliveries = |since: fn(&Write) -> Instant| -> Spread {
        let arrivals = heard.iter().flat_map(|heard| &heard.arrivals);
        arrivals
            .filter_map(|(seq, at)| Some(at.saturating_duration_since(since(by_number.get(seq)?))))
            .collect()
    };
    let (sent, answered) = (deliveries(|write| write.sent), deliveries(|write| write.answered));
    let answers: Spread = written.done.iter().map(|write| write.answered - write.sent).collect();
    let late: Spread = written.done.iter().map(|write| write.sent - write.due).collect();
    let faults: u64 = heard.iter().map(|heard| heard.faults).sum();
    let missing = written.done.len() * heard.len() - sent.len();
    let mut figures = vec![Figure::new("commits", written.rate(), "/s")];
    for (what, spread) in [("request to event", &sent), ("answer to event", &answered)] {
        figures.push(Figure::millis(format!("{what}, p50"), spread.at(0.5)));
        figures.push(Figure::millis(format!("{what}, p99"), spread.at(0.99)));
        figures.push(Figure::millis(format!("{what}, max"), spread.most()));
    }
    figures.push(Figure::millis("request to answer, p99", answers.at(0.99)));
    figures.push(Figure::millis("requests sent late by, p99", late.at(0.99)));
    let failed = written.failed.len() as f64;
    figures.push(Figure::new("writes that failed", failed, ""));
    figures.push(Figure::new("events missed or doubled", faults as f64 + missing as f64, ""));
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_request_and_from_answer_and_what_is_missing_is_counted() {
        let begun = Instant::now();
        let after = |millis| begun + Duration::from_millis(millis);
        let write = |rev, sent| {
            let (due, sent, answered) = (after(sent), after(sent), after(sent + 10));
            Write { worker: Uuid::nil(), rev, due, sent, answered }
        };
        let done = vec![write(1, 0), write(2, 20), write(3, 40)];
        // The second came before its answer, the third not at all.
        let heard = Heard {
            arrivals: vec![(8, after(12)), (9, after(25))],
            changes: vec![(8, Uuid::nil(), 1), (9, Uuid::nil(), 2)],
            ..Heard::default()
        };

        let figures = figures(&Written { done, failed: Vec::new() }, &[heard]).unwrap();

        let value = |name: &str| figures.iter().find(|f| f.name == name).unwrap().value;
        assert_eq!(value("request to event, max").round(), 12.0);
        assert_eq!(value("request to event, p50").round(), 5.0);
        assert_eq!(value("answer to event, max").round(), 2.0);
        assert_eq!(value("answer to event, p50"), 0.0);
        assert_eq!(value("events missed or doubled"), 1.0);
    }
}
