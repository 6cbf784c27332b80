//! Where an ONNX Runtime library lies that was installed and that nobody named.
//!
//! In: the folders of Python environments, as the caller knows them; the libraries that the system's linker knows. Out: the
//! first library found, in that order. Looked at are `lib/python3.*/site-packages/onnxruntime/capi/libonnxruntime.so.*` (and
//! `.dylib`, or `Lib/site-packages/…/onnxruntime.dll`), where `pip install onnxruntime` puts it, and what `ldconfig -p`
//! lists, where Debian's package `libonnxruntime` is.
//!
//! A program that is linked statically can load none, so it finds none.
//!
//! Limits: nothing is loaded here, so a library that is found may be too old. Where there is no `ldconfig`, only the
//! environments are looked at.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::engine::LOADS_LIBRARIES;

/// The first ONNX Runtime library in some Python environments, else among those that the linker knows.
pub fn installed_library(environments: &[PathBuf]) -> Option<PathBuf> {
    if !LOADS_LIBRARIES {
        return None;
    }
    environments.iter().find_map(|environment| library_of(environment)).or_else(|| linked(&known_to_linker()?))
}

/// The library that a Python environment holds.
fn library_of(environment: &Path) -> Option<PathBuf> {
    let pythons = entries(&environment.join("lib")).into_iter().filter(|path| name(path).starts_with("python3"));
    pythons
        .chain([environment.join("Lib")])
        .flat_map(|python| entries(&python.join("site-packages/onnxruntime/capi")))
        .find(|path| is_library(name(path)))
}

/// Whether a file name is that of the runtime, and not of one of the providers beside it.
fn is_library(name: &str) -> bool {
    let version = name.strip_prefix("libonnxruntime.so");
    version.is_some_and(|version| version.is_empty() || version.starts_with('.'))
        || name == "onnxruntime.dll"
        || (name.starts_with("libonnxruntime.") && name.ends_with(".dylib"))
}

/// What is in a folder, by name; nothing where it cannot be read.
fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    found.sort();
    found
}

fn name(path: &Path) -> &str {
    path.file_name().and_then(|name| name.to_str()).unwrap_or_default()
}

/// What `ldconfig -p` prints; it stands outside of a user's usual search path.
fn known_to_linker() -> Option<String> {
    let print = |program: &str| {
        let mut command = Command::new(program);
        command.arg("-p").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()
    };
    let printed = print("/sbin/ldconfig").or_else(|| print("ldconfig"))?;
    String::from_utf8(printed.stdout).ok()
}

/// The last ONNX Runtime of a list of lines `name (kind) => path`, which is the one of the highest version.
fn linked(listed: &str) -> Option<PathBuf> {
    let lines = listed.lines().filter_map(|line| line.trim().split_once(" => "));
    let mut found: Vec<PathBuf> = lines
        .filter(|(known, _)| known.split_whitespace().next().is_some_and(is_library))
        .map(|(_, path)| PathBuf::from(path))
        .collect();
    found.sort_by_key(|path| version(name(path)));
    found.pop()
}

/// The numbers of a file name behind `.so`; those of a link without a version are none.
fn version(name: &str) -> Vec<u32> {
    name.split('.').filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn environment(files: &[&str]) -> tempfile::TempDir {
        let environment = tempfile::tempdir().expect("a temporary folder");
        for file in files {
            let path = environment.path().join(file);
            fs::create_dir_all(path.parent().expect("a folder")).expect("a writable folder");
            fs::write(path, b"").expect("a writable folder");
        }
        environment
    }

    #[test]
    fn the_first_environment_that_holds_one_gives_it() {
        let capi = "lib/python3.12/site-packages/onnxruntime/capi";
        let providers = format!("{capi}/libonnxruntime_providers_shared.so");
        let without = environment(&[&providers, "lib/python3.12/site-packages/numpy/libonnxruntime.so.1"]);
        let with = environment(&[&providers, &format!("{capi}/libonnxruntime.so.1.32.0")]);
        assert_eq!(library_of(without.path()), None);
        let both = [without.path().to_owned(), with.path().to_owned()];
        let expected = with.path().join(capi).join("libonnxruntime.so.1.32.0");
        assert_eq!(installed_library(&both), Some(expected));
        assert_eq!(library_of(Path::new("/no/such/environment")), None);
    }

    #[test]
    fn of_those_that_the_linker_knows_the_newest_is_taken() {
        let listed = "203 libs found in cache `/etc/ld.so.cache'\n\
            \tlibonnxruntime_providers_shared.so (libc6,x86-64) => /usr/lib/libonnxruntime_providers_shared.so\n\
            \tlibonnxruntime.so.1.9 (libc6,x86-64) => /usr/lib/libonnxruntime.so.1.9\n\
            \tlibonnxruntime.so.1.24 (libc6,x86-64) => /usr/local/lib/libonnxruntime.so.1.24\n\
            \tlibonnx.so (libc6,x86-64) => /usr/lib/libonnx.so\n";
        assert_eq!(linked(listed), Some("/usr/local/lib/libonnxruntime.so.1.24".into()));
        assert_eq!(linked("\tlibc.so.6 (libc6,x86-64) => /lib/libc.so.6\n"), None);
        assert_eq!(linked(""), None);
    }

    #[test]
    fn libraries_of_three_systems_are_told_from_what_lies_beside_them() {
        for library in
            ["libonnxruntime.so", "libonnxruntime.so.1.32.0", "libonnxruntime.1.32.0.dylib", "onnxruntime.dll"]
        {
            assert!(is_library(library), "{library}");
        }
        for other in ["libonnxruntime_providers_shared.so", "libonnxruntime.something", "onnxruntime.lib", "libonnx.so"]
        {
            assert!(!is_library(other), "{other}");
        }
    }
}
