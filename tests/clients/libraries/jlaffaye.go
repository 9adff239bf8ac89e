// jlaffaye/ftp on the course that course.rs describes. It has no active mode.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"github.com/jlaffaye/ftp"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func connect(host, port, security, ca string) *ftp.ServerConn {
	pool := x509.NewCertPool()
	options := []ftp.DialOption{ftp.DialWithTimeout(20 * time.Second)}
	if security != "clear" {
		pool.AppendCertsFromPEM(must(os.ReadFile(ca)))
	}
	config := &tls.Config{RootCAs: pool, ServerName: host, ClientSessionCache: tls.NewLRUClientSessionCache(32)}
	switch security {
	case "explicit":
		options = append(options, ftp.DialWithExplicitTLS(config))
	case "implicit":
		options = append(options, ftp.DialWithTLS(config))
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return must(ftp.Dial(host+":"+port, options...))
}

func fetch(client *ftp.ServerConn, from, to string, flags int) {
	file := must(os.OpenFile(to, os.O_WRONLY|os.O_CREATE|flags, 0o644))
	offset := must(file.Seek(0, io.SeekEnd))
	response := must(client.RetrFrom(from, uint64(offset)))
	must(io.Copy(file, response))
	check(response.Close())
	check(file.Close())
}

func walk(client *ftp.ServerConn) {
	check(client.MakeDir("/stored"))
	files := must(os.ReadDir("up"))
	for _, file := range files {
		content := must(os.ReadFile("up/" + file.Name()))
		check(client.Stor("/stored/"+file.Name(), bytes.NewReader(content)))
	}
	listed := ""
	for _, entry := range must(client.List("/stored")) {
		listed += entry.Name + "\n"
	}
	check(os.WriteFile("listed", []byte(listed), 0o644))
	for _, file := range files {
		fetch(client, "/stored/"+file.Name(), "fetched/"+file.Name(), 0)
	}

	fetch(client, "/whole", "cut", os.O_APPEND)
	size := must(client.FileSize("/cut"))
	whole := must(os.ReadFile("whole"))
	check(client.StorFrom("/cut", bytes.NewReader(whole[size:]), uint64(size)))
	check(client.Rename("/old", "/new"))
	check(client.Delete("/doomed"))
	check(client.RemoveDir("/hollow"))
	_, err := client.Retr("/missing")
	check(os.WriteFile("refused", []byte(fmt.Sprint(err)), 0o644))
	if _, err := os.Stat("tree"); err == nil {
		store(client, "tree")
		walker := client.Walk("/tree")
		check(os.Mkdir("back", 0o755))
		for walker.Next() {
			there := "back" + strings.TrimPrefix(walker.Path(), "/tree")
			if walker.Stat().Type == ftp.EntryTypeFolder {
				check(os.MkdirAll(there, 0o755))
			} else {
				check(os.MkdirAll(path.Dir(there), 0o755))
				fetch(client, walker.Path(), there, 0)
			}
		}
		check(walker.Err())
	}
}

func store(client *ftp.ServerConn, folder string) {
	check(client.MakeDir("/" + folder))
	for _, entry := range must(os.ReadDir(folder)) {
		name := folder + "/" + entry.Name()
		if entry.IsDir() {
			store(client, name)
		} else {
			check(client.Stor("/"+name, bytes.NewReader(must(os.ReadFile(name)))))
		}
	}
}

func main() {
	words := os.Args[1:]
	client := connect(words[0], words[1], words[4], words[6])
	check(client.Login(words[2], words[3]))
	walk(client)
	check(client.Quit())
	fmt.Println("done")
}
