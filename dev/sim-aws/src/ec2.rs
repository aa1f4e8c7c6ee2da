//! EC2's query protocol, API version 2016-11-15: the actions that a fleet manager needs.

mod describe;
mod filter;
mod images;
mod launch;
mod page;
mod power;
mod tags;

use ccm_domain::InstanceId;
use ccm_testkit::cloud::CloudError;

use crate::Sim;
use crate::caller::Caller;
use crate::params::Params;
use crate::refusal::Refusal;
use crate::xml::{DECLARATION, Xml};

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";

/// One call of EC2.
pub(crate) struct Call<'a> {
    sim: &'a Sim,
    caller: &'a Caller,
    params: &'a Params,
    request_id: &'a str,
}

/// Carries a call out and returns the body of its answer.
pub(crate) async fn call(
    sim: &Sim,
    caller: &Caller,
    params: &Params,
    request_id: &str,
) -> Result<String, Refusal> {
    let call = Call { sim, caller, params, request_id };
    let action = params.must("Action")?;
    if params.is_on("DryRun") {
        return Err(call.dry_run(action));
    }
    match action {
        "DescribeInstances" => describe::instances(&call).await,
        "DescribeInstanceStatus" => describe::status(&call).await,
        "DescribeInstanceAttribute" => describe::attribute(&call).await,
        "DescribeImages" => images::images(&call).await,
        "DescribeRegions" => Ok(images::regions(&call)),
        "RunInstances" => launch::run(&call).await,
        "StartInstances" => power::start(&call).await,
        "StopInstances" => power::stop(&call).await,
        "TerminateInstances" => power::terminate(&call).await,
        "MonitorInstances" => power::monitor(&call, true).await,
        "UnmonitorInstances" => power::monitor(&call, false).await,
        "ModifyInstanceAttribute" => power::modify(&call).await,
        "CreateTags" => tags::create(&call).await,
        "DeleteTags" => tags::delete(&call).await,
        other => Err(Refusal::bad_request(
            "InvalidAction",
            &format!("The action {other} is not valid for this web service."),
        )),
    }
}

/// Writes EC2's error body.
pub(crate) fn error_body(refusal: &Refusal, request_id: &str) -> String {
    let mut xml = Xml::default();
    xml.element("Response", |xml| {
        xml.element("Errors", |xml| {
            xml.element("Error", |xml| {
                xml.text("Code", &refusal.code);
                xml.text("Message", &refusal.message);
            });
        });
        xml.text("RequestID", request_id);
    });
    format!("{DECLARATION}{}", xml.into_text())
}

impl Call<'_> {
    /// Writes the frame of an answer.
    fn answer(&self, action: &str, fill: impl FnOnce(&mut Xml)) -> String {
        Xml::document(&format!("{action}Response"), NAMESPACE, |xml| {
            xml.text("requestId", self.request_id);
            fill(xml);
        })
    }

    /// Returns `InstanceId.N`, or the list of that other name.
    fn ids(&self, list: &str) -> Result<Vec<InstanceId>, Refusal> {
        let malformed = |text: String| Refusal::from(CloudError::MalformedId(text));
        self.params
            .list(list)
            .into_iter()
            .map(|text| text.parse().map_err(|_| malformed(text)))
            .collect()
    }

    /// Returns ids of which there must be one.
    fn some_ids(&self, list: &str) -> Result<Vec<InstanceId>, Refusal> {
        let ids = self.ids(list)?;
        if ids.is_empty() { Err(Refusal::missing(list)) } else { Ok(ids) }
    }

    /// EC2 answers a dry run with an error in any case.
    fn dry_run(&self, action: &str) -> Refusal {
        match self.sim.cloud.may(action) {
            Ok(()) => Refusal::new(
                axum::http::StatusCode::PRECONDITION_FAILED,
                "DryRunOperation",
                "Request would have succeeded, but DryRun flag is set.",
            ),
            Err(err) => err.into(),
        }
    }
}
