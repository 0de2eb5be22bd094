//! What a changed record is looked up by: keys, the queue of what changed, what was learned. It compares nothing.
