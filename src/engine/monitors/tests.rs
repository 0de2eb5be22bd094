//! Watching end to end: what fires, what recovers, what reaches a channel.
