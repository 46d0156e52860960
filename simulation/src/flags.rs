//! What can be typed after `simulate`.

xflags::xflags! {
    /// Runs the driver through random histories and holds it to the laws.
    cmd simulate {
        /// How many histories; 1 if not given.
        optional --histories count: u64
        /// The seed of the first; each further one has the next number. 1 if not given.
        optional --seed seed: u64
        /// Print all that happens in the history of that seed.
        optional --trace
    }
}
