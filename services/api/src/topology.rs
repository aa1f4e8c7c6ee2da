//! A lab's topology as SVG, from CML's own coordinates, with node states.
//!
//! **Invariant:** every text of a lab is escaped; the picture holds no script and fetches nothing.

use std::collections::HashMap;
use std::fmt::Write as _;

use ccm_domain::cml::{LabSeen, NodeSeen};

/// Space around the outermost nodes, for icons and labels.
const MARGIN: i64 = 70;
/// Half the edge of a node's box.
const HALF: i64 = 24;
/// How far parallel links bow apart.
const BOW: i64 = 26;
/// Longer labels are cut; the whole one stands in the tooltip.
const LONGEST_LABEL: usize = 18;

const STYLE: &str = "\
.link{stroke:#8a94a6;stroke-width:2;fill:none}\
.node rect{stroke-width:2;fill:#fff;stroke:#8a94a6}\
.node text{font:12px system-ui,sans-serif;text-anchor:middle;fill:#1c2430}\
.node .kind{font-size:10px;fill:#5b6575}\
.booted rect{stroke:#1a7f43;fill:#e3f5ea}\
.started rect,.queued rect{stroke:#b26a00;fill:#fdf1dc}\
.stopped rect{stroke:#6b7280;fill:#eef0f3}\
.disconnected rect{stroke:#c0262d;fill:#fde7e8}\
.empty{font:14px system-ui,sans-serif;text-anchor:middle;fill:#5b6575}\
@media (prefers-color-scheme:dark){\
.node rect{fill:#1c2430}.node text{fill:#e6eaf0}.node .kind,.empty{fill:#a3adbd}\
.booted rect{fill:#12351f}.started rect,.queued rect{fill:#3d2c0c}\
.stopped rect{fill:#262d38}.disconnected rect{fill:#431619}}";

/// Draws a lab.
pub(crate) fn draw(lab: &LabSeen) -> String {
    let mut svg = String::with_capacity(1_024 + 256 * lab.nodes.len());
    if lab.nodes.is_empty() {
        open(&mut svg, (0, 0, 360, 120), &lab.title);
        svg.push_str(
            "<text class=\"empty\" x=\"180\" y=\"64\">This lab has no nodes.</text></svg>",
        );
        return svg;
    }
    let places: HashMap<&str, (i64, i64)> =
        lab.nodes.iter().map(|n| (n.id.as_str(), (i64::from(n.x), i64::from(n.y)))).collect();
    open(&mut svg, frame(&lab.nodes), &lab.title);
    links(&mut svg, lab, &places);
    for node in &lab.nodes {
        draw_node(&mut svg, node);
    }
    svg.push_str("</svg>");
    svg
}

fn frame(nodes: &[NodeSeen]) -> (i64, i64, i64, i64) {
    let bounds = |of: fn(&NodeSeen) -> i32| {
        let all = || nodes.iter().map(|node| i64::from(of(node)));
        (all().min().unwrap_or(0) - MARGIN, all().max().unwrap_or(0) + MARGIN)
    };
    let ((left, right), (top, bottom)) = (bounds(|n| n.x), bounds(|n| n.y));
    (left, top, right - left, bottom - top)
}

fn open(svg: &mut String, (left, top, width, height): (i64, i64, i64, i64), title: &str) {
    let title = escaped(title);
    // Writing to a string cannot fail.
    let _ = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"{title}\" \
         viewBox=\"{left} {top} {width} {height}\" width=\"{width}\" height=\"{height}\">\
         <title>{title}</title><style>{STYLE}</style>"
    );
}

fn links(svg: &mut String, lab: &LabSeen, places: &HashMap<&str, (i64, i64)>) {
    let mut drawn: HashMap<(&str, &str), i64> = HashMap::new();
    for link in &lab.links {
        // A link to a node that is not there (it was removed between two reads) is left out.
        let (a, b) = (link.a.as_str().min(&link.b), link.a.as_str().max(&link.b));
        let (Some(&(ax, ay)), Some(&(bx, by))) = (places.get(a), places.get(b)) else { continue };
        let nth = drawn.entry((a, b)).or_default();
        let bow = if *nth % 2 == 0 { *nth / 2 } else { -(*nth / 2 + 1) } * BOW * 2;
        *nth += 1;
        let (mx, my) = ((ax + bx) / 2, (ay + by) / 2);
        let (dx, dy) = ((bx - ax), (by - ay));
        let length = dx.abs().max(dy.abs()).max(1);
        let (cx, cy) = (mx - dy * bow / length, my + dx * bow / length);
        let _ = write!(svg, "<path class=\"link\" d=\"M{ax} {ay}Q{cx} {cy} {bx} {by}\"/>");
    }
}

