//! What every `CmlApi` must do, on a controller whose time and mishaps the test controls.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use std::time::Duration;

use ccm_domain::cml::{LabSeen, LabState};
use ccm_domain::{LabId, Timestamp};

use crate::{CmlApi, Controller};

mod failing;
mod feed;
mod labs;
mod licensing;
mod power;

pub use failing::*;
pub use feed::*;
pub use labs::*;
pub use licensing::*;
pub use power::*;

/// What happens to the controller from outside of the adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The instance loses its power.
    PowerOff,
    /// The instance gets power; the controller boots.
    PowerOn,
    /// Answers do not come any more.
    Hangs,
    /// Connections break.
    Unreachable,
    /// Every call fails with 500.
    Fails,
    /// Answers cannot be parsed.
    Lies,
    /// Every token is refused.
    TokensRefused,
    /// All tokens handed out so far are refused.
    SessionsEnd,
    /// The licence server cannot be reached from the controller.
    LicenseServerAway,
    /// The licence agent is busy.
    LicenseAgentBusy,
    /// The controller's clock is wrong by so many seconds.
    ClockWrong(i64),
    /// A person, not the adapter's user, starts a lab.
    PersonStartsLab,
    /// All mishaps end.
    AllWell,
}

/// A controller with an adapter in front of it: ready, not licensed, nothing running, at least one lab.
pub trait World: Send + Sync {
    /// The adapter.
    fn api(&self) -> &dyn CmlApi;

    /// The controller.
    fn at(&self) -> Controller;

    /// Returns the world's time.
    fn now(&self) -> Timestamp;

    /// Lets the controller's time pass.
    fn pass(&self, span: Duration);

    /// Lets something happen.
    fn happens(&self, what: Outside);
}

/// Stamps the suite out as tests; takes an expression that makes a fresh [`World`], `.await` allowed.
#[macro_export]
macro_rules! cml_contract {
    ($world:expr) => {
        $crate::cml_contract! { @each $world;
            a_controller_without_power_does_not_answer
            a_boot_goes_from_silence_over_not_ready_to_ready
            labs_and_licence_survive_a_power_cycle_but_nothing_runs
            facts_need_no_login
            labs_are_seen_with_nodes_positions_and_links
            one_lab_is_seen_as_in_the_list
            a_started_lab_boots_and_loads_the_controller
            the_order_of_lab_actions_is_kept
            an_action_on_what_is_so_already_is_harmless
            what_is_downloaded_can_be_imported_again
            an_import_keeps_texts_tags_and_configurations
            what_is_no_topology_is_invalid
            an_unknown_lab_is_not_found
            a_registration_goes_on_by_itself_until_it_complies
            a_bad_token_fails_with_a_reason
            too_few_licences_are_told_apart
            a_registration_is_not_disturbed
            a_product_that_does_not_exist_is_invalid
            the_outcomes_of_a_deregistration_are_told_apart
            the_feed_tells_people_from_ourselves
            the_feed_is_in_the_controllers_clock
            what_we_do_to_labs_is_marked_as_ours
            an_answer_that_does_not_come_is_unavailable
            a_broken_connection_is_unavailable
            an_answer_that_makes_no_sense_is_unexpected
            an_inner_error_may_pass
            a_refused_login_is_denied_and_forgiven
            ended_sessions_are_not_noticed
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::cml::$name(&world).await;
            }
        )*
    };
}

const SECOND: Duration = Duration::from_secs(1);
/// Longer than any boot of a controller or a node.
const LONG: u32 = 900;

async fn labs(world: &dyn World) -> Vec<LabSeen> {
    world.api().labs(&world.at()).await.unwrap()
}

async fn lab(world: &dyn World, id: &LabId) -> LabSeen {
    world.api().lab(&world.at(), id).await.unwrap()
}

async fn first_lab(world: &dyn World) -> LabSeen {
    labs(world).await.into_iter().next().unwrap()
}

/// Lets time pass until all nodes of a lab have booted.
async fn until_booted(world: &dyn World, id: &LabId) -> LabSeen {
    for _ in 0..LONG {
        let seen = lab(world, id).await;
        if seen.nodes.iter().all(|node| node.state == "BOOTED") {
            return seen;
        }
        assert_eq!(seen.state, LabState::Started);
        world.pass(5 * SECOND);
    }
    panic!("the lab never boots: {:?}", lab(world, id).await);
}

/// Lets time pass until the controller is ready.
async fn until_ready(world: &dyn World) {
    for _ in 0..LONG {
        let facts = world.api().facts(&world.at()).await;
        if facts.is_ok_and(|facts| facts.ready) {
            return;
        }
        world.pass(SECOND);
    }
    panic!("the controller is never ready");
}

/// A topology with everything that must survive.
const TOPOLOGY: &str = r#"
lab:
  title: Two hosts
  description: "one line: with a colon"
  notes: |
    # Notes
    over two lines
  version: 0.3.0
nodes:
  - id: n0
    label: left
    node_definition: alpine
    x: -120
    y: 40
    tags: [lane, "1"]
    configuration: |-
      hostname left
      # a comment with "quotes" and 'more'
    interfaces:
      - {id: i0, label: eth0, slot: 0, type: physical}
  - id: n1
    label: right
    node_definition: alpine
    x: 120
    y: -40
    configuration:
      - name: node.cfg
        content: hostname right
    interfaces:
      - {id: i0, label: eth0, slot: 0, type: physical}
links:
  - {id: l0, n1: n0, i1: i0, n2: n1, i2: i0}
annotations: []
"#;
