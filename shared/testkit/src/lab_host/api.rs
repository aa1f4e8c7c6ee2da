//! The model behind the port, in process: same meanings as over the wire, no sockets.

use async_trait::async_trait;
use ccm_domain::cml::{
    ControllerFacts, ControllerLoad, Deregistered, LabAction, LabSeen, LicenseFeature, LicenseSeen,
    LinkSeen, NodeSeen, TelemetryFeed, TelemetryRecord,
};
use ccm_domain::{LabId, Timestamp};
use ccm_ports::{CmlApi, Controller, RemoteError};
use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::host::Host;
use super::labs::Lab;
use super::license::{LASTS, compliance_word};
use super::refusal::Refusal;
use super::{Fault, LabHosts, Way, instance_of};

/// CML's id of the licence for the product with its first nodes.
pub(super) const FEATURE_BASE: &str =
    "regid.2019-10.com.cisco.CML_ENT_BASE,1.0_15d3393c-846c-4e00-a54e-1ea90f2b2160";
/// CML's id of the licence for further nodes.
pub(super) const FEATURE_NODES: &str =
    "regid.2019-10.com.cisco.CML_NODE_COUNT,1.0_2607650b-6ca8-46d5-81e5-e6688b7383c4";

impl LabHosts {
    /// Lets a call through to the controller, or fails as the network would.
    async fn call<T>(
        &self,
        at: &Controller,
        work: impl FnOnce(&mut Host, Timestamp) -> Result<T, Refusal> + Send,
    ) -> Result<T, RemoteError> {
        let id = instance_of(at).ok_or_else(|| unknown(at))?;
        let reach = self.reach(&id);
        let late = reach.delay >= self.options().patience;
        if !reach.delay.is_zero() {
            tokio::time::sleep(reach.delay.min(self.options().patience)).await;
        }
        match reach.way {
            _ if late => return Err(RemoteError::Unavailable("timed out".to_owned())),
            Way::Closed => return Err(RemoteError::Unavailable("connection refused".to_owned())),
            Way::Hangs => {
                tokio::time::sleep(self.options().patience).await;
                return Err(RemoteError::Unavailable("timed out".to_owned()));
            }
            Way::Fails(status) => return Err(Refusal::new(status, "Bad Gateway").into()),
            Way::Spoiled(_) => {
                return Err(RemoteError::Unexpected("the answer is no JSON".to_owned()));
            }
            Way::Open => {}
        }
        self.visit(&id, work).ok_or_else(|| unknown(at))?.map_err(RemoteError::from)
    }

    /// Lets a call of the administrator through; its use of the API shows in telemetry.
    async fn call_as_admin<T>(
        &self,
        at: &Controller,
        work: impl FnOnce(&mut Host, Uuid, Timestamp) -> Result<T, Refusal> + Send,
    ) -> Result<T, RemoteError> {
        self.call(at, |host, now| {
            if host.faults.has(Fault::TokensRefused, now) {
                return Err(Refusal::new(401, "401: Unauthorized"));
            }
            let user = host.accounts.administrator().id;
            host.touch(user, now);
            work(host, user, now)
        })
        .await
    }
}

fn unknown(at: &Controller) -> RemoteError {
    RemoteError::Unavailable(format!("no controller at {}", at.endpoint))
}

fn lab_uuid(lab: &LabId) -> Result<Uuid, Refusal> {
    lab.as_str().parse().map_err(|_| Refusal::missing("Lab", lab))
}

/// Returns a model id as the domain's; a UUID is always a word.
#[expect(clippy::expect_used, reason = "a UUID is a valid lab id")]
fn lab_id(id: Uuid) -> LabId {
    id.to_string().parse().expect("a UUID is a word")
}

impl Host {
    fn seen(&self, lab: &Lab, now: Timestamp) -> LabSeen {
        LabSeen {
            id: lab_id(lab.id),
            title: lab.title.clone(),
            description: lab.description.clone(),
            state: lab.state(now),
            owner: self.accounts.get(lab.owner).map(|account| account.username.clone()),
            created_at: Some(lab.created),
            modified_at: Some(lab.modified),
            nodes: lab.nodes.iter().map(|node| node_seen(node, now)).collect(),
            links: lab.links.iter().map(link_seen).collect(),
        }
    }

    /// Returns the features of the licence: CML's id, name and count of each.
    #[must_use]
    pub fn features(&self, now: Timestamp) -> [(&'static str, &'static str, u32); 2] {
        let is_asked = u32::from(self.license.registered_at(now).is_some());
        [
            (FEATURE_BASE, "CML - Enterprise License", is_asked),
            (FEATURE_NODES, "CML - Expansion Nodes", self.license.extra_nodes),
        ]
    }

