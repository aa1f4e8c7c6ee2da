//! One modelled instance: what EC2 keeps of it and what a describe shows.

use std::collections::BTreeMap;

use ccm_domain::{
    ImageId, Instance, InstanceId, InstanceState, InstanceType, StatusCheck, Timestamp,
};

use super::life::{Life, Timings};
use super::{Chance, CloudError};

/// Who or what brought an instance to where it is, in EC2's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Stopped or terminated through the API or the console.
    User,
    /// Shut down from within the operating system.
    Inside,
    /// A spot instance was reclaimed.
    Spot,
    /// The hardware failed or AWS stopped it.
    Internal,
}

impl Reason {
    /// `StateReason.Code`.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::User => "Client.UserInitiatedShutdown",
            Self::Inside => "Client.InstanceInitiatedShutdown",
            Self::Spot => "Server.SpotInstanceTermination",
            Self::Internal => "Server.InternalError",
        }
    }

    /// `StateReason.Message`.
    #[must_use]
    pub const fn message(self) -> &'static str {
        match self {
            Self::User => "Client.UserInitiatedShutdown: User initiated shutdown",
            Self::Inside => "Client.InstanceInitiatedShutdown: Instance initiated shutdown",
            Self::Spot => "Server.SpotInstanceTermination: Spot instance termination",
            Self::Internal => "Server.InternalError: Internal error on launch",
        }
    }
}

/// What a describe shows of an instance: our words, and those of EC2 that we have no word for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MachineSeen {
    /// The instance as the ports tell it.
    pub instance: Instance,
    /// `reservationId`.
    pub reservation: String,
    /// `imageId`; always known, unlike in the domain.
    pub image: ImageId,
    /// `launchTime`, the last start.
    pub launched_at: Timestamp,
    /// `placement.availabilityZone`.
    pub zone: String,
    /// `subnetId`.
    pub subnet: String,
    /// `groupSet`.
    pub security_groups: Vec<String>,
    /// `keyName`.
    pub key_name: Option<String>,
    /// `disableApiTermination`.
    pub protected: bool,
    /// `stateReason`, while there is one.
    pub reason: Option<Reason>,
    /// `reason`, the state transition reason with its time.
    pub transition: String,
}

/// What EC2 keeps of an instance.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) id: InstanceId,
    pub(super) image: ImageId,
    pub(super) instance_type: InstanceType,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) client_token: Option<String>,
    pub(super) reservation: String,
    pub(super) zone: String,
    pub(super) subnet: String,
    pub(super) security_groups: Vec<String>,
    pub(super) key_name: Option<String>,
    pub(super) detailed_monitoring: bool,
    /// Termination protection.
    pub(super) protected: bool,
    pub(super) impaired: bool,
    pub(super) launched_at: Timestamp,
    pub(super) life: Life,
    pub(super) reason: Option<(Reason, Timestamp)>,
    /// Spans in which it ran: from `running` to the call that ended it.
    pub(super) powered: Vec<(Timestamp, Option<Timestamp>)>,
    /// Starts so far; each has its own public address and timings.
    pub(super) starts: u64,
    pub(super) chance: Chance,
}

impl Machine {
    pub(super) fn state(&self, now: Timestamp) -> Option<InstanceState> {
        self.life.state(now)
    }

    /// Starts it as `StartInstances` does.
    pub(super) fn start(&mut self, timings: &Timings, now: Timestamp) -> Result<(), CloudError> {
        match self.known_state(now)? {
            InstanceState::Stopped => self.power_on(timings, now),
            InstanceState::Pending | InstanceState::Running => {}
            InstanceState::Stopping
            | InstanceState::ShuttingDown
            | InstanceState::Terminated
            | InstanceState::Unknown => {
                return Err(CloudError::WrongState(self.id.clone(), "started"));
            }
        }
        Ok(())
    }

    /// Stops it as `StopInstances` does.
    pub(super) fn stop(
        &mut self,
        timings: &Timings,
        why: Reason,
        now: Timestamp,
    ) -> Result<(), CloudError> {
        match self.known_state(now)? {
            InstanceState::Running => {
                self.life = Life::stopped(timings, &self.instance_type, self.this_time(), now);
                self.power_off(why, now);
            }
            InstanceState::Stopping | InstanceState::Stopped => {}
            InstanceState::Pending
            | InstanceState::ShuttingDown
            | InstanceState::Terminated
            | InstanceState::Unknown => {
                return Err(CloudError::WrongState(self.id.clone(), "stopped"));
            }
        }
        Ok(())
    }

