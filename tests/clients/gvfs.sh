# Does what a file manager does with gvfs: with the URL of a server, in the client's folder. Each
# line of `names` is the name of a file of `up` as a URL has it.
url=$1
export XDG_RUNTIME_DIR="$PWD/home/run"
# Under TLS it asks first whether it shall trust the certificate.
echo 1 | gio mount --anonymous "$url/"
gio mkdir "$url/stored"
while read -r name; do
    gio copy "file://$PWD/up/$name" "$url/stored/$name"
done < names
gio list --hidden "$url/stored" > listed
while read -r name; do
    gio copy "$url/stored/$name" "file://$PWD/down/$name"
done < names
gio info "$url/stored/100MB" | grep -q 'standard::size: 100000000'
gio copy "up/it's" "$url/old"
gio copy "up/it's" "$url/old"
gio rename "$url/old" renamed
gio cat "$url/renamed" | gio save "$url/appended"
gio save --append "$url/appended" < "up/it's"
gio copy "up/it's" "$url/doomed"
gio remove "$url/doomed"
! gio cat "$url/missing"
gio mount --unmount "$url/"
