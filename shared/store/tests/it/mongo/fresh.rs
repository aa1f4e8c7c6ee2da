//! A database that is gone with the test.

use std::sync::Arc;
use std::time::Duration;

use ccm_ports::contract::store::{Whole, World};
use ccm_store::{Mongo, MongoUrl, OpenOptions};
use futures_util::TryStreamExt as _;
use mongodb::Client;
use mongodb::bson::{Document, doc};

/// More than a call ever takes on a machine that is busy with other tests.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// A store in a database of its own.
pub(super) struct Fresh {
    pub(super) store: Mongo,
    url: MongoUrl,
}

impl Fresh {
    pub(super) async fn new() -> Self {
        let url = address(&format!("ccm_test_{:016x}", rand::random::<u64>()));
        Self { store: connect(&url).await, url }
    }

    /// Returns another handle with connections of its own, as another process has one.
    pub(super) async fn another(&self) -> Mongo {
        connect(&self.url).await
    }

    pub(super) const fn url(&self) -> &MongoUrl {
        &self.url
    }

    /// Returns all documents of a collection as they are stored.
    pub(super) async fn raw(&self, collection: &str) -> Vec<Document> {
        let docs = self.database().await.collection::<Document>(collection);
        docs.find(doc! {}).await.unwrap().try_collect().await.unwrap()
    }

    /// Returns the database itself, for looking at what is stored.
    pub(super) async fn database(&self) -> mongodb::Database {
        Client::with_uri_str(self.url.expose()).await.unwrap().database(self.url.database())
    }
}

impl Drop for Fresh {
    /// On a thread of its own, since a test that failed has no runtime left to wait on.
    fn drop(&mut self) {
        let url = self.url.clone();
        let drop_it = move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = Client::with_uri_str(url.expose()).await.unwrap();
                let database = client.database(url.database());
                let dropped = tokio::time::timeout(PATIENCE, database.drop().into_future());
                dropped.await.unwrap().unwrap();
            });
        };
        let dropped = std::thread::spawn(drop_it).join();
        assert!(
            dropped.is_ok() || std::thread::panicking(),
            "{} is still there",
            self.url.database()
        );
    }
}

/// Returns the address of a database on the server of the tests.
pub(super) fn address(database: &str) -> MongoUrl {
    #[expect(
        clippy::disallowed_methods,
        reason = "where the server of the tests is, is not our configuration"
    )]
    let server = std::env::var("CCM_TEST_MONGO_URL").unwrap_or_default();
    assert!(
        !server.is_empty(),
        "CCM_TEST_MONGO_URL is not set; `dev/servers start` starts a server and prints it"
    );
    let (servers, options) = server.split_once('?').unwrap_or((&server, ""));
    let servers = servers.trim_end_matches('/');
    format!("{servers}/{database}?{options}").parse().unwrap()
}

pub(super) async fn connect(url: &MongoUrl) -> Mongo {
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".parse().unwrap();
    let options = OpenOptions { timeout: PATIENCE, secret_key: Some(key) };
    Mongo::connect(url, options).await.unwrap()
}

impl World for Fresh {
    fn store(&self) -> Arc<dyn Whole> {
        Arc::new(self.store.clone())
    }
}
