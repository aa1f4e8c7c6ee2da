//! The fleet's settings.

use axum::extract::State;
use ccm_app::Fleet;

use super::Tagged;
use crate::dto::settings::{Settings, SettingsBody};
use crate::extract::{Caller, IfMatch, Json};
use crate::problem::Problem;

/// Show the settings
#[utoipa::path(get, path = "/settings", tag = "settings",
    responses((status = 200, description = "The settings, with their `ETag`.", body = Settings)))]
pub(crate) async fn show_settings(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
) -> Result<Tagged<Settings>, Problem> {
    let settings = fleet.show_settings(&actor).await?;
    Ok(Tagged { rev: settings.rev, body: settings.into() })
}

/// Replace the settings
///
/// In effect at once. Every section must be there, so that nothing is reset by leaving it out.
#[utoipa::path(put, path = "/settings", tag = "settings", request_body = SettingsBody,
    params(("If-Match" = String, Header, description = "The `ETag` that was read.")),
    responses((status = 200, description = "The settings as they are since.", body = Settings)))]
pub(crate) async fn change_settings(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    IfMatch(expected): IfMatch,
    Json(body): Json<SettingsBody>,
) -> Result<Tagged<Settings>, Problem> {
    let settings = fleet.change_settings(&actor, &expected, &body.into()).await?;
    Ok(Tagged { rev: settings.rev, body: settings.into() })
}
