//! The page and the dashboard: the files of `web/` as they were when the program was built, and what browsers are told beside them.
//!
//! Who serves them, and over what, is not known here.

/// Files at their paths, and what browsers are told beside each.
#[derive(Debug)]
pub struct Site {
    files: &'static [File],
    guards: [(&'static str, &'static str); 3],
}

/// One file of a site.
#[derive(Debug)]
pub struct File {
    /// The path it is served at.
    pub path: &'static str,
    /// Its entity tag (RFC 9110 §8.8.3), quotes included: other bytes, another tag.
    pub tag: &'static str,
    /// What it holds.
    pub bytes: &'static [u8],
}

/// What people chat with, the JavaScript client included.
pub static PAGE: Site = Site {
    files: include!(concat!(env!("OUT_DIR"), "/page.rs")),
    guards: guards(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws: wss:; \
         manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
};

/// What operators look at a node with.
pub static DASHBOARD: Site = Site {
    files: include!(concat!(env!("OUT_DIR"), "/dashboard.rs")),
    guards: guards(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
};

const INDEX: &str = "/index.html";

/// Nothing from elsewhere, nothing inline, in nobody's frame (W3C Content Security Policy Level 3), nothing taken for what it is not, nobody told.
const fn guards(policy: &'static str) -> [(&'static str, &'static str); 3] {
    [
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
    ]
}

impl Site {
    /// All files, in the order of their paths.
    #[must_use]
    pub fn files(&self) -> &'static [File] {
        self.files
    }

    /// Which of the files is at a path.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<usize> {
        let path = if path == "/" { INDEX } else { path };
        self.files.binary_search_by_key(&path, |file| file.path).ok()
    }

    /// Headers that go with every answer.
    #[must_use]
    pub fn guards(&self) -> [(&'static str, &'static str); 3] {
        self.guards
    }
}

impl File {
    /// What it is, by how its name ends.
    #[must_use]
    pub fn media_type(&self) -> &'static str {
        match self.path.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            "webmanifest" => "application/manifest+json",
            _ => "application/octet-stream",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_in_the_order_of_their_paths_each_once_and_have_a_type() {
        for site in [&PAGE, &DASHBOARD] {
            assert!(site.files.is_sorted_by(|one, other| one.path < other.path));
            let untyped = site.files.iter().find(|file| file.media_type() == "application/octet-stream");
            assert!(untyped.is_none(), "{untyped:?}");
            assert_eq!(site.find("/"), site.find(INDEX));
            assert!(site.find("/").is_some());
        }
    }

    #[test]
    fn nothing_is_found_but_the_files() {
        for path in ["", "/index.html/", "/../Cargo.toml", "/dashboard/index.html", "/ground/elements.js"] {
            assert_eq!((PAGE.find(path), DASHBOARD.find(path)), (None, None), "{path}");
        }
    }

    #[test]
    fn the_client_is_part_of_the_page_and_the_ground_of_both() {
        let client = PAGE.find("/heimdallr.js").expect("it is there");
        assert_eq!(PAGE.files[client].bytes, include_bytes!("../../../clients/js/heimdallr.js"));
        for path in ["/ground.css", "/elements.js", "/icon.svg"] {
            assert!(PAGE.find(path).is_some() && DASHBOARD.find(path).is_some(), "{path}");
        }
    }
}
