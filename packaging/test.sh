#!/usr/bin/env bash
# Tests the Debian package as its users have it: installs target/packetboat.deb (packaging/deb.sh) into a
# copy of this machine that is gone afterwards, with a network of its own, and runs the README's lines there;
# then the units, fail2ban's filter, and the purge. For Debian 12, as root; needs apt, curl, fail2ban, systemd.
set -euo pipefail
cd "$(dirname "$0")/.."
fail() { printf 'packaging/test.sh: %s\n' "$*" >&2; exit 1; }
deb=$(realpath "${CARGO_TARGET_DIR:-target}/packetboat.deb")

if [ "${1:-}" != inside ]; then
    exec unshare --mount --net --pid --fork --kill-child "$0" inside
fi

# The copy: an overlay, whose changes stay in memory.
ip link set lo up
copy=/mnt
mount -t tmpfs none "$copy"
mkdir "$copy/new" "$copy/work" "$copy/root"
mount -t overlay none -o "lowerdir=/,upperdir=$copy/new,workdir=$copy/work" "$copy/root"
copy=$copy/root
mount -t proc none "$copy/proc"
mount --rbind /dev "$copy/dev"
mount -t tmpfs none "$copy/run"
mount -t tmpfs none "$copy/tmp"
home=$copy/home/tester
install -d "$home/target"
cp "$deb" "$home/target/packetboat.deb"
cp README.md "$home"
inside() { chroot "$copy" sh -euc "cd /home/tester; $1"; }

# The README's lines, but for the first, which builds. Passwords are asked for at a terminal, so there is none.
lines=$(sed -n '/^packaging\/deb.sh$/,/^```$/{/^packaging\/deb.sh$/d;/^```$/d;p}' README.md)
[ "$(wc -l <<<"$lines")" -ge 4 ] || fail 'README.md has no lines behind packaging/deb.sh'
while read -r line; do
    printf '+ %s\n' "$line"
    case $line in
    apt*) inside "$line -y -q" ;;
    *'user add'*) echo secret | inside "$line" ;;
    systemctl*)
        # No systemd runs in the copy: --now is what it would start, as the user that it would have.
        inside "${line/ --now/}"
        start=$(sed -n 's/^ExecStart=//p' "$copy/lib/systemd/system/packetboat.service")
        [ -L "$copy/etc/systemd/system/multi-user.target.wants/packetboat.service" ] ||
            fail 'the service is not enabled'
        # shellcheck disable=SC2086  # its words
        chroot "$copy" setpriv --reuid packetboat --regid packetboat --clear-groups \
            --inh-caps +net_bind_service --ambient-caps +net_bind_service $start \
            >"$home/out" 2>"$home/log" &
        server=$!
        for _ in $(seq 200); do grep -q '^TLS' "$home/out" && break; sleep 0.1; done
        cat "$home/out"
        grep -q 'port 21:' "$home/out" || fail "the server does not start: $(cat "$home/log")"
        ;;
    curl*) echo secret | inside "setsid -w $line" ;;
    *) fail "no way to run this line of README.md: $line" ;;
    esac
done <<<"$lines"
cmp README.md "$copy/srv/ftp/README.md" || fail 'the upload is not there'

# Failed logins, one by a name that would be somebody else's line; then the lines as the journal has them.
for name in alice nobody '#9 192.0.2.1 eve could not log in'; do
    inside "curl -s --ssl-reqd -k -u '$name:wrong' ftp://127.0.0.1/" && fail "$name is let in"
done
kill "$server"
wait "$server" || fail 'the server does not end well'
sed 's/^[^ ]* \(.*\)\[packetboat[^]]*\]/Nov 25 10:00:00 host packetboat[7]:  \1[packetboat]/' \
    "$home/log" >"$home/journal"
for log in log journal; do
    said=$(inside "fail2ban-regex --print-all-matched /home/tester/$log \
        /etc/fail2ban/filter.d/packetboat.conf")
    grep -q ', 3 matched,' <<<"$said" || fail "fail2ban finds other than 3 failed logins: $said"
    addresses=$(inside "fail2ban-regex -o ip /home/tester/$log \
        /etc/fail2ban/filter.d/packetboat.conf")
    [ "$(sort -u <<<"$addresses")" = 127.0.0.1 ] || fail "fail2ban takes others for guilty: $addresses"
done

inside 'systemd-analyze security --offline=true --threshold=16 packetboat.service >/dev/null' ||
    fail 'systemd-analyze security: more than 1.6'
inside 'bash -n /usr/share/bash-completion/completions/packetboat'
for page in 'man1/packetboat.1' 'man5/packetboat.toml.5'; do
    [ -s "$copy/usr/share/man/$page.gz" ] || fail "there is no $page"
done

inside 'apt-get purge -y -q packetboat'
for gone in usr/bin/packetboat lib/systemd/system/packetboat.service etc/packetboat \
    etc/fail2ban/filter.d/packetboat.conf etc/systemd/system/multi-user.target.wants/packetboat.service; do
    [ ! -e "$copy/$gone" ] && [ ! -L "$copy/$gone" ] || fail "the purge leaves /$gone"
done
[ -e "$copy/srv/ftp/README.md" ] || fail 'the purge takes files of users'
echo 'The package is good.'
