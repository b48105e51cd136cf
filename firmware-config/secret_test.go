package firmwareconfig

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A path that begins with systemd's variable is in the folder of credentials; nothing else is expanded.
func TestCredentials(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "lanewarden_agent.key"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	decode := func(file string) (*Config, error) {
		return Decode(fmt.Appendf(nil, "site: {id: s}\nagent: {id: a}\nlanes: [{id: l}]\nuplink: {broker: \"mqtts://h:1\", key_file: %q}\n", file), "f", nil)
	}
	const named = "${CREDENTIALS_DIRECTORY}/lanewarden_agent.key"
	t.Setenv(credentialsVariable, dir)
	if c, err := decode(named); err != nil || c.Uplink.KeyFile != filepath.Join(dir, "lanewarden_agent.key") {
		t.Errorf("%v", err)
	}
	for _, other := range []string{"${HOME}/x", "/a/" + named, "${CREDENTIALS_DIRECTORY}"} {
		if _, err := decode(other); err == nil || !strings.Contains(err.Error(), other) {
			t.Errorf("%s: %v", other, err)
		}
	}
	t.Setenv(credentialsVariable, "")
	if _, err := decode(named); err == nil || !strings.Contains(err.Error(), credentialsDir) {
		t.Errorf("from a shell: %v", err)
	}
}

func TestWarnings(t *testing.T) {
	key := filepath.Join(t.TempDir(), "agent.key")
	if err := os.WriteFile(key, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := &Config{Uplink: &Uplink{KeyFile: key, CAFile: "/etc/hostname"}, Console: Console{KeyFile: "/nowhere"}}
	for _, one := range []struct {
		mode os.FileMode
		uid  int
		open bool
	}{
		{0o600, 1, false}, {0o640, 1, true}, {0o604, 1, true}, {0o644, 0, true}, {0o640, 0, false}, {0o400, 0, false}, {0o602, 0, true},
	} {
		if err := os.Chmod(key, one.mode); err != nil {
			t.Fatal(err)
		}
		if os.Chown(key, one.uid, -1) != nil {
			t.Skip("only root gives files away")
		}
		found := c.Warnings()
		if (len(found) == 1) != one.open || one.open && !strings.Contains(found[0].English(), "uplink.key_file") {
			t.Errorf("%o of %d: %v", one.mode, one.uid, found)
		}
	}
}
