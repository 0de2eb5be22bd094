//! The matcher as a script calls it: files in, files out. All records are invented here.

mod links;
