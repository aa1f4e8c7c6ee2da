//! Events from outside. Whoever sends them is no caller: a secret of their own lets them in.

use axum::extract::{Request, State};
use ccm_inbound::{Consent, Taken, WayIn};
use http::HeaderMap;

use crate::dto::stream::ReceivedEvents;
use crate::problem::Problem;

/// Take events from outside
///
/// CloudEvents 1.0 in binary, structured or batch mode, or what EventBridge sends by itself: at most 1 MiB, 64 KiB
/// each, 100 in a batch, all taken or none. The sender signs as Standard Webhooks, or sends a bearer token of
/// `relay.inbound`. A state change of an instance leads to a look at it; other events are known and left alone.
#[utoipa::path(post, path = "/events/inbound", tag = "events",
    request_body(
        description = "One event, or a batch.",
        content(
            (Object = "application/cloudevents+json"),
            (Vec<Object> = "application/cloudevents-batch+json"),
            (Object = "application/json"),
        ),
    ),
    params(
        ("Authorization" = Option<String>, Header, description = "`Bearer` and the token, unless it is signed."),
        ("webhook-id" = Option<String>, Header, description = "Id of the message, which is signed."),
        ("webhook-timestamp" = Option<String>, Header, description = "Second of the attempt, which is signed."),
        ("webhook-signature" = Option<String>, Header, description = "`v1,` and the signature."),
    ),
    responses(
        (status = 202, description = "At least one of them was new.", body = ReceivedEvents),
        (status = 204, description = "All of them came before."),
    ))]
pub(crate) async fn receive_events(
    State(way_in): State<WayIn>,
    request: Request,
) -> Result<Taken, Problem> {
    Ok(way_in.receive(request).await?)
}

/// Consent to be sent events
///
/// The handshake of the CloudEvents webhook specification. Consent is `WebHook-Allowed-Origin` in the answer, never
/// its status; senders that need none just send.
#[utoipa::path(options, path = "/events/inbound", tag = "events",
    params(("WebHook-Request-Origin" = Option<String>, Header, description = "Who wants to send.")),
    responses((status = 204, description = "With `WebHook-Allowed-Origin` and `WebHook-Allowed-Rate`, or without.")))]
pub(crate) async fn consent_to_events(State(way_in): State<WayIn>, headers: HeaderMap) -> Consent {
    way_in.consent(&headers)
}
