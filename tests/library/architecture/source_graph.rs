//! The sources as `syn` reads them: which file names which other, what each one says in its code.
//!
//! In: the files below a source folder, or literal sources. Out: a [`SourceGraph`]. Code that is only compiled for tests
//! is left out. A name that a `mod.rs` only passes on leads to the file that defines it; neither the passing on nor the `mod`
//! line counts as an import.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// A path of modules from the root of the crate, or with a name at its end.
type Names = Vec<String>;

/// A public struct, enum, function or method.
pub struct PublicItem {
    /// Its name.
    pub name: String,
    /// Whether it may grow without breaking its users.
    pub is_non_exhaustive: bool,
    /// Types of public fields, or the signature, as tokens.
    pub signature: String,
}

/// One source file.
pub struct SourceFile {
    /// Path below the source folder, with forward slashes.
    pub path: String,
    /// Its text.
    pub text: String,
    /// What of it others may use.
    pub public: Vec<PublicItem>,
    /// Every path of names that its code holds outside of tests, as written.
    pub names: BTreeSet<String>,
    /// Every string literal that its code holds outside of tests.
    pub literals: Vec<String>,
    /// Names that the file takes from other crates: as they are called here, and of which crate.
    pub foreign: BTreeMap<String, String>,
    module: Names,
    /// Absolute paths that the code names.
    named: BTreeSet<Names>,
    /// Names that the file passes on, and where they lead.
    passed_on: BTreeMap<String, Names>,
}

/// The files of a crate and what each of them names.
pub struct SourceGraph {
    /// All files but those of tests, in the order of their paths.
    pub files: Vec<SourceFile>,
}

impl SourceGraph {
    /// Reads every file below `root`.
    pub fn read(root: &Path) -> Self {
        let mut sources = Vec::new();
        collect(root, root, &mut sources);
        Self::of(sources)
    }

    /// Of literal sources: paths below the source folder and texts.
    pub fn of(sources: impl IntoIterator<Item = (String, String)>) -> Self {
        let parsed: Vec<(String, String, syn::File)> = sources
            .into_iter()
            .map(|(path, text)| {
                let syntax = syn::parse_file(&text).unwrap_or_else(|error| panic!("{path}: {error}"));
                (path, text, syntax)
            })
            .collect();
        let tests: BTreeSet<Names> = parsed.iter().flat_map(|(path, _, syntax)| test_modules(path, syntax)).collect();
        let is_test = |module: &Names| (0..=module.len()).any(|end| tests.contains(&module[..end]));
        let kept: Vec<_> = parsed.into_iter().filter(|(path, ..)| !is_test(&module_of(path))).collect();
        let modules: BTreeSet<Names> = kept.iter().map(|(path, ..)| module_of(path)).collect();
        let mut files: Vec<SourceFile> = kept
            .into_iter()
            .map(|(path, text, syntax)| {
                let module = module_of(&path);
                let mut reader = Reader {
                    modules: &modules,
                    inside: module.clone(),
                    file: SourceFile {
                        path,
                        text,
                        public: public_items(&syntax.items),
                        names: BTreeSet::new(),
                        literals: Vec::new(),
                        foreign: BTreeMap::new(),
                        module,
                        named: BTreeSet::new(),
                        passed_on: BTreeMap::new(),
                    },
                };
                reader.visit_file(&syntax);
                reader.file
            })
            .collect();
        files.sort_by(|one, next| one.path.cmp(&next.path));
        Self { files }
    }

    /// The file that an absolute path leads to, through all that is passed on; `None` outside of the crate.
    fn home(&self, path: &Names) -> Option<usize> {
        let mut path = path.clone();
        // A name is passed on a few times at most; a loop of `pub use` does not compile.
        for _ in 0..8 {
            let (file, length) = (1..=path.len()).rev().find_map(|length| {
                let found = self.files.iter().position(|file| file.module == path[..length])?;
                Some((found, length))
            })?;
            match path.get(length).and_then(|name| self.files[file].passed_on.get(name)) {
                None => return Some(file),
                Some(target) => path = target.iter().chain(&path[length + 1..]).cloned().collect(),
            }
        }
        None
    }

    /// For every file the files that it imports from, by index.
    pub fn imports(&self) -> Vec<BTreeSet<usize>> {
        let of = |(index, file): (usize, &SourceFile)| {
            file.named.iter().filter_map(|path| self.home(path)).filter(|&other| other != index).collect()
        };
        self.files.iter().enumerate().map(of).collect()
    }

