//! DescribeImages, DescribeRegions.

use ccm_domain::{Image, ImageQuery};

use super::Call;
use super::filter::filters;
use crate::refusal::Refusal;

/// Regions that are told to who asks; any other works as well.
const REGIONS: [&str; 6] =
    ["eu-central-1", "eu-north-1", "eu-west-1", "us-east-1", "us-west-2", "ap-southeast-2"];

pub(super) async fn images(call: &Call<'_>) -> Result<String, Refusal> {
    let found = call.sim.cloud.describe_images(&call.caller.scope, &ImageQuery::default()).await?;
    let ids = call.params.list("ImageId");
    if let Some(id) = ids.iter().find(|id| !found.iter().any(|image| image.id.as_str() == **id)) {
        let message = format!("The image id '[{id}]' does not exist");
        return Err(Refusal::bad_request("InvalidAMIID.NotFound", &message));
    }
    let filters = filters(call.params)?;
    let mut shown = Vec::new();
    for image in found {
        let mut admitted = ids.is_empty() || ids.contains(&image.id.to_string());
        for filter in &filters {
            admitted &= match filter.name.as_str() {
                "name" => filter.matches(&image.name),
                "image-id" => filter.matches(image.id.as_str()),
                "description" => filter.matches(image.description.as_deref().unwrap_or_default()),
                "state" => filter.matches("available"),
                "architecture" => filter.matches("x86_64"),
                "is-public" => filter.matches("false"),
                _ => return Err(filter.unknown()),
            };
        }
        if admitted {
            shown.push(image);
        }
    }
    // EC2 gives no order; by id is as good as any and unlike the one that callers want.
    shown.sort_by(|a: &Image, b| a.id.cmp(&b.id));
    Ok(call.answer("DescribeImages", |xml| {
        xml.items("imagesSet", shown, |xml, image| {
            xml.text("imageId", &image.id);
            xml.text("imageState", "available");
            xml.text("imageOwnerId", &call.caller.scope.account);
            xml.text("isPublic", false);
            xml.text("architecture", "x86_64");
            xml.text("imageType", "machine");
            xml.text("name", &image.name);
            xml.maybe("description", image.description.as_deref());
            xml.text("rootDeviceType", "ebs");
            xml.text("virtualizationType", "hvm");
            xml.maybe("creationDate", image.created_at);
        });
    }))
}

pub(super) fn regions(call: &Call<'_>) -> String {
    call.answer("DescribeRegions", |xml| {
        xml.items("regionInfo", REGIONS, |xml, region| {
            xml.text("regionName", region);
            xml.text("regionEndpoint", format!("ec2.{region}.amazonaws.com"));
            xml.text("optInStatus", "opt-in-not-required");
        });
    })
}