fn draw_node(svg: &mut String, node: &NodeSeen) {
    let (x, y) = (i64::from(node.x), i64::from(node.y));
    let class = class(&node.state);
    let whole = escaped(&format!("{} · {} · {}", node.label, node.definition, node.state));
    let (left, top, edge) = (x - HALF, y - HALF, HALF * 2);
    let (kind, label) = (escaped(&cut(&node.definition)), escaped(&cut(&node.label)));
    let (kind_y, label_y) = (y + 4, y + HALF + 16);
    let _ = write!(
        svg,
        "<g class=\"node {class}\"><title>{whole}</title>\
         <rect x=\"{left}\" y=\"{top}\" width=\"{edge}\" height=\"{edge}\" rx=\"8\"/>\
         <text class=\"kind\" x=\"{x}\" y=\"{kind_y}\">{kind}</text>\
         <text x=\"{x}\" y=\"{label_y}\">{label}</text></g>"
    );
}

/// Only our own words become class names.
fn class(state: &str) -> &'static str {
    match state {
        "BOOTED" => "booted",
        "STARTED" => "started",
        "QUEUED" => "queued",
        "STOPPED" => "stopped",
        "DISCONNECTED" => "disconnected",
        _ => "defined",
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST_LABEL {
        return text.to_owned();
    }
    text.chars().take(LONGEST_LABEL - 1).chain(['…']).collect()
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // XML 1.0 has no other control characters.
            c if c.is_control() && !matches!(c, '\t' | '\n' | '\r') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use ccm_domain::cml::{LabState, LinkSeen};

    use super::*;

    fn lab(nodes: &[(&str, i32, i32, &str)], links: &[(&str, &str)]) -> LabSeen {
        let node = |(id, x, y, state): &(&str, i32, i32, &str)| NodeSeen {
            id: (*id).to_owned(),
            label: format!("node {id}"),
            definition: "iosv".to_owned(),
            state: (*state).to_owned(),
            x: *x,
            y: *y,
        };
        let link = |(a, b): &(&str, &str)| LinkSeen { a: (*a).to_owned(), b: (*b).to_owned() };
        LabSeen {
            id: "lab".parse().unwrap(),
            title: "a <b> & \"c\"".to_owned(),
            description: String::new(),
            state: LabState::Started,
            owner: None,
            created_at: None,
            modified_at: None,
            nodes: nodes.iter().map(node).collect(),
            links: links.iter().map(link).collect(),
        }
    }

    #[test]
    fn nodes_stand_where_cml_has_them_within_the_frame() {
        let svg =
            draw(&lab(&[("a", -200, 0, "BOOTED"), ("b", 200, 100, "STOPPED")], &[("a", "b")]));

        assert!(svg.contains("viewBox=\"-270 -70 540 240\""), "{svg}");
        assert!(svg.contains("class=\"node booted\"") && svg.contains("class=\"node stopped\""));
        assert_eq!(svg.matches("class=\"link\"").count(), 1);
    }

    #[test]
    fn texts_of_a_lab_cannot_become_markup() {
        let mut evil = lab(&[("a", 0, 0, "\"><script>")], &[]);
        evil.nodes[0].label = "</text><script>alert(1)</script>".to_owned();

        let svg = draw(&evil);

        assert!(!svg.contains("<script"), "{svg}");
        assert!(svg.contains("a &lt;b&gt; &amp; &quot;c&quot;"));
    }

    #[test]
    fn parallel_links_are_told_apart_and_dangling_ones_left_out() {
        let nodes = [("a", 0, 0, "BOOTED"), ("b", 100, 0, "BOOTED")];
        let svg = draw(&lab(&nodes, &[("a", "b"), ("b", "a"), ("a", "b"), ("a", "gone")]));

        let mut paths: Vec<&str> = svg.split("<path ").skip(1).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), 3);
    }

    #[test]
    fn extreme_coordinates_and_no_nodes_are_drawn_too() {
        assert!(draw(&lab(&[], &[])).contains("no nodes"));
        let far = [("a", i32::MIN, i32::MIN, "BOOTED"), ("b", i32::MAX, i32::MAX, "BOOTED")];
        assert!(draw(&lab(&far, &[("a", "b"), ("a", "b")])).ends_with("</svg>"));
    }
}
