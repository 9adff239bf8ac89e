//! Programs of desktops, which bring much of a desktop with them: `.ci/clients` installs and runs
//! them.

mod kio;
