//! Has the pages embedded anew when `web/` was built again; file names there change with content.

fn main() {
    println!("cargo:rerun-if-changed=../../web/dist");
}
