//! A server that is not there, or hangs.

use std::time::Duration;

use ccm_ports::StoreError;
use ccm_store::{Mongo, MongoUrl, OpenOptions};
use tokio::net::TcpListener;

const SHORT: Duration = Duration::from_millis(500);

async fn refused(port: u16) -> String {
    let url: MongoUrl = format!("mongodb://u:hunter2@127.0.0.1:{port}/ccm").parse().unwrap();
    let options = OpenOptions { timeout: SHORT, secret_key: None };
    // Without the adapter's own bound the driver would wait for half a minute.
    let tried = tokio::time::timeout(SHORT * 20, Mongo::connect(&url, options)).await;
    let err = tried.expect("it is told in time").expect_err("nobody is there");
    assert!(matches!(err, StoreError::Unavailable(_)), "{err:?}");
    format!("{:#}", anyhow::Error::new(err))
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_in_time_and_without_the_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);

    let told = refused(port).await;

    assert!(told.contains("cannot be reached"), "{told}");
    assert!(!told.contains("hunter2"), "{told}");
}

#[tokio::test]
async fn a_server_that_takes_connections_and_says_nothing_is_told_in_time() {
    // Connections wait in its backlog for ever.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();

    let told = refused(listener.local_addr().unwrap().port()).await;

    assert!(told.contains("cannot be reached"), "{told}");
}
