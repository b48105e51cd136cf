package e2e

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"lanewarden/drivers/driver/drivertest/peer"
)

// Agent and hub with the shipped defaults, in a network of their own: what listens there is what docs/security says.
func TestPorts(t *testing.T) {
	t.Parallel()
	peer.Need(t, peer.Iproute2)
	const network = "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up" // of the test's own, with nothing but lo
	unshare := []string{"--net", "--map-root-user", "sh", "-c"}
	if out, err := exec.Command("unshare", append(unshare, network)...).CombinedOutput(); err != nil {
		t.Skipf("no network of its own can be made here: %v: %s", err, out)
	}
	text, err := os.ReadFile("../../../docs/security/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, row := range regexp.MustCompile(`(?m)^\| laneh?\w+ \| (tcp|udp) (\S+) \|`).FindAllStringSubmatch(string(text), -1) {
		want = append(want, row[1]+" "+row[2])
	}
	slices.Sort(want)
	if len(want) == 0 {
		t.Fatal("docs/security has no table of ports")
	}
	dir := t.TempDir()
	lane := filepath.Join(dir, "lane.yaml")
	if err := os.WriteFile(lane, []byte("site: {id: s}\nagent: {id: a, state_dir: "+dir+"/agent}\nlanes: [{id: lane-1}]\ndevices: []\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	script := network + ` || exit 9
"$BIN/lanehub" run --dir "$DIR/hub" & "$BIN/laned" run "$LANE" &
while read -r _; do ss -Hlntu; "$BIN/lanectl" status --socket "$DIR/agent/laned.sock" >/dev/null 2>&1; echo "end $?"; done`
	cmd := exec.Command("unshare", append(unshare, script)...)
	cmd.Env = append(os.Environ(), "BIN="+bin, "DIR="+dir, "LANE="+lane)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	ask, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // all of the group; what has ended is as well
		_ = cmd.Wait()
	}()
	have, listens := []string{}, regexp.MustCompile(`^(tcp|udp)\s+\S+\s+\S+\s+\S+\s+(\S+)`)
	lines := bufio.NewScanner(answer)
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if _, err := ask.Write([]byte("now\n")); err != nil {
			t.Fatal(err)
		}
		have = have[:0]
		running := false
		for lines.Scan() {
			line := lines.Text()
			if ended, ok := strings.CutPrefix(line, "end "); ok {
				running = ended == "0"
				break
			}
			if f := listens.FindStringSubmatch(line); f != nil {
				have = append(have, f[1]+" "+f[2])
			}
		}
		slices.Sort(have)
		if running && slices.Equal(have, want) {
			return
		}
	}
	t.Errorf("listening: %q, documented: %q", have, want)
}
