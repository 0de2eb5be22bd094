//! Duplicates of our own making, and by what evidence they came about. It judges nothing.
