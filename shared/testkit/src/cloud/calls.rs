//! EC2's actions on the model, each through the same gate of faults.

use std::collections::BTreeMap;

use ccm_domain::{Image, ImageQuery, InstanceId, InstanceState, InstanceType, Scope, Timestamp};

use super::machine::Machine;
use super::{Bucket, Cloud, CloudError, MachineSeen, Reason, State, canonical, faults, image};

/// How a start, stop or terminate changed one instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The instance.
    pub id: InstanceId,
    /// Its state before the call.
    pub previous: InstanceState,
    /// Its state right after.
    pub current: InstanceState,
}

impl Cloud {
    /// Counts a call and lets it through unless a fault is in force.
    ///
    /// # Errors
    /// What the faults say: throttled, denied, unavailable.
    pub async fn admit(&self, scope: &Scope, action: &'static str) -> Result<(), CloudError> {
        let (delay, verdict) = {
            let mut state = self.lock();
            (state.faults.delay(), state.gate(&canonical(scope), action, self.now(), self.chance))
        };
        if !delay.is_zero() {
            tokio::time::sleep(delay.div_f64(self.clock.speed().max(f64::MIN_POSITIVE))).await;
        }
        verdict
    }

    /// Says whether an action is allowed, as a dry run does.
    ///
    /// # Errors
    /// [`CloudError::Denied`].
    pub fn may(&self, action: &str) -> Result<(), CloudError> {
        if self.lock().faults.denies(action) {
            return Err(CloudError::Denied(action.to_owned()));
        }
        Ok(())
    }

    /// `DescribeInstances` of a whole scope, in order of ids.
    ///
    /// # Errors
    /// What the faults say.
    pub async fn describe_instances(&self, scope: &Scope) -> Result<Vec<MachineSeen>, CloudError> {
        self.describe(scope, "DescribeInstances").await
    }

    /// `DescribeInstanceStatus` of a whole scope with `IncludeAllInstances`.
    ///
    /// # Errors
    /// What the faults say.
    pub async fn describe_status(&self, scope: &Scope) -> Result<Vec<MachineSeen>, CloudError> {
        self.describe(scope, "DescribeInstanceStatus").await
    }

    /// `DescribeImages`, newest first.
    ///
    /// # Errors
    /// What the faults say.
    pub async fn describe_images(
        &self,
        scope: &Scope,
        query: &ImageQuery,
    ) -> Result<Vec<Image>, CloudError> {
        self.admit(scope, "DescribeImages").await?;
        Ok(image::search(&self.images(&scope.region), query))
    }

    /// `StartInstances`.
    ///
    /// # Errors
    /// Unknown instance, wrong state, no capacity, or what the faults say.
    pub async fn start_instances(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
    ) -> Result<Vec<Transition>, CloudError> {
        self.transition(scope, "StartInstances", ids, |state, id, now| {
            let scope = canonical(scope);
            let machine = state.must_know(&scope, id, now)?;
            let (wanted, is_stopped) =
                (machine.instance_type.clone(), machine.state(now) == Some(InstanceState::Stopped));
            if is_stopped {
                state.faults.must_have_capacity(&wanted)?;
            }
            state.must_know(&scope, id, now)?.start(&self.timings, now)
        })
        .await
    }

    /// `StopInstances`.
    ///
    /// # Errors
    /// Unknown instance, wrong state, or what the faults say.
    pub async fn stop_instances(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
    ) -> Result<Vec<Transition>, CloudError> {
        self.transition(scope, "StopInstances", ids, |state, id, now| {
            state.must_know(&canonical(scope), id, now)?.stop(&self.timings, Reason::User, now)
        })
        .await
    }

    /// `TerminateInstances`.
    ///
    /// # Errors
    /// Unknown instance, termination protection, or what the faults say.
    pub async fn terminate_instances(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
    ) -> Result<Vec<Transition>, CloudError> {
        self.transition(scope, "TerminateInstances", ids, |state, id, now| {
            state.must_know(&canonical(scope), id, now)?.terminate(&self.timings, Reason::User, now)
        })
        .await
    }

    /// `CreateTags`.
    ///
    /// # Errors
    /// Unknown instance, a reserved key, or what the faults say.
    pub async fn create_tags(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        tags: &BTreeMap<String, String>,
    ) -> Result<(), CloudError> {
        self.admit(scope, "CreateTags").await?;
        if let Some(key) = tags.keys().find(|key| key.starts_with("aws:")) {
            return Err(CloudError::InvalidValue(format!(
                "Value ( {key} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use"
            )));
        }
        self.change(scope, ids, |machine, _| {
            machine.tags.extend(tags.clone());
            Ok(())
        })
    }