    /// Terminates it as `TerminateInstances` does, in any state.
    pub(super) fn terminate(
        &mut self,
        timings: &Timings,
        why: Reason,
        now: Timestamp,
    ) -> Result<(), CloudError> {
        let state = self.known_state(now)?;
        if self.protected && why == Reason::User {
            return Err(CloudError::Protected(self.id.clone()));
        }
        if !matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated) {
            self.life = Life::terminated(timings, &self.instance_type, self.this_time(), now);
            self.power_off(why, now);
        }
        Ok(())
    }

    /// Changes its type as `ModifyInstanceAttribute` does.
    pub(super) fn change_type(
        &mut self,
        to: &InstanceType,
        now: Timestamp,
    ) -> Result<(), CloudError> {
        if self.known_state(now)? != InstanceState::Stopped {
            return Err(CloudError::WrongState(self.id.clone(), "modified"));
        }
        self.instance_type = to.clone();
        Ok(())
    }

    /// Begins a start; the address is a new one each time, as for any address that is not elastic.
    pub(super) fn power_on(&mut self, timings: &Timings, now: Timestamp) {
        self.starts += 1;
        self.launched_at = now;
        self.reason = None;
        self.life = Life::started(timings, &self.instance_type, self.this_time(), now);
        if let Life::Up { running_at, .. } = self.life {
            self.powered.push((running_at, None));
        }
    }

    fn power_off(&mut self, why: Reason, now: Timestamp) {
        self.reason = Some((why, now));
        if let Some((from, to @ None)) = self.powered.last_mut() {
            *to = Some(now.max(*from));
        }
    }

    /// Whether it ran at a moment.
    pub(super) fn ran_at(&self, at: Timestamp) -> bool {
        self.powered.iter().any(|(from, to)| *from <= at && to.is_none_or(|to| at < to))
    }

    /// Returns what a describe shows, `None` when EC2 does not know the instance any more.
    pub(super) fn seen(&self, now: Timestamp) -> Option<MachineSeen> {
        let state = self.state(now)?;
        let has_addresses =
            !matches!(state, InstanceState::ShuttingDown | InstanceState::Terminated);
        let is_up = matches!(state, InstanceState::Pending | InstanceState::Running);
        let system_check = self.life.check(now);
        let instance_check = if self.impaired && system_check == StatusCheck::Ok {
            StatusCheck::Impaired
        } else {
            system_check
        };
        let instance = Instance {
            id: self.id.clone(),
            state,
            state_reason: self.reason.map(|(why, _)| why.message().to_owned()),
            instance_type: self.instance_type.clone(),
            image_id: Some(self.image.clone()),
            launched_at: Some(self.launched_at),
            public_ip: is_up.then(|| self.public_ip()),
            private_ip: has_addresses.then(|| self.private_ip()),
            tags: self.tags.clone(),
            detailed_monitoring: self.detailed_monitoring,
            client_token: self.client_token.clone(),
            system_check,
            instance_check,
        };
        Some(MachineSeen {
            instance,
            reservation: self.reservation.clone(),
            image: self.image.clone(),
            launched_at: self.launched_at,
            zone: self.zone.clone(),
            subnet: self.subnet.clone(),
            security_groups: self.security_groups.clone(),
            key_name: self.key_name.clone(),
            protected: self.protected,
            reason: self.reason.map(|(why, _)| why),
            transition: self.reason.map_or_else(String::new, |(why, at)| transition(why, at)),
        })
    }

    fn known_state(&self, now: Timestamp) -> Result<InstanceState, CloudError> {
        self.state(now).ok_or_else(|| CloudError::NoInstance(self.id.clone()))
    }

    fn this_time(&self) -> Chance {
        self.chance.nth(self.starts)
    }

    fn public_ip(&self) -> String {
        // 198.18.0.0/15 is set aside for tests of networks (RFC 2544), so that no real host is ever named.
        let bits = self.this_time().of("public").bits().to_be_bytes();
        format!("198.{}.{}.{}", 18 + bits[0] % 2, bits[1], bits[2])
    }

    fn private_ip(&self) -> String {
        let bits = self.chance.of("private").bits().to_be_bytes();
        format!("172.31.{}.{}", bits[0], bits[1].max(4))
    }
}

fn transition(why: Reason, at: Timestamp) -> String {
    match why {
        Reason::User => {
            let at = at.to_string();
            let time = at.get(..19).unwrap_or(&at).replace('T', " ");
            format!("User initiated ({time} GMT)")
        }
        Reason::Inside | Reason::Spot | Reason::Internal => why.message().to_owned(),
    }
}
