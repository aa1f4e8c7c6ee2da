//! The machine images that each region of the modelled cloud offers.

use ccm_domain::{Image, ImageId, ImageQuery, Region, Timestamp};

use super::Chance;

/// Name, description, days of age when the simulation starts.
const CATALOGUE: [(&str, &str, u64); 5] = [
    ("cml2-p_amd64-2.7.2-26", "Cisco Modeling Labs 2.7.2", 700),
    ("cml2-p_amd64-2.8.1-14", "Cisco Modeling Labs 2.8.1", 300),
    ("cml2-p_amd64-2.9.0-6", "Cisco Modeling Labs 2.9.0", 90),
    ("refplat-20250616-cml2.9.0", "Cisco Modeling Labs 2.9.0 with reference platforms", 60),
    ("ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server", "Canonical, Ubuntu, 24.04", 30),
];

const DAY: std::time::Duration = std::time::Duration::from_secs(86_400);

/// Returns what a region offers; ids differ between regions, as in EC2.
pub(super) fn catalogue(chance: Chance, region: &Region, epoch: Timestamp) -> Vec<Image> {
    CATALOGUE
        .iter()
        .map(|(name, description, age)| Image {
            id: image_id(chance.of("image").of(region.as_str()).of(name)),
            name: (*name).to_owned(),
            description: Some((*description).to_owned()),
            created_at: Some(epoch.minus(DAY * u32::try_from(*age).unwrap_or(0))),
        })
        .collect()
}

/// Returns the matching ones, newest first.
pub(super) fn search(images: &[Image], query: &ImageQuery) -> Vec<Image> {
    let mut found: Vec<Image> = images
        .iter()
        .filter(|image| query.id.as_ref().is_none_or(|id| *id == image.id))
        .filter(|image| query.name.as_ref().is_none_or(|name| matches_pattern(name, &image.name)))
        .cloned()
        .collect();
    found.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.name.cmp(&b.name)));
    found
}

/// Whether `text` matches a filter value of EC2: `*` is any run of characters, `?` any one.
#[must_use]
pub fn matches_pattern(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    // Where to go on when the run that the last `*` swallowed proves too short.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                retry = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after, swallowed)) = retry else { return false };
                retry = Some((after, swallowed + 1));
                p = after;
                t = swallowed + 1;
            }
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

#[expect(
    clippy::expect_used,
    reason = "seventeen hexadecimal digits after the prefix are an AMI id"
)]
fn image_id(chance: Chance) -> ImageId {
    format!("ami-0{:016x}", chance.bits()).parse().expect("a well-formed AMI id")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_as_ec2_filters_do() {
        for (pattern, text, matches) in [
            ("cml2-*", "cml2-p_amd64-2.9.0-6", true),
            ("*2.9.0*", "cml2-p_amd64-2.9.0-6", true),
            ("*-?", "cml2-p_amd64-2.9.0-6", true),
            ("*-?", "cml2-p_amd64-2.7.2-26", false),
            ("cml2", "cml2-p", false),
            ("*", "", true),
            ("", "", true),
            ("?", "", false),
            ("a*b*c", "aXXbYYbZc", true),
        ] {
            assert_eq!(matches_pattern(pattern, text), matches, "{pattern} on {text}");
        }
    }
}
