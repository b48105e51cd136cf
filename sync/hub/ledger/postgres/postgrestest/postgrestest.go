// Package postgrestest runs a PostgreSQL server of its own for tests: Debian's, in a temporary folder, reached by a Unix
// socket. It ends with the test program, however that ends.
package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Server is a running server.
type Server struct {
	dir   string // of data and socket
	input io.Closer
}

// script runs a server as the user $2 (empty: the one that runs the tests) until its input ends. It says "ready", or why
// not. Ctrl-C reaches it as well as the tests: it then waits for its input's end, or the server would stay. A server that is
// to be killed writes its process id into postmaster.pid.
const script = `
set -u
trap '' INT TERM HUP
dir=$1 user=$2 bin=$3
as() { if [ -n "$user" ]; then runuser -u "$user" -- "$@"; else "$@"; fi; }
[ -z "$user" ] || chown "$user" "$dir"
cd "$dir"
as "$bin/initdb" --pgdata="$dir/data" --username=lanewarden --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 ||
  { tail -1 "$dir/log"; rm -rf "$dir"; exit 1; }
start() { as "$bin/pg_ctl" --pgdata="$dir/data" --log="$dir/server.log" --wait --silent --options="-h '' -k $dir -c max_connections=200" start; }
start >"$dir/log" 2>&1 && echo ready || { tail -1 "$dir/server.log"; rm -rf "$dir"; exit 1; }
while read -r line; do :; done
as "$bin/pg_ctl" --pgdata="$dir/data" --mode=immediate --silent stop
rm -rf "$dir"
`

// bins are where Debian puts the server's programs, newest first.
func bins() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(path), nil
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	best, version := "", 0
	for _, path := range found {
		dir := filepath.Dir(path)
		if v, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir))); v > version {
			best, version = dir, v
		}
	}
	if version < 15 {
		return "", errors.New("PostgreSQL 15 is not there (apt-get install postgresql)")
	}
	return best, nil
}

// memory is a file system in memory, where the disk's syncs cost nothing, and how much of it has to be free.
const (
	memory      = "/dev/shm"
	memoryBytes = 2 << 30
)

// folder returns where servers keep their data: in memory if there is room, else and for benchmarks on the disk.
func folder() string {
	var s syscall.Statfs_t
	bench := flag.Lookup("test.bench")
	isBench := bench != nil && bench.Value.String() != ""
	if !isBench && syscall.Statfs(memory, &s) == nil && s.Bavail*uint64(s.Bsize) >= memoryBytes {
		return memory
	}
	return ""
}

// Start starts a server. It refuses to run as root, so that root starts it as the user postgres.
func Start() (*Server, error) {
	bin, err := bins()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "postgres"
	}
	dir, err := os.MkdirTemp(folder(), "lanewarden-pg-")
	if err != nil {
		return nil, err
	}
	command := exec.Command("bash", "-c", script, "bash", dir, user, bin)
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	said, _ := bufio.NewReader(out).ReadString('\n')
	if strings.TrimSpace(said) != "ready" {
		return nil, fmt.Errorf("PostgreSQL in %s does not start: %s", bin, strings.TrimSpace(said))
	}
	return &Server{dir: dir, input: in}, nil
}

// URL returns the URL of a schema of the server.
func (s *Server) URL(schema string) string {
	return fmt.Sprintf("postgres:///postgres?host=%s&user=lanewarden&search_path=%s", s.dir, schema)
}

// Stop ends the server and removes what it wrote.
func (s *Server) Stop() error { return s.input.Close() }

// shared is the server of this test program.
var shared = sync.OnceValues(Start)

// schemas counts the ledgers of this test program.
var schemas atomic.Int64

// Available returns why no server can be used, nil when one can.
func Available() error {
	_, err := shared()
	return err
}

// URL returns the URL of an empty database of the test's own. It skips the test where no server can be used.
func URL(t testing.TB) string {
	t.Helper()
	server, err := shared()
	if err != nil {
		t.Skip("skipped: ", err)
	}
	schema := fmt.Sprintf("t%d", schemas.Add(1))
	url := server.URL(schema)
	Exec(t, url, "CREATE SCHEMA "+schema)
	t.Cleanup(func() { Exec(t, url, "DROP SCHEMA "+schema+" CASCADE") })
	return url
}

// Exec runs a statement.
func Exec(t testing.TB, url, statement string) {
	t.Helper()
	ctx := context.Background() // a test's own has ended when it is cleaned up
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}
