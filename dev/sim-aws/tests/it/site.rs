//! A modelled cloud and requests to its wire face, without a socket.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode, header};
use ccm_domain::{Account, InstanceId, Scope};
use ccm_sim_aws::{Options, router};
use ccm_testkit::clock::MovedClock;
use ccm_testkit::cloud::{Cloud, Rig, Standing};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

pub(crate) struct Site {
    pub(crate) cloud: Arc<Cloud>,
    pub(crate) clock: Arc<MovedClock>,
    router: Router,
}

impl Site {
    pub(crate) fn open() -> Self {
        let (cloud, clock) = Rig::cloud();
        let router = router(Arc::clone(&cloud), Options::default());
        Self { cloud, clock, router }
    }

    /// Puts a running instance there.
    pub(crate) fn place(&self, region: &str) -> InstanceId {
        let region = region.parse().unwrap();
        let standing = Standing {
            image: self.cloud.images(&region)[0].id.clone(),
            instance_type: "c5.2xlarge".parse().unwrap(),
            tags: [("Name".to_owned(), "lab <1>".to_owned())].into(),
            running: true,
            since: Duration::from_secs(7_200),
            detailed_monitoring: false,
        };
        self.cloud.place(&Scope { account: Account::default(), region }, &standing)
    }

    /// Sends a form to EC2 of a region, signed well enough.
    pub(crate) async fn ec2(&self, region: &str, form: &str) -> (StatusCode, String) {
        self.query("ec2", region, form).await
    }

    pub(crate) async fn query(
        &self,
        service: &str,
        region: &str,
        form: &str,
    ) -> (StatusCode, String) {
        let request = Request::post("/")
            .header(header::AUTHORIZATION, signature(service, region))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form.to_owned()))
            .unwrap();
        self.text(request).await
    }

    /// Asks below `/_sim`; with a body it is a POST.
    pub(crate) async fn sim(
        &self,
        path: &str,
        body: Option<serde_json::Value>,
    ) -> (StatusCode, serde_json::Value) {
        let path = format!("/_sim/{path}");
        let request = match body {
            None => Request::get(path).body(Body::empty()),
            Some(body) => Request::post(path)
                .header(header::CONTENT_TYPE, "application/json")
                .body(Body::from(body.to_string())),
        };
        let (status, text) = self.text(request.unwrap()).await;
        (status, serde_json::from_str(&text).unwrap_or(serde_json::Value::Null))
    }

    pub(crate) async fn text(&self, request: Request<Body>) -> (StatusCode, String) {
        let (status, bytes) = self.bytes(request).await;
        (status, String::from_utf8(bytes).unwrap())
    }

    pub(crate) async fn bytes(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        (status, response.into_body().collect().await.unwrap().to_bytes().into())
    }
}

pub(crate) fn signature(service: &str, region: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/{region}/{service}/aws4_request, \
         SignedHeaders=host, Signature=0"
    )
}
