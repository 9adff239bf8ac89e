#!/usr/bin/env bash
# Makes the Debian package target/packetboat.deb, by Debian's own dpkg-deb.
# Usage: packaging/deb.sh [PROFILE]; the profile of cargo is release unless another is named.
set -euo pipefail
cd "$(dirname "$0")/.."
profile=${1:-release}
cargo build --profile "$profile" --bin packetboat
target=${CARGO_TARGET_DIR:-target}
program=$target/$([ "$profile" = dev ] && echo debug || echo "$profile")/packetboat
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
chmod 755 "$root"
put() { install -D -m "$1" "$2" "$root/$3"; }

put 755 "$program" usr/bin/packetboat
strip "$root/usr/bin/packetboat"
cargo run --quiet --profile "$profile" --example generate -- "$root/made"
for page in "$root"/made/*.[15]; do
    put 644 "$page" "usr/share/man/man${page##*.}/$(basename "$page")"
done
gzip -9n "$root"/usr/share/man/man*/*
put 644 "$root/made/packetboat.bash" usr/share/bash-completion/completions/packetboat
put 644 "$root/made/_packetboat" usr/share/zsh/vendor-completions/_packetboat
put 644 "$root/made/packetboat.fish" usr/share/fish/vendor_completions.d/packetboat.fish
rm -r "$root/made"

sh packaging/settings.sh "$program" >"$root/settings"
put 644 "$root/settings" etc/packetboat/packetboat.toml
rm "$root/settings"
put 644 packaging/packetboat.service lib/systemd/system/packetboat.service
put 644 packaging/packetboat.socket lib/systemd/system/packetboat.socket
put 644 packaging/sysusers.conf usr/lib/sysusers.d/packetboat.conf
put 644 packaging/tmpfiles.conf usr/lib/tmpfiles.d/packetboat.conf
put 644 packaging/fail2ban/filter.conf etc/fail2ban/filter.d/packetboat.conf
put 644 packaging/fail2ban/jail.conf etc/fail2ban/jail.d/packetboat.conf
put 644 README.md usr/share/doc/packetboat/README.md
put 644 CHANGELOG.md usr/share/doc/packetboat/changelog
gzip -9n "$root/usr/share/doc/packetboat/changelog"
cat LICENSE-MIT LICENSE-APACHE >"$root/usr/share/doc/packetboat/copyright"

install -d "$root/DEBIAN"
(cd "$root" && find etc -type f -printf '/%p\n' | sort) >"$root/DEBIAN/conffiles"
(cd "$root" && find usr lib -type f -exec md5sum {} +) >"$root/DEBIAN/md5sums"
for script in postinst prerm postrm; do
    put 755 "packaging/deb/$script" "DEBIAN/$script"
done
# The C library that it was built with is the oldest that it may run with.
libc=$(ldd --version | sed -n '1s/.* //p')
cat >"$root/DEBIAN/control" <<CONTROL
Package: packetboat
Version: $(cargo metadata --no-deps --format-version 1 | sed 's/.*"name":"packetboat","version":"\([^"]*\)".*/\1/')
Architecture: $(dpkg --print-architecture)
Maintainer: packetboat <packetboat@users.noreply.github.com>
Section: net
Priority: optional
Homepage: $(sed -n 's/^repository = "\(.*\)"/\1/p' Cargo.toml)
Installed-Size: $(du -sk "$root" | cut -f1)
Depends: libc6 (>= $libc), libgcc-s1, systemd | systemd-standalone-sysusers, systemd | systemd-standalone-tmpfiles
Description: light FTP and FTPS server
 One process, one event loop, nothing to configure. Users stand in a file,
 uploads appear when they are whole, and TLS is on from the start.
CONTROL
dpkg-deb --root-owner-group --build "$root" "$target/packetboat.deb"
