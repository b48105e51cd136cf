package deploytest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"lanewarden/drivers"
	firmwareconfig "lanewarden/firmware-config"
)

// The hub's containers listen on the ports that they are reached at.
func TestPortsAreListenedOn(t *testing.T) {
	services, err := Services(Folder(3))
	if err != nil {
		t.Fatal(err)
	}
	hubs := 0
	for _, s := range services {
		if s.Image != "hub" {
			continue
		}
		hubs++
		var listens []string
		for _, arg := range s.Args {
			for _, flag := range []string{"--http=", "--mqtt="} {
				if at, ok := strings.CutPrefix(arg, flag); ok {
					listens = append(listens, at[strings.LastIndex(at, ":"):])
				}
			}
		}
		if len(listens) != 2 || len(s.Ports) == 0 {
			t.Errorf("%s: listens on %v, is reached at %v", s.File, listens, s.Ports)
		}
		for _, p := range s.Ports {
			if !slices.Contains(listens, fmt.Sprintf(":%d", p)) {
				t.Errorf("%s: is reached at %d, and listens on %v", s.File, p, listens)
			}
		}
	}
	if hubs != 2 {
		t.Errorf("%d hubs, want that of Compose and that of Kubernetes", hubs)
	}
}

// The lane of the compose file is that of make run but for its folders, its way to the hub and its console, and reads
// files of those that prepare makes.
func TestComposedLane(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(Folder(3), "compose/lane.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const credentials = "/etc/lanewarden/credentials"
	dir := t.TempDir()
	text = bytes.ReplaceAll(text, []byte(credentials), []byte(dir))
	prepared(t, dir)
	file := filepath.Join(t.TempDir(), "lane.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	composed, err := firmwareconfig.Load(file, drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	run, err := firmwareconfig.Load("../../../firmware-config/lanes/demo.yaml", drivers.Catalog)
	if err != nil {
		t.Fatal(err)
	}
	for i := range run.Lanes { // the composed lane has no lists, and decides nothing
		run.Lanes[i].Clearance = nil
	}
	if !reflect.DeepEqual(composed.Lanes, run.Lanes) || composed.Site != run.Site || composed.Agent.ID != run.Agent.ID {
		t.Error("its site, agent or lanes are not those of make run")
	}
	if want := strings.Count(run.Text, ".run/") - 1; strings.Count(composed.Text, "/srv/lane/") != want {
		t.Errorf("%d folders below /srv/lane, want %d", strings.Count(composed.Text, "/srv/lane/"), want)
	}
	if len(composed.Devices) != len(run.Devices) {
		t.Fatalf("%d devices, make run has %d", len(composed.Devices), len(run.Devices))
	}
	for i, d := range composed.Devices {
		want := run.Devices[i]
		if d.ID != want.ID || d.Title != want.Title || d.Driver != want.Driver || d.Lane != want.Lane {
			t.Errorf("device %s is not the one of make run", d.ID)
		}
	}
}

// prepared runs the compose folder's prepare with programs of ours that write what the real ones would, and copies the
// agent's files to dir. What is tested is which files there are; make image runs the real programs.
func prepared(t *testing.T, dir string) {
	work, bin := t.TempDir(), t.TempDir()
	for _, name := range []string{"prepare", "lane.yaml"} {
		text, err := os.ReadFile(filepath.Join(Folder(3), "compose", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), text, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	hub := `#!/bin/sh
case "$1 $2" in
"ca init") mkdir -p ca && touch ca/ca.pem ;;
"ca issue") stem=$(echo "$3" | tr / _); for last; do :; done; touch "$last/$stem.pem" "$last/$stem.key" ;;
"token add") echo token ;;
esac
`
	for name, text := range map[string]string{"lanehub": hub, "lanectl": "#!/bin/sh\ncat >agent/accounts\n"} {
		if err := os.WriteFile(filepath.Join(bin, name), []byte(text), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(filepath.Join(work, "prepare"), "1.0.0")
	cmd.Env = append(os.Environ(), "BIN="+bin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("prepare: %v: %s", err, out)
	}
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(work, "secrets/agent"))); err != nil {
		t.Fatal(err)
	}
	// The simulators' copy ends before the keys.
	lane, err := os.ReadFile(filepath.Join(work, "secrets/lane/lane.yaml"))
	if err != nil || bytes.Contains(lane, []byte(".key")) || !bytes.Contains(lane, []byte("clock-1")) {
		t.Errorf("the simulators' lane file: %v: %s", err, lane)
	}
}