    /// `DeleteTags`; a tag that is given with a value is removed only if it has that value.
    ///
    /// # Errors
    /// Unknown instance, or what the faults say.
    pub async fn delete_tags(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        tags: &BTreeMap<String, Option<String>>,
    ) -> Result<(), CloudError> {
        self.admit(scope, "DeleteTags").await?;
        self.change(scope, ids, |machine, _| {
            machine.tags.retain(|key, value| {
                tags.get(key).is_none_or(|only| only.as_ref().is_some_and(|only| only != value))
            });
            Ok(())
        })
    }

    /// `MonitorInstances` and `UnmonitorInstances`.
    ///
    /// # Errors
    /// Unknown instance, or what the faults say.
    pub async fn monitor_instances(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        on: bool,
    ) -> Result<(), CloudError> {
        self.admit(scope, if on { "MonitorInstances" } else { "UnmonitorInstances" }).await?;
        self.change(scope, ids, |machine, _| {
            machine.detailed_monitoring = on;
            Ok(())
        })
    }

    /// `ModifyInstanceAttribute` for the type; EC2 allows it while the instance is stopped.
    ///
    /// # Errors
    /// Unknown instance, wrong state, or what the faults say.
    pub async fn modify_type(
        &self,
        scope: &Scope,
        id: &InstanceId,
        to: &InstanceType,
    ) -> Result<(), CloudError> {
        self.admit(scope, "ModifyInstanceAttribute").await?;
        self.change(scope, std::slice::from_ref(id), |machine, now| machine.change_type(to, now))
    }

    /// `ModifyInstanceAttribute` for termination protection.
    ///
    /// # Errors
    /// Unknown instance, or what the faults say.
    pub async fn modify_protection(
        &self,
        scope: &Scope,
        id: &InstanceId,
        on: bool,
    ) -> Result<(), CloudError> {
        self.admit(scope, "ModifyInstanceAttribute").await?;
        self.change(scope, std::slice::from_ref(id), |machine, _| {
            machine.protected = on;
            Ok(())
        })
    }

    async fn describe(
        &self,
        scope: &Scope,
        action: &'static str,
    ) -> Result<Vec<MachineSeen>, CloudError> {
        self.admit(scope, action).await?;
        let now = self.now();
        let state = self.lock();
        let machines = state.machines.get(&canonical(scope));
        Ok(machines.into_iter().flat_map(BTreeMap::values).filter_map(|m| m.seen(now)).collect())
    }

    /// Changes instances of a scope; none is changed when one of them is unknown.
    fn change(
        &self,
        scope: &Scope,
        ids: &[InstanceId],
        mut how: impl FnMut(&mut Machine, Timestamp) -> Result<(), CloudError>,
    ) -> Result<(), CloudError> {
        let (scope, now) = (canonical(scope), self.now());
        let mut state = self.lock();
        for id in ids {
            state.must_know(&scope, id, now)?;
        }
        ids.iter().try_for_each(|id| how(state.must_know(&scope, id, now)?, now))
    }

    async fn transition(
        &self,
        scope: &Scope,
        action: &'static str,
        ids: &[InstanceId],
        mut how: impl FnMut(&mut State, &InstanceId, Timestamp) -> Result<(), CloudError>,
    ) -> Result<Vec<Transition>, CloudError> {
        self.admit(scope, action).await?;
        let (scope, now) = (canonical(scope), self.now());
        let mut state = self.lock();
        let state_of = |state: &mut State, id: &InstanceId| {
            state.must_know(&scope, id, now).map(|m| m.state(now).unwrap_or(InstanceState::Unknown))
        };
        let before =
            ids.iter().map(|id| state_of(&mut state, id)).collect::<Result<Vec<_>, _>>()?;
        let mut changed = Vec::with_capacity(ids.len());
        for (id, previous) in ids.iter().zip(before) {
            how(&mut state, id, now)?;
            changed.push(Transition {
                id: id.clone(),
                previous,
                current: state_of(&mut state, id)?,
            });
        }
        Ok(changed)
    }
}

impl State {
    fn gate(
        &mut self,
        scope: &Scope,
        action: &'static str,
        now: Timestamp,
        chance: super::Chance,
    ) -> Result<(), CloudError> {
        *self.calls.entry(action).or_default() += 1;
        let call = self.calls.values().sum();
        if self.faults.regions_down.contains(&scope.region)
            || faults::take(&mut self.faults.unavailable_next)
        {
            return Err(CloudError::Unavailable);
        }
        let over_rate = self.faults.calls_per_second.is_some_and(|rate| {
            let bucket =
                self.buckets.entry(scope.clone()).or_insert_with(|| Bucket::full(rate, now));
            !bucket.draw(rate, now)
        });
        if over_rate
            || faults::take(&mut self.faults.throttle_next)
            || chance.of("throttle").nth(call).share() < self.faults.throttle_share
        {
            return Err(CloudError::Throttled);
        }
        if self.faults.denies(action) {
            return Err(CloudError::Denied(action.to_owned()));
        }
        Ok(())
    }
}
