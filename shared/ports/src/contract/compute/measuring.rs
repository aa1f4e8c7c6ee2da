//! Readings of CloudWatch.

use std::time::Duration;

use ccm_domain::InstanceId;

use super::{MINUTE, World, running, see, unknown};

/// One reading for each instance that ran, however many are asked about.
pub async fn the_newest_cpu_reading_of_each_running_instance_is_returned(world: &dyn World) {
    let busy = running(world, "token-1").await.id;
    let stopped = running(world, "token-2").await.id;
    world.compute().stop(&world.scope(), &stopped).await.unwrap();
    world.pass(40 * MINUTE);
    let (from, to) = (world.now().minus(20 * MINUTE), world.now());
    let asked: Vec<InstanceId> = (0..600).map(unknown).chain([busy.clone(), stopped]).collect();

    let readings = world.measure().cpu(&world.scope(), &asked, from, to).await.unwrap();

    let [reading] = readings.as_slice() else { panic!("{readings:?}") };
    assert_eq!(reading.instance, busy);
    assert!((0.0..=100.0).contains(&reading.percent), "{reading:?}");
    assert!(reading.at >= from.minus(5 * MINUTE) && reading.at < to, "{reading:?}");
    assert!(to.since(reading.at) <= 12 * MINUTE, "not the newest: {reading:?} at {to}");
    assert_eq!(reading.at.as_millis() % 300_000, 0, "basic monitoring reads each five minutes");
    assert_eq!(world.measure().cpu(&world.scope(), &[], from, to).await.unwrap(), []);
}

/// Detailed monitoring is switched per instance and makes readings younger.
pub async fn detailed_monitoring_reads_each_minute(world: &dyn World) {
    let id = running(world, "token-1").await.id;
    world.compute().monitor(&world.scope(), &id, true).await.unwrap();
    assert!(see(world, &id).await.detailed_monitoring);
    // Three minutes past a multiple of five, where a basic reading is eight minutes old.
    let over = world.now().as_millis().rem_euclid(300_000).unsigned_abs();
    world.pass(20 * MINUTE - Duration::from_millis(over) + 3 * MINUTE);
    let (from, to) = (world.now().minus(15 * MINUTE), world.now());

    let readings =
        world.measure().cpu(&world.scope(), std::slice::from_ref(&id), from, to).await.unwrap();

    assert_eq!(readings.len(), 1);
    assert!(to.since(readings[0].at) < 3 * MINUTE, "{readings:?} at {to}");
    world.compute().monitor(&world.scope(), &id, false).await.unwrap();
    assert!(!see(world, &id).await.detailed_monitoring);
}
