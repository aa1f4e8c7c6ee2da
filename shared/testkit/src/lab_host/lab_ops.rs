//! What can be done to labs, with CML's order rules.

use ccm_domain::Timestamp;
use ccm_domain::cml::LabState;
use uuid::Uuid;

use super::faults::Fault;
use super::host::Host;
use super::labs::Lab;
use super::refusal::Refusal;
use super::topology::{self, Imported, LONGEST_TITLE};

impl Host {
    /// Returns all labs in the order of their making.
    #[must_use]
    pub fn labs(&self) -> &[Lab] {
        &self.labs
    }

    /// Returns a lab.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn lab(&self, id: Uuid) -> Result<&Lab, Refusal> {
        self.labs.iter().find(|lab| lab.id == id).ok_or_else(|| Refusal::missing("Lab", id))
    }

    /// Returns a lab to be changed.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn lab_mut(&mut self, id: Uuid) -> Result<&mut Lab, Refusal> {
        self.labs.iter_mut().find(|lab| lab.id == id).ok_or_else(|| Refusal::missing("Lab", id))
    }

    /// Adds an empty lab and returns its id.
    ///
    /// # Errors
    /// 400 when the title is too long.
    pub fn create_lab(
        &mut self,
        title: Option<&str>,
        owner: Uuid,
        now: Timestamp,
    ) -> Result<Uuid, Refusal> {
        let title = match title {
            Some(title) => checked_title(title)?,
            None => format!("Lab at {now}"),
        };
        let id = self.new_id();
        let (created, modified) = (now, now);
        let (description, notes) = (String::new(), String::new());
        let (nodes, links) = (Vec::new(), Vec::new());
        self.labs.push(Lab {
            id,
            title,
            description,
            notes,
            owner,
            created,
            modified,
            nodes,
            links,
        });
        Ok(id)
    }

    /// Adds a lab from a topology file; returns its id and warnings.
    ///
    /// # Errors
    /// 400 when the text is no topology.
    pub fn import_lab(
        &mut self,
        text: &str,
        title: Option<&str>,
        owner: Uuid,
        now: Timestamp,
    ) -> Result<(Uuid, Vec<String>), Refusal> {
        let title = title.map(checked_title).transpose()?;
        let Imported { mut lab, warnings } = topology::import(text, owner, now, || self.new_id())?;
        if let Some(title) = title {
            lab.title = title;
        }
        if lab.title.is_empty() {
            lab.title = format!("Lab at {now}");
        }
        let id = lab.id;
        self.labs.push(lab);
        self.record(now, "import_lab", Some(owner), Some(id));
        Ok((id, warnings))
    }

    /// Returns a lab as a topology file.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn download_lab(
        &mut self,
        id: Uuid,
        user: Uuid,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        let text = topology::download(self.lab(id)?);
        self.record(now, "export_lab", Some(user), Some(id));
        Ok(text)
    }

    /// Starts every node of a lab.
    ///
    /// # Errors
    /// 404 when it is not there, 503 until the boot is over.
    pub fn start_lab(&mut self, id: Uuid, user: Uuid, now: Timestamp) -> Result<(), Refusal> {
        self.must_be_ready()?;
        let lab = self.lab_mut(id)?;
        let asleep: Vec<_> =
            lab.nodes.iter().filter(|node| !node.state(now).is_on()).map(|node| node.id).collect();
        lab.start(now);
        self.record(now, "start_lab", Some(user), Some(id));
        for node in asleep {
            self.record(now, "start_node", Some(user), Some(node));
        }
        Ok(())
    }

    /// Stops every node of a lab.
    ///
    /// # Errors
    /// 404 when it is not there.
    pub fn stop_lab(&mut self, id: Uuid, user: Uuid, now: Timestamp) -> Result<(), Refusal> {
        let lab = self.lab_mut(id)?;
        lab.stop(now);
        self.record(now, "stop_lab", Some(user), Some(id));
        Ok(())
    }

    /// Throws the disks of a stopped lab away.
    ///
    /// # Errors
    /// 404 when it is not there, 409 while it runs.
    pub fn wipe_lab(&mut self, id: Uuid, user: Uuid, now: Timestamp) -> Result<(), Refusal> {
        let lab = self.lab_mut(id)?;
        if lab.state(now) == LabState::Started {
            return Err(Refusal::conflict(format!("Lab must be stopped before wiping: {id}")));
        }
        lab.wipe(now);
        let nodes: Vec<_> = lab.nodes.iter().map(|node| node.id).collect();
        for node in nodes {
            self.record(now, "wipe_node", Some(user), Some(node));
        }
        Ok(())
    }

    /// Removes a stopped and wiped lab.
    ///
    /// # Errors
    /// 404 when it is not there, 409 while it runs or holds disks.
    pub fn delete_lab(&mut self, id: Uuid, now: Timestamp) -> Result<(), Refusal> {
        match self.lab(id)?.state(now) {
            LabState::DefinedOnCore | LabState::Unknown => {
                self.labs.retain(|lab| lab.id != id);
                Ok(())
            }
            LabState::Started => {
                Err(Refusal::conflict(format!("Lab must be stopped before deleting: {id}")))
            }
            LabState::Stopped => {
                Err(Refusal::conflict(format!("Lab must be wiped before deleting: {id}")))
            }
        }
    }

    /// Deregisters the licence; `Ok(true)` when the licence server knows of it too.
    ///
    /// # Errors
    /// 400 when it is not registered, 409 while nodes run or the agent is busy.
    pub fn deregister(&mut self, now: Timestamp) -> Result<bool, Refusal> {
        if self.faults.has(Fault::LicenseAgentBusy, now) {
            return Err(Refusal::conflict("The agent is busy"));
        }
        if self.load(now).running_nodes > 0 {
            return Err(Refusal::conflict("All nodes must be stopped before deregistration"));
        }
        self.license.deregister(now)?;
        Ok(!self.faults.has(Fault::LicenseServerAway, now))
    }

    /// Asks for a registration.
    ///
    /// # Errors
    /// 400 for a token that is no token, 409 when not now.
    pub fn register(
        &mut self,
        token: &str,
        reregister: bool,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.faults.has(Fault::LicenseAgentBusy, now) {
            return Err(Refusal::conflict("The agent is busy"));
        }
        self.license.register(token, reregister, now)
    }
}

fn checked_title(title: &str) -> Result<String, Refusal> {
    match title.chars().count() {
        1..=LONGEST_TITLE => Ok(title.to_owned()),
        _ => Err(Refusal::invalid("Invalid title: must have 1 to 64 characters")),
    }
}
