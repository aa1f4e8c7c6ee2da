//! What others than our product do to instances: people in the console, AWS itself, the past.

use std::collections::BTreeMap;
use std::time::Duration;

use ccm_domain::{ImageId, InstanceId, InstanceType, Scope, Timestamp};
use ccm_ports::LaunchOrder;

use super::life::Life;
use super::machine::Machine;
use super::{Cloud, CloudError, Reason, canonical};

/// An instance that was there before the simulation began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its image.
    pub image: ImageId,
    /// Its type.
    pub instance_type: InstanceType,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// Whether it runs; else it is stopped.
    pub running: bool,
    /// For how long it has been so.
    pub since: Duration,
    /// Whether detailed monitoring is on.
    pub detailed_monitoring: bool,
}

impl Cloud {
    /// Puts an instance there as if it had been launched long ago by somebody else.
    pub fn place(&self, scope: &Scope, standing: &Standing) -> InstanceId {
        let scope = canonical(scope);
        let since = self.now().minus(standing.since);
        let order = LaunchOrder {
            token: String::new(),
            image: standing.image.clone(),
            instance_type: standing.instance_type.clone(),
            tags: standing.tags.clone(),
            subnet: None,
            security_groups: vec!["sg-0c0ffee0c0ffee000".to_owned()],
            key_name: Some("labs".to_owned()),
        };
        let mut state = self.lock();
        let reservation = format!("r-0{:016x}", self.chance.of("standing").nth(state.made).bits());
        let id = self.make(&mut state, &scope, &order, &reservation, since);
        if let Some(machine) = state.machine_mut(&id) {
            machine.detailed_monitoring = standing.detailed_monitoring;
            if !standing.running {
                machine.life = Life::Down { stopped_at: since };
                machine.powered.clear();
                machine.reason = Some((Reason::User, since));
            }
        }
        id
    }

    /// Starts an instance as a person in the console does.
    ///
    /// # Errors
    /// Unknown instance or wrong state; faults do not hit the console.
    pub fn start_as_console(&self, id: &InstanceId) -> Result<(), CloudError> {
        self.touch(id, |machine, now| machine.start(&self.timings, now))
    }

    /// Stops an instance as a person in the console does.
    ///
    /// # Errors
    /// Unknown instance or wrong state.
    pub fn stop_as_console(&self, id: &InstanceId) -> Result<(), CloudError> {
        self.stop_because(id, Reason::User)
    }

    /// Stops an instance for another reason, such as a shutdown from within.
    ///
    /// # Errors
    /// Unknown instance or wrong state.
    pub fn stop_because(&self, id: &InstanceId, why: Reason) -> Result<(), CloudError> {
        self.touch(id, |machine, now| machine.stop(&self.timings, why, now))
    }

    /// Terminates an instance as a person in the console does.
    ///
    /// # Errors
    /// Unknown instance or termination protection.
    pub fn terminate_as_console(&self, id: &InstanceId) -> Result<(), CloudError> {
        self.terminate_because(id, Reason::User)
    }

    /// Terminates an instance for another reason, such as a spot reclaim; protection does not help then.
    ///
    /// # Errors
    /// Unknown instance.
    pub fn terminate_because(&self, id: &InstanceId, why: Reason) -> Result<(), CloudError> {
        self.touch(id, |machine, now| machine.terminate(&self.timings, why, now))
    }

    /// Changes the type of a stopped instance.
    ///
    /// # Errors
    /// Unknown instance or wrong state.
    pub fn change_type(&self, id: &InstanceId, to: &InstanceType) -> Result<(), CloudError> {
        self.touch(id, |machine, now| machine.change_type(to, now))
    }

    /// Sets a tag, or removes it when there is no value.
    ///
    /// # Errors
    /// Unknown instance.
    pub fn tag(&self, id: &InstanceId, key: &str, value: Option<&str>) -> Result<(), CloudError> {
        self.touch(id, |machine, _| {
            match value {
                Some(value) => machine.tags.insert(key.to_owned(), value.to_owned()),
                None => machine.tags.remove(key),
            };
            Ok(())
        })
    }

    /// Turns detailed monitoring on or off.
    ///
    /// # Errors
    /// Unknown instance.
    pub fn monitor_as_console(&self, id: &InstanceId, on: bool) -> Result<(), CloudError> {
        self.touch(id, |machine, _| {
            machine.detailed_monitoring = on;
            Ok(())
        })
    }

    /// Turns termination protection on or off.
    ///
    /// # Errors
    /// Unknown instance.
    pub fn protect(&self, id: &InstanceId, on: bool) -> Result<(), CloudError> {
        self.touch(id, |machine, _| {
            machine.protected = on;
            Ok(())
        })
    }

    /// Lets the instance status check fail, or pass again, while the instance runs.
    ///
    /// # Errors
    /// Unknown instance.
    pub fn impair(&self, id: &InstanceId, on: bool) -> Result<(), CloudError> {
        self.touch(id, |machine, _| {
            machine.impaired = on;
            Ok(())
        })
    }

    /// Lets EC2 forget an instance at once, as an hour after its termination.
    ///
    /// # Errors
    /// Unknown instance.
    pub fn forget(&self, id: &InstanceId) -> Result<(), CloudError> {
        self.touch(id, |machine, now| {
            machine.terminate(&self.timings, Reason::Internal, now)?;
            machine.life = Life::Gone { terminated_at: now, forgotten_at: now };
            Ok(())
        })
    }

    fn touch(
        &self,
        id: &InstanceId,
        how: impl FnOnce(&mut Machine, Timestamp) -> Result<(), CloudError>,
    ) -> Result<(), CloudError> {
        let now = self.now();
        let mut state = self.lock();
        let machine = state
            .machine_mut(id)
            .filter(|machine| machine.state(now).is_some())
            .ok_or_else(|| CloudError::NoInstance(id.clone()))?;
        how(machine, now)
    }
}
