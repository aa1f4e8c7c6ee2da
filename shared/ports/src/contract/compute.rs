//! What every `Compute` and `Measure` must do, on a cloud whose time and mishaps the test controls.

#![expect(clippy::unwrap_used, reason = "a suite: to fail is to panic")]

use std::time::Duration;

use ccm_domain::{ImageQuery, Instance, InstanceId, InstanceState, Region, Scope, Timestamp};

use crate::{Compute, LaunchOrder, Measure};

mod launching;
mod measuring;
mod power;
mod refusals;
mod seeing;

pub use launching::*;
pub use measuring::*;
pub use power::*;
pub use refusals::*;
pub use seeing::*;

/// What happens to the cloud from outside of the adapter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outside {
    /// The next calls are throttled.
    ThrottleNext(u32),
    /// The next launches and starts find no capacity.
    NoCapacityNext(u32),
    /// The next launches exceed the quota.
    QuotaNext(u32),
    /// The next launches take place, but nobody hears the answer.
    LaunchAnswerLostNext(u32),
    /// The next launched instances die while pending.
    LaunchDiesNext(u32),
    /// An action of EC2 is denied from now on.
    Deny(&'static str),
    /// A region stops answering.
    RegionDown(Region),
    /// All faults end.
    AllWell,
    /// A person stops an instance in the console.
    ConsoleStops(InstanceId),
    /// A person terminates an instance in the console.
    ConsoleTerminates(InstanceId),
    /// A person protects an instance from termination.
    ConsoleProtects(InstanceId),
}

/// A cloud with an adapter in front of it; empty at the start of each test.
pub trait World: Send + Sync {
    /// The adapter.
    fn compute(&self) -> &dyn Compute;

    /// The adapter.
    fn measure(&self) -> &dyn Measure;

    /// Where the test works.
    fn scope(&self) -> Scope;

    /// Another region of the same account.
    fn elsewhere(&self) -> Scope;

    /// Returns the cloud's time.
    fn now(&self) -> Timestamp;

    /// Lets the cloud's time pass.
    fn pass(&self, span: Duration);

    /// Lets something happen.
    fn happens(&self, what: Outside);
}

/// Stamps the suite out as tests; takes an expression that makes a fresh [`World`], `.await` allowed.
#[macro_export]
macro_rules! compute_contract {
    ($world:expr) => {
        $crate::compute_contract! { @each $world;
            a_launched_instance_boots_and_passes_its_checks
            the_same_token_never_launches_twice
            a_lost_answer_is_repeated_without_a_second_instance
            a_token_with_other_parameters_is_refused
            a_launch_that_dies_is_terminated_with_a_reason
            an_unknown_image_cannot_be_launched
            a_stop_and_a_start_walk_through_the_states_and_change_the_address
            starting_and_stopping_twice_is_harmless
            an_instance_in_transition_refuses_the_opposite
            a_terminated_instance_is_shown_for_a_while_and_then_unknown
            a_protected_instance_is_not_terminated
            what_happens_in_the_console_is_seen_with_its_reason
            unknown_instances_are_left_out_of_a_look
            actions_on_unknown_instances_are_not_found
            tags_are_set_and_removed
            images_are_found_newest_first
            a_sweep_returns_every_instance_once
            scopes_do_not_see_each_other
            throttling_is_told_apart
            missing_capacity_is_told_apart
            a_used_up_quota_is_told_apart
            denial_is_told_apart
            a_region_that_is_down_says_nothing_about_another
            the_newest_cpu_reading_of_each_running_instance_is_returned
            detailed_monitoring_reads_each_minute
        }
    };
    (@each $world:expr; $($name:ident)*) => {
        $(
            #[tokio::test]
            async fn $name() {
                let world = $world;
                $crate::contract::compute::$name(&world).await;
            }
        )*
    };
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

async fn order(world: &dyn World, token: &str) -> LaunchOrder {
    let query = ImageQuery { id: None, name: Some("cml2-*".to_owned()) };
    let images = world.compute().find_images(&world.scope(), &query).await.unwrap();
    let tags = [("Name", "lab-7"), ("ccm:worker", "0198c0de")];
    LaunchOrder {
        token: token.to_owned(),
        image: images[0].id.clone(),
        instance_type: "c5.2xlarge".parse().unwrap(),
        tags: tags.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
        subnet: Some("subnet-0123456789abcdef0".to_owned()),
        security_groups: vec!["sg-0123456789abcdef0".to_owned()],
        key_name: Some("labs".to_owned()),
    }
}

async fn launch(world: &dyn World, token: &str) -> Instance {
    let order = order(world, token).await;
    world.compute().launch(&world.scope(), &order).await.unwrap()
}

async fn running(world: &dyn World, token: &str) -> Instance {
    let launched = launch(world, token).await;
    until(world, &launched.id, InstanceState::Running).await
}

async fn see(world: &dyn World, id: &InstanceId) -> Instance {
    let seen = world.compute().look(&world.scope(), std::slice::from_ref(id)).await.unwrap();
    seen.into_iter().next().unwrap_or_else(|| panic!("{id} is not known"))
}

/// Lets time pass until the instance is in the state; at most ten minutes.
async fn until(world: &dyn World, id: &InstanceId, state: InstanceState) -> Instance {
    for _ in 0..600 {
        let seen = see(world, id).await;
        if seen.state == state {
            return seen;
        }
        world.pass(SECOND);
    }
    panic!("{id} is {:?}, never {state:?}", see(world, id).await.state);
}

fn ids(instances: &[Instance]) -> Vec<InstanceId> {
    instances.iter().map(|instance| instance.id.clone()).collect()
}

fn unknown(n: u64) -> InstanceId {
    format!("i-0{:016x}", 0xdead_0000_0000_0000_u64 + n).parse().unwrap()
}