    fn license_seen(&self, now: Timestamp) -> LicenseSeen {
        let license = &self.license;
        let compliance = license.compliance(now);
        let feature = |(id, name, in_use): (&str, &str, u32)| LicenseFeature {
            id: id.to_owned(),
            name: name.to_owned(),
            in_use,
            status: compliance_word(compliance).to_owned(),
        };
        LicenseSeen {
            registration: license.registration(now),
            reason: license.reason(now).map(str::to_owned),
            compliance,
            product: Some(license.product.clone()),
            expires_at: license.registered_at(now).map(|at| at.plus(LASTS)),
            features: self.features(now).map(feature).into(),
        }
    }
}

fn node_seen(node: &super::labs::Node, now: Timestamp) -> NodeSeen {
    NodeSeen {
        id: node.id.to_string(),
        label: node.label.clone(),
        definition: node.definition.clone(),
        state: node.state(now).word().to_owned(),
        x: node.x,
        y: node.y,
    }
}

fn link_seen(link: &super::labs::Link) -> LinkSeen {
    LinkSeen { a: link.node_a.to_string(), b: link.node_b.to_string() }
}

#[async_trait]
impl CmlApi for LabHosts {
    async fn facts(&self, at: &Controller) -> Result<ControllerFacts, RemoteError> {
        let version = self.options().version.clone();
        self.call(at, |host, _| Ok(ControllerFacts { version, ready: host.is_ready() })).await
    }

    async fn load(&self, at: &Controller) -> Result<ControllerLoad, RemoteError> {
        self.call_as_admin(at, |host, _, now| Ok(host.load(now).seen(host.is_ready()))).await
    }

    async fn labs(&self, at: &Controller) -> Result<Vec<LabSeen>, RemoteError> {
        self.call_as_admin(at, |host, _, now| {
            Ok(host.labs().iter().map(|lab| host.seen(lab, now)).collect())
        })
        .await
    }

    async fn lab(&self, at: &Controller, lab: &LabId) -> Result<LabSeen, RemoteError> {
        self.call_as_admin(at, |host, _, now| Ok(host.seen(host.lab(lab_uuid(lab)?)?, now))).await
    }

    async fn import_lab(&self, at: &Controller, yaml: &str) -> Result<LabId, RemoteError> {
        self.call_as_admin(at, |host, user, now| {
            host.import_lab(yaml, None, user, now).map(|(id, _)| lab_id(id))
        })
        .await
    }

    async fn download_lab(&self, at: &Controller, lab: &LabId) -> Result<String, RemoteError> {
        self.call_as_admin(at, |host, user, now| host.download_lab(lab_uuid(lab)?, user, now)).await
    }

    async fn act(
        &self,
        at: &Controller,
        lab: &LabId,
        action: LabAction,
    ) -> Result<(), RemoteError> {
        self.call_as_admin(at, |host, user, now| {
            let lab = lab_uuid(lab)?;
            match action {
                LabAction::Start => host.start_lab(lab, user, now),
                LabAction::Stop => host.stop_lab(lab, user, now),
                LabAction::Wipe => host.wipe_lab(lab, user, now),
                LabAction::Delete => host.delete_lab(lab, now),
            }
        })
        .await
    }

    async fn license(&self, at: &Controller) -> Result<LicenseSeen, RemoteError> {
        self.call_as_admin(at, |host, _, now| Ok(host.license_seen(now))).await
    }

    async fn set_product(&self, at: &Controller, product: &str) -> Result<(), RemoteError> {
        self.call_as_admin(at, |host, _, now| host.license.set_product(product, now)).await
    }

    async fn register(
        &self,
        at: &Controller,
        token: &SecretString,
        reregister: bool,
    ) -> Result<(), RemoteError> {
        self.call_as_admin(at, |host, _, now| host.register(token.expose_secret(), reregister, now))
            .await
    }

    async fn deregister(&self, at: &Controller) -> Result<Deregistered, RemoteError> {
        self.call_as_admin(at, |host, _, now| match host.deregister(now) {
            Ok(true) => Ok(Deregistered::Done),
            Ok(false) => Ok(Deregistered::LocalOnly),
            Err(Refusal { status: 400, .. }) => Ok(Deregistered::WasNotRegistered),
            Err(Refusal { status: 409, .. }) => Ok(Deregistered::Busy),
            Err(other) => Err(other),
        })
        .await
    }

    async fn telemetry(&self, at: &Controller) -> Result<TelemetryFeed, RemoteError> {
        self.call_as_admin(at, |host, user, now| {
            let mut records: Vec<_> = host
                .feed
                .records()
                .map(|record| TelemetryRecord {
                    at: record.at,
                    category: record.category.to_owned(),
                    user: record.user.map(|id| id.to_string()),
                })
                .collect();
            records.sort_by_key(|record| record.at);
            Ok(TelemetryFeed {
                records,
                own_user: Some(user.to_string()),
                controller_now: Some(host.faults.controller_time(now)),
                unreadable: 0,
            })
        })
        .await
    }
}
