//! `RunInstances` with its memory of tokens.

use ccm_domain::{InstanceId, InstanceType, Scope, Timestamp};
use ccm_ports::LaunchOrder;

use super::life::Life;
use super::machine::Machine;
use super::{
    Cloud, CloudError, LedgerEntry, MachineSeen, Outcome, Reason, State, canonical, faults,
};

/// What was launched under a token.
#[derive(Debug)]
pub(super) struct Launch {
    order: LaunchOrder,
    count: usize,
    instances: Vec<InstanceId>,
}

impl Cloud {
    /// `RunInstances` of `count` instances; an empty token is none.
    ///
    /// # Errors
    /// Unknown image, impossible type, no capacity, quota, a token used with other parameters, or what the
    /// faults say. [`CloudError::Unavailable`] when the answer is lost: then the launch took place.
    pub async fn run_instances(
        &self,
        scope: &Scope,
        order: &LaunchOrder,
        count: usize,
    ) -> Result<Vec<MachineSeen>, CloudError> {
        self.admit(scope, "RunInstances").await?;
        let scope = canonical(scope);
        let now = self.now();
        let mut state = self.lock();
        let done = self.launch_once(&mut state, &scope, order, count, now);
        let (outcome, instances) = match &done {
            Ok((outcome, instances)) => (*outcome, instances.clone()),
            Err(CloudError::TokenReused) => (Outcome::Mismatch, Vec::new()),
            Err(_) => (Outcome::Refused, Vec::new()),
        };
        state.ledger.push(LedgerEntry {
            at: now,
            scope: scope.clone(),
            token: token_of(order),
            outcome,
            instances,
            image: order.image.clone(),
            instance_type: order.instance_type.clone(),
            tags: order.tags.clone(),
        });
        let (_, instances) = done?;
        if faults::take(&mut state.faults.launch_answer_lost_next) {
            return Err(CloudError::Unavailable);
        }
        instances
            .iter()
            .map(|id| {
                let machine = state.must_know(&scope, id, now)?;
                machine.seen(now).ok_or_else(|| CloudError::NoInstance(id.clone()))
            })
            .collect()
    }

    fn launch_once(
        &self,
        state: &mut State,
        scope: &Scope,
        order: &LaunchOrder,
        count: usize,
        now: Timestamp,
    ) -> Result<(Outcome, Vec<InstanceId>), CloudError> {
        let key = token_of(order).map(|token| (scope.clone(), token));
        if let Some(known) = key.as_ref().and_then(|key| state.launches.get(key)) {
            let same = known.order == *order && known.count == count;
            let found = (Outcome::Repeated, known.instances.clone());
            return if same { Ok(found) } else { Err(CloudError::TokenReused) };
        }
        if !self.images(&scope.region).iter().any(|image| image.id == order.image) {
            return Err(CloudError::NoImage(order.image.clone()));
        }
        must_be_offered(&order.instance_type)?;
        if faults::take(&mut state.faults.quota_next) {
            return Err(CloudError::QuotaUsedUp);
        }
        state.faults.must_have_capacity(&order.instance_type)?;
        let reservation =
            format!("r-0{:016x}", self.chance.of("reservation").nth(state.made).bits());
        let instances: Vec<InstanceId> =
            (0..count).map(|_| self.make(state, scope, order, &reservation, now)).collect();
        if let Some(key) = key {
            state
                .launches
                .insert(key, Launch { order: order.clone(), count, instances: instances.clone() });
        }
        Ok((Outcome::Launched, instances))
    }

    /// Adds one pending instance.
    pub(super) fn make(
        &self,
        state: &mut State,
        scope: &Scope,
        order: &LaunchOrder,
        reservation: &str,
        now: Timestamp,
    ) -> InstanceId {
        state.made += 1;
        let chance = self.chance.of("instance").nth(state.made);
        let id = instance_id(chance.bits());
        let zones = ["a", "b", "c"];
        let mut machine = Machine {
            id: id.clone(),
            image: order.image.clone(),
            instance_type: order.instance_type.clone(),
            tags: order.tags.clone(),
            client_token: token_of(order),
            reservation: reservation.to_owned(),
            zone: format!("{}{}", scope.region, chance.of("zone").pick(&zones)),
            subnet: order.subnet.clone().unwrap_or_else(|| {
                format!(
                    "subnet-0{:016x}",
                    self.chance.of("subnet").of(scope.region.as_str()).bits()
                )
            }),
            security_groups: order.security_groups.clone(),
            key_name: order.key_name.clone(),
            detailed_monitoring: false,
            protected: false,
            impaired: false,
            launched_at: now,
            life: Life::Down { stopped_at: now },
            reason: None,
            powered: Vec::new(),
            starts: 0,
            chance,
        };
        machine.power_on(&self.timings, now);
        if faults::take(&mut state.faults.launch_dies_next) {
            machine.life = Life::stillborn(&self.timings, chance, now);
            machine.powered.clear();
            machine.reason = Some((Reason::Internal, now));
        }
        state.homes.insert(id.clone(), scope.clone());
        let machines = state.machines.entry(scope.clone()).or_default();
        // What EC2 has forgotten goes for good, so that a long simulation does not grow.
        machines.retain(|_, machine| machine.state(now).is_some());
        machines.insert(id.clone(), machine);
        id
    }
}

fn token_of(order: &LaunchOrder) -> Option<String> {
    Some(order.token.clone()).filter(|token| !token.is_empty())
}

/// Refuses types that no region offers; the sizes are EC2's, the families any.
fn must_be_offered(wanted: &InstanceType) -> Result<(), CloudError> {
    let size = wanted.as_str().split_once('.').map_or("", |(_, size)| size);
    let is_size = matches!(size, "nano" | "micro" | "small" | "medium" | "large" | "xlarge")
        || size == "metal"
        || size.starts_with("metal-")
        || size.strip_suffix("xlarge").is_some_and(|n| n.parse::<u8>().is_ok());
    is_size.then_some(()).ok_or_else(|| {
        CloudError::InvalidValue(format!("Invalid value '{wanted}' for InstanceType."))
    })
}

#[expect(clippy::expect_used, reason = "seventeen hexadecimal digits after the prefix are an id")]
fn instance_id(bits: u64) -> InstanceId {
    format!("i-0{bits:016x}").parse().expect("a well-formed instance id")
}
