//! CPU use of instances as CloudWatch keeps it: one datapoint a period, a while after the period ended.

use std::sync::Arc;
use std::time::Duration;

use ccm_domain::{InstanceId, Scope, Timestamp};

use super::machine::Machine;
use super::{Chance, Cloud, CloudError, State, canonical};

/// Says how busy an instance is at a moment, percent; `None` leaves it to the model's own curve.
pub type Load = Arc<dyn Fn(&InstanceId, Timestamp) -> Option<f64> + Send + Sync>;

/// Basic monitoring has a datapoint each five minutes, detailed monitoring one a minute.
const BASIC: Duration = Duration::from_secs(300);
const DETAILED: Duration = Duration::from_secs(60);

/// How long after its period a datapoint can be read.
const LAG: Duration = Duration::from_secs(45);

impl Cloud {
    /// Takes the load from somewhere else, such as from the labs that run.
    pub fn set_load(&self, load: Load) {
        self.lock().load = Some(load);
    }

    /// Returns the CPU datapoints of instances whose period starts in `from..to`, oldest first.
    ///
    /// Unknown instances have no datapoints; CloudWatch does not tell them from idle ones.
    ///
    /// # Errors
    /// What the faults say.
    pub async fn cpu_series(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Vec<(Timestamp, f64)>>, CloudError> {
        self.admit(scope, "GetMetricData").await?;
        let (scope, now) = (canonical(scope), self.now());
        let state = self.lock();
        let machines = state.machines.get(&scope);
        let series = |id| {
            let machine = machines.and_then(|machines| machines.get(id))?;
            Some(state.datapoints(machine, from, to.min(now)))
        };
        Ok(ids.iter().map(|id| series(id).unwrap_or_default()).collect())
    }
}

impl State {
    fn datapoints(
        &self,
        machine: &Machine,
        from: Timestamp,
        until: Timestamp,
    ) -> Vec<(Timestamp, f64)> {
        let period = if machine.detailed_monitoring { DETAILED } else { BASIC };
        let last = until.minus(period + LAG);
        let mut points = Vec::new();
        let mut at = aligned_up(from, period);
        while at <= last {
            if machine.ran_at(at.plus(period / 2)) {
                points.push((at, self.load_of(machine, at)));
            }
            at = at.plus(period);
        }
        points
    }

    fn load_of(&self, machine: &Machine, at: Timestamp) -> f64 {
        let told = self.load.as_ref().and_then(|load| load(&machine.id, at));
        told.unwrap_or_else(|| own_curve(machine.chance, at)).clamp(0.0, 100.0)
    }
}

/// A level of the instance's own, a wave over the day, and noise.
fn own_curve(chance: Chance, at: Timestamp) -> f64 {
    let minute = u64::try_from(at.as_millis() / 60_000).unwrap_or(0);
    #[expect(clippy::cast_precision_loss, reason = "minutes of a day")]
    let of_day = (minute % 1_440) as f64 / 1_440.0;
    let level = 4.0 + 30.0 * chance.of("level").share();
    let wave = 0.6 * (std::f64::consts::TAU * (of_day + chance.of("phase").share())).sin();
    let noise = 6.0 * (chance.of("noise").nth(minute).share() - 0.5);
    (level * (1.0 + wave) + noise).max(0.3)
}

fn aligned_up(at: Timestamp, period: Duration) -> Timestamp {
    let period = i64::try_from(period.as_millis()).unwrap_or(i64::MAX);
    let over = at.as_millis().rem_euclid(period);
    Timestamp::from_millis(at.as_millis() + if over == 0 { 0 } else { period - over })
}
