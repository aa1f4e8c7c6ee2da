//! Controllers that hang, flood, refuse or are not there.

use std::time::{Duration, Instant};

use ccm_cml::BreakerOptions;
use ccm_ports::contract::cml::{Outside, World as _};
use ccm_ports::{CmlApi, Controller, RemoteError};
use ccm_testkit::lab_host::Fault;

use crate::rig::{Plan, Rig, options, worker};

#[tokio::test]
async fn a_hanging_controller_costs_no_more_than_the_time_limit() {
    let rig = Rig::new().await;
    rig.client.labs(&rig.at).await.unwrap();
    rig.inject(Fault::Hang);
    let begun = Instant::now();

    let error = rig.client.facts(&rig.at).await.unwrap_err();

    assert!(matches!(error, RemoteError::Unavailable(_)), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_that_never_ends_is_cut_off() {
    let mut small = options();
    small.largest_answer = 100_000;
    let rig = Rig::with(Plan::default(), small).await;
    rig.inject(Fault::Flood);

    let error = rig.client.facts(&rig.at).await.unwrap_err();

    assert!(matches!(&error, RemoteError::Unexpected(why) if why.contains("100000")), "{error:?}");
}

#[tokio::test]
async fn an_answer_larger_than_allowed_is_refused() {
    let mut tiny = options();
    tiny.largest_answer = 200;
    let rig = Rig::with(Plan::default(), tiny).await;
    // Small answers pass.
    rig.client.facts(&rig.at).await.unwrap();

    let error = rig.client.license(&rig.at).await.unwrap_err();

    assert!(matches!(&error, RemoteError::Unexpected(why) if why.contains("200")), "{error:?}");
}

#[tokio::test]
async fn a_closed_port_is_unavailable() {
    let rig = Rig::new().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let at = Controller { worker: worker(8), endpoint: format!("http://{address}") };

    let error = rig.client.facts(&at).await.unwrap_err();

    assert!(matches!(error, RemoteError::Unavailable(_)), "{error:?}");
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_invalid() {
    let rig = Rig::new().await;
    for endpoint in ["", "not a url", "ftp://192.0.2.1", "mailto:somebody"] {
        let at = Controller { worker: worker(9), endpoint: endpoint.to_owned() };

        let error = rig.client.facts(&at).await.unwrap_err();

        assert!(matches!(error, RemoteError::Invalid(_)), "{endpoint}: {error:?}");
    }
}

#[tokio::test]
async fn an_id_cannot_leave_its_place_in_the_path() {
    let rig = Rig::new().await;

    let error = rig.client.lab(&rig.at, &"..".parse().unwrap()).await.unwrap_err();

    assert!(matches!(error, RemoteError::Invalid(_)), "{error:?}");
}

fn touchy() -> BreakerOptions {
    BreakerOptions {
        failures: 2,
        shortest: Duration::from_secs(10),
        longest: Duration::from_secs(30),
        jitter: 0.2,
    }
}

async fn later(span: Duration) {
    tokio::time::pause();
    tokio::time::advance(span).await;
    tokio::time::resume();
}

#[tokio::test]
async fn a_controller_that_fails_again_and_again_is_left_alone_and_tried_later() {
    let mut guarded = options();
    guarded.breaker = touchy();
    let rig = Rig::with(Plan::default(), guarded).await;
    rig.inject(Fault::Garbage);
    for _ in 0..2 {
        rig.client.facts(&rig.at).await.unwrap_err();
    }
    rig.happens(Outside::AllWell);

    // Well again, but nobody asks.
    let error = rig.client.facts(&rig.at).await.unwrap_err();
    assert!(
        matches!(&error, RemoteError::Unavailable(why) if why.contains("left alone")),
        "{error:?}"
    );

    later(Duration::from_secs(13)).await;
    rig.client.facts(&rig.at).await.unwrap();
    rig.client.labs(&rig.at).await.unwrap();
}

#[tokio::test]
async fn one_workers_open_breaker_is_no_other_workers_matter() {
    let mut guarded = options();
    guarded.breaker = touchy();
    let rig = Rig::with(Plan::default(), guarded).await;
    let other = Controller {
        worker: worker(8),
        endpoint: rig.at.endpoint.replace(rig.id.as_str(), "i-0abcd1234ef567891"),
    };
    rig.inject(Fault::Garbage);
    for _ in 0..3 {
        rig.client.facts(&rig.at).await.unwrap_err();
    }

    rig.client.facts(&other).await.unwrap();
}

#[tokio::test]
async fn a_boot_does_not_open_the_breaker() {
    let mut guarded = options();
    guarded.breaker = touchy();
    let rig = Rig::with(Plan::default(), guarded).await;
    rig.inject(Fault::Status { status: 502 });
    for _ in 0..20 {
        let error = rig.client.facts(&rig.at).await.unwrap_err();
        assert!(
            matches!(&error, RemoteError::Unavailable(why) if !why.contains("alone")),
            "{error:?}"
        );
    }

    rig.happens(Outside::AllWell);

    rig.client.facts(&rig.at).await.unwrap();
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let rig = Rig::new().await;
    rig.inject(Fault::Status { status: 302 });

    let error = rig.client.facts(&rig.at).await.unwrap_err();

    assert!(matches!(error, RemoteError::Unexpected(_)), "{error:?}");
}
