//! Version, load, health and telemetry.

use ccm_domain::cml::{ControllerFacts, ControllerLoad, TelemetryFeed, TelemetryRecord};
use ccm_ports::{Controller, RemoteError};

use crate::CmlClient;
use crate::exchange::{Answer, Ask};
use crate::wire::{
    self, HostStats, Lenient, Readable, SystemHealth, SystemInformation, SystemStats,
};

/// The feed is told as a whole each time and grows for days.
const FEED_SHARE: usize = 4;

pub(crate) async fn facts(
    client: &CmlClient,
    at: &Controller,
) -> Result<ControllerFacts, RemoteError> {
    let limit = client.inner.options.timeouts.probe;
    let ask = Ask::get(client, &["system_information"]).within(limit);
    client
        .ask_openly(at, &ask, |answer| {
            let told: SystemInformation = answer.json()?;
            Ok(ControllerFacts { version: told.version, ready: told.ready.unwrap_or(true) })
        })
        .await
}

pub(crate) async fn load(
    client: &CmlClient,
    at: &Controller,
) -> Result<ControllerLoad, RemoteError> {
    let ask = Ask::get(client, &["system_stats"]);
    let stats: SystemStats = client.ask(at, &ask, |answer| answer.json()).await?;
    let ask = Ask::get(client, &["system_health"]);
    let health: SystemHealth = client.ask(at, &ask, |answer| answer.json()).await?;
    Ok(summed(stats, &health))
}

fn summed(stats: SystemStats, health: &SystemHealth) -> ControllerLoad {
    let SystemStats { computes, all: Lenient(all) } = stats;
    let computes: Vec<HostStats> =
        computes.into_values().map(|Lenient(compute)| compute.stats.0).collect();
    let nodes = |pick: fn(&HostStats) -> Option<u32>| {
        computes.iter().filter_map(pick).fold(0, u32::saturating_add)
    };
    let all = std::iter::once(&all);
    ControllerLoad {
        cpu: all.clone().chain(&computes).find_map(|host| host.cpu.0.percent),
        memory: share(all.clone(), &computes, |host| &host.memory.0),
        disk: share(all, &computes, |host| &host.disk.0),
        nodes: nodes(|host| host.dominfo.0.total_nodes),
        running_nodes: nodes(|host| host.dominfo.0.running_nodes),
        healthy: health.valid.or(health.controller.0.valid).unwrap_or(false),
    }
}

/// Percent in use: of the sum that the controller tells, else summed over its computes.
fn share<'a>(
    all: impl Iterator<Item = &'a HostStats>,
    computes: &'a [HostStats],
    pick: fn(&HostStats) -> &wire::Amount,
) -> Option<f64> {
    let percent = |used: f64, total: f64| (total > 0.0).then(|| (used / total * 100.0).min(100.0));
    let amount = |host| {
        let amount = pick(host);
        amount.used.zip(amount.total)
    };
    let told = all.filter_map(amount).find_map(|(used, total)| percent(used, total));
    told.or_else(|| {
        let sum = |(used, total), (more, most)| (used + more, total + most);
        let (used, total) = computes.iter().filter_map(amount).fold((0.0, 0.0), sum);
        percent(used, total)
    })
}

pub(crate) async fn telemetry(
    client: &CmlClient,
    at: &Controller,
) -> Result<TelemetryFeed, RemoteError> {
    let options = &client.inner.options;
    let ask = Ask::get(client, &["telemetry", "events"])
        .within(options.timeouts.bulk)
        .up_to(options.largest_answer.saturating_mul(FEED_SHARE));
    client.ask(at, &ask, |answer| Ok(feed(answer.json()?, &answer))).await
}

fn feed(events: Vec<Readable<wire::TelemetryEvent>>, answer: &Answer) -> TelemetryFeed {
    let mut unreadable = 0;
    let mut records = Vec::with_capacity(events.len());
    for event in events {
        let event = event.into_option().unwrap_or_default();
        let Some(at) = event.timestamp.as_deref().and_then(wire::time) else {
            unreadable += 1;
            continue;
        };
        let category = event.category.unwrap_or_default();
        records.push(TelemetryRecord { at, category, user: event.fields.0.user_id });
    }
    records.sort_by_key(|record| record.at);
    TelemetryFeed {
        records,
        own_user: answer.user.clone(),
        controller_now: answer.date(),
        unreadable,
    }
}
