# Does what a file manager does with KIO: with the URL of a server, in the client's folder.
url=$1
export XDG_RUNTIME_DIR="$PWD/run" QT_QPA_PLATFORM=offscreen
mkdir -p -m 700 run
kio() { kioclient5 --noninteractive "$@"; }
kio copy "file://$PWD/tree" "$url/tree"
kio ls "$url/tree" > listed
kio copy "$url/tree" "file://$PWD/back"
kio copy "file://$PWD/tree/it's" "$url/copied"
kio move "$url/copied" "$url/moved"
kio copy "file://$PWD/tree" "$url/doomed"
kio remove "$url/doomed"