    /// Top-level modules that a file names, its own left out.
    pub fn top_modules(&self, file: &SourceFile) -> BTreeSet<String> {
        let own = file.module.first();
        file.named.iter().filter_map(|path| path.first()).filter(|name| Some(*name) != own).cloned().collect()
    }

    /// Groups of files that import each other, directly or through others.
    pub fn circles(&self) -> Vec<Vec<&str>> {
        let imports = self.imports();
        let reached: Vec<BTreeSet<usize>> = (0..self.files.len()).map(|start| reach(start, &imports)).collect();
        let mut circles: Vec<Vec<&str>> = Vec::new();
        for start in 0..self.files.len() {
            let circle: Vec<usize> =
                reached[start].iter().copied().filter(|other| reached[*other].contains(&start)).collect();
            if circle.first() == Some(&start) {
                circles.push(circle.into_iter().map(|file| self.files[file].path.as_str()).collect());
            }
        }
        circles
    }
}

/// What is imported from `start` on, itself only where a way leads back to it.
fn reach(start: usize, imports: &[BTreeSet<usize>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<usize> = imports[start].iter().copied().collect();
    while let Some(next) = open.pop() {
        if reached.insert(next) {
            open.extend(&imports[next]);
        }
    }
    reached
}

fn collect(root: &Path, folder: &Path, sources: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the source folder is readable") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            collect(root, &path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let below = path.strip_prefix(root).expect("below the root");
            let parts: Vec<_> = below.iter().map(|part| part.to_string_lossy()).collect();
            sources.push((parts.join("/"), fs::read_to_string(&path).expect("UTF-8 source")));
        }
    }
}

/// `src/a/b.rs` is the module `a::b`, `src/a/mod.rs` is `a`.
fn module_of(path: &str) -> Names {
    let path = path.trim_end_matches(".rs").trim_end_matches("/mod");
    if path == "lib" { Names::new() } else { path.split('/').map(str::to_owned).collect() }
}

fn public_items(items: &[Item]) -> Vec<PublicItem> {
    let is_public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
    let item = |name: &syn::Ident, attributes: &[Attribute], signature: String| PublicItem {
        name: name.to_string(),
        is_non_exhaustive: attributes.iter().any(|attribute| attribute.path().is_ident("non_exhaustive")),
        signature,
    };
    let types = |fields: Vec<&syn::Field>| {
        fields.into_iter().map(|field| field.ty.to_token_stream().to_string()).collect::<Vec<_>>().join(" ")
    };
    let mut found = Vec::new();
    for one in items {
        match one {
            Item::Struct(one) if is_public(&one.vis) => {
                let fields = one.fields.iter().filter(|field| is_public(&field.vis)).collect();
                found.push(item(&one.ident, &one.attrs, types(fields)));
            }
            Item::Enum(one) if is_public(&one.vis) => {
                let fields = one.variants.iter().flat_map(|variant| &variant.fields).collect();
                found.push(item(&one.ident, &one.attrs, types(fields)));
            }
            Item::Fn(one) if is_public(&one.vis) => {
                found.push(item(&one.sig.ident, &one.attrs, one.sig.to_token_stream().to_string()));
            }
            Item::Impl(one) if one.trait_.is_none() => {
                found.extend(one.items.iter().filter_map(|member| match member {
                    syn::ImplItem::Fn(method) if is_public(&method.vis) => {
                        Some(item(&method.sig.ident, &method.attrs, method.sig.to_token_stream().to_string()))
                    }
                    _ => None,
                }));
            }
            _ => {}
        }
    }
    found
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("test")
            || attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

/// Modules in files of their own that a file declares for tests only.
fn test_modules(path: &str, syntax: &syn::File) -> Vec<Names> {
    let declared = syntax.items.iter().filter_map(|item| match item {
        Item::Mod(item) if item.content.is_none() && is_for_tests(&item.attrs) => Some(item.ident.to_string()),
        _ => None,
    });
    declared.map(|name| module_of(path).into_iter().chain([name]).collect()).collect()
}

/// Gathers the names of one file.
struct Reader<'a> {
    modules: &'a BTreeSet<Names>,
    /// The module at hand, inline ones included.
    inside: Names,
    file: SourceFile,
}

