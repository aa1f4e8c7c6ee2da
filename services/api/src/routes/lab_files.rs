//! Lab files in and out, and pictures of topologies.

use std::time::Duration;

use axum::extract::{FromRequest, Request, State};
use axum::response::{IntoResponse, Response};
use ccm_app::{Fleet, LabFile, WorkerRef};
use ccm_domain::command::YAML_LIMIT;
use ccm_domain::{Command, CommandState};
use http::{HeaderMap, HeaderValue, header};

use super::labs::LabPath;
use crate::dto::answer::Answer;
use crate::dto::lab::ImportLab;
use crate::extract::{Caller, Json, Path, Ticket, body};
use crate::lab_yaml;
use crate::problem::Problem;
use crate::topology;

/// How long a download waits for the scheduler to fetch the file, unless the caller says.
const USUAL_WAIT: Duration = Duration::from_secs(15);
/// The longest that a caller may ask for; the request must end before its own deadline.
const LONGEST_WAIT: Duration = Duration::from_secs(25);
/// How often it looks.
const FETCH_LOOK: Duration = Duration::from_millis(200);

/// Import a lab
///
/// The file as JSON (`topology`), or as it is with `Content-Type: application/yaml`.
#[utoipa::path(post, path = "/workers/{id}/labs", tag = "labs", request_body = ImportLab,
    params(("id" = String, Path, description = "Our id, or that of the instance.")),
    responses((status = 202, description = "It is being imported.", body = Answer)))]
pub(crate) async fn import_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(id): Path<WorkerRef>,
    Ticket(op): Ticket,
    request: Request,
) -> Result<Answer, Problem> {
    let is_yaml = is_yaml(&request);
    let order = if is_yaml {
        let bytes = body::read(request, &()).await?;
        let topology = String::from_utf8(bytes.to_vec())
            .map_err(|_| Problem::field("invalid", "/", "must be UTF-8"))?;
        ImportLab { topology, title: None }
    } else {
        Json::<ImportLab>::from_request(request, &()).await?.0
    };
    let pointer = if is_yaml { "/" } else { "/topology" };
    if order.topology.len() > YAML_LIMIT {
        return Err(Problem::field("invalid", pointer, "must have at most 1 MiB"));
    }
    let yaml = lab_yaml::checked(order.topology, order.title.as_deref(), pointer)?;
    let command = fleet.request_lab_import(&actor, &id, yaml, op).await?;
    Ok(Answer::of_command(&command, op))
}

/// Download a lab
///
/// The file as CML exports it. When it takes longer than a moment, the answer is the operation that fetches
/// it; ask again when that has succeeded. `Prefer: wait=0` does not wait at all.
#[utoipa::path(get, path = "/workers/{id}/labs/{lab}/download", tag = "labs",
    params(LabPath, ("Prefer" = Option<String>, Header, description = "`wait=` seconds, at most 25.")),
    responses(
        (status = 200, description = "The file.", body = String, content_type = "application/yaml"),
        (status = 202, description = "It is being fetched.", body = Answer),
    ))]
pub(crate) async fn download_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(path): Path<LabPath>,
    Ticket(op): Ticket,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = match fleet.request_lab_file(&actor, &path.id, &path.lab, op).await? {
        LabFile::Here(yaml) => return Ok(file(yaml, &path)),
        LabFile::Asked(command) => command,
    };
    let fetched = tokio::time::timeout(wait_of(&headers), fetch(&fleet, &asked)).await;
    match fetched {
        Ok(Ok(yaml)) => Ok(file(yaml, &path)),
        Ok(Err(problem)) => Err(problem),
        Err(_) => Ok(Answer::of_command(&asked, op).into_response()),
    }
}

/// Reads `Prefer: wait=` (RFC 7240); a preference that is none is no error.
fn wait_of(headers: &HeaderMap) -> Duration {
    let preferences = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    let mut seconds = preferences
        .flat_map(|line| line.split([',', ';']))
        .filter_map(|word| word.trim().strip_prefix("wait=")?.parse().ok());
    seconds.next().map_or(USUAL_WAIT, |s| Duration::from_secs(s).min(LONGEST_WAIT))
}

async fn fetch(fleet: &Fleet, command: &Command) -> Result<String, Problem> {
    loop {
        let (now, yaml) = fleet.lab_file_of(command.id).await?;
        if let Some(yaml) = yaml {
            return Ok(yaml);
        }
        if now.state == CommandState::Failed {
            let reason = now.reason.unwrap_or_default();
            return Err(Problem::new(
                "not_fetched",
                format!("the file could not be fetched: {reason}"),
            ));
        }
        tokio::time::sleep(FETCH_LOOK).await;
    }
}

/// Draw a lab's topology
///
/// From CML's own coordinates, with the state of each node.
#[utoipa::path(get, path = "/workers/{id}/labs/{lab}/topology.svg", tag = "labs", params(LabPath),
    responses((status = 200, description = "The picture.", body = String, content_type = "image/svg+xml")))]
pub(crate) async fn draw_lab(
    State(fleet): State<Fleet>,
    Caller(actor): Caller,
    Path(path): Path<LabPath>,
) -> Result<Response, Problem> {
    let (_, lab) = fleet.find_lab(&actor, &path.id, &path.lab).await?;
    // Opened by itself, a picture is a page: it must not be able to do anything.
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
    ];
    Ok((headers, topology::draw(&lab.seen)).into_response())
}

fn file(yaml: String, path: &LabPath) -> Response {
    let mut response = ([(header::CONTENT_TYPE, "application/yaml")], yaml).into_response();
    let name = format!("attachment; filename=\"{}.yaml\"", path.lab);
    if let Ok(value) = HeaderValue::from_str(&name) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

fn is_yaml(request: &Request) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let essence = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    ["application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml", "text/plain"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known))
}
