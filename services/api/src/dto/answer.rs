//! Answers to wishes: what will happen, or that it is so already.

use axum::response::{IntoResponse, Response};
use ccm_app::{Asked, LabAsked};
use ccm_domain::lab::Answer as LabAnswer;
use ccm_domain::worker::Wish;
use ccm_domain::{Command, CommandState, LabView, OperationId, WorkerView};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::lab::Lab;
use super::operation::Operation;
use super::worker::Worker;

/// What became of a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// An operation was begun.
    Begun,
    /// An operation to the same end is under way; nothing was added.
    UnderWay,
    /// It is so already; nothing is to be done.
    AlreadySo,
}

/// The answer to a wish.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Answer {
    /// What became of it.
    pub outcome: Outcome,
    /// The same as a sentence, with when it happens where it waits.
    pub detail: String,
    /// The operation that carries it out.
    pub operation: Option<Operation>,
    /// The worker as it is since, where it is about one.
    #[schema(value_type = Option<Worker>)]
    pub worker: Option<WorkerView>,
    /// The lab as it is since, where it is about one.
    #[schema(value_type = Option<Lab>)]
    pub lab: Option<LabView>,
}

impl Answer {
    /// Answers a wish about a worker; `verb` completes "the worker …", such as "starts".
    #[must_use]
    pub fn of_worker(asked: &Asked, verb: &str, already: &str) -> Self {
        let (outcome, detail, id) = match asked.wish {
            Wish::Begun(id) => (Outcome::Begun, format!("the worker {verb}"), Some(id)),
            Wish::UnderWay(id) => {
                (Outcome::UnderWay, format!("the worker {verb} already"), Some(id))
            }
            Wish::AlreadySo => (Outcome::AlreadySo, format!("the worker {already}"), None),
        };
        let operation = id
            .and_then(|id| asked.worker.operation(id))
            .map(|operation| Operation::of_worker(asked.worker.id, operation));
        let worker = Some(asked.worker.view());
        Self { outcome, detail, operation, worker, lab: None }
    }

    /// Answers with a command; `asked` is the id that a fresh one would have.
    #[must_use]
    pub fn of_command(command: &Command, asked: OperationId) -> Self {
        let folded = command.id != asked;
        let detail = match (folded, command.state) {
            (true, _) => "the same was asked for already and waits".to_owned(),
            (false, CommandState::Queued) if command.not_before > command.asked_at => {
                format!("it is done at {}, as the same was done a moment ago", command.not_before)
            }
            (false, CommandState::Queued) => "it is done at once".to_owned(),
            (false, CommandState::Claimed) => "it is under way".to_owned(),
            (false, CommandState::Done | CommandState::Failed) => "it has ended".to_owned(),
        };
        let outcome = if folded { Outcome::UnderWay } else { Outcome::Begun };
        let operation = Some(Operation::of_command(command));
        Self { outcome, detail, operation, worker: None, lab: None }
    }

    /// Answers a wish about a lab.
    #[must_use]
    pub fn of_lab(asked: &LabAsked) -> Self {
        let (outcome, detail) = match asked.answer {
            LabAnswer::Accepted => (Outcome::Begun, "it is done at once"),
            LabAnswer::AlreadyAsked => (Outcome::UnderWay, "the same is under way"),
            LabAnswer::AlreadySo => (Outcome::AlreadySo, "the lab is so already"),
        };
        let operation = asked.command.as_ref().map(Operation::of_command);
        let lab = Some(asked.lab.view());
        Self { outcome, detail: detail.to_owned(), operation, worker: None, lab }
    }
}

impl IntoResponse for Answer {
    /// 202 with the operation's address, or 200 when nothing is to be done.
    fn into_response(self) -> Response {
        let status = match self.outcome {
            Outcome::Begun | Outcome::UnderWay => StatusCode::ACCEPTED,
            Outcome::AlreadySo => StatusCode::OK,
        };
        let address = self.operation.as_ref().map(|o| format!("/api/v1/operations/{}", o.id));
        let tag = self.worker.as_ref().map(|worker| format!("\"{}\"", worker.spec_rev));
        let mut response = (status, axum::Json(self)).into_response();
        for (name, text) in [(header::LOCATION, address), (header::ETAG, tag)] {
            if let Some(value) = text.and_then(|text| HeaderValue::from_str(&text).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}
