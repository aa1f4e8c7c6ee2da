//! The OpenAPI document: made of the handlers, finished here.

use std::collections::{BTreeMap, BTreeSet};

use utoipa::OpenApi;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::Schema;
use utoipa::openapi::{Content, ContentBuilder, Ref, RefOr, Required, ResponseBuilder};

use ccm_domain::Permission;

use crate::problem::{FieldError, ProblemBody};

/// What the document says of itself.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "CML Cloud Manager",
        version = "1.0.0",
        description = "A control plane for fleets of Cisco Modeling Labs workers.\n\n\
            Errors are problems after RFC 9457; `code` is stable. Lists take `limit`, `cursor` and `sort`; unknown \
            parameters are refused. What can be changed has an `ETag`; `If-Match` is required on PUT and PATCH. POST \
            takes an `Idempotency-Key`. Long actions answer 202 with an operation.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    components(schemas(ProblemBody, FieldError)),
    tags(
        (name = "workers", description = "EC2 instances that run a CML controller."),
        (name = "labs", description = "Topologies on the workers."),
        (name = "licenses", description = "Registration of the workers' licences."),
        (name = "operations", description = "Long actions, wherever they are kept."),
        (name = "schedules", description = "Periodic jobs and their runs."),
        (name = "settings", description = "The fleet's settings."),
        (name = "events", description = "What happens, live and from the log."),
        (name = "system", description = "The system itself."),
        (name = "session", description = "Who is signed in."),
    ),
)]
pub(crate) struct Document;

/// What an operation asks of its caller: shown in the document, and promised to hold by a test.
pub(crate) const NEEDS: &[(&str, Permission)] = &[
    ("list_workers", Permission::Read),
    ("create_worker", Permission::CreateWorkers),
    ("import_workers", Permission::ImportWorkers),
    ("show_worker", Permission::Read),
    ("change_worker", Permission::EditWorkers),
    ("remove_worker", Permission::RemoveWorkers),
    ("start_worker", Permission::ControlPower),
    ("stop_worker", Permission::ControlPower),
    ("terminate_worker", Permission::TerminateWorkers),
    ("refresh_worker", Permission::Refresh),
    ("extend_worker", Permission::ExtendIdle),
    ("set_monitoring", Permission::EditWorkers),
    ("list_metrics", Permission::Read),
    ("list_activity", Permission::Read),
    ("explain_idle", Permission::Read),
    ("set_idle_policy", Permission::EditWorkers),
    ("show_tags", Permission::Read),
    ("set_tags", Permission::EditWorkers),
    ("show_license", Permission::Read),
    ("register_license", Permission::ControlLicenses),
    ("deregister_license", Permission::ControlLicenses),
    ("list_labs", Permission::Read),
    ("list_worker_labs", Permission::Read),
    ("import_lab", Permission::ControlLabs),
    ("refresh_labs", Permission::Refresh),
    ("show_lab", Permission::Read),
    ("delete_lab", Permission::ControlLabs),
    ("start_lab", Permission::ControlLabs),
    ("stop_lab", Permission::ControlLabs),
    ("wipe_lab", Permission::ControlLabs),
    ("download_lab", Permission::ControlLabs),
    ("draw_lab", Permission::Read),
    ("list_operations", Permission::Read),
    ("show_operation", Permission::Read),
    ("list_schedules", Permission::Read),
    ("change_schedule", Permission::ControlSchedules),
    ("trigger_schedule", Permission::ControlSchedules),
    ("pause_schedule", Permission::ControlSchedules),
    ("resume_schedule", Permission::ControlSchedules),
    ("list_runs", Permission::Read),
    ("show_run", Permission::Read),
    ("requeue_run", Permission::ControlSchedules),
    ("show_settings", Permission::Read),
    ("change_settings", Permission::ChangeSettings),
    ("stream_events", Permission::Read),
    ("list_events", Permission::Read),
    ("show_system", Permission::Read),
    ("list_streams", Permission::Read),
    ("end_stream", Permission::EndStreams),
    ("show_session", Permission::Read),
    ("extend_session", Permission::Read),
];

/// Operations that no caller asks for: whoever sends them has a secret of `relay.inbound`.
const BY_SECRET: &[&str] = &["receive_events", "consent_to_events"];

/// Adds to each operation what all have in common: the problem, and what it needs. Says of answers that no
/// field is ever left out.
pub(crate) fn finish(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for schema in document.components.iter_mut().flat_map(|all| all.schemas.values_mut()) {
        require_all(schema);
    }
    let needs: BTreeMap<&str, Permission> = NEEDS.iter().copied().collect();
    let optional = all_optional(&document);
    for item in document.paths.paths.values_mut() {
        let operations = [
            &mut item.get,
            &mut item.put,
            &mut item.post,
            &mut item.delete,
            &mut item.patch,
            &mut item.options,
        ];
        for operation in operations.into_iter().flatten() {
            add_problem(operation);
            if let Some(RefOr::T(body)) = &mut operation.request_body
                && body.content.values().any(|content| is_one_of(content, &optional))
            {
                body.required = Some(Required::False);
            }
            let id = operation.operation_id.as_deref().unwrap_or_default();
            if BY_SECRET.contains(&id) {
                let by_secret = ExtensionsBuilder::new().add("x-caller", "sender").build();
                operation.extensions = Some(by_secret);
            }
            if let Some(permission) = needs.get(id) {
                let extensions = ExtensionsBuilder::new()
                    .add("x-permission", permission.as_str())
                    .add("x-least-role", permission.least_role().as_str())
                    .build();
                operation.extensions = Some(extensions);
            }
        }
    }
    document
}

/// Returns the requests of which everything may be left out, so that the body may be too.
fn all_optional(document: &utoipa::openapi::OpenApi) -> BTreeSet<String> {
    let schemas = document.components.iter().flat_map(|all| &all.schemas);
    let is_empty = |schema: &RefOr<Schema>| matches!(schema, RefOr::T(Schema::Object(object)) if object.required.is_empty());
    schemas.filter(|(_, schema)| is_empty(schema)).map(|(name, _)| name.clone()).collect()
}

fn is_one_of(content: &RefOr<Content>, names: &BTreeSet<String>) -> bool {
    let RefOr::T(content) = content else { return false };
    let Some(RefOr::Ref(link)) = &content.schema else { return false };
    link.ref_location.rsplit('/').next().is_some_and(|name| names.contains(name))
}

/// What is closed is a request, where fields may be left out; all else is an answer.
fn require_all(schema: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && object.additional_properties.is_none()
    {
        object.required = object.properties.keys().cloned().collect();
    }
}

fn add_problem(operation: &mut Operation) {
    let content =
        ContentBuilder::new().schema(Some(RefOr::Ref(Ref::from_schema_name("Problem")))).build();
    let response = ResponseBuilder::new()
        .description("Refused or failed; `code` says why.")
        .content("application/problem+json", content)
        .build();
    operation.responses.responses.insert("default".to_owned(), RefOr::T(response));
}

/// Returns the document as it is served and committed.
#[must_use]
pub fn document() -> String {
    let (_, document) = crate::router::api().split_for_parts();
    // As a value first, whose keys are sorted: extensions come in any order.
    let sorted = serde_json::to_value(finish(document)).unwrap_or_default();
    let mut text = serde_json::to_string_pretty(&sorted).unwrap_or_default();
    text.push('\n');
    text
}
