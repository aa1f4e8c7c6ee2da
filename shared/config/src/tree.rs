//! The layers of settings, laid over each other to one tree that serde reads.

pub(crate) mod de;

use std::collections::BTreeMap;

use toml::Value;

use crate::Origin;

/// One key and its value in one layer. Layers are a list; later settings win.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) path: Vec<String>,
    pub(crate) value: Tree,
    pub(crate) origin: Origin,
}

/// A value with everything below it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Table(BTreeMap<String, Tree>),
    List(Vec<Tree>),
    Scalar(Value),
    /// From the environment: its type is what the reader asks for.
    Text(String),
}

impl Setting {
    /// Returns the dotted key.
    pub(crate) fn key(&self) -> String {
        self.path.join(".")
    }
}

impl Tree {
    /// Lays all `settings` over each other in order.
    pub(crate) fn build(settings: &[Setting]) -> Self {
        let mut root = BTreeMap::new();
        for setting in settings {
            insert(&mut root, &setting.path, &setting.value);
        }
        Self::Table(root)
    }
}

impl From<Value> for Tree {
    fn from(value: Value) -> Self {
        match value {
            Value::Table(table) => {
                Self::Table(table.into_iter().map(|(key, value)| (key, value.into())).collect())
            }
            Value::Array(items) => Self::List(items.into_iter().map(Self::from).collect()),
            scalar @ (Value::String(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)) => Self::Scalar(scalar),
        }
    }
}

/// Takes a table apart into one setting for each leaf, so that layers merge key by key.
pub(crate) fn settings_of(table: toml::Table, origin: &Origin) -> Vec<Setting> {
    let mut settings = Vec::new();
    flatten(table, &mut Vec::new(), origin, &mut settings);
    settings
}

fn flatten(table: toml::Table, path: &mut Vec<String>, origin: &Origin, into: &mut Vec<Setting>) {
    for (key, value) in table {
        path.push(key);
        if let Value::Table(inner) = &value
            && !inner.is_empty()
        {
            flatten(inner.clone(), path, origin, into);
        } else {
            into.push(Setting { path: path.clone(), value: value.into(), origin: origin.clone() });
        }
        path.pop();
    }
}

fn insert(table: &mut BTreeMap<String, Tree>, path: &[String], value: &Tree) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        // An empty table adds nothing to a table that is there already.
        let adds_nothing = matches!(value, Tree::Table(_))
            && table.get(first).is_some_and(|old| matches!(old, Tree::Table(_)));
        if !adds_nothing {
            table.insert(first.clone(), value.clone());
        }
        return;
    }
    let below = table.entry(first.clone()).or_insert_with(|| Tree::Table(BTreeMap::new()));
    if !matches!(below, Tree::Table(_)) {
        *below = Tree::Table(BTreeMap::new());
    }
    if let Tree::Table(inner) = below {
        insert(inner, rest, value);
    }
}
