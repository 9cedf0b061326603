//! What `cargo metadata` says of the workspace's packages.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::program::{Failure, Outcome, capture, cargo, root};

/// The packages of the workspace, in the order of their names.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

/// One package, with what it declares.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// Its folder, relative to the workspace.
    pub(crate) folder: PathBuf,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// Whether it has a target in `benches/`.
    pub(crate) has_benches: bool,
    /// Whether it is for registries.
    pub(crate) published: bool,
    /// What its manifest does not say of what registries show.
    pub(crate) unsaid: Vec<String>,
}

/// One declared dependency.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) features: Vec<String>,
    /// Without the dependency's default features.
    pub(crate) bare: bool,
}

/// When a dependency is needed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    Build,
    Dev,
    #[default]
    Normal,
}

impl Workspace {
    /// Asks cargo.
    ///
    /// # Errors
    /// Cargo fails, or answers in a form this program does not know.
    pub(crate) fn load() -> Outcome<Self> {
        let text = capture(&mut cargo(["metadata", "--format-version=1", "--no-deps"]))?;
        Self::read(&text).ok_or_else(|| Failure::new("cargo metadata answered in an unknown form"))
    }

    fn read(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let root = value["workspace_root"].as_str()?;
        let mut packages = value["packages"]
            .as_array()?
            .iter()
            .map(|package| Package::read(package, root))
            .collect::<Option<Vec<_>>>()?;
        packages.sort_by(|a, b| a.name.cmp(&b.name));
        Some(Self { packages })
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The packages under `plugins/`.
    pub(crate) fn plugins(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.is_plugin())
    }
}

impl Package {
    pub(crate) fn is_plugin(&self) -> bool {
        self.folder.starts_with("plugins")
    }

    /// Its folder on this machine.
    pub(crate) fn path(&self) -> PathBuf {
        root().join(&self.folder)
    }

    fn read(package: &Value, root: &str) -> Option<Self> {
        let manifest = PathBuf::from(package["manifest_path"].as_str()?);
        let features = package["features"].as_object()?;
        let targets = package["targets"].as_array()?;
        Some(Self {
            name: package["name"].as_str()?.to_owned(),
            folder: manifest.parent()?.strip_prefix(root).ok()?.to_owned(),
            dependencies: package["dependencies"]
                .as_array()?
                .iter()
                .map(Dependency::read)
                .collect::<Option<_>>()?,
            features: features
                .iter()
                .map(|(name, enables)| Some((name.clone(), strings(enables)?)))
                .collect::<Option<_>>()?,
            has_benches: targets
                .iter()
                .any(|target| strings(&target["kind"]).is_some_and(|kind| kind == ["bench"])),
            // No list of registries is all of them, and an empty one is none.
            published: package["publish"].as_array().is_none_or(|some| !some.is_empty()),
            unsaid: ["description", "license", "readme", "categories", "keywords"]
                .iter()
                .filter(|said| match &package[**said] {
                    Value::Array(said) => said.is_empty(),
                    said => said.is_null(),
                })
                .map(|said| (*said).to_owned())
                .collect(),
        })
    }
}

impl Dependency {
    fn read(dependency: &Value) -> Option<Self> {
        Some(Self {
            name: dependency["name"].as_str()?.to_owned(),
            kind: match dependency["kind"].as_str() {
                None => Kind::Normal,
                Some("dev") => Kind::Dev,
                Some("build") => Kind::Build,
                Some(_) => return None,
            },
            features: strings(&dependency["features"])?,
            bare: !dependency["uses_default_features"].as_bool()?,
        })
    }
}

fn strings(array: &Value) -> Option<Vec<String>> {
    array.as_array()?.iter().map(|value| value.as_str().map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{
        "workspace_root": "/home/someone/project",
        "packages": [
            {
                "name": "sestina-net",
                "manifest_path": "/home/someone/project/crates/net/Cargo.toml",
                "features": { "default": ["tls"], "tls": ["dep:rustls"] },
                "targets": [{ "kind": ["lib"] }, { "kind": ["bench"] }],
                "dependencies": [
                    { "name": "tokio", "kind": null, "features": ["net"], "uses_default_features": true },
                    { "name": "proptest", "kind": "dev", "features": [], "uses_default_features": false }
                ]
            },
            {
                "name": "sestina-last",
                "manifest_path": "/home/someone/project/plugins/last/Cargo.toml",
                "features": {},
                "targets": [{ "kind": ["lib"] }],
                "dependencies": []
            }
        ]
    }"#;

    #[test]
    fn reads_what_cargo_answers() {
        let workspace = Workspace::read(ANSWER).unwrap();
        let net = workspace.package("sestina-net").unwrap();
        assert_eq!(net.folder, PathBuf::from("crates/net"));
        assert!(net.has_benches);
        assert_eq!(net.features["tls"], ["dep:rustls"]);
        assert_eq!(net.dependencies[0].features, ["net"]);
        assert_eq!(net.dependencies[1].kind, Kind::Dev);
        assert!(net.dependencies[1].bare && !net.dependencies[0].bare);
        let plugins: Vec<_> = workspace.plugins().map(|plugin| plugin.name.as_str()).collect();
        assert_eq!(plugins, ["sestina-last"]);
    }

    #[test]
    fn an_unknown_form_is_no_workspace() {
        assert!(Workspace::read("{}").is_none());
        assert!(Workspace::read("not json").is_none());
    }
}