impl Reader<'_> {
    /// The absolute path behind a written one; `None` where it leads outside of the crate.
    fn absolute(&self, written: &[String]) -> Option<Names> {
        let mut inside = self.inside.clone();
        let (first, mut rest) = written.split_first()?;
        match first.as_str() {
            "crate" | "schistoquant" => inside.clear(),
            "self" => {}
            "super" => {
                inside.pop();
                while let Some((next, after)) = rest.split_first().filter(|(next, _)| *next == "super") {
                    let _ = next;
                    inside.pop();
                    rest = after;
                }
            }
            child => {
                inside.push(child.to_owned());
                return self.modules.contains(&inside).then(|| [inside, rest.to_vec()].concat());
            }
        }
        Some([inside, rest.to_vec()].concat())
    }

    fn note(&mut self, written: &[String]) {
        self.file.names.insert(written.join("::"));
        if let Some(path) = self.absolute(written) {
            self.file.named.insert(path);
        }
    }

    fn note_use(&mut self, item: &syn::ItemUse) {
        let is_face = self.file.path.ends_with("mod.rs") || self.file.path == "lib.rs";
        let passes_on = is_face && !matches!(item.vis, Visibility::Inherited);
        for (written, name) in leaves(&item.tree, &[]) {
            if let Some(library) = written.first().filter(|_| self.absolute(&written).is_none()) {
                self.file.foreign.insert(name.clone(), library.clone());
            }
            match self.absolute(&written).filter(|_| passes_on && self.inside == self.file.module) {
                Some(path) => {
                    self.file.passed_on.insert(name, path);
                }
                None => self.note(&written),
            }
        }
    }

    /// Paths and strings inside a macro, which `syn` leaves as tokens.
    fn note_tokens(&mut self, tokens: TokenStream) {
        let mut written: Names = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(punct) if punct.as_char() == ':' => {
                    colons += 1;
                    continue;
                }
                TokenTree::Ident(ident) if colons == 2 && !written.is_empty() => written.push(ident.to_string()),
                TokenTree::Ident(ident) => {
                    self.note_if_long(&std::mem::replace(&mut written, vec![ident.to_string()]));
                }
                TokenTree::Group(group) => {
                    self.note_if_long(&std::mem::take(&mut written));
                    self.note_tokens(group.stream());
                }
                TokenTree::Literal(literal) => {
                    if let syn::Lit::Str(text) = syn::Lit::new(literal) {
                        self.file.literals.push(text.value());
                    }
                }
                TokenTree::Punct(_) => self.note_if_long(&std::mem::take(&mut written)),
            }
            colons = 0;
        }
        self.note_if_long(&written);
    }

    fn note_if_long(&mut self, written: &[String]) {
        if written.len() > 1 {
            self.note(written);
        }
    }
}

/// Every full path of a tree of `use`, with the name it has here.
fn leaves(tree: &UseTree, before: &[String]) -> Vec<(Names, String)> {
    let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
    match tree {
        UseTree::Path(path) => leaves(&path.tree, &with(&path.ident)),
        UseTree::Name(name) if name.ident == "self" => {
            vec![(before.to_vec(), before.last().cloned().unwrap_or_default())]
        }
        UseTree::Name(name) => vec![(with(&name.ident), name.ident.to_string())],
        UseTree::Rename(name) if name.ident == "self" => vec![(before.to_vec(), name.rename.to_string())],
        UseTree::Rename(name) => vec![(with(&name.ident), name.rename.to_string())],
        UseTree::Glob(_) => vec![(before.to_vec(), "*".to_owned())],
        UseTree::Group(group) => group.items.iter().flat_map(|item| leaves(item, before)).collect(),
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Const(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Struct(item) => &item.attrs,
            Item::Use(item) => &item.attrs,
            _ => &[],
        };
        if is_for_tests(attributes) {
            return;
        }
        match item {
            Item::Use(item) => self.note_use(item),
            Item::Mod(item) => {
                self.inside.push(item.ident.to_string());
                visit::visit_item_mod(self, item);
                self.inside.pop();
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let written: Names = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.note_if_long(&written);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.note_tokens(call.tokens.clone());
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        self.file.literals.push(text.value());
    }

    /// A doc comment is no code.
    fn visit_attribute(&mut self, _: &'ast Attribute) {}
}
