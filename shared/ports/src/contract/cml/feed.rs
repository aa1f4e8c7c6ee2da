//! The telemetry feed.

use ccm_domain::Timestamp;
use ccm_domain::cml::{LabAction, TelemetryFeed};

use super::{Outside, SECOND, World, first_lab, labs};

async fn feed(world: &dyn World) -> TelemetryFeed {
    let feed = world.api().telemetry(&world.at()).await.unwrap();
    assert!(feed.records.is_sorted_by_key(|record| record.at), "{feed:?}");
    assert_eq!(feed.unreadable, 0);
    feed
}

/// Returns when somebody other than ourselves last did something.
fn last_foreign(feed: &TelemetryFeed) -> Option<Timestamp> {
    let foreign = feed.records.iter().filter(|record| record.user.is_some());
    foreign.filter(|record| record.user != feed.own_user).map(|record| record.at).max()
}

/// Polling shows as our own activity and only as that; what a person does shows as theirs.
pub async fn the_feed_tells_people_from_ourselves(world: &dyn World) {
    for _ in 0..30 {
        labs(world).await;
        world.pass(120 * SECOND);
    }
    let quiet = feed(world).await;
    assert!(quiet.own_user.is_some());
    let own = quiet.records.iter().filter(|record| record.user == quiet.own_user);
    assert!(own.count() > 3, "polling leaves traces: {quiet:?}");
    assert_eq!(last_foreign(&quiet), None);

    world.happens(Outside::PersonStartsLab);
    let at = world.now();
    world.pass(SECOND);

    let busy = feed(world).await;
    assert_eq!(last_foreign(&busy), Some(at));
    let categories: Vec<_> = busy.records.iter().map(|record| record.category.as_str()).collect();
    assert!(categories.contains(&"start_lab"), "{categories:?}");
    assert!(categories.contains(&"user_activity"), "{categories:?}");
}

/// Record times are in the controller's clock, and what that clock shows is told beside them.
pub async fn the_feed_is_in_the_controllers_clock(world: &dyn World) {
    for wrong in [7_200, -7_200] {
        world.happens(Outside::AllWell);
        world.happens(Outside::ClockWrong(wrong));
        world.pass(600 * SECOND);
        world.happens(Outside::PersonStartsLab);
        world.pass(60 * SECOND);

        let feed = feed(world).await;

        let told = feed.controller_now.unwrap();
        let skew = (told.as_millis() - world.now().as_millis()) / 1_000;
        assert!((skew - wrong).abs() <= 1, "skew is {skew} s");
        // A minute ago, told apart from the wrong clock by a second at most.
        let newest = feed.records.iter().filter(|record| record.user != feed.own_user);
        let at = newest.map(|record| record.at).filter(|at| *at <= told).max().unwrap();
        assert!((59..=61).contains(&told.since(at).as_secs()), "{at} seen at {told}");
    }
}

/// What the adapter's own user does to labs carries its id.
pub async fn what_we_do_to_labs_is_marked_as_ours(world: &dyn World) {
    let lab = first_lab(world).await.id;
    for action in [LabAction::Start, LabAction::Stop, LabAction::Wipe] {
        world.api().act(&world.at(), &lab, action).await.unwrap();
    }

    let feed = feed(world).await;

    for category in ["start_lab", "stop_lab", "wipe_node"] {
        let mut of_it = feed.records.iter().filter(|record| record.category == category);
        assert!(of_it.clone().count() > 0, "{category}");
        assert!(of_it.all(|record| record.user == feed.own_user), "{category}");
    }
}
