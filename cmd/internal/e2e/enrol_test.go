package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanewarden/edge/api"
)

// tool runs a program to its end and returns what it prints; it must exit with 0, or with 1 where fails.
func tool(t *testing.T, fails bool, name string, args ...string) (out, words string) {
	t.Helper()
	var o, w strings.Builder
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, name), append(args, "--lang", "en")...)
	cmd.Stdout, cmd.Stderr = &o, &w
	if err := cmd.Run(); (err != nil) != fails {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, o.String(), w.String())
	}
	return strings.TrimSpace(o.String()), w.String()
}

// A box with nothing but its lane file and a code gets its certificate, and its agent speaks with the hub.
func TestEnrolment(t *testing.T) {
	t.Parallel()
	p := &patient{t: t, dir: t.TempDir()}
	ca, http, mqtt := p.path("ca"), freeAddress(t), freeAddress(t)
	tool(t, false, "lanehub", "ca", "init", "--ca-dir", ca)
	tool(t, false, "lanehub", "ca", "issue", "hub", "--host", "127.0.0.1", "--ca-dir", ca, "--out", p.dir)
	if err := os.WriteFile(p.path("agents"), []byte("# who\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(p.path("word"), []byte("a long passphrase\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(p.path("hub"), 0o700); err != nil {
		t.Fatal(err)
	}
	tool(t, false, "lanehub", "orders", "--orders-dir", p.path("hub/orders"), "init", p.path("keys"), "--passphrase-file", p.path("word"))
	p.run("lanehub", "run", "--dir", p.path("hub"), "--http", http, "--http-cert", p.path("hub.pem"), "--http-key", p.path("hub.key"),
		"--mqtt", mqtt, "--mqtt-cert", p.path("hub.pem"), "--mqtt-key", p.path("hub.key"), "--agents", p.path("agents"), "--ca-dir", ca)
	code, words := tool(t, false, "lanehub", "ca", "invite", "s/a", "--ca-dir", ca)
	if !strings.Contains(words, "lanectl enroll --hub") {
		t.Errorf("what to do is not said: %s", words)
	}
	enroll := func(fails bool, args ...string) string {
		out, words := tool(t, fails, "lanectl", append([]string{"enroll", "--hub", "https://" + http, "--lane", p.path("lane.yaml")}, args...)...)
		return out + words
	}
	p.write("")
	if said := enroll(true, code); !strings.Contains(said, "give uplink ca_file") {
		t.Errorf("a lane file without files: %s", said)
	}
	p.uplink = `broker: "mqtts://` + mqtt + `", ca_file: ` + p.path("id/ca.pem") + ", cert_file: " + p.path("id/agent.pem") +
		", key_file: " + p.path("id/agent.key") + ", orders: {root: " + p.path("id/root.json") + "}"
	p.write("")
	said := ""
	for begin := time.Now(); !strings.Contains(said, "s/a is enrolled"); <-time.After(100 * time.Millisecond) {
		if time.Since(begin) > time.Minute {
			t.Fatalf("not enrolled: %s", said)
		}
		out, _ := exec.Command(filepath.Join(bin, "lanectl"), "enroll", "--lang", "en", "--hub", "https://"+http, "--lane", p.path("lane.yaml"),
			strings.ToLower(strings.ReplaceAll(code, "-", " "))).CombinedOutput()
		said = string(out)
	}
	for name, mode := range map[string]os.FileMode{"id/agent.key": 0o600, "id/agent.pem": 0o644, "id/ca.pem": 0o644, "id/root.json": 0o644} {
		if info, err := os.Stat(p.path(name)); err != nil || info.Mode().Perm() != mode {
			t.Errorf("%s: %v", name, err)
		}
	}
	if said := enroll(true, code); !strings.Contains(said, "there already") {
		t.Errorf("again: %s", said)
	}
	if said := enroll(true, "--force", code); !strings.Contains(said, "used already") {
		t.Errorf("again, with a new key: %s", said)
	}
	other := p.path("other")
	tool(t, false, "lanehub", "ca", "init", "--ca-dir", other)
	foreign, _ := tool(t, false, "lanehub", "ca", "invite", "s/a", "--ca-dir", other)
	if said := enroll(true, "--force", foreign); !strings.Contains(said, "Nothing was sent") {
		t.Errorf("a code of another authority: %s", said)
	}
	p.start()
	p.wait("the link", func(s api.Status) bool { return s.Link.Ready })
	p.wait("what the centre publishes", func(s api.Status) bool { return s.Orders.Configured && s.Orders.Timestamp > 0 })
}
