//! Smart licensing.

use ccm_domain::cml::{Deregistered, LicenseFeature, LicenseSeen};
use ccm_ports::{Controller, RemoteError};
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;

use crate::CmlClient;
use crate::error::without;
use crate::exchange::Ask;
use crate::wire;

pub(crate) async fn seen(client: &CmlClient, at: &Controller) -> Result<LicenseSeen, RemoteError> {
    let ask = Ask::get(client, &["licensing"]).within(client.inner.options.timeouts.license);
    let told: wire::Licensing = client.ask(at, &ask, |answer| answer.json()).await?;
    let registration = told.registration.0;
    let features = told.features.0.into_iter().filter_map(wire::Readable::into_option);
    let features = features.map(|feature| LicenseFeature {
        name: feature.name.unwrap_or_else(|| feature.id.clone()),
        id: feature.id,
        in_use: feature.in_use.unwrap_or(0),
        status: feature.status.unwrap_or_default(),
    });
    Ok(LicenseSeen {
        registration: wire::registration(registration.status.as_deref()),
        reason: registration.register_time.0.failure.filter(|text| !text.trim().is_empty()),
        compliance: wire::compliance(told.authorization.0.status.as_deref()),
        product: told.product_license.0.active,
        expires_at: registration.expires.as_deref().and_then(wire::time),
        features: features.collect(),
    })
}

pub(crate) async fn set_product(
    client: &CmlClient,
    at: &Controller,
    product: &str,
) -> Result<(), RemoteError> {
    let ask = Ask::new(client, Method::PUT, &["licensing", "product_license"])
        .json(json!(product))
        .within(client.inner.options.timeouts.license);
    client.ask(at, &ask, |_| Ok(())).await
}

pub(crate) async fn register(
    client: &CmlClient,
    at: &Controller,
    token: &SecretString,
    reregister: bool,
) -> Result<(), RemoteError> {
    let token = token.expose_secret();
    let ask = Ask::new(client, Method::POST, &["licensing", "registration"])
        .json(json!({ "token": token, "reregister": reregister }))
        .within(client.inner.options.timeouts.license);
    client.ask(at, &ask, |_| Ok(())).await.map_err(|err| without(err, token))
}

pub(crate) async fn deregister(
    client: &CmlClient,
    at: &Controller,
) -> Result<Deregistered, RemoteError> {
    let ask = Ask::new(client, Method::DELETE, &["licensing", "deregistration"])
        .within(client.inner.options.timeouts.license);
    let outcome = client
        .ask(at, &ask, |answer| {
            let is_local = answer.status == StatusCode::ACCEPTED;
            Ok(if is_local { Deregistered::LocalOnly } else { Deregistered::Done })
        })
        .await;
    match outcome {
        Err(RemoteError::Invalid(_)) => Ok(Deregistered::WasNotRegistered),
        Err(RemoteError::Conflict(_)) => Ok(Deregistered::Busy),
        other => other,
    }
}
