#!/bin/sh
# Prints the settings of the package: `packetboat config example`, with a few of them switched on.
# Usage: settings.sh PROGRAM
set -eu
# Each setting that is switched on must be there, or the example has changed.
"$1" config example | awk '
    function on(setting, line) { print line; seen[setting] = 1 }
    /^#listen = /        { on("listen", "listen = [\"0.0.0.0:21\", \"[::]:21\"]"); next }
    /^#users = /         { on("users", "users = \"/etc/packetboat/users.toml\""); next }
    /^#tls = /           { on("tls", "tls = \"self-signed\""); next }
    /^#require-tls = /   { on("require-tls", "require-tls = \"data\""); next }
    /^#passive-ports = / { on("passive-ports", "passive-ports = \"50000-50009\""); next }
    { print }
    END {
        if (!(seen["listen"] && seen["users"] && seen["tls"] && seen["require-tls"] && \
              seen["passive-ports"])) exit 1
    }'
