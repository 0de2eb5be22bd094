//! stub
/// Scene
pub struct Scene;
/// Played
pub struct Played;
